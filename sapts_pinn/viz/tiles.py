"""Tiles of a contact sheet: each a small picture of one solution, with its name and a caption below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..runs.content import Result
from ..runs.files import write_atomically
from .fields import ends, evaluate, mesh_of, middle_of, time_name
from .figures import STYLE, THEIRS, colour_limits, new_figure, pixels
from .grids import CURVE, SECTION, Cut, Section
from .meshes import draw_mesh, draw_values, smooth_triangles
from .vectors import flow_of, speed, vector_name
from .view import View
from .volumes import Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Tile = NDArray[np.uint8]

WIDTH, HEIGHT, DENSITY = 3.0, 2.9, 110  # of a tile, in inches and dots per inch
CURVES = ("#2166ac", "#d6604d", "#4d9221", "#762a83")


def tile(solution: View, caption: str, name: str | None = None) -> Tile:
    """The most telling picture of a solution, [height, width, 3].

    One coordinate gives curves, with the reference dashed; two, or three with time, an image (with
    streamlines where the unknowns are a vector); three of space surfaces of equal value; more a section.
    """
    import matplotlib

    with matplotlib.rc_context({**STYLE, "font.size": 7.5, "axes.titlesize": 8}):
        figure = _figure(name or solution.problem.name, caption)
        _draw(figure, solution)
        for axis in figure.axes:
            if axis.name != "3d":  # has few already
                axis.locator_params(nbins=5)
        return pixels(figure)


def failed(name: str, reason: str) -> Tile:
    """A tile that says why there is no picture."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _figure(name, "failed")
        figure.set_facecolor("#fdf0ed")
        figure.text(
            0.5, 0.58, fill(reason, 36, max_lines=7, placeholder=" ..."), ha="center", va="center",
            color=THEIRS, fontsize=8, parse_math=False,
        )  # fmt: skip
        return pixels(figure)


def write_sheet(tiles: Sequence[Tile], path: Path, columns: int = 6) -> Path:
    """Write one picture of all tiles, row by row.

    Args:
        tiles: [height, width, 3] each, all alike.
        path: A .png file.
        columns: Tiles in a row.

    Returns:
        The path.

    Raises:
        InputError: No .png file.
    """
    from PIL import Image

    check_sheet(path)
    columns = min(columns, len(tiles))
    blank = np.full_like(tiles[0], 255)
    padded = [*tiles, *[blank] * (-len(tiles) % columns)]
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    sheet = Image.fromarray(np.concatenate(rows))
    write_atomically(path, lambda p: sheet.save(p, format="PNG", optimize=True))
    return path


def check_sheet(path: Path) -> None:
    """Make sure that a sheet can be written to a path of this name.

    Raises:
        InputError: No .png file.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"cannot draw the gallery into {path.name!r}: use .png")


def _figure(name: str, caption: str) -> Figure:
    figure = new_figure(WIDTH, HEIGHT)
    figure.set_dpi(DENSITY)
    _leave(figure, below=0.16, right=0.03)
    figure.text(0.5, 0.095, name, ha="center", va="bottom", fontsize=9, fontweight="bold", parse_math=False)
    figure.text(0.5, 0.085, caption, ha="center", va="top", fontsize=8, color="#444444", parse_math=False)
    return figure


def _leave(figure: Figure, below: float, right: float) -> None:
    """Shares of the tile without axes: the name and the caption stand below."""
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0.03, below, 0.97 - right, 0.99 - below))


def _draw(figure: Figure, solution: View) -> None:
    domain, unknowns = solution.problem.domain, solution.problem.unknown_names
    time, mesh = time_name(domain), mesh_of(domain)
    space = [name for name in domain.names if name != time]
    if domain.dim == 1:
        _curves(figure, solution)
    elif len(space) == 3:
        _leave(figure, below=0.2, right=0.12)  # labels in space stand out of their axes
        volume = Volume(solution, {} if time is None else {time: ends(domain, time)[1]})
        axis = figure.add_subplot(projection="3d")
        limits = colour_limits([volume.values(unknowns[0])])
        volume.draw(axis, unknowns[0], limits, f"surfaces of {unknowns[0]}{volume.moment}")
    elif mesh is not None and mesh.dim == 2:
        points, triangles = smooth_triangles(mesh)
        moment = {} if time is None else {time: np.array(ends(domain, time)[1])}
        found = evaluate(solution, dict(zip(mesh.names, points.T, strict=True)) | moment).found
        axis = figure.subplots()
        image = draw_values(axis, points, triangles, found[unknowns[0]], colour_limits([found[unknowns[0]]]))
        draw_mesh(axis, mesh, edges=False)
        axis.set_title(unknowns[0], loc="left")
        figure.colorbar(image, ax=axis, pad=0.02, aspect=25).outline.set_visible(False)
    else:
        _image(figure, solution)


def _curves(figure: Figure, solution: View) -> None:
    """All unknowns over the one coordinate."""
    (name,) = solution.problem.domain.names
    x = np.linspace(*ends(solution.problem.domain, name), CURVE)
    values = evaluate(solution, {name: x})
    axis = figure.subplots()
    for number, (unknown, found) in enumerate(values.found.items()):
        axis.plot(x, found, color=CURVES[number % len(CURVES)], lw=1.6, label=unknown)
        if values.exact is not None:
            axis.plot(x, values.exact[unknown], color="#111111", lw=0.8, ls=(0, (4, 3)))
    axis.set(xlabel=name, xlim=(x[0], x[-1]))
    dashed = "" if values.exact is None else "; reference dashed"
    axis.set_title(", ".join(values.found) + dashed, loc="left")
    if len(values.found) > 1:
        axis.legend(loc="best", fontsize=7)


def _image(figure: Figure, solution: View) -> None:
    """A plane: time to the right; the end of the time where both coordinates are of space."""
    domain, unknowns = solution.problem.domain, solution.problem.unknown_names
    time, middle = time_name(domain), middle_of(domain)
    space = [name for name in domain.names if name != time]
    if len(space) == 1:
        across, up = str(time), space[0]
    else:
        across, up = space[:2]
        middle |= {} if time is None else {time: ends(domain, time)[1]}
    section = Section(across, up, {n: v for n, v in middle.items() if n not in (across, up)})
    cut, flow = Cut(solution, section, SECTION), flow_of(solution.problem)
    where = f" at {section.label}" if section.fixed else ""
    axis = figure.subplots()
    if flow and len(space) == 2:
        length = speed(cut.values.found, flow)
        cut.streams(axis, cut.values.found, f"|{vector_name(flow)}|{where}", colour_limits([length]))
    else:
        found = cut.values.found[unknowns[0]]
        cut.image(axis, found, f"{unknowns[0]}{where}", colour_limits([found]))
    axis.set(xlabel=across, ylabel=up)


def describe(result: Result) -> str:
    """Describe the accuracy of a solution in a few words: its error, that of a quantity, or else its loss."""
    error = result.get("relative_l2_error")
    if error is not None:
        return f"relative error {error:.1e}"
    for name, quantity in result.get("quantities", {}).items():
        if quantity["relative_error"] is not None:
            return f"error of {name} {quantity['relative_error']:.1e}"
    return f"loss {result['loss']:.1e}"
