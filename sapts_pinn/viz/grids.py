"""Solutions on regular grids: images clipped at the domain's boundary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..geometry import Domain
from .fields import Array, ends, evaluate, parameter_names, time_name
from .planes import Painted, Plane
from .style import Limits
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

SIDE = 50  # points along a side of an outline
IMAGE, SECTION = 221, 141  # points along a side of an image, and of one of many


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
        """Where it lies; empty where nothing is fixed."""
        values = list(self.fixed.values())
        if len(values) > 1 and max(values) - min(values) < 1e-12:
            return " = ".join([*self.fixed, f"{values[0]:.3g}"])
        return ", ".join(f"{name} = {value:.3g}" for name, value in self.fixed.items())


class Cut(Plane):
    """A solution on a regular grid in a plane.

    Args:
        solution: What to draw.
        section: Where.
        count: Points along each side.
        residual: Whether the residual is wanted beside a reference.
    """

    def __init__(self, solution: View, section: Section, count: int, residual: bool = False) -> None:
        self._domain, self.section, self._solution = solution.problem.domain, section, solution
        self.names, self.label = (section.across, section.up), section.label
        self.at = self.grid = section.grid(self._domain, count)
        self.values = evaluate(solution, self.grid, residual)
        others = (time_name(self._domain), *parameter_names(self._domain))
        self._equal = not any(name in others for name in self.names)

    def paint(self, axis: Axes, field: Array, limits: Limits, colours: str) -> Painted:
        """Draw a field, cut off at the boundary of the domain."""
        (left, right), (low, high) = (ends(self._domain, name) for name in self.names)
        a, b = (right - left) / (field.shape[1] - 1) / 2, (high - low) / (field.shape[0] - 1) / 2
        image = axis.imshow(
            _continued(field),
            origin="lower",
            extent=(left - a, right + a, low - b, high + b),  # the points are the middles of the pixels
            interpolation="bilinear",
            interpolation_stage="data",
            aspect="equal" if self._equal else "auto",
            cmap=colours,
            vmin=limits[0],
            vmax=limits[1],
        )
        if self.region is not None:
            image.set_clip_path(self.region, axis.transData)
            self.outline(axis)
        axis.set(xlim=(left, right), ylim=(low, high))
        return Painted(image, lambda values: image.set_data(_continued(values)))

    def outline(self, axis: Axes) -> None:
        """Draw the boundary of the domain, where it is not the box of the axes."""
        from matplotlib.patches import PathPatch

        if self.region is not None:  # whole: half of a line along the axes would be cut off by them
            axis.add_patch(PathPatch(self.region, fill=False, ec="#444444", lw=0.8, clip_on=False))

    def moved(self, axis: Axes, field: Array, by: tuple[str, str], limits: Limits, colours: str) -> Painted:
        """Draw a field on the body that unknowns displace, magnified so that it is seen."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        found = self._solution.predict(self.grid, extrapolate=True)  # cut off at the boundary
        factor = self.factor(self.values.found, by)
        across, up = (self.grid[name] + factor * found[u] for name, u in zip(self.names, by, strict=True))
        mesh = axis.pcolormesh(
            across, up, _continued(field), shading="gouraud", cmap=colours, vmin=limits[0], vmax=limits[1],
            rasterized=True,
        )  # fmt: skip
        box = _box(*(ends(self._domain, name) for name in self.names))
        rest = self.region or Path(box, closed=True)
        corners = dict(zip(self.names, np.asarray(rest.vertices, float).T, strict=True))
        fixed = {name: np.array(value) for name, value in self.section.fixed.items()}
        shift = self._solution.predict({**fixed, **corners}, extrapolate=True)
        shifted = np.stack([corners[n] + factor * shift[u] for n, u in zip(self.names, by, strict=True)], 1)
        edge = Path(shifted, rest.codes)
        mesh.set_clip_path(edge, axis.transData)
        axis.add_patch(PathPatch(edge, fill=False, ec="#444444", lw=0.8))
        axis.add_patch(PathPatch(rest, fill=False, ec="#999999", lw=0.7, ls=":"))
        every = np.concatenate([shifted, np.asarray(rest.vertices, float)])
        low, high = every.min(0), every.max(0)
        gap = 0.02 * (high - low)
        axis.set(xlim=(low[0] - gap[0], high[0] + gap[0]), ylim=(low[1] - gap[1], high[1] + gap[1]))
        return Painted(mesh, lambda values: mesh.set_array(_continued(values)))

    def vectors(self, flow: Mapping[str, str], exact: bool) -> tuple[Array, Array, Array, Array]:
        """Coordinates [n] and [m] of the grid, and the components [m, n] of a vector, or of its reference."""
        a, b = (np.unique(self.grid[name]) for name in self.names)
        fields = self.values.exact if exact else self.values.found
        assert fields is not None
        along, up = (fields[flow[name]] for name in self.names)
        return a, b, along, up

    @cached_property
    def region(self) -> Path | None:
        """Outline of the domain in the plane, the zero level of its signed distance; None of a whole box."""
        if self.values.inside.all():
            return None
        from contourpy import FillType, contour_generator
        from matplotlib.path import Path

        across, up, distance = self._padded()
        if not (distance < 0).any():
            return None
        found = contour_generator(across, up, distance, fill_type=FillType.OuterCode).filled(-1e300, 0.0)
        pieces = [Path(points, codes) for points, codes in zip(*found, strict=True) if points is not None]
        return Path.make_compound_path(*pieces)

    def _padded(self) -> tuple[Array, Array, Array]:
        """Coordinates and signed distance, with a ring of points outside, so that levels close."""
        others = (time_name(self._domain), *parameter_names(self._domain))
        pad = {name: np.pad(values, 1, mode="edge") for name, values in self.grid.items()}
        # The distance vanishes all over the first and the last moment; the shape is that of every other.
        for name in [name for name in self.section.fixed if name in others]:
            pad[name] = np.full_like(pad[name], sum(ends(self._domain, name)) / 2)
        for name, shape in zip(self.names, ((1, -1), (-1, 1)), strict=True):
            values = np.unique(self.grid[name])
            step = (values[-1] - values[0]) / (len(values) - 1)
            column = np.concatenate([[values[0] - step], values, [values[-1] + step]])
            pad[name] = np.broadcast_to(column.reshape(shape), pad[name].shape)
        points = np.stack([pad[name].reshape(-1) for name in self._domain.names], 1)
        distance = self._domain.distance(torch.from_numpy(points)).detach().numpy()
        across, up = (pad[name] for name in self.names)
        return across, up, distance.reshape(up.shape)


def _box(across: tuple[float, float], up: tuple[float, float]) -> Array:
    """Points around a rectangle, [N, 2], closed."""
    s = np.linspace(0, 1, SIDE, endpoint=False)
    zero, one = np.zeros(SIDE), np.ones(SIDE)
    x = np.concatenate([s, one, 1 - s, zero, [0]])
    y = np.concatenate([zero, s, one, 1 - s, [0]])
    return np.stack([across[0] + x * (across[1] - across[0]), up[0] + y * (up[1] - up[0])], 1)


def _continued(field: Array) -> Array:
    """Unknown values replaced by the nearest known one, so that a clipped image reaches its boundary."""
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(field)
    if not unknown.any() or unknown.all():
        return np.nan_to_num(field)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    filled: Array = field[tuple(nearest)]
    return filled
