"""Tables and pictures of the supervised suite, from the rows of its runs.

A row has the test metric at the end, of which less is better, and `curve`: gradient evaluations, seconds and
metric of the measurements on the way.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .report import Line, Row, Section

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

REFERENCES = ("adam", "sgd")  # with which every method is compared
WORK, SECONDS, METRIC = 0, 1, 2  # columns of a curve
AXES = {WORK: "gradient evaluations (epochs)", SECONDS: "seconds"}


@dataclass(frozen=True)
class Scale:
    """Form in which the metric of a task is shown.

    Attributes:
        name: What it is then called.
        better: "larger" or "smaller".
        shown: Of a metric.
        form: Of the number.
    """

    name: str
    better: str
    shown: Callable[[float], float]
    form: str

    def text(self, value: float) -> str:
        """A metric, shown."""
        return f"{self.shown(value):{self.form}}" if math.isfinite(value) else "diverged"


def scale_of(task: str) -> Scale:
    """Accuracy in per cent for pictures; for text the metric itself."""
    from ...supervised.tasks import find

    name = find(task).metric_name
    if name == "error rate":
        return Scale("test accuracy, %", "larger", lambda error: 100.0 * (1.0 - error), ".2f")
    return Scale(f"test {name}", "smaller", lambda value: value, ".3f")


def _of(rows: Sequence[Row], task: str, method: str) -> list[Row]:
    return [row for row in rows if (row["task"], row["method"]) == (task, method)]


def _metric(row: Row) -> float:
    """For which what diverged is worse than everything else."""
    value = row["metric"]
    return float(value) if value is not None and math.isfinite(value) else math.inf


def tuned(rows: Sequence[Row], task: str, method: str, seed: int) -> float | None:
    """The learning rate with the best final metric of the sweep, None before there is one."""
    swept = [row for row in _of(rows, task, method) if row["seed"] == seed]
    return min(swept, key=_metric)["lr"] if swept else None


def chosen_runs(rows: Sequence[Row], task: str, method: str, peer: bool) -> list[Row]:
    """The runs that stand for a method: of a peer, those with its best learning rate."""
    found = _of(rows, task, method)
    rate = tuned(found, task, method, found[0]["seed"]) if peer and found else None
    return [row for row in found if row.get("lr") == rate]


# -- the comparison --------------------------------------------------------------------------------------


def final_table(
    rows: Sequence[Row], task: str, methods: Sequence[str], seeds: Sequence[int], peers: Collection[str]
) -> Section:
    """Table of the final metric of each method, its settings, and its distance from the references."""
    scale, runs = scale_of(task), {m: chosen_runs(rows, task, m, m in peers) for m in methods}
    against = [name for name in REFERENCES if name in methods]
    body = []
    for method, found in runs.items():
        rate = found[0].get("lr") if found else None
        line = [method, "-" if rate is None else f"{rate:g}", f"{len(found)}/{len(seeds)}"]
        line.append(_mean_and_range([_metric(row) for row in found], scale))
        for name, form in (
            ("gradient_evaluations", ".1f"),
            ("function_evaluations", ".1f"),
            ("seconds", ".1f"),
        ):
            values = [row[name] for row in found]
            line.append(f"{statistics.fmean(values):{form}}" if values else "-")
        line += [
            "" if method == other else _difference(found, runs[other], axis, scale)
            for axis in AXES
            for other in against
        ]
        body.append(line)
    columns = ["method", "lr", "runs", scale.name, "gradients", "functions", "seconds"]
    columns += [f"to {other}, equal {what}" for what in ("work", "time") for other in against]
    title = (
        f"{task}: final {scale.name}, mean (min..max) over the seeds, {scale.better} is better; "
        "differences of the best so far at equal gradient evaluations, and at equal seconds"
    )
    return title, columns, body


def _mean_and_range(values: Sequence[float], scale: Scale) -> str:
    finite = [scale.shown(value) for value in values if math.isfinite(value)]
    lost = f"{len(values) - len(finite)}/{len(values)} diverged" if len(finite) < len(values) else ""
    if not finite:
        return lost or "-"
    text = f"{statistics.fmean(finite):{scale.form}}"
    if len(finite) > 1:
        text += f" ({min(finite):{scale.form}}..{max(finite):{scale.form}})"
    return f"{text}, {lost}" if lost else text


def _difference(mine: Sequence[Row], theirs: Sequence[Row], axis: int, scale: Scale) -> str:
    if not mine or not theirs:
        return "-"
    where, difference = compare(mine, theirs, axis, scale.shown)
    if not math.isfinite(difference):
        return "diverged"
    return f"{difference:+{scale.form}} at {where:.4g}"


def compare(
    mine: Sequence[Row], theirs: Sequence[Row], axis: int, shown: Callable[[float], float]
) -> tuple[float, float]:
    """The largest work, or time, that all these runs have reached, and the difference of the best until then.

    Args:
        mine: Runs of one method.
        theirs: Runs of another.
        axis: `WORK` or `SECONDS`.
        shown: Of a metric.
    """
    where = min(row["curve"][-1][axis] for row in (*mine, *theirs))
    a, b = (statistics.fmean(best_until(row, where, axis) for row in runs) for runs in (mine, theirs))
    return where, shown(a) - shown(b)


def best_until(row: Row, where: float, axis: int) -> float:
    """The best metric so far at some work or time, linear between the measurements."""
    import numpy as np

    columns = np.asarray(row["curve"], float)
    return float(np.interp(where, columns[:, axis], np.fmin.accumulate(columns[:, METRIC])))


def sweep_table(rows: Sequence[Row], task: str, peers: Sequence[str], seed: int) -> Section:
    """Final metrics of the learning rates that were tried."""
    scale = scale_of(task)
    found = {peer: {row["lr"]: row for row in _of(rows, task, peer) if row["seed"] == seed} for peer in peers}
    rates = sorted({rate for swept in found.values() for rate in swept})
    body = [
        [peer, *(scale.text(_metric(swept[rate])) if rate in swept else "-" for rate in rates)]
        for peer, swept in found.items()
    ]
    title = f"{task}: final {scale.name}, by learning rate, seed {seed}"
    return title, ["method", *(f"{rate:g}" for rate in rates)], body


def draw_curves(
    path: Path, rows: Sequence[Row], tasks: Sequence[str], methods: Sequence[str], peers: Collection[str]
) -> None:
    """Write a picture: the mean over the seeds and their range, against work and against time."""
    import matplotlib

    from ...viz.figures import new_figure, save_figure
    from ...viz.style import STYLE

    with matplotlib.rc_context(STYLE):
        figure = new_figure(9.6, 3.3 * len(tasks))
        panels = figure.subplots(len(tasks), len(AXES), squeeze=False, sharey="row")
        for line, task in zip(panels, tasks, strict=True):
            line[0].set_ylabel(_drawn(task)[0])
            for axis, label in AXES.items():
                line[axis].set(title=task, xlabel=label)
                _draw_metrics(line[axis], rows, task, axis, methods, peers)
            if line[0].lines:
                line[0].legend(fontsize="small")
        save_figure(figure, path)


def _draw_metrics(
    panel: Axes, rows: Sequence[Row], task: str, axis: int, methods: Sequence[str], peers: Collection[str]
) -> None:
    """Draw the metric of each method on one task against work or time."""
    from ...viz.style import CURVES, GRID

    factor = _drawn(task)[1]
    panel.grid(**GRID)
    for i, method in enumerate(methods):
        found = chosen_runs(rows, task, method, method in peers)
        if not found:
            continue
        x, metrics = _on_one_axis(found, axis)
        values, style, colour = factor * metrics, "--" if method in peers else "-", CURVES[i % len(CURVES)]
        panel.plot(x, values.mean(0), style, color=colour, lw=1.2, label=method)
        panel.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)
    if panel.lines:
        panel.set_yscale("log")


def _on_one_axis(rows: Sequence[Row], axis: int) -> tuple[Array, Array]:
    """Work, or time, as far as all runs have come, and their metrics there [runs, ...]."""
    import numpy as np

    curves = [np.asarray(row["curve"], float) for row in rows]
    end = min(curve[-1, axis] for curve in curves)
    x = np.unique([0.0, end, *(v for curve in curves for v in curve[:, axis] if v < end)])
    return x, np.array([np.interp(x, curve[:, axis], curve[:, METRIC]) for curve in curves])


def _drawn(task: str) -> tuple[str, float]:
    """Name and factor of the metric in pictures: an error, for logarithmic axes."""
    scale = scale_of(task)
    return ("test error, %", 100.0) if scale.better == "larger" else (scale.name, 1.0)


# -- the sensitivity study -------------------------------------------------------------------------------


def _step(row: Row) -> float:
    return float(row["lr"] if "lr" in row else row["radius"])


def by_step(rows: Sequence[Row], task: str, method: str) -> dict[float, float]:
    """Final metrics by learning rate or initial radius, means over the seeds."""
    found: dict[float, list[float]] = {}
    for row in _of(rows, task, method):
        found.setdefault(_step(row), []).append(_metric(row))
    return {step: statistics.fmean(found[step]) for step in sorted(found)}


def figures(rows: Sequence[Row], task: str, methods: Sequence[str]) -> dict[str, dict[str, float]]:
    """By method the best, worst and median final metric over the steps, as shown, and worst minus best."""
    shown, summary = scale_of(task).shown, {}
    for method in methods:
        metrics = list(by_step(rows, task, method).values())
        if metrics:
            best, worst, middle = (
                shown(value) for value in (min(metrics), max(metrics), statistics.median(metrics))
            )
            summary[method] = {
                "best": best,
                "worst": worst,
                "median": middle,
                "worst_minus_best": worst - best,
            }
    return summary


def sensitivity_table(
    rows: Sequence[Row], task: str, methods: Sequence[str], steps: Sequence[float]
) -> Section:
    """Final metrics over the steps, and how much they differ."""
    scale, summary, body = scale_of(task), figures(rows, task, methods), []
    for method in methods:
        found, numbers = by_step(rows, task, method), summary.get(method)
        line = [method, *(scale.text(found[step]) if step in found else "-" for step in steps)]
        values = numbers.values() if numbers else ()
        line += [f"{v:{scale.form}}" if math.isfinite(v) else "diverged" for v in values] or ["-"] * 4
        body.append(line)
    columns = ["method", *(f"{step:.0e}" for step in steps), "best", "worst", "median", "worst - best"]
    title = f"{task}: final {scale.name}, by learning rate or initial radius; {scale.better} is better"
    return title, columns, body


def sensitivity_lines(rows: Sequence[Row], tasks: Sequence[str]) -> dict[str, list[Line]]:
    """Lines of a picture, by task."""
    panels: dict[str, list[Line]] = {}
    for task in tasks:
        name, factor = _drawn(task)
        methods = dict.fromkeys(row["method"] for row in rows if row["task"] == task)
        lines = panels[f"{task}: {name}"] = []
        for method in methods:
            found = by_step(rows, task, method)
            values = [factor * v if math.isfinite(v) else math.nan for v in found.values()]
            lines.append((method, list(found), values, "o-"))
    return panels
