"""Solutions on meshes: values at the points of the mesh, its edges, and its boundary coloured by face.

In the plane triangles are divided until the picture is smooth.  In space the sections through the middle are
joined by a cutaway: the surface of the cells behind the middle plane, which shows boundary and inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Domain, Mesh
from ..geometry.mesh.simplices import Cells, boundary_of
from .fields import Array, ends, evaluate, middle_of, time_name
from .figures import Axes3D, colour_bar, colour_limits, colour_map, log_limits
from .grids import Limits, Panel, columns_for, in_rows
from .space import Beside
from .vectors import draw_arrows, draw_streams, flow_of, speed, vector_name
from .view import View
from .volumes import frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure


FINE = 12_000  # triangles of a smooth picture
SHOWN = 4_000  # cells up to which edges are shown
STREAMS = 81  # points along a side of the grid that streamlines are drawn from
COLOURS = ("#e6550d", "#2ca25f", "#756bb1", "#dd1c77", "#3182bd", "#8c6d31", "#636363")


def refined(points: Array, triangles: Cells) -> tuple[Array, Cells]:
    """Every triangle in four, by the middles of its sides."""
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1)
    sides, number = np.unique(sides, axis=0, return_inverse=True)
    ab, bc, ca = (len(points) + number.reshape(3, -1)).astype(np.int64)
    a, b, c = triangles.T
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([points, points[sides].mean(1)]), np.concatenate([np.stack(p, 1) for p in parts])


def smooth_triangles(mesh: Mesh) -> tuple[Array, Cells]:
    """Points and triangles of a mesh in the plane, fine enough for a picture."""
    if mesh.cells is None:  # a closed curve: triangles of its box, those inside
        from scipy.spatial import Delaunay

        axes = [np.linspace(low, high, 120) for low, high in mesh.bounds.T.tolist()]
        grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
        import torch

        inside = grid[(mesh.distance(torch.from_numpy(grid)) < 0).numpy()]
        points = np.concatenate([mesh.points, inside])
        triangles = Delaunay(points).simplices.astype(np.int64)
        kept = mesh.distance(torch.from_numpy(points[triangles].mean(1))) < 0
        return points, triangles[kept.numpy()]
    points, triangles = mesh.points, mesh.cells
    while len(triangles) < FINE:
        points, triangles = refined(points, triangles)
    return points, triangles


def moments(domain: Domain) -> list[dict[str, float]]:
    """Start, middle and end of the time; one moment without any."""
    time = time_name(domain)
    if time is None:
        return [{}]
    start, end = ends(domain, time)
    return [{time: t} for t in (start, (start + end) / 2, end)]


def on_mesh(solution: View, mesh: Mesh) -> Figure:
    """A mesh in the plane: solution, reference, error and residual, or snapshots of solution and error."""
    from matplotlib.collections import LineCollection

    domain = solution.problem.domain
    points, triangles = smooth_triangles(mesh)
    at = dict(zip(mesh.names, points.T, strict=True))
    when = moments(domain)
    values = [evaluate(solution, {**at, **_arrays(moment)}, residual=True) for moment in when]
    unknowns, flow = solution.problem.unknown_names, flow_of(solution.problem)
    # Rows of moments; or, without time, one panel after the other.
    panels: list[Panel] = []

    def add(title: str, field: Array, limits: Limits, colours: str | None = None) -> None:
        panels.append(lambda axis: _panel(axis, mesh, points, triangles, title, field, limits, colours))

    def at_moment(title: str, moment: Mapping[str, float]) -> str:
        return " at ".join([title, *(f"{k} = {t:.3g}" for k, t in moment.items())])

    for unknown in unknowns:
        known = [v.found[unknown] for v in values] + [v.exact[unknown] for v in values if v.exact]
        limits = colour_limits(known)
        for v, moment in zip(values, when, strict=True):
            add(at_moment(unknown, moment), v.found[unknown], limits)
        exact = values[0].exact
        if exact is not None and len(when) == 1:
            add(f"{unknown}, reference", exact[unknown], limits)
        if exact is not None or unknown == unknowns[-1]:
            wrong = [v.wrong(unknown) for v in values]
            decades = log_limits([w for w, _ in wrong])
            for w, name in wrong:
                add(f"log$_{{10}}$ {name}", _log(w), decades, "magma")
    residual = values[0].residual
    if values[0].exact is not None and len(when) == 1 and residual is not None:
        name = "|residual|" if len(unknowns) == 1 else "largest |residual|"
        add(f"log$_{{10}}$ {name}", _log(residual), log_limits([residual]), "magma")
    if flow:
        limits = colour_limits([speed(v.found, flow) for v in values])
        for v, moment in zip(values, when, strict=True):
            panels.append(
                partial(_flow_panel, solution, mesh, flow, moment, (points, triangles), v.found, limits)
            )
        for moment in when:
            panels.append(partial(_arrow_panel, solution, mesh, flow, moment, limits))
    wide, high = (mesh.bounds[1] - mesh.bounds[0]).tolist()
    columns = 3 if len(when) > 1 else columns_for(len(panels), False)
    figure = in_rows(panels, columns, 4.3, 3.1 * min(max(high / wide, 0.3), 2.0), *mesh.names)
    handles = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)][-len(mesh.faces) :]
    figure.legend(handles, mesh.faces, loc="outside lower left", ncols=8, handlelength=1.2)
    return figure


def _log(values: Array) -> Array:
    logs: Array = np.log10(np.maximum(values, 1e-300))
    return logs


def _panel(
    axis: Axes,
    mesh: Mesh,
    points: Array,
    triangles: Cells,
    title: str,
    values: Array,
    limits: Limits,
    colours: str | None,
) -> None:
    image = draw_values(axis, points, triangles, values, limits, colours)
    draw_mesh(axis, mesh)
    axis.set_title(title, loc="left")
    colour_bar(axis, image)


def draw_values(
    axis: Axes, points: Array, triangles: Cells, values: Array, limits: Limits, colours: str | None = None
) -> ScalarMappable:
    """Values at the points of triangles, blended in between."""
    from matplotlib.tri import Triangulation

    image = axis.tripcolor(
        Triangulation(points[:, 0], points[:, 1], triangles),
        np.clip(values, *limits),
        shading="gouraud",
        cmap=colours or colour_map(limits),
        vmin=limits[0],
        vmax=limits[1],
        rasterized=True,
    )
    axis.set_aspect("equal")
    for spine in axis.spines.values():
        spine.set_visible(False)
    return image


def draw_mesh(axis: Axes, mesh: Mesh, edges: bool = True) -> None:
    """The edges of a mesh in the plane, thin, if wanted, and its boundary, a collection for each face."""
    from matplotlib.collections import LineCollection

    if edges and mesh.cells is not None and len(mesh.cells) <= SHOWN:
        sides = np.sort(
            np.concatenate([mesh.cells[:, [0, 1]], mesh.cells[:, [1, 2]], mesh.cells[:, [2, 0]]]), 1
        )
        lines = mesh.points[np.unique(sides, axis=0)]
        axis.add_collection(LineCollection(list(lines), colors="white", linewidths=0.25, alpha=0.35))
    for i in range(len(mesh.faces)):
        lines = mesh.points[mesh.facets[mesh.facet_tags == i]]
        axis.add_collection(
            LineCollection(list(lines), colors=COLOURS[i % len(COLOURS)], linewidths=1.5, capstyle="round")
        )


def _flow_panel(
    solution: View,
    mesh: Mesh,
    flow: Mapping[str, str],
    moment: Mapping[str, float],
    where: tuple[Array, Cells],
    found: Mapping[str, Array],
    limits: Limits,
    axis: Axes,
) -> None:
    """The length of the vector, with streamlines."""
    title = " at ".join([f"|{vector_name(flow)}|", *(f"{k} = {t:.3g}" for k, t in moment.items())])
    _panel(axis, mesh, *where, title, speed(found, flow), limits, None)
    draw_streams(axis, *_on_box(solution, mesh, flow, moment))


def _arrow_panel(
    solution: View,
    mesh: Mesh,
    flow: Mapping[str, str],
    moment: Mapping[str, float],
    limits: Limits,
    axis: Axes,
) -> None:
    """Arrows of the vector."""
    arrows = draw_arrows(axis, *_on_box(solution, mesh, flow, moment), limits)
    draw_mesh(axis, mesh, edges=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    title = " at ".join([vector_name(flow), *(f"{k} = {t:.3g}" for k, t in moment.items())])
    axis.set_title(title, loc="left")
    colour_bar(axis, arrows)


def _on_box(
    solution: View, mesh: Mesh, flow: Mapping[str, str], moment: Mapping[str, float]
) -> tuple[Array, Array, Array, Array]:
    """Coordinates [n] and [m] of a grid on the bounding box, and the components [m, n] on it."""
    a, b = (np.linspace(low, high, STREAMS) for low, high in mesh.bounds.T.tolist())
    first, second = np.meshgrid(a, b)
    at = {mesh.names[0]: first, mesh.names[1]: second, **_arrays(moment)}
    along_a, along_b = (evaluate(solution, at).found[flow[name]] for name in mesh.names)
    return a, b, along_a, along_b


def _arrays(moment: Mapping[str, float]) -> dict[str, Array]:
    return {name: np.array(value) for name, value in moment.items()}


def beside_sections(solution: View, mesh: Mesh) -> Beside:
    """Panels beside the sections of a mesh in space: a cutaway of an unknown."""
    middle = middle_of(solution.problem.domain)
    fixed = {name: value for name, value in middle.items() if name not in mesh.names}
    facets, tags = _cutaway(mesh, middle)
    corners, numbers = np.unique(facets, return_inverse=True)
    at = dict(zip(mesh.names, mesh.points[corners].T, strict=True))
    found = solution.predict({**at, **_arrays(fixed)}, extrapolate=True)

    def draw(axis: Axes3D, unknown: str, limits: Limits) -> None:
        values = (found[unknown] if isinstance(found, dict) else found)[numbers].reshape(facets.shape).mean(1)
        title = f"{unknown}, cut open at {mesh.names[1]} = {middle[mesh.names[1]]:.3g}"
        _surface(axis, mesh, facets, tags, values, limits, title)

    return draw


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
) -> None:
    """Facets in space, coloured by value, their edges by face."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.lines import Line2D
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    scale = ScalarMappable(Normalize(*limits), colormaps[colour_map(limits)])
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
