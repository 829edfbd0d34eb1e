"""Solutions on regular grids: curves, images clipped at the domain's boundary, sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry import Domain
from ..sampled import Array, Values, ends, evaluate, middle_of, time_name
from .figures import OURS, THEIRS, colour_bar, colour_limits, log_limits, new_figure
from .flow import draw_streams, flow_of, speed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..solution import Solution

Limits = tuple[float, float]
Beside = Callable[[Sequence[Any], str, Limits, Limits], None]

CURVE, IMAGE, SECTION = 801, 301, 121  # points along a curve, along a side of an image and of one of many


def curves(solution: Solution) -> Figure:
    """One coordinate: the solution over it, and the error below."""
    problem = solution.problem
    (name,) = problem.domain.names
    x = np.linspace(*ends(problem.domain, name), CURVE)
    values = evaluate(solution, {name: x})
    rows = len(values.found)
    figure = new_figure(6.4, 0.5 + 3.4 * rows)
    axes = figure.subplots(2 * rows, 1, sharex=True, squeeze=False, height_ratios=[2, 1] * rows)[:, 0]
    for row, unknown in enumerate(values.found):
        draw_curve(axes[2 * row], axes[2 * row + 1], x, values, unknown)
    axes[-1].set(xlabel=name, xlim=(x[0], x[-1]))
    return figure


def draw_curve(top: Axes, bottom: Axes, x: Array, values: Values, unknown: str) -> None:
    """An unknown with its reference, and below it its error."""
    top.plot(x, values.found[unknown], color=OURS, lw=2, label="network")
    if values.exact is not None:
        top.plot(x, values.exact[unknown], color=THEIRS, lw=1.2, ls=(0, (4, 3)), label="reference")
    top.legend(loc="best")
    top.set_ylabel(unknown)
    shown, label = values.wrong(unknown)
    bottom.semilogy(x, np.maximum(shown, 1e-300), color="#444444", lw=1)
    with np.errstate(all="ignore"):
        top_value = float(np.nanmax(shown, initial=0.0)) or 1.0
    bottom.set(ylabel=label, ylim=(max(top_value * 1e-5, 1e-17), 3 * top_value))
    bottom.grid(color="#dddddd", lw=0.5)


@dataclass(frozen=True)
class Section:
    """A plane through the domain, to be drawn as an image.

    Attributes:
        across: Horizontal coordinate.
        up: Vertical coordinate.
        fixed: All others.
    """

    across: str
    up: str
    fixed: dict[str, float]

    def grid(self, domain: Domain, count: int) -> dict[str, Array]:
        """Coordinates [count, count] of the points."""
        a, b = (np.linspace(*ends(domain, name), count) for name in (self.across, self.up))
        first, second = np.meshgrid(a, b)
        return {
            **{name: np.full_like(first, v) for name, v in self.fixed.items()},
            self.across: first,
            self.up: second,
        }

    @property
    def label(self) -> str:
        """Where it lies."""
        values = list(self.fixed.values())
        if max(values) - min(values) < 1e-12:
            return " = ".join([*self.fixed, f"{values[0]:.3g}"])
        return ", ".join(f"{name} = {value:.3g}" for name, value in self.fixed.items())


def images(solution: Solution) -> Figure:
    """Two coordinates: solution, reference, error; or solution and residual."""
    domain = solution.problem.domain
    time = time_name(domain)
    across = time or domain.names[0]
    (up,) = (name for name in domain.names if name != across)
    section = Section(across, up, {})
    grid = section.grid(domain, IMAGE)
    values = evaluate(solution, grid)
    rows, columns = len(values.found), 2 if values.exact is None else 3
    wide, high = (end - start for start, end in (ends(domain, across), ends(domain, up)))
    aspect = 0.85 if time else min(max(high / wide, 0.4), 2.0)
    flow = flow_of(solution.problem)
    below = rows + bool(flow)
    figure = new_figure(3.4 * columns + 0.4, 0.5 + below * (2.6 * aspect + 0.45))
    axes = figure.subplots(below, columns, squeeze=False, sharex=True, sharey=True)
    for row, unknown in enumerate(values.found):
        drawn = (
            [values.found[unknown]]
            if values.exact is None
            else [values.found[unknown], values.exact[unknown]]
        )
        limits = colour_limits(drawn)
        for axis, field, title in zip(axes[row], drawn, (unknown, f"{unknown}, reference"), strict=False):
            draw_image(axis, section, grid, values.inside, field, title, limits, domain, equal=time is None)
        wrong, title = values.wrong(unknown)
        limits = log_limits([wrong])
        draw_log_image(
            axes[row, -1], section, grid, values.inside, wrong, title, limits, domain, equal=time is None
        )
    if flow:
        fields = [values.found] if values.exact is None else [values.found, values.exact]
        limits = colour_limits([speed(f, flow) for f in fields])
        for axis, found, of in zip(axes[-1], fields, ("speed", "speed, reference"), strict=False):
            _flow_image(axis, section, grid, values.inside, found, flow, of, limits, domain)
        for axis in axes[-1, len(fields) :]:
            axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel(across)
    for axis in axes[:, 0]:
        axis.set_ylabel(up)
    return figure


def sections(solution: Solution, beside: Beside | None = None) -> Figure:
    """Three coordinates and more: three sections with their errors, and a line through the middle.

    Args:
        solution: What to draw.
        beside: Draws what stands in the place of the line, from the two positions in the last column, the
            unknown, and the two pairs of limits.
    """
    domain = solution.problem.domain
    middle, time = middle_of(domain), time_name(domain)
    if time is not None and domain.dim == 3:
        start, end = ends(domain, time)
        a, b = (name for name in domain.names if name != time)
        planes = [Section(a, b, {time: t}) for t in (start, (start + end) / 2, end)]
    else:
        x, y, z = domain.names[:3]
        planes = [
            Section(a, b, {name: v for name, v in middle.items() if name not in (a, b)})
            for a, b in ((x, y), (x, z), (y, z))
        ]
    grids = [section.grid(domain, SECTION) for section in planes]
    values = [evaluate(solution, grid) for grid in grids]
    unknowns = solution.problem.unknown_names
    flow = flow_of(solution.problem)
    rows = 2 * len(unknowns) + bool(flow)
    figure = new_figure(14.0, 0.5 + 2.8 * rows)
    axes = figure.subplots(rows, 4, squeeze=False, width_ratios=[1, 1, 1, 1.1])
    line_name = next(name for name in domain.names if name != time)
    x_line = np.linspace(*ends(domain, line_name), CURVE)
    fixed = {name: v for name, v in middle.items() if name != line_name}
    on_line = evaluate(solution, {line_name: x_line, **{name: np.array(v) for name, v in fixed.items()}})
    for row, unknown in enumerate(unknowns):
        limits = colour_limits([v.found[unknown] for v in values])
        decades = log_limits([v.wrong(unknown)[0] for v in values])
        for column, (section, grid, value) in enumerate(zip(planes, grids, values, strict=True)):
            top, bottom = axes[2 * row, column], axes[2 * row + 1, column]
            equal = time not in (section.across, section.up)
            title = f"{unknown} at {section.label}"
            draw_image(top, section, grid, value.inside, value.found[unknown], title, limits, domain, equal)
            wrong, title = value.wrong(unknown)
            draw_log_image(bottom, section, grid, value.inside, wrong, title, decades, domain, equal)
            for axis in (top, bottom):
                axis.set(xlabel=section.across, ylabel=section.up)
        if beside is not None:
            for axis in axes[2 * row : 2 * row + 2, 3]:
                axis.remove()
            places = [figure.add_subplot(rows, 4, 8 * row + k, projection="3d") for k in (4, 8)]
            beside(places, unknown, limits, decades)
            continue
        draw_curve(axes[2 * row, 3], axes[2 * row + 1, 3], x_line, on_line, unknown)
        axes[2 * row, 3].set_title(f"{unknown} along {line_name} through the middle", loc="left")
        axes[2 * row + 1, 3].set_title(axes[2 * row + 1, 3].get_ylabel(), loc="left")
        for axis in axes[2 * row : 2 * row + 2, 3]:
            axis.set(xlabel=line_name, ylabel="", xlim=(x_line[0], x_line[-1]))
    if flow:
        limits = colour_limits([speed(v.found, flow) for v in values])
        for axis, section, grid, value in zip(axes[-1], planes, grids, values, strict=False):
            title = f"speed at {section.label}"
            _flow_image(axis, section, grid, value.inside, value.found, flow, title, limits, domain)
            axis.set(xlabel=section.across, ylabel=section.up)
        axes[-1, 3].set_visible(False)
    return figure


def draw_image(
    axis: Axes,
    section: Section,
    grid: Mapping[str, Array],
    inside: NDArray[np.bool_],
    field: Array,
    title: str,
    limits: tuple[float, float],
    domain: Domain,
    equal: bool,
    colours: str | None = None,
) -> Callable[[Array], None]:
    """An image, clipped at the boundary; gives back what exchanges its values."""
    symmetric = limits[0] == -limits[1]
    (left, right), (low, high) = (ends(domain, name) for name in (section.across, section.up))
    a, b = (right - left) / (field.shape[1] - 1) / 2, (high - low) / (field.shape[0] - 1) / 2
    mesh = axis.imshow(
        _continued(field),
        origin="lower",
        extent=(left - a, right + a, low - b, high + b),  # the points are the middles of the pixels
        interpolation="bilinear",
        interpolation_stage="data",
        aspect="equal" if equal else "auto",
        cmap=colours or ("RdBu_r" if symmetric else "viridis"),
        vmin=limits[0],
        vmax=limits[1],
    )
    if not inside.all():
        clip(axis, mesh, section, grid, domain)
    axis.set(xlim=(left, right), ylim=(low, high))
    axis.set_title(title, loc="left")
    colour_bar(axis, mesh)
    return lambda values: mesh.set_data(_continued(values))


def draw_log_image(
    axis: Axes,
    section: Section,
    grid: Mapping[str, Array],
    inside: NDArray[np.bool_],
    field: Array,
    title: str,
    limits: tuple[float, float],
    domain: Domain,
    equal: bool,
) -> None:
    """An image of decades."""
    logs = np.log10(np.maximum(field, 1e-300))
    draw_image(axis, section, grid, inside, logs, f"log$_{{10}}$ {title}", limits, domain, equal, "magma")


def _flow_image(
    axis: Axes,
    section: Section,
    grid: Mapping[str, Array],
    inside: NDArray[np.bool_],
    found: Mapping[str, Array],
    flow: Mapping[str, str],
    title: str,
    limits: tuple[float, float],
    domain: Domain,
) -> None:
    """The speed, with streamlines of the components in the plane."""
    draw_image(axis, section, grid, inside, speed(found, flow), title, limits, domain, True)
    a, b = (np.unique(grid[name]) for name in (section.across, section.up))
    draw_streams(axis, a, b, found[flow[section.across]], found[flow[section.up]])


def _continued(field: Array) -> Array:
    """Unknown values replaced by the nearest known one, so that a clipped image reaches its boundary."""
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(field)
    if not unknown.any() or unknown.all():
        return np.nan_to_num(field)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return field[tuple(nearest)]  # type: ignore[no-any-return]


def clip(axis: Axes, mesh: Any, section: Section, grid: Mapping[str, Array], domain: Domain) -> None:
    """Cut an image off at the boundary and draw that, both from the zero level of the distance."""
    # One ring of points outside, so that the level closes where the domain touches its bounding box.
    pad = {name: np.pad(values, 1, mode="edge") for name, values in grid.items()}
    # The distance vanishes all over the first and the last moment; the shape is that of every other.
    pad |= {
        name: np.full_like(pad[name], sum(ends(domain, name)) / 2)
        for name in section.fixed
        if name == time_name(domain)
    }
    for name, axis_number in ((section.across, 1), (section.up, 0)):
        step = (grid[name].max() - grid[name].min()) / (len(grid[name]) - 1)
        column = np.concatenate([[grid[name].min() - step], np.unique(grid[name]), [grid[name].max() + step]])
        pad[name] = np.broadcast_to(column[None] if axis_number == 1 else column[:, None], pad[name].shape)
    points = np.stack([pad[name].reshape(-1) for name in domain.names], 1)
    distance = domain.distance(torch.from_numpy(points)).detach().numpy().reshape(pad[section.up].shape)
    if not (distance < 0).any():
        return
    region = axis.contourf(pad[section.across], pad[section.up], distance, levels=[-1e300, 0.0], alpha=0.0)
    path = region.get_paths()[0]
    region.remove()
    mesh.set_clip_path(path, axis.transData)
    axis.contour(
        pad[section.across],
        pad[section.up],
        distance,
        levels=[0.0],
        colors="#444444",
        linewidths=0.8,
        negative_linestyles="solid",
    )
    for spine in axis.spines.values():
        spine.set_visible(False)
