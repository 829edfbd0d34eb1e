"""Surfaces of equal value in space, and arrows in space.

The surfaces come from a grid on the bounding box, by marching cubes (PyVista's, which needs no window).  They
are cut off where the signed distance of the domain vanishes, and cut open towards the eye, so that the inner
ones are seen: see-through surfaces would show the edges of their triangles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from .fields import Array, ends, parameter_names, time_name, unknowns_at
from .figures import Axes3D
from .vectors import speed
from .view import View

if TYPE_CHECKING:
    from matplotlib.ticker import MaxNLocator

SIDE = 29  # points along the longest side of the grid
ARROWS = 7  # arrows along the longest side
SHELLS = 5  # surfaces of an unknown
LIGHT = np.array([0.2, -0.6, 0.77])
Limits = tuple[float, float]
Pruned = Literal["upper", "lower"] | None  # tick that is left out


class Volume:
    """A solution on a grid around the domain, at one moment.

    Args:
        solution: What to draw.
        fixed: All coordinates but three.
    """

    def __init__(self, solution: View, fixed: Mapping[str, float]) -> None:
        domain = solution.problem.domain
        self._domain, self._fixed = domain, dict(fixed)
        self._solution = solution
        self.names = tuple(name for name in domain.names if name not in fixed)
        self._limits = [ends(domain, name) for name in self.names]
        self._shape = self._counts(SIDE)
        at = self._grid(self._shape)
        self._inside = self._distance(at) <= 1e-9 * max(b - a for a, b in self._limits)
        self._found = self._predict(at)

    @property
    def moment(self) -> str:
        """Where among the other coordinates it lies, such as " at t = 1"."""
        values = ", ".join(f"{name} = {value:.3g}" for name, value in self._fixed.items())
        return f" at {values}" if values else ""

    def _counts(self, most: int) -> tuple[int, ...]:
        """Points along each side, evenly spaced in space."""
        lengths = np.array([high - low for low, high in self._limits])
        return tuple(np.maximum(np.round(lengths / lengths.max() * most), 4).astype(int).tolist())

    def _grid(self, counts: tuple[int, ...]) -> Array:
        """Points [N, 3], the first coordinate fastest."""
        axes = [np.linspace(*limits, n) for limits, n in zip(self._limits, counts, strict=True)]
        return np.stack([c.reshape(-1, order="F") for c in np.meshgrid(*axes, indexing="ij")], 1)

    def _all(self, at: Array) -> dict[str, Array]:
        fixed = {name: np.full(len(at), value) for name, value in self._fixed.items()}
        return {**fixed, **dict(zip(self.names, at.T, strict=True))}

    def _distance(self, at: Array) -> Array:
        # It vanishes all over the first and the last moment; the shape is that of every other.
        time, family = time_name(self._domain), parameter_names(self._domain)
        others = family if time is None else [time, *family]
        every = self._all(at) | {n: np.full(len(at), sum(ends(self._domain, n)) / 2) for n in others}
        points = torch.from_numpy(np.stack([every[name] for name in self._domain.names], 1))
        found: Array = self._domain.distance(points).detach().numpy()
        return found

    def _predict(self, at: Array) -> dict[str, Array]:
        found = unknowns_at(self._solution, self._all(at))  # cut to the domain later
        return {name: np.nan_to_num(values) for name, values in found.items()}

    def values(self, unknown: str) -> Array:
        """Values that an unknown takes inside the domain."""
        return self._found[unknown][self._inside]

    def levels(self, unknown: str) -> Array:
        """Values of the surfaces, evenly spaced between the extremes."""
        known = self.values(unknown)
        if not known.size or known.max() - known.min() <= 1e-12 * max(1.0, float(np.abs(known).max())):
            return np.zeros(0)
        return np.linspace(known.min(), known.max(), SHELLS + 2)[1:-1]

    def surface(self, unknown: str, level: float) -> Array:
        """Triangles [T, 3, 3] on which the unknown has this value, inside the domain, cut open."""
        import pyvista

        spacing = [(b - a) / (n - 1) for (a, b), n in zip(self._limits, self._shape, strict=True)]
        origin = [low for low, _ in self._limits]
        grid = pyvista.ImageData(dimensions=self._shape, spacing=spacing, origin=origin)
        grid[unknown] = self._found[unknown]
        shell: Any = grid.contour([level], scalars=unknown)
        if shell.n_points:
            at = np.asarray(shell.points, dtype=float)
            outside = (
                -self._open(at) if self._inside.all() else np.maximum(self._distance(at), -self._open(at))
            )
            shell["outside"] = outside
            shell = shell.clip_scalar(scalars="outside", value=0.0).triangulate()
        if not shell.n_cells:
            return np.zeros((0, 3, 3))
        triangles: Array = np.asarray(shell.points, dtype=float)[shell.faces.reshape(-1, 4)[:, 1:]]
        return triangles

    def _open(self, at: Array) -> Array:
        """Distance to the eighth towards the eye: negative in it, where the surfaces are cut open."""
        middle = np.mean(self._limits, axis=1)
        found: Array = (np.array([-1, 1, -1]) * (at - middle)).max(1)
        return found

    def draw(self, axis: Axes3D, unknown: str, limits: Limits, title: str, colours: str) -> None:
        """The surfaces of an unknown, coloured as an image with these limits."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection

        scale = ScalarMappable(Normalize(*limits), colours)
        shells = [(level, self.surface(unknown, level)) for level in self.levels(unknown)]
        shells = [(level, triangles) for level, triangles in shells if len(triangles)]
        if shells:
            triangles = np.concatenate([t for _, t in shells])
            faces = np.repeat(
                scale.to_rgba(np.array([level for level, _ in shells])), [len(t) for _, t in shells], axis=0
            )
            faces[:, :3] *= _shade(triangles)[:, None]
            surfaces = Poly3DCollection(triangles, facecolors=faces, edgecolors=faces, linewidths=0.2)
            surfaces.set(rasterized=True, clip_on=False)  # the corners of a long box stand out of its axes
            axis.add_collection3d(surfaces)
        frame(axis, self.names, self._limits, title)

    def draw_arrows(
        self, axis: Axes3D, flow: Mapping[str, str], limits: Limits, title: str, colours: str
    ) -> None:
        """Arrows of the components along each coordinate, coloured by length, as long as there is room."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        counts = self._counts(ARROWS)
        steps = [(b - a) / n for (a, b), n in zip(self._limits, counts, strict=True)]
        axes = [
            a + step * (np.arange(n) + 0.5)
            for (a, _), step, n in zip(self._limits, steps, counts, strict=True)
        ]
        at = np.stack([c.reshape(-1) for c in np.meshgrid(*axes, indexing="ij")], 1)
        at = at[self._distance(at) < 0]
        found = self._predict(at)
        length = speed(found, flow)
        room = min(steps) / max(float(length.max(initial=0.0)), 1e-300)
        kept: NDArray[np.bool_] = length * room > 0.05 * min(steps)
        parts = np.stack([found[flow[name]] for name in self.names], 1)[kept] * room
        if len(parts):
            shades = ScalarMappable(Normalize(*limits), colours).to_rgba(length[kept])
            axis.quiver(*at[kept].T, *parts.T, pivot="middle", colors=shades, linewidths=1.0)
        frame(axis, self.names, self._limits, title)


def _shade(triangles: Array) -> Array:
    """Brightness [T], the same on both sides."""
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    found: Array = 0.7 + 0.3 * np.abs(normal @ LIGHT)
    return found


def frame(axis: Axes3D, names: tuple[str, ...], limits: list[Limits], title: str) -> None:
    """Axes in space: true proportions, few ticks."""
    for name, (low, high) in zip("xyz", limits, strict=True):
        getattr(axis, f"set_{name}lim")(low, high)
    lengths = [high - low for low, high in limits]
    axis.set_box_aspect(lengths, zoom=1.1 if min(lengths) > 0.6 * max(lengths) else 1.2)
    ends: tuple[Pruned, ...] = ("upper", "lower", None)  # without the ticks that would meet where two axes do
    axes = (axis.xaxis, axis.yaxis, axis.zaxis)
    for which, label, length, end in zip(axes, names, lengths, ends, strict=True):
        which.set_label_text(label)
        which.labelpad = -5
        which.set_major_locator(_few(4 if length > 0.6 * max(lengths) else 2, end))
        which.pane.set_alpha(0.35)
    axis.view_init(elev=22, azim=-60)
    axis.tick_params(labelsize=7, pad=-2)
    axis.set_title(title, loc="left")


def _few(bins: int, end: Pruned) -> MaxNLocator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(bins, prune=end)
