"""Scenes in space, rendered by PyVista: in a window, in a notebook, or off screen into a picture.

Of two coordinates, time counted, a field is a surface whose height is its value ("warp") or a flat map
("map").  Of three it is shown on planes through the middle ("slices") or by surfaces of equal value
("isosurfaces"); of a body that is a mesh on its outside ("outside").  Unknowns that are the components of a
vector are "arrows" or "streamlines" besides, and "deformed" moves the body by them.

Coordinates of different units get lengths that show something: those of space keep their proportions unless
they are longer than five to one, time is as long as the longest of them.  The axes show the true numbers.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..runs.files import write_atomically
from .dataset import DETAILS, details, sample, vectors
from .fields import Array, ends, mesh_of, time_name
from .style import Limits, Meaning, colour_limits, meaning_of
from .vectors import flow_of, vector_name
from .view import View

if TYPE_CHECKING:
    import pyvista

Keywords = dict[str, Any]

KINDS = {  # by number of coordinates that are shown
    2: ("warp", "map", "arrows", "streamlines", "deformed"),
    3: ("slices", "isosurfaces", "outside", "arrows", "streamlines", "deformed"),
}
OF_VECTORS = ("arrows", "streamlines", "deformed")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
SIZE = (1200, 900)  # pixels
LETTERS, SMALLER = 20, 16  # heights in pixels, of the bar and on the axes
BAR: Keywords = {
    "color": "black", "vertical": True, "fmt": "%.3g", "label_font_size": LETTERS, "title_font_size": LETTERS,
}  # fmt: skip
HEIGHT, LONGEST = 0.4, 5.0  # of a warped surface; ratio of two extents of space
LEVELS, ARROWS = 7, 24  # surfaces, arrows along a coordinate
FEWEST = 8  # of them along a short side
SEEDS = {True: 8, False: 5}  # streamlines along a coordinate, in the plane and in space
LARGEST = 0.1  # of the extent: the largest displacement of a deformed body


def scene(
    solution: View,
    field: str | None = None,
    kind: str | None = None,
    at: Mapping[str, float] | None = None,
    title: str = "",
    off_screen: bool = False,
) -> pyvista.Plotter:
    """A plotter with the solution in it, to be shown, saved or added to.

    Args:
        solution: The solution.
        field: What colours show: an unknown, or another field of `to_pyvista`, such as "residual" or
            "u_error"; None for the first unknown, or the length of the vector of unknowns.
        kind: One of `KINDS`; None chooses.
        at: Values of some coordinates; a time of three coordinates or more is at its end otherwise.
        title: A line above the scene.
        off_screen: No window.

    Raises:
        InputError: There is no such field, kind or coordinate, or a single coordinate is left.
    """
    import pyvista

    at = dict(at or {})
    domain, time = solution.problem.domain, time_name(solution.problem.domain)
    if time is not None and time not in at and domain.dim > 2:
        at[time] = ends(domain, time)[1]
    names = tuple(name for name in domain.names if name not in at)[:3]
    flow = {c: component for c, component in flow_of(solution.problem).items() if c in names}
    kind = _kind(solution, kind, names, bool(flow), field)
    vector = vector_name(flow_of(solution.problem)) if flow else ""
    derived = solution.problem.derived
    own = field in (
        None,
        vector,
        *solution.problem.unknown_names,
        *derived,
    )  # else it is not known beyond the boundary
    sampled = sample(solution, at, residual=field == "residual", rim=own)
    sampled.fields.update(vectors(solution, sampled))
    field = field or (vector if kind in OF_VECTORS else solution.problem.unknown_names[0])
    if field not in sampled.fields:
        dear = [f"{u}_{what}" for u in solution.problem.unknown_names for what in DETAILS] + [*derived]
        if field not in dear:
            able = ", ".join(dict.fromkeys([*sampled.fields, "residual", *dear]))
            raise InputError(f"{solution.problem.name} has no field {field!r}; it has {able}")
        sampled.fields.update(details(solution, sampled))
    data: Any = sampled.dataset()  # its arrays have no types that fit
    if "distance" in sampled.fields:
        data = data.clip_scalar(scalars="distance", value=0.0)
    lower, upper = (np.array([ends(domain, name)[i] for name in names]) for i in (0, 1))
    lengths = scene_lengths(upper - lower, [name == time for name in names])
    data.points[:, : len(names)] = (data.points[:, : len(names)] - lower) / (upper - lower) * lengths
    values = np.asarray(data.point_data[field])
    data.point_data["shown"] = np.linalg.norm(values, axis=1) if values.ndim == 2 else values
    meaning = _meaning(solution, field)
    limits = colour_limits([data.point_data["shown"]], meaning)
    if vector:
        data.point_data["vector"] = data.point_data[vector] * _stretched(lengths / (upper - lower))
    _ready()
    plotter = pyvista.Plotter(off_screen=off_screen, window_size=list(SIZE))
    _fill(plotter, data, kind, limits, field, meaning.colours)
    title = "   ·   ".join(
        [*([title] if title else []), *(f"{n} = {v:.3g}" for n, v in sampled.fixed.items())]
    )
    if title:
        plotter.add_text(title, position="upper_left", font_size=12, color="black")
    height = (field, *limits) if kind == "warp" else None
    _axes(plotter, names, lower, upper, lengths, height)
    return plotter


def show(
    solution: View, field: str | None, kind: str | None, at: Mapping[str, float] | None, title: str
) -> None:
    """Open a window, or draw into a notebook: with trame where it is installed, else a picture.

    Raises:
        InputError: As `scene`; or there is no display.
    """
    notebook = "ipykernel" in sys.modules
    if sys.platform == "linux" and not notebook and not ({"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}):
        raise InputError(
            "there is no display for a window; draw into a file with plot(path, kind=...), such as "
            'solution.plot("u.png", kind="warp")'
        )
    plotter = scene(solution, field, kind, at, title)
    interactive = all(importlib.util.find_spec(name) for name in ("trame", "trame_vtk", "trame_vuetify"))
    plotter.show(jupyter_backend="trame" if interactive else "static")


def draw(
    solution: View,
    path: Path,
    field: str | None = None,
    kind: str | None = None,
    at: Mapping[str, float] | None = None,
    title: str = "",
) -> Path:
    """Render a scene off screen into a picture.

    Raises:
        InputError: As `scene`; or the extension is none of a picture.
    """
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"cannot render {path.name!r}: use {', '.join(PICTURES)}")
    plotter = scene(solution, field, kind, at, title, off_screen=True)
    try:
        write_atomically(path, plotter.screenshot)
    finally:
        plotter.close()
    return path


def _kind(solution: View, kind: str | None, names: tuple[str, ...], vector: bool, field: str | None) -> str:
    """The kind of a scene, checked or chosen."""
    if len(names) < 2:
        raise InputError(
            f"{solution.problem.name} has {len(names)} coordinate{'' if len(names) == 1 else 's'} to show, "
            "and a scene needs two or three; plot(path) draws a curve"
        )
    able = [k for k in KINDS[len(names)] if vector or k not in OF_VECTORS]
    if kind is None:
        if vector and field is None:
            return "arrows"
        if len(names) == 2:
            return "warp"
        return "outside" if mesh_of(solution.problem.domain) is not None else "slices"
    if kind not in able:
        raise InputError(
            f"{solution.problem.name} has no scene of the kind {kind!r}; choose {', '.join(able)}"
        )
    return kind


def scene_lengths(extent: Array, timed: list[bool]) -> Array:
    """Lengths of the coordinates in the scene, the longest 1."""
    space = [e for e, t in zip(extent, timed, strict=True) if not t]
    longest = max(space, default=1.0)
    return np.array([1.0 if t else max(e / longest, 1 / LONGEST) for e, t in zip(extent, timed, strict=True)])


def _stretched(by: Array) -> Array:
    """Three factors for the components of a vector."""
    return np.pad(by, (0, 3 - len(by)), constant_values=1.0)


def _meaning(solution: View, field: str) -> Meaning:
    """Meaning of a field of `to_pyvista`, by its name."""
    unknowns = solution.problem.unknown_names
    of = next((u for u in unknowns if field in (u, f"{u}_reference")), None)
    if of is not None:
        return meaning_of(solution, of)
    if field in solution.problem.derived:
        return Meaning.LEVEL
    errors = [f"{u}_{what}" for u in unknowns for what in ("error", "estimated_error")]
    return Meaning.SIGNED if field in errors else Meaning.MAGNITUDE


def _fill(plotter: pyvista.Plotter, data: Any, kind: str, limits: Limits, field: str, map_name: str) -> None:
    """Add what the kind of the scene shows."""
    colours: Keywords = {
        "scalars": "shown",
        "clim": limits,
        "cmap": map_name,
        "scalar_bar_args": {**BAR, "title": f"{field}\n"},  # the line keeps it off the numbers
    }
    flat = data.bounds[5] == data.bounds[4]
    if kind in OF_VECTORS:
        largest = max(float(np.linalg.norm(data.point_data["vector"], axis=1).max()), 1e-300)
        {"arrows": _arrows, "streamlines": _streamlines, "deformed": _deformed}[kind](
            plotter, data, flat, largest, colours
        )
    elif kind == "warp":
        low, high = limits
        data.points[:, 2] = HEIGHT * np.clip((data.point_data["shown"] - low) / (high - low), -0.2, 1.2)
        plotter.add_mesh(_outside(data), smooth_shading=True, **colours)
    elif kind == "map":
        plotter.add_mesh(data, lighting=False, **colours)
    elif kind == "outside":
        plotter.add_mesh(_outside(data), **colours)
    else:
        plotter.add_mesh(data.outline(), color="grey")
        if kind == "slices":
            plotter.add_mesh(data.slice_orthogonal(), lighting=False, **colours)
        else:
            levels = np.linspace(*limits, LEVELS + 2)[1:-1]
            found = data.contour(levels, scalars="shown")
            if found.n_points:
                plotter.add_mesh(found, opacity=0.6, smooth_shading=True, **colours)


def _outside(data: Any) -> Any:
    return data.extract_surface(algorithm="dataset_surface")


def _arrows(plotter: pyvista.Plotter, data: Any, flat: bool, largest: float, colours: Keywords) -> None:
    """Arrows, the largest half as long again as two are apart; over a map where there are two coordinates."""
    arrows = _thinned(data, ARROWS).glyph(orient="vector", scale="vector", factor=1.5 / ARROWS / largest)
    if flat:
        plotter.add_mesh(data, lighting=False, **colours)
        colours = {"color": "black"}
    else:
        plotter.add_mesh(data.outline(), color="grey")
    if arrows.n_points:
        plotter.add_mesh(arrows, **colours)


def _streamlines(plotter: pyvista.Plotter, data: Any, flat: bool, _: float, colours: Keywords) -> None:
    seeds = _thinned(data, SEEDS[flat])
    lines = data.streamlines_from_source(seeds, "vector", surface_streamlines=flat, max_length=2.0)
    if lines.n_points:
        plotter.add_mesh(lines, line_width=1.5, **colours)
    plotter.add_mesh(data.extract_feature_edges() if flat else data.outline(), color="grey")


def _deformed(plotter: pyvista.Plotter, data: Any, _: bool, largest: float, colours: Keywords) -> None:
    """The body moved by its displacements, and where it was."""
    factor = LARGEST / largest
    plotter.add_mesh(data, style="wireframe", color="lightgrey", opacity=0.3)
    plotter.add_mesh(data.warp_by_vector("vector", factor=factor), **colours)
    words = f"largest displacement drawn as {LARGEST:g} of the extent"
    plotter.add_text(words, position="lower_left", font_size=10, color="black")


def _thinned(data: Any, count: int) -> Any:
    """Keep a point of the data in each of some boxes: `count` along the longest side, a few along others."""
    import pyvista

    points = np.asarray(data.points)
    lower, upper = points.min(0), points.max(0)
    extent = np.where(upper > lower, upper - lower, np.inf)
    boxes = np.maximum(count * extent / extent[np.isfinite(extent)].max(), FEWEST)
    place = (points - lower) / extent * np.where(np.isfinite(boxes), boxes, 1.0)
    order = np.abs(place - np.floor(place) - 0.5).max(1).argsort(kind="stable")  # the middle of a box first
    _, first = np.unique(np.floor(place[order]).astype(int), axis=0, return_index=True)
    first = order[first]
    out = pyvista.PolyData(np.asarray(data.points)[first])
    for name in ("shown", "vector"):
        out.point_data[name] = np.asarray(data.point_data[name])[first]
    return out


def _axes(
    plotter: Any,  # of which PyVista has no types that fit
    names: tuple[str, ...],
    lower: Array,
    upper: Array,
    lengths: Array,
    height: tuple[str, float, float] | None,
) -> None:
    """True numbers on the axes, and a camera that shows all of it.

    Args:
        plotter: Has the scene.
        names: Of the coordinates.
        lower: Their lower bounds.
        upper: Their upper bounds.
        lengths: Their lengths in the scene.
        height: Name and limits of the field that is the third coordinate; None without one.
    """
    titles, bounds, ranges = [*names], [], []
    for low, high, length in zip(lower.tolist(), upper.tolist(), lengths.tolist(), strict=True):
        bounds += [0.0, length]
        ranges += [low, high]
    if len(names) == 2:
        titles.append(height[0] if height else " ")
        bounds += [0.0, HEIGHT if height else 1e-3]
        ranges += [*height[1:]] if height else [0.0, 1.0]
    upright = len(names) == 3 or height is not None
    plotter.show_bounds(
        bounds=bounds,
        axes_ranges=ranges,
        show_zaxis=upright,
        show_zlabels=upright,
        xtitle=titles[0],
        ytitle=titles[1],
        ztitle=titles[2],
        font_size=SMALLER,
        color="black",
        location="outer",
        n_xlabels=3,
        n_ylabels=3,
        n_zlabels=3,
        fmt="%.3g",
    )
    plotter.background_color = "white"
    if upright:
        plotter.view_isometric()
    else:
        plotter.view_xy()
        plotter.camera.zoom(1.1)


def silence() -> None:
    """Let VTK keep its warnings, such as that there is no display, to itself."""
    from vtkmodules.vtkCommonCore import vtkLogger

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)


def _ready() -> None:
    """Make sure that VTK can render, which ends the process where it cannot.

    Raises:
        InputError: It cannot.
    """
    silence()
    if not _renders():
        raise InputError(
            "PyVista cannot render here: install a display's libraries (apt-get install libegl1 libgl1), or "
            "leave out kind= for flat pictures"
        )


@cache
def _renders() -> bool:
    """Try to render, in a process of its own where there is no display."""
    if sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ}:
        return True
    program = (
        "import pyvista; pyvista.Plotter(off_screen=True, window_size=[9, 9]).screenshot(return_img=True)"
    )
    tried = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    return tried.returncode == 0
