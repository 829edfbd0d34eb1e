"""Seconds and memory of an optimizer step against the number of points, on Burgers.

The cost has a part that does not depend on the points, the optimizer's own algebra (for a dense curvature
n^2 in the number of parameters), and one proportional to them.  Fitted are the exponent of seconds ~
points^p, over all sizes and over the upper half, and seconds = a + b points.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..harness.child import in_child, peak_memory
from ..harness.options import Whole, Wholes, at_least
from ..harness.report import MB, Row, finish, folder_for, header, machine, say, table

SIZES = (1024, 2048, 4096, 8192, 16384, 32768, 65536)
WARM = 3  # first steps, not counted


def run(
    *,
    sizes: Wholes | None = None,
    steps: Whole = 20,
    method: str = "tr",
    seed: Whole = 0,
    out: Path | None = None,
) -> None:
    """Seconds and memory of an optimizer step for growing numbers of points.

    Args:
        sizes: Numbers of points, separated by commas. [default: 1024,2048,...,65536]
        steps: Steps measured at each.
        method: Training method.
        seed: Of weights and points.
        out: Folder for the results. [default: bench-results/points]
    """
    from ...objectives.residual_block import BLOCK_POINTS
    from ...optim.methods import method as find_method

    counts = sorted(set(SIZES if sizes is None else sizes))
    at_least(1, sizes=counts, steps=steps)
    at_least(0, seed=seed)
    find_method(method)
    folder = folder_for("points", out)
    facts = machine()
    rows = []
    for count in counts:
        say(f"{count} points")
        rows.append(
            {"points": count, **in_child(measure, points=count, steps=steps, method=method, seed=seed)}
        )
    seconds = [row["seconds_per_step"] for row in rows]
    fit = _fit(counts, seconds)
    settings = {
        "problem": "burgers", "network": "3x20 tanh", "method": method, "precision": "float64",
        "threads": facts["threads"], "seed": seed, "steps": steps, "chunk": BLOCK_POINTS,
    }  # fmt: skip
    head = header("An optimizer step against the number of points, medians", facts, settings)
    text = "\n".join([head, _table(rows), *_in_words(fit)])
    finish(folder, "points", text, facts, settings, rows, fit=fit)


def _table(rows: Sequence[Row]) -> str:
    """A line for each number of points."""
    columns = [
        "points",
        "s/step",
        "us/step/point",
        "gradients/step",
        "s/gradient",
        "chunks",
        "peak MB",
        "MB over start",
    ]
    cells = [
        [
            f"{row['points']:,}",
            f"{row['seconds_per_step']:.3g}",
            f"{1e6 * row['seconds_per_step'] / row['points']:.2f}",
            f"{row['gradients_per_step']:.2f}",
            f"{row['seconds_per_gradient']:.3g}",
            str(row["chunks"]),
            f"{row['peak'] / MB:.0f}",
            f"{(row['peak'] - row['start']) / MB:.0f}",
        ]
        for row in rows
    ]
    return table(columns, cells)


def _in_words(fit: Mapping[str, float]) -> list[str]:
    """Sentence on the fitted laws; none without a fit."""
    if not fit:
        return []
    return [
        f"\nseconds ~ points^{fit['exponent']:.2f}, over the upper half of the sizes "
        f"points^{fit['exponent_upper']:.2f}\n"
        f"seconds = {fit['fixed']:.2g} + {fit['per_point']:.2g} points, off by at most {fit['worst']:.0%}"
    ]


def _fit(counts: Sequence[int], seconds: Sequence[float]) -> dict[str, float]:
    """Power law and straight line through the measurements, both in relative error; empty for one or two."""
    import numpy as np

    if len(counts) < 3:
        return {}
    n, t = np.asarray(counts, dtype=float), np.asarray(seconds)
    upper = slice(len(n) // 2, None) if len(n) > 3 else slice(None)
    rows = np.stack([1 / t, n / t], 1)
    (fixed, per_point), *_ = np.linalg.lstsq(rows, np.ones_like(t), rcond=None)
    return {
        "exponent": float(np.polyfit(np.log(n), np.log(t), 1)[0]),
        "exponent_upper": float(np.polyfit(np.log(n[upper]), np.log(t[upper]), 1)[0]),
        "fixed": float(fixed),
        "per_point": float(per_point),
        "worst": float(np.abs((fixed + per_point * n) / t - 1).max()),
    }


def measure(points: int, steps: int, method: str, seed: int) -> Row:
    """In the child: train for a few steps without resampling or error measurement."""
    from ...callbacks.base import Callback, RunView
    from ...objectives.least_squares import LeastSquares
    from ...problems import build
    from ...solving.run import solve

    problem = replace(build("burgers"), reference=None)
    start = peak_memory()

    class Clock(Callback):
        def __init__(self) -> None:
            self.times: list[float] = []
            self.gradients: list[float] = []

        def on_start(self, trainer: RunView) -> None:
            self.trainer = trainer
            self.on_step(trainer)

        def on_step(self, trainer: RunView) -> None:
            self.times.append(time.perf_counter())
            self.gradients.append(trainer.counters.gradients)

    clock = Clock()
    solve(
        problem,
        method=method,
        points=points,
        seed=seed,
        resample=0,
        budget=f"{WARM + steps} iterations",
        callbacks=[clock],
    )
    times, work = clock.times[WARM:], clock.gradients[WARM:]
    if len(times) < 2:
        raise RuntimeError("the run ended during its first steps")
    peak = peak_memory()  # before what follows, which is no part of a step
    objective = clock.trainer.objective
    assert isinstance(objective, LeastSquares)
    gradients = []
    for _ in range(5):
        begin = time.perf_counter()
        objective.value_and_grad()
        gradients.append(time.perf_counter() - begin)
    return {
        "seconds_per_step": statistics.median(b - a for a, b in itertools.pairwise(times)),
        "gradients_per_step": (work[-1] - work[0]) / (len(work) - 1),
        "seconds_per_gradient": statistics.median(gradients),
        "chunks": len(objective.blocks),
        "steps": len(times) - 1,
        "start": start,
        "peak": peak,
    }
