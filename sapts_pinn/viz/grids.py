"""Solutions on regular grids: curves, and images clipped at the domain's boundary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ..geometry import Domain
from .estimated import estimated_error
from .fields import Array, Values, ends, evaluate, time_name
from .figures import OURS, THEIRS, colour_bar, colour_limits, colour_map, log_limits, new_figure
from .vectors import draw_arrows, draw_streams, flow_of, speed, vector_name
from .view import View

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Limits = tuple[float, float]
Panel = Callable[["Axes"], object]  # draws itself

MOST = 6  # panels up to which an estimate gets one of its own
CURVE, IMAGE, SECTION = 801, 301, 121  # points along a curve, along a side of an image and of one of many


def curves(solution: View) -> Figure:
    """Plot a solution of one coordinate, and its error below."""
    problem = solution.problem
    (name,) = problem.domain.names
    x = np.linspace(*ends(problem.domain, name), CURVE)
    values = evaluate(solution, {name: x})
    rows = len(values.found)
    figure = new_figure(6.4, 0.5 + 3.4 * rows)
    axes = figure.subplots(2 * rows, 1, sharex=True, squeeze=False, height_ratios=[2, 1] * rows)[:, 0]
    for row, unknown in enumerate(values.found):
        draw_curve(axes[2 * row], axes[2 * row + 1], x, values, unknown)
    for row, error in enumerate((estimated_error(solution, {name: x}, values.inside) or {}).values()):
        below = axes[2 * row + 1]
        below.semilogy(x, np.maximum(error, 1e-300), color=THEIRS, lw=1, label="|estimated error|")
        below.relim()
        below.legend(loc="best")
    axes[-1].set(xlabel=name, xlim=(x[0], x[-1]))
    return figure


def draw_curve(top: Axes, bottom: Axes | None, x: Array, values: Values, unknown: str) -> None:
    """An unknown with its reference, and below it its error, if there is a place for it."""
    top.plot(x, values.found[unknown], color=OURS, lw=2, label="network")
    if values.exact is not None:
        top.plot(x, values.exact[unknown], color=THEIRS, lw=1.2, ls=(0, (4, 3)), label="reference")
    top.legend(loc="best")
    top.set_ylabel(unknown)
    if bottom is None:
        return
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


class Cut:
    """A solution on a plane.

    Args:
        solution: What to draw.
        section: Where.
        count: Points along each side.
    """

    def __init__(self, solution: View, section: Section, count: int) -> None:
        self.section = section
        self._domain = solution.problem.domain
        self._flow = flow_of(solution.problem)
        self.grid = section.grid(self._domain, count)
        self.values = evaluate(solution, self.grid)
        self._equal = time_name(self._domain) not in (section.across, section.up)

    def image(self, axis: Axes, field: Array, title: str, limits: Limits, colours: str | None = None) -> None:
        """A field on the plane."""
        where = axis, self.section, self.grid, self.values.inside
        draw_image(*where, field, title, limits, self._domain, self._equal, colours)

    def wrong(self, axis: Axes, unknown: str, limits: Limits) -> None:
        """Decades of the error of an unknown, or of the residual."""
        field, title = self.values.wrong(unknown)
        self.image(axis, np.log10(np.maximum(field, 1e-300)), f"log$_{{10}}$ {title}", limits, "magma")

    def decades(self, axis: Axes, field: Array, title: str) -> None:
        """Decades of a field that is not negative."""
        shown = np.log10(np.maximum(field, 1e-300))
        self.image(axis, shown, f"log$_{{10}}$ {title}", log_limits([field]), "magma")

    def streams(self, axis: Axes, found: Mapping[str, Array], title: str, limits: Limits) -> None:
        """The length of the vector, with streamlines of its components in the plane."""
        self.image(axis, speed(found, self._flow), title, limits)
        draw_streams(axis, *self._vectors(found))

    def arrows(self, axis: Axes, title: str, limits: Limits) -> None:
        """Arrows of the components in the plane."""
        arrows = draw_arrows(axis, *self._vectors(self.values.found), limits)
        if not self.values.inside.all():
            clip(axis, arrows, self.section, self.grid, self._domain)
        axis.set_title(title, loc="left")
        colour_bar(axis, arrows)

    def _vectors(self, found: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        names = self.section.across, self.section.up
        a, b = (np.unique(self.grid[name]) for name in names)
        along, up = (found[self._flow[name]] for name in names)
        return a, b, along, up


def images(solution: View) -> Figure:
    """Two coordinates: solution, reference, error; or solution and residual; then streamlines and arrows."""
    domain = solution.problem.domain
    time = time_name(domain)
    across = time or domain.names[0]
    (up,) = (name for name in domain.names if name != across)
    cut = Cut(solution, Section(across, up, {}), IMAGE)
    found, exact = cut.values.found, cut.values.exact
    panels: list[Panel] = []
    for unknown in found:
        drawn = {unknown: found[unknown]}
        if exact is not None:
            drawn[f"{unknown}, reference"] = exact[unknown]
        limits = colour_limits(list(drawn.values()))
        panels += [partial(cut.image, field=f, title=title, limits=limits) for title, f in drawn.items()]
        if exact is not None or unknown == [*found][-1]:  # a system has one residual
            limits = log_limits([cut.values.wrong(unknown)[0]])
            panels.append(partial(cut.wrong, unknown=unknown, limits=limits))
    if flow := flow_of(solution.problem):
        of, fields = vector_name(flow), [found] if exact is None else [found, exact]
        limits = colour_limits([speed(f, flow) for f in fields])
        for field, title in zip(fields, (f"|{of}|", f"|{of}|, reference"), strict=False):
            panels.append(partial(cut.streams, found=field, title=title, limits=limits))
        panels.append(partial(cut.arrows, title=of, limits=limits))
    errors = estimated_error(solution, cut.grid, cut.values.inside) or {}
    for unknown, error in errors.items():
        if len(panels) < MOST:
            panels.append(partial(cut.decades, field=error, title=f"|estimated error of {unknown}|"))
    wide, high = (end - start for start, end in (ends(domain, across), ends(domain, up)))
    aspect = 0.85 if time else min(max(high / wide, 0.4), 2.0)
    return in_rows(panels, columns_for(len(panels), exact is not None), 3.4, 2.6 * aspect, across, up)


def columns_for(panels: int, compared: bool) -> int:
    """Columns of a picture: a comparison takes three, few panels stand in two."""
    return 3 if compared or panels > 4 else 2


def in_rows(panels: Sequence[Panel], columns: int, wide: float, high: float, across: str, up: str) -> Figure:
    """A figure of panels with common axes, row by row.

    Args:
        panels: Draw one panel each.
        columns: Of the figure.
        wide: Width of a panel in inches.
        high: Its height without its title.
        across: Label of the horizontal axes.
        up: Label of the vertical axes.
    """
    rows = -(-len(panels) // columns)
    figure = new_figure(wide * columns + 0.4, 0.6 + rows * (high + 0.45))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis, draw in zip(axes.flat, panels, strict=False):
        draw(axis)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for number in range(columns):  # the lowest panel of each column
        last = axes[rows - 1 if axes[-1, number].get_visible() else rows - 2, number]
        last.set_xlabel(across)
        last.tick_params(labelbottom=True)
    for axis in axes[:, 0]:
        axis.set_ylabel(up)
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
    (left, right), (low, high) = (ends(domain, name) for name in (section.across, section.up))
    a, b = (right - left) / (field.shape[1] - 1) / 2, (high - low) / (field.shape[0] - 1) / 2
    mesh = axis.imshow(
        _continued(field),
        origin="lower",
        extent=(left - a, right + a, low - b, high + b),  # the points are the middles of the pixels
        interpolation="bilinear",
        interpolation_stage="data",
        aspect="equal" if equal else "auto",
        cmap=colours or colour_map(limits),
        vmin=limits[0],
        vmax=limits[1],
    )
    if not inside.all():
        clip(axis, mesh, section, grid, domain)
    axis.set(xlim=(left, right), ylim=(low, high))
    axis.set_title(title, loc="left")
    colour_bar(axis, mesh)
    return lambda values: mesh.set_data(_continued(values))


def _continued(field: Array) -> Array:
    """Unknown values replaced by the nearest known one, so that a clipped image reaches its boundary."""
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(field)
    if not unknown.any() or unknown.all():
        return np.nan_to_num(field)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled: Array = field[tuple(nearest)]
    return filled


def clip(axis: Axes, drawn: Artist, section: Section, grid: Mapping[str, Array], domain: Domain) -> None:
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
    drawn.set_clip_path(path, axis.transData)
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
