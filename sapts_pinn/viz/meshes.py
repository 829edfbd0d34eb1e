"""Solutions on meshes: values at the points of the mesh, its edges, and its boundary coloured by face.

In the plane triangles are divided until the picture is smooth.  In space the sections through the middle are
joined by a cutaway: the surface of the cells behind the middle plane, which shows boundary and inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..geometry import Mesh
from ..geometry.mesh.simplices import Cells, boundary_of
from .fields import Array, evaluate, middle_of, unknowns_at
from .figures import Axes3D
from .planes import Painted, Plane
from .style import Limits
from .view import View
from .volumes import frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FINE = 12_000  # triangles of a smooth picture
SHOWN = 4_000  # cells up to which edges are shown
STREAMS = 81  # points along a side of the grid that streamlines are drawn from
COLOURS = ("#e6550d", "#2ca25f", "#756bb1", "#dd1c77", "#3182bd", "#8c6d31", "#636363")


def smooth_triangles(mesh: Mesh) -> tuple[Array, Cells]:
    """Points and triangles of a mesh in the plane, fine enough for a picture."""
    from matplotlib.tri import Triangulation, UniformTriRefiner

    if mesh.cells is None:  # a closed curve: triangles of its box, those inside
        from scipy.spatial import Delaunay

        axes = [np.linspace(low, high, 120) for low, high in mesh.bounds.T.tolist()]
        grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
        inside = grid[(mesh.distance(torch.from_numpy(grid)) < 0).numpy()]
        points = np.concatenate([mesh.points, inside])
        triangles = Delaunay(points).simplices.astype(np.int64)
        kept = mesh.distance(torch.from_numpy(points[triangles].mean(1))) < 0
        return points, triangles[kept.numpy()]
    halvings = 0
    while len(mesh.cells) * 4**halvings < FINE:
        halvings += 1
    coarse = Triangulation(mesh.points[:, 0], mesh.points[:, 1], mesh.cells)
    fine = UniformTriRefiner(coarse).refine_triangulation(subdiv=halvings) if halvings else coarse
    return np.stack([fine.x, fine.y], 1), fine.triangles.astype(np.int64)


class MeshPlane(Plane):
    """A solution on a mesh in the plane, at one moment.

    Args:
        solution: What to draw.
        mesh: The mesh.
        moment: Values of the coordinates that are not of the mesh.
        residual: Whether the residual is wanted beside a reference.
    """

    def __init__(
        self, solution: View, mesh: Mesh, moment: Mapping[str, float], residual: bool = False
    ) -> None:
        self.names = (mesh.names[0], mesh.names[1])
        self.label = ", ".join(f"{name} = {value:.3g}" for name, value in moment.items())
        self._solution, self._mesh = solution, mesh
        self._moment = {name: np.array(value) for name, value in moment.items()}
        self._points, self._triangles = smooth_triangles(mesh)
        self.at = {**self._moment, **dict(zip(mesh.names, self._points.T, strict=True))}
        self.values = evaluate(solution, self.at, residual)

    def paint(self, axis: Axes, field: Array, limits: Limits, colours: str) -> Painted:
        """Draw a field, with the edges of the mesh and its boundary by face."""
        painted = self._blended(axis, self._points, field, limits, colours)
        draw_edges(axis, self._mesh)
        self.outline(axis)
        return painted

    def outline(self, axis: Axes) -> None:
        """Draw the boundary of the mesh, a collection for each face."""
        draw_faces(axis, self._mesh, self._mesh.points)

    def moved(self, axis: Axes, field: Array, by: tuple[str, str], limits: Limits, colours: str) -> Painted:
        """Draw a field on the body that unknowns displace, magnified so that it is seen."""
        factor = self.factor(self.values.found, by)
        shift = np.stack([self.values.found[u] for u in by], 1)
        painted = self._blended(axis, self._points + factor * shift, field, limits, colours)
        corners = dict(zip(self._mesh.names, self._mesh.points.T, strict=True))
        found = self._solution.predict({**self._moment, **corners}, extrapolate=True)
        shift = np.stack([found[u] for u in by], 1)
        draw_faces(axis, self._mesh, self._mesh.points + factor * shift)
        return painted

    def vectors(self, flow: Mapping[str, str], exact: bool) -> tuple[Array, Array, Array, Array]:
        """Coordinates [n] and [m] of a grid on the bounding box, and the components [m, n] on it."""
        a, b = (np.linspace(low, high, STREAMS) for low, high in self._mesh.bounds.T.tolist())
        first, second = np.meshgrid(a, b)
        values = evaluate(self._solution, {self.names[0]: first, self.names[1]: second, **self._moment})
        fields = values.exact if exact else values.found
        assert fields is not None
        along_a, along_b = (fields[flow[name]] for name in self.names)
        return a, b, along_a, along_b

    def _blended(self, axis: Axes, points: Array, values: Array, limits: Limits, colours: str) -> Painted:
        """Values at the points of triangles, blended in between."""
        from matplotlib.tri import Triangulation

        image = axis.tripcolor(
            Triangulation(points[:, 0], points[:, 1], self._triangles),
            values,
            shading="gouraud",
            cmap=colours,
            vmin=limits[0],
            vmax=limits[1],
            rasterized=True,
        )
        axis.set_aspect("equal")
        return Painted(image, image.set_array)


def draw_edges(axis: Axes, mesh: Mesh) -> None:
    """The edges of a mesh in the plane, thin, if there are not too many."""
    from matplotlib.collections import LineCollection

    if mesh.cells is not None and len(mesh.cells) <= SHOWN:
        pairs = [mesh.cells[:, [0, 1]], mesh.cells[:, [1, 2]], mesh.cells[:, [2, 0]]]
        sides = np.unique(np.sort(np.concatenate(pairs), 1), axis=0)
        lines = list(mesh.points[sides])
        axis.add_collection(LineCollection(lines, colors="white", linewidths=0.25, alpha=0.35))


def draw_faces(axis: Axes, mesh: Mesh, points: Array) -> None:
    """The boundary of a mesh in the plane, a collection for each face; whole, also along the axes."""
    from matplotlib.collections import LineCollection

    for i, face in enumerate(mesh.faces):
        lines = list(points[mesh.facets[mesh.facet_tags == i]])
        colour = COLOURS[i % len(COLOURS)]
        drawn = LineCollection(lines, colors=colour, linewidths=1.5, capstyle="round", clip_on=False)
        drawn.set_label(face)
        axis.add_collection(drawn)


class Cutaway:
    """A mesh in space, cut open at its middle.

    Args:
        solution: What to draw.
        mesh: The mesh.
    """

    def __init__(self, solution: View, mesh: Mesh) -> None:
        self._mesh, self._middle = mesh, middle_of(solution.problem.domain)
        self._facets, self._tags = _cutaway(mesh, self._middle)
        corners, self._numbers = np.unique(self._facets, return_inverse=True)
        fixed = {name: np.array(v) for name, v in self._middle.items() if name not in mesh.names}
        at = dict(zip(mesh.names, mesh.points[corners].T, strict=True))
        self._found = unknowns_at(solution, {**at, **fixed})

    def draw(self, axis: Axes3D, unknown: str, limits: Limits, colours: str) -> None:
        """The facets around what is behind the middle, coloured by an unknown."""
        values = self._found[unknown][self._numbers].reshape(self._facets.shape).mean(1)
        name = self._mesh.names[1]
        title = f"{unknown}, cut at {name} = {self._middle[name]:.3g}"
        _surface(axis, self._mesh, self._facets, self._tags, values, limits, title, colours)


def _cutaway(mesh: Mesh, middle: Mapping[str, float]) -> tuple[Cells, Cells]:
    """Facets around the cells behind the middle, and their tags, -1 on the cut; or the whole surface."""
    if mesh.cells is None:
        return mesh.facets, mesh.facet_tags
    behind = mesh.points[mesh.cells].mean(1)[:, 1] >= middle[mesh.names[1]]
    facets, _ = boundary_of(mesh.cells[behind])
    known = {
        tuple(f): t for f, t in zip(np.sort(mesh.facets, 1).tolist(), mesh.facet_tags.tolist(), strict=True)
    }
    return facets, np.array([known.get(tuple(f), -1) for f in np.sort(facets, 1).tolist()])


def _surface(
    axis: Axes3D,
    mesh: Mesh,
    facets: Cells,
    tags: Cells,
    values: Array,
    limits: Limits,
    title: str,
    colours: str,
) -> None:
    """Facets in space, coloured by value, their edges by face."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.lines import Line2D
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    scale = ScalarMappable(Normalize(*limits), colormaps[colours])
    edges = [COLOURS[t % len(COLOURS)] if t >= 0 else "#ffffff40" for t in tags]
    thin = len(facets) > SHOWN
    surface = Poly3DCollection(
        list(mesh.points[facets]),
        facecolors=scale.to_rgba(values),
        edgecolors=None if thin else edges,
        linewidths=0 if thin else 0.4,
        rasterized=True,
    )
    axis.add_collection3d(surface)
    frame(axis, mesh.names, mesh.bounds.T.tolist(), title)
    if not thin:
        lines = [Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(mesh.faces))]
        axis.legend(lines, mesh.faces, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=4, fontsize=7)
