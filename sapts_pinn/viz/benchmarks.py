"""Pictures of measurements: errors against time, and performance profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .fields import Array
from .figures import new_figure, save_figure
from .style import CURVES, GRID, STYLE

Run = tuple[Sequence[float], Sequence[float]]  # seconds, and errors at them
COLUMNS = 4


def plot_errors(runs: Mapping[str, Mapping[str, Sequence[Run]]], path: Path) -> Path:
    """Draw the error against time: axes for each problem, a colour for each method, a line for each seed.

    Args:
        runs: For each problem, for each method, its runs.
        path: Where.

    Returns:
        The path.
    """
    import matplotlib

    methods = list(dict.fromkeys(name for of in runs.values() for name in of))
    columns = min(COLUMNS, len(runs))
    rows = -(-len(runs) // columns)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(0.6 + 2.6 * columns, 0.7 + 2.1 * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, (problem, of) in zip(axes, runs.items(), strict=False):
            for method, seeds in of.items():
                colour = CURVES[methods.index(method) % len(CURVES)]
                for i, (seconds, errors) in enumerate(seeds):
                    label = method if i == 0 else None
                    axis.semilogy(seconds, _positive(errors), color=colour, lw=1.1, alpha=0.8, label=label)
            axis.set_title(problem, loc="left")
            axis.grid(**GRID)
        for axis in axes[len(runs) :]:
            axis.set_visible(False)
        figure.supxlabel("seconds", fontsize=9)
        figure.supylabel("relative L2 error", fontsize=9)
        named = {
            label: handle
            for axis in axes
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend([*named.values()], [*named], loc="outside lower left", ncols=6)
        return save_figure(figure, path)


def _positive(errors: Sequence[float]) -> Array:
    found: Array = np.maximum(np.asarray(errors, float), 1e-300)
    return found


def performance(costs: Mapping[str, Sequence[float]]) -> tuple[Array, dict[str, Array]]:
    """Performance profiles of methods (Dolan and More, Math. Program. 91 (2002)).

    Args:
        costs: For each method its cost of each problem, in the same order; infinite where it failed.

    Returns:
        Factors tau, and for each method the share of the problems that it solves at tau times the lowest cost
        at most.
    """
    table = np.array([np.asarray(c, float) for c in costs.values()])
    best = table.min(0)
    with np.errstate(invalid="ignore"):
        ratios = np.where(np.isfinite(table), table / best, np.inf)
    known = ratios[np.isfinite(ratios)]
    taus = np.unique(np.concatenate([[1.0], known, [1.05 * known.max(initial=1.0)]]))
    shares = {name: (r[None] <= taus[:, None]).mean(1) for name, r in zip(costs, ratios, strict=True)}
    return taus, shares


def plot_profile(costs: Mapping[str, Sequence[float]], path: Path, what: str = "time") -> Path:
    """Draw performance profiles: see `performance`.

    Args:
        costs: For each method its cost of each problem; infinite where it failed.
        path: Where.
        what: Name of the cost.

    Returns:
        The path.
    """
    import matplotlib

    taus, shares = performance(costs)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(5.6, 3.6)
        axis = figure.subplots()
        for i, (name, share) in enumerate(shares.items()):
            colour = CURVES[i % len(CURVES)]
            axis.step(taus, share, where="post", color=colour, lw=1.6, label=name)
        axis.set(xscale="log", ylim=(0, 1.03), xlabel=f"{what} over the lowest", ylabel="share of the runs")
        axis.grid(**GRID)
        axis.legend(loc="lower right")
        return save_figure(figure, path)
