"""Three coordinates and more: sections, a line through the middle, and in space surfaces of equal value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .fields import ends, evaluate, middle_of, time_name
from .figures import Axes3D, colour_limits, log_limits, new_figure
from .grids import CURVE, SECTION, Cut, Limits, Section, draw_curve
from .vectors import flow_of, speed, vector_name
from .view import View
from .volumes import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec


Beside = Callable[[Axes3D, str, Limits], None]  # from axes in space, an unknown, limits of its colours


def sections(solution: View, beside: Beside | None = None) -> Figure:
    """Three sections with their errors, and what shows the whole beside them.

    Two coordinates of space are cut at the start, the middle and the end of the time, and a line stands
    beside; more of them are cut by three planes through the middle, and surfaces of equal value stand beside,
    in time those of its start and end.

    Args:
        solution: What to draw.
        beside: Draws what stands above the surfaces in the place of the line.
    """
    cuts = [Cut(solution, section, SECTION) for section in _sections(solution)]
    volumes = _volumes(solution)
    unknowns, flow = solution.problem.unknown_names, flow_of(solution.problem)
    with_error = unknowns if cuts[0].values.exact is not None else unknowns[-1:]  # a system has one residual
    rows = len(unknowns) + len(with_error) + bool(flow)
    figure = new_figure(14.0, 0.5 + 2.8 * rows)
    grid = figure.add_gridspec(rows, 4, width_ratios=[1, 1, 1, 1.25])
    row = 0
    for unknown in unknowns:
        high = 2 if unknown in with_error else 1
        everywhere = [cut.values.found[unknown] for cut in cuts] + [v.values(unknown) for v in volumes]
        limits = colour_limits(everywhere)
        decades = log_limits([cut.values.wrong(unknown)[0] for cut in cuts])
        for column, cut in enumerate(cuts):
            axes = [figure.add_subplot(grid[row + k, column]) for k in range(high)]
            cut.image(axes[0], cut.values.found[unknown], f"{unknown} at {cut.section.label}", limits)
            if high == 2:
                cut.wrong(axes[1], unknown, decades)
            for axis in axes:
                axis.set(xlabel=cut.section.across, ylabel=cut.section.up)
        places = [grid[row + k, 3] for k in range(high)]
        if volumes:
            if high == 2 and len(volumes) == 1:
                place = places.pop(0)
                if beside is None:
                    _line([figure.add_subplot(place)], solution, unknown)
                else:
                    beside(figure.add_subplot(place, projection="3d"), unknown, limits)
            for place, volume in zip(places, volumes[-len(places) :], strict=True):
                axis = figure.add_subplot(place, projection="3d")
                volume.draw(axis, unknown, limits, f"surfaces of {unknown}{volume.moment}")
        else:
            _line([figure.add_subplot(place) for place in places], solution, unknown)
        row += high
    if flow:
        _flow(figure, grid, cuts, volumes, flow)
    return figure


def _flow(
    figure: Figure, grid: GridSpec, cuts: Sequence[Cut], volumes: Sequence[Volume], flow: Mapping[str, str]
) -> None:
    """Streamlines at the sections in the last row of the grid, and arrows beside them."""
    of, limits = vector_name(flow), colour_limits([speed(cut.values.found, flow) for cut in cuts])
    for column, cut in enumerate(cuts):
        axis = figure.add_subplot(grid[-1, column])
        cut.streams(axis, cut.values.found, f"|{of}| at {cut.section.label}", limits)
        axis.set(xlabel=cut.section.across, ylabel=cut.section.up)
    if volumes:
        axis = figure.add_subplot(grid[-1, 3], projection="3d")
        volumes[-1].draw_arrows(axis, flow, limits, f"{of}{volumes[-1].moment}")
    else:
        axis, cut = figure.add_subplot(grid[-1, 3]), cuts[-1]
        cut.arrows(axis, f"{of} at {cut.section.label}", limits)
        axis.set(xlabel=cut.section.across, ylabel=cut.section.up)


def _line(axes: Sequence[Axes], solution: View, unknown: str) -> None:
    """An unknown, and where there is a second place its error, along a line through the middle."""
    domain = solution.problem.domain
    line = next(name for name in domain.names if name != time_name(domain))
    x = np.linspace(*ends(domain, line), CURVE)
    middle = middle_of(domain)
    values = evaluate(solution, {name: x if name == line else np.array(v) for name, v in middle.items()})
    draw_curve(axes[0], axes[1] if len(axes) > 1 else None, x, values, unknown)
    axes[0].set_ylabel(f"{unknown} along {line} through the middle")
    for axis in axes:  # the label stands above, as that of an image
        axis.set_title(axis.get_ylabel(), loc="left")
        axis.set(xlabel=line, ylabel="", xlim=(x[0], x[-1]))


def _sections(solution: View) -> list[Section]:
    """Three planes."""
    domain = solution.problem.domain
    time, middle = time_name(domain), middle_of(domain)
    names = [name for name in domain.names if name != time][:3]
    if time is not None and len(names) == 2:
        start, end = ends(domain, time)
        return [Section(names[0], names[1], {time: t}) for t in (start, (start + end) / 2, end)]
    return [
        Section(a, b, {name: v for name, v in middle.items() if name not in (a, b)})
        for a, b in combinations(names, 2)
    ]


def _volumes(solution: View) -> list[Volume]:
    """The first three coordinates of space, at the start and at the end of the time; none in the plane."""
    domain = solution.problem.domain
    time, middle = time_name(domain), middle_of(domain)
    space = [name for name in domain.names if name != time]
    if len(space) < 3:
        return []
    fixed = {name: middle[name] for name in space[3:]}
    return [
        Volume(solution, fixed | moment)
        for moment in ([{}] if time is None else [{time: t} for t in ends(domain, time)])
    ]
