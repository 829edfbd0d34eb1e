"""Unknowns along a straight line, at one or several values of another coordinate, such as times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .curves import CURVE, curve_rows, draw_curve, draw_wrong
from .fields import Array, Values, ends, evaluate
from .figures import new_figure, save_figure
from .style import DASHED, GRID, STYLE
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Place = Mapping[str, float]


def plot_line(
    solution: View,
    path: Path,
    start: Place | None,
    end: Place | None,
    at: Mapping[str, float | Sequence[float]],
    title: str = "",
) -> Path:
    """Draw the unknowns along a line, with reference and error.

    Args:
        solution: What to draw.
        path: Where; the extension gives the format.
        start: First point of the line; by default the line is that of the coordinate that `at` leaves out.
        end: Its last point, with the same coordinates.
        at: Values of the other coordinates; one of them may be a sequence, which gives a curve for each.
        title: Above.

    Returns:
        The path.

    Raises:
        InputError: The coordinates do not make a line, it lies outside of the domain, or the extension is no
            picture's.
    """
    import matplotlib

    line, along, label = _line(solution, start, end, at)
    several = [name for name in at if np.ndim(at[name])]
    if len(several) > 1:
        raise InputError(f"give several values of one coordinate, not of {' and '.join(several)}")
    fixed = {name: np.array(float(v)) for name, v in at.items() if name not in several}  # type: ignore[arg-type]
    which = several[0] if several else None
    cases = [{which: np.array(float(v))} for v in np.ravel(at[which])] if which else [{}]
    values = [evaluate(solution, {**line, **fixed, **case}) for case in cases]
    if not any(v.inside.any() for v in values):
        raise InputError(f"no point of the line lies in the domain of {solution.problem.name}")
    with matplotlib.rc_context(STYLE):
        if which is None:
            figure = _one(along, values[0])
        else:
            figure = _many(along, values, [f"{which} = {float(c[which]):.3g}" for c in cases])
        figure.axes[-1].set_xlabel(label)
        figure.suptitle(title, x=0.02, ha="left")
        return save_figure(figure, path)


def _line(
    solution: View, start: Place | None, end: Place | None, at: Mapping[str, object]
) -> tuple[dict[str, Array], Array, str]:
    """Coordinates of the points, their positions along the line, and the label of these."""
    domain, name = solution.problem.domain, solution.problem.name
    for given in (*(start or ()), *(end or ()), *at):
        if given not in domain.names:
            raise InputError(f"{name} has no coordinate {given!r}; it has {', '.join(domain.names)}")
    if start is None and end is None:
        left = [n for n in domain.names if n not in at]
        if len(left) != 1:
            hint = f"give {' and '.join(f'{n}=...' for n in left[1:])}" if left else "leave one out"
            raise InputError(f"a line has one coordinate that varies, and here {len(left)} do: {hint}")
        x = np.linspace(*ends(domain, left[0]), CURVE)
        return {left[0]: x}, x, left[0]
    if start is None or end is None or {*start} != {*end}:
        raise InputError("a line needs start and end with the same coordinates")
    missing = [n for n in domain.names if (n in start) == (n in at)]
    if missing:
        raise InputError(f"give {missing[0]!r} either in start and end, or by {missing[0]}=...")
    s = np.linspace(0, 1, CURVE)
    points = {n: start[n] + s * (end[n] - start[n]) for n in start}
    varying = [n for n in start if start[n] != end[n]]
    if len(varying) == 1:
        return points, points[varying[0]], varying[0]
    length = float(np.sqrt(sum((end[n] - start[n]) ** 2 for n in start)))
    if length == 0:
        raise InputError("start and end of a line must differ")
    return points, s * length, f"distance from the start in {', '.join(varying)}"


def _one(x: Array, values: Values) -> Figure:
    """Unknowns, and below them their errors or the residuals."""
    rows = curve_rows(values)
    figure = new_figure(6.4, 0.6 + 2.2 * len(rows) + 1.3)
    axes = figure.subplots(len(rows) + 1, 1, sharex=True, height_ratios=[2] * len(rows) + [1])
    for axis, unknowns in zip(axes, rows, strict=False):
        draw_curve(axis, x, values, unknowns)
    draw_wrong(axes[-1], x, values)
    axes[-1].set_xlim(x[0], x[-1])
    return figure


def _many(x: Array, values: Sequence[Values], labels: Sequence[str]) -> Figure:
    """Axes for each unknown, and in them a curve for each case, its reference dashed."""
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0, 0.88, len(values)))
    names = [*values[0].found]
    figure = new_figure(6.4, 0.6 + 2.4 * len(names))
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        for v, label, shade in zip(values, labels, shades, strict=True):
            axis.plot(x, v.found[name], color=shade, lw=1.6, label=label)
            if v.compared([name]) and v.exact is not None:
                axis.plot(x, v.exact[name], color="#222222", lw=0.9, ls=DASHED)
        known = any(v.compared([name]) for v in values)
        axis.set(ylabel=f"{name}, reference dashed" if known else name, xlim=(x[0], x[-1]))
        axis.grid(**GRID)
    axes[0].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
