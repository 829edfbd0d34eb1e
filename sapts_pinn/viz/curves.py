"""Curves: solutions of one coordinate, phase portraits, and unknowns of one coordinate among several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .estimated import estimated_error
from .fields import Array, Values, ends, evaluate, middle_of, time_name
from .figures import Axes3D, new_figure
from .observed import observed
from .panels import Kind, Panel
from .style import CURVES, DASHED, GRID, OURS, THEIRS
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

CURVE = 801  # points along a curve
TOGETHER = 10.0  # ratio of sizes up to which unknowns share axes
ROWS = 4  # of unknowns
BAND = 2.0  # standard errors on either side
ROOM = 0.5  # for a legend of three lines in a tile, of the height of the curves


def curves_of(solution: View) -> Figure:
    """Plot a solution of one coordinate, its error below, and the orbit of a system in time beside."""
    problem = solution.problem
    (name,) = problem.domain.names
    x = np.linspace(*ends(problem.domain, name), CURVE)
    values = evaluate(solution, {name: x})
    rows = curve_rows(values)
    orbit = name == time_name(problem.domain) and len(values.found) > 1
    figure = new_figure(8.4 if orbit else 6.4, 0.5 + 1.3 + 2.2 * len(rows))
    grid = figure.add_gridspec(
        len(rows) + 1, 2 if orbit else 1, height_ratios=[2] * len(rows) + [1],
        width_ratios=[1, 1.1] if orbit else [1],
    )  # fmt: skip
    if orbit:
        draw_orbit(figure, grid[:, 0], values)
    axes = [figure.add_subplot(grid[i, -1]) for i in range(len(rows) + 1)]
    for axis, unknowns in zip(axes, rows, strict=False):
        data = [pair for unknown in unknowns for pair in observed(problem, unknown)]
        for i, (at, measured) in enumerate(data):
            look: Any = {"ms": 3, "color": "#222222", "mfc": "none", "mew": 0.7, "zorder": 3}
            axis.plot(at[name], measured, "o", label=None if i else "data", **look)
        draw_curve(axis, x, values, unknowns)
    draw_wrong(axes[-1], x, values)
    for error in (estimated_error(solution, {name: x}, values.inside) or {}).values():
        axes[-1].semilogy(x, np.maximum(error, 1e-300), color=THEIRS, lw=1, label="|estimated error|")
        axes[-1].relim()
        axes[-1].legend(loc="best")
    for axis in axes:
        axis.set(xlim=(x[0], x[-1]))
        axis.tick_params(labelbottom=axis is axes[-1])
    axes[-1].set_xlabel(name)
    return figure


def curve_rows(values: Values) -> list[list[str]]:
    """Unknowns that share axes: all of them, or each by itself where their sizes differ much."""
    sizes = [float(np.nanmax(np.abs(v), initial=0.0)) for v in values.found.values()]
    names = [*values.found]
    if max(sizes) <= TOGETHER * min(sizes):
        return [names]
    return [[name] for name in names[:ROWS]]


def draw_curve(axis: Axes, x: Array, values: Values, unknowns: Sequence[str]) -> None:
    """Plot unknowns with their references, dashed."""
    alone = len(unknowns) == 1
    for i, unknown in enumerate(unknowns):
        colour = OURS if alone else CURVES[i % len(CURVES)]
        axis.plot(x, values.found[unknown], color=colour, lw=2, label="network" if alone else unknown)
        if values.compared([unknown]):
            assert values.exact is not None
            label = "reference" if i == len(unknowns) - 1 else None
            colour = THEIRS if alone else "#222222"
            axis.plot(x, values.exact[unknown], color=colour, lw=1.1, ls=DASHED, label=label)
    if alone:
        axis.legend(loc="best")
    else:  # above: there is little room among many curves
        axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(unknowns) + 2, borderaxespad=0.2)
    axis.set_ylabel(", ".join(unknowns))


def draw_wrong(axis: Axes, x: Array, values: Values) -> None:
    """Plot the errors of all unknowns, or where they are not known the residual of each equation."""
    names = [*values.found]
    if values.compared(names):
        assert values.exact is not None
        shown = {f"|error of {n}|": np.abs(values.found[n] - values.exact[n]) for n in names}
    else:
        rows = values.residuals or []
        shown = {"|residual|" if len(rows) == 1 else f"|residual {i + 1}|": r for i, r in enumerate(rows)}
    largest = max((float(np.nanmax(v, initial=0.0)) for v in shown.values()), default=0.0) or 1.0
    for i, (label, wrong) in enumerate(shown.items()):
        colour = "#444444" if len(shown) == 1 else CURVES[i % len(CURVES)]
        axis.semilogy(x, np.maximum(wrong, 1e-300), color=colour, lw=1, label=label)
    axis.set(ylim=(max(largest * 1e-5, 1e-17), 3 * largest))
    axis.set_ylabel(
        next(iter(shown)) if len(shown) == 1 else "|error|" if "error" in next(iter(shown)) else "|residual|"
    )
    axis.grid(**GRID)


def draw_orbit(figure: Figure, place: SubplotSpec, values: Values) -> None:
    """Draw the orbit of the first two or three unknowns of a system in time: its phase portrait."""
    names = [*values.found][:3]
    axis: Axes3D = figure.add_subplot(place, projection="3d" if len(names) == 3 else None)
    axis.plot(*(values.found[n] for n in names), color=OURS, lw=1.4, label="network")
    if values.compared(names):
        assert values.exact is not None
        axis.plot(*(values.exact[n] for n in names), color=THEIRS, lw=1.0, ls=DASHED, label="reference")
    axis.plot(*([values.found[n][0]] for n in names), "o", color=OURS, ms=4, label="start")
    for which, label in zip("xyz", names, strict=False):
        getattr(axis, f"set_{which}label")(label)
        if len(names) == 3:
            getattr(axis, f"{which}axis").labelpad = -4
            axis.locator_params(axis=which, nbins=4)
    if len(names) == 3:
        axis.tick_params(labelsize=7, pad=-2)
        axis.view_init(elev=20, azim=-55)
    axis.set_title("phase portrait", loc="left")
    axis.legend(loc="upper right", ncols=1)


def profile_panels(solution: View, profiles: Mapping[str, str]) -> list[Panel]:
    """Panels of unknowns of one coordinate, such as k(x): with its error band and its reference.

    Args:
        solution: The solution.
        profiles: The coordinate of each.
    """

    def panel(unknown: str, coordinate: str) -> Panel:
        return Panel(lambda axis: draw_profile(axis, solution, unknown, coordinate), 0.5, Kind.CURVE)

    return [panel(unknown, coordinate) for unknown, coordinate in profiles.items()]


def draw_profile(axis: Axes, solution: View, unknown: str, coordinate: str) -> None:
    """Plot an unknown of one coordinate with two standard errors on either side, and its reference."""
    domain = solution.problem.domain
    x = np.linspace(*ends(domain, coordinate), CURVE // 4)
    at = {n: x if n == coordinate else np.array(v) for n, v in middle_of(domain).items()}
    values = evaluate(solution, at)
    found = values.found[unknown]
    if solution.uncertainty is not None:
        error = solution.standard_error(at)
        error = np.asarray(error[unknown] if isinstance(error, dict) else error)
        spread = BAND * error
        axis.fill_between(
            x, found - spread, found + spread, color=OURS, alpha=0.2, lw=0, label="± 2 std. errors"
        )
    axis.plot(x, found, color=OURS, lw=1.8, label="network")
    if values.compared([unknown]):
        assert values.exact is not None
        axis.plot(x, values.exact[unknown], color=THEIRS, lw=1.1, ls=DASHED, label="reference")
    axis.set(xlabel=coordinate, xlim=(x[0], x[-1]))
    axis.set_title(f"{unknown}({coordinate})", loc="left")
    low, high = axis.get_ylim()
    axis.set_ylim(top=high + ROOM * (high - low))
    axis.legend(loc="best", fontsize=7)
    axis.grid(**GRID)


__all__ = [
    "CURVE",
    "curves_of",
    "draw_curve",
    "draw_orbit",
    "draw_profile",
    "draw_wrong",
    "profile_panels",
]
