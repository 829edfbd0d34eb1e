"""Solutions on meshes: values at the points of the mesh, its edges, and its boundary coloured by face.

In the plane triangles are divided until the picture is smooth.  In space the sections through the middle are
joined by a cutaway: the surface of the cells behind the middle plane, which shows boundary and inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry import Domain, Mesh
from ..geometry.simplices import Cells, boundary_of
from ..sampled import Array, ends, evaluate, middle_of, time_name
from .figures import colour_bar, colour_limits, log_limits, new_figure
from .flow import draw_streams, flow_of, speed
from .grids import Beside, Limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..solution import Solution

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


def on_mesh(solution: Solution, mesh: Mesh) -> Figure:
    """A mesh in the plane: solution, reference, error and residual, or snapshots of solution and error."""
    domain = solution.problem.domain
    points, triangles = smooth_triangles(mesh)
    at = dict(zip(mesh.names, points.T, strict=True))
    when = moments(domain)
    values = [evaluate(solution, {**at, **_arrays(moment)}, residual=True) for moment in when]
    unknowns, flow = solution.problem.unknown_names, flow_of(solution.problem)
    panels: list[Sequence[tuple[str, Array, Limits, str | None]]] = []  # title, values, limits, colours
    for unknown in unknowns:
        wrong = [v.wrong(unknown) for v in values]
        decades = log_limits([w for w, _ in wrong])
        limits = colour_limits(
            [v.found[unknown] for v in values] + [v.exact[unknown] for v in values if v.exact]
        )
        found: Sequence[tuple[str, Array, Limits, str | None]] = [
            (
                " at ".join([unknown, *(f"{k} = {t:.3g}" for k, t in moment.items())]),
                v.found[unknown],
                limits,
                None,
            )
            for v, moment in zip(values, when, strict=True)
        ]
        errors = [(f"log$_{{10}}$ {name}", _log(w), decades, "magma") for w, name in wrong]
        if len(when) > 1:
            panels += [found, errors]
        else:
            exact, residual = values[0].exact, values[0].residual
            assert residual is not None
            if exact is None:
                panels.append([*found, *errors])
                continue
            name = "|residual|" if len(unknowns) == 1 else "largest |residual|"
            panels.append([*found, (f"{unknown}, reference", exact[unknown], limits, None)])
            panels.append(
                [*errors, (f"log$_{{10}}$ {name}", _log(residual), log_limits([residual]), "magma")]
            )
    if flow:
        limits = colour_limits([speed(v.found, flow) for v in values])
        panels.append(
            [
                (
                    " at ".join(["speed", *(f"{k} = {t:.3g}" for k, t in m.items())]),
                    speed(v.found, flow),
                    limits,
                    None,
                )
                for v, m in zip(values, when, strict=True)
            ]
        )
    rows, columns = len(panels), max(map(len, panels))
    wide, high = (mesh.bounds[1] - mesh.bounds[0]).tolist()
    tall = 3.1 * min(max(high / wide, 0.3), 2.0)
    figure = new_figure(4.3 * columns + 0.3, 0.8 + rows * (tall + 0.45))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for row, contents in zip(axes, panels, strict=True):
        for axis, content in zip(row, contents, strict=False):
            _panel(axis, mesh, points, triangles, *content)
        for axis in row[len(contents) :]:
            axis.set_visible(False)
    if flow:
        for axis, moment in zip(axes[-1], when, strict=False):
            _streams(axis, solution, mesh, flow, moment)
    axes[0, 0].set_ylabel(mesh.names[1])
    for axis in axes[-1]:
        axis.set_xlabel(mesh.names[0])
    handles = axes[0, 0].collections[-len(mesh.faces) :]
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
) -> Any:
    """Values at the points of triangles, blended in between."""
    from matplotlib.tri import Triangulation

    image = axis.tripcolor(
        Triangulation(points[:, 0], points[:, 1], triangles),
        np.clip(values, *limits),
        shading="gouraud",
        cmap=colours or ("RdBu_r" if limits[0] == -limits[1] else "viridis"),
        vmin=limits[0],
        vmax=limits[1],
        rasterized=True,
    )
    axis.set_aspect("equal")
    for spine in axis.spines.values():
        spine.set_visible(False)
    return image


def draw_mesh(axis: Axes, mesh: Mesh) -> None:
    """The edges of a mesh in the plane, thin, and its boundary, one collection for each face."""
    from matplotlib.collections import LineCollection

    if mesh.cells is not None and len(mesh.cells) <= SHOWN:
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


def _streams(
    axis: Axes, solution: Solution, mesh: Mesh, flow: Mapping[str, str], moment: dict[str, float]
) -> None:
    a, b = (np.linspace(low, high, STREAMS) for low, high in mesh.bounds.T.tolist())
    first, second = np.meshgrid(a, b)
    found = evaluate(solution, {mesh.names[0]: first, mesh.names[1]: second, **_arrays(moment)}).found
    draw_streams(axis, a, b, *(found[flow[name]] for name in mesh.names))


def _arrays(moment: Mapping[str, float]) -> dict[str, Array]:
    return {name: np.array(value) for name, value in moment.items()}


def beside_sections(solution: Solution, mesh: Mesh) -> Beside:
    """What is drawn beside the sections of a mesh in space: cutaways of an unknown and of its error."""
    domain = solution.problem.domain
    middle = middle_of(domain)
    fixed = {name: value for name, value in middle.items() if name not in mesh.names}
    facets, tags = _cutaway(mesh, middle)
    corners = np.unique(facets, return_inverse=True)
    at = dict(zip(mesh.names, mesh.points[corners[0]].T, strict=True))
    values = evaluate(solution, {**at, **_arrays(fixed)}, residual=True)
    spread = corners[1].reshape(facets.shape)

    def draw(axes: Sequence[Any], unknown: str, limits: Limits, decades: Limits) -> None:
        wrong, name = values.wrong(unknown)
        of = f"{unknown}, cut open at {mesh.names[1]} = {middle[mesh.names[1]]:.3g}"
        _surface(axes[0], mesh, facets, tags, values.found[unknown][spread].mean(1), limits, None, of)
        _surface(
            axes[1], mesh, facets, tags, _log(wrong[spread].mean(1)), decades, "magma", f"log$_{{10}}$ {name}"
        )

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
    axis: Any,
    mesh: Mesh,
    facets: Cells,
    tags: Cells,
    values: Array,
    limits: Limits,
    colours: str | None,
    title: str,
) -> None:
    """Facets in space, coloured by value, their edges by face."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.lines import Line2D
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    scale = ScalarMappable(
        Normalize(*limits), colormaps[colours or ("RdBu_r" if limits[0] == -limits[1] else "viridis")]
    )
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
    low, high = mesh.bounds.tolist()
    axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), zlim=(low[2], high[2]))
    axis.set_box_aspect([b - a for a, b in zip(low, high, strict=True)], zoom=1.25)
    axis.set_xlabel(mesh.names[0], labelpad=-6)
    axis.set_ylabel(mesh.names[1], labelpad=-6)
    axis.set_zlabel(mesh.names[2], labelpad=-8)
    axis.view_init(elev=22, azim=-65)
    axis.tick_params(labelsize=6, pad=-2)
    axis.locator_params(nbins=3)
    axis.set_title(title, loc="left")
    if not thin:
        lines = [Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(mesh.faces))]
        axis.legend(lines, mesh.faces, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=4, fontsize=7)
