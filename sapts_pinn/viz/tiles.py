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
from .curves import CURVE, draw_curve
from .fields import ends, evaluate
from .figures import new_figure, pixels
from .overview import main_panels
from .panels import LOW, break_title
from .style import GREY, STYLE, THEIRS
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Tile = NDArray[np.uint8]

WIDTH, HEIGHT, DENSITY = 4.6, 2.7, 110  # of a tile, in inches and dots per inch
SMALL: Any = {
    "font.size": 7.5, "axes.titlesize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 6.5, "ytick.labelsize": 6.5,
}  # fmt: skip
LONG = 24  # letters of a title
RED = "#c0392b"
MARKS = ((0.01, "#2e9e4f"), (0.1, "#e6a117"))  # largest error of green and of amber


def tile(solution: View, caption: str, name: str | None = None) -> Tile:
    """Small picture of a solution, [height, width, 3]: its main field, and the reference beside.

    One coordinate gives curves, with the reference dashed.  A mark tells the error: see `mark_of`.
    """
    import matplotlib

    with matplotlib.rc_context({**STYLE, **SMALL}):
        return pixels(filled(solution, caption, name or solution.problem.name))


def filled(solution: View, caption: str, name: str) -> Figure:
    """Draw the figure of a tile."""
    figure = _figure(name, caption, mark_of(solution.result))
    _draw(figure, solution)
    for axis in figure.axes:
        axis.locator_params(nbins=4)
    figure.draw_without_rendering()  # one pass of the layout leaves ticks on each other
    return figure


def failed(name: str, reason: str) -> Tile:
    """A tile that says why there is no picture."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _figure(name, "failed", RED)
        figure.set_facecolor("#fdf0ed")
        figure.text(
            0.5, 0.58, fill(reason, 36, max_lines=7, placeholder=" ..."), ha="center", va="center",
            color=THEIRS, fontsize=8, parse_math=False,
        )  # fmt: skip
        return pixels(figure)


def write_sheet(tiles: Sequence[Tile], path: Path, columns: int = 4) -> Path:
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


def _figure(name: str, caption: str, mark: str) -> Figure:
    figure = new_figure(WIDTH, HEIGHT)
    figure.set_dpi(DENSITY)
    engine: Any = figure.get_layout_engine()  # the name, the mark and the caption stand below
    engine.set(rect=(0.02, 0.17, 0.96, 0.82))
    figure.text(0.06, 0.085, "\u25cf", ha="center", va="center", fontsize=16, color=mark)
    figure.text(0.5, 0.095, name, ha="center", va="bottom", fontsize=9, fontweight="bold", parse_math=False)
    figure.text(0.5, 0.085, caption, ha="center", va="top", fontsize=8, color="#444444", parse_math=False)
    return figure


def _draw(figure: Figure, solution: View) -> None:
    if solution.problem.domain.dim == 1:
        _curves(figure, solution)
        return
    panels, aspect = main_panels(solution)
    rows = len(panels) if aspect < LOW else 1
    for i, panel in enumerate(panels):
        axis = figure.add_subplot(rows, len(panels) // rows, i + 1)
        panel.draw(axis)
        break_title(axis, LONG)
        if i and rows == 1:
            axis.set_ylabel("")


def _curves(figure: Figure, solution: View) -> None:
    """All unknowns over the one coordinate."""
    (name,) = solution.problem.domain.names
    x = np.linspace(*ends(solution.problem.domain, name), CURVE)
    axis = figure.subplots()
    draw_curve(axis, x, evaluate(solution, {name: x}), solution.problem.unknown_names)
    axis.set(xlabel=name, xlim=(x[0], x[-1]))


def mark_of(result: Result) -> str:
    """Colour that judges a result: green up to an error of one per cent, amber up to ten, red above.

    Grey where neither an error nor that of a quantity is known.
    """
    errors = [q["relative_error"] for q in result.get("quantities", {}).values()]
    error = next((e for e in (result.get("relative_l2_error"), *errors) if e is not None), None)
    if error is None:
        return GREY
    return next((colour for bound, colour in MARKS if error <= bound), RED)


def describe(result: Result) -> str:
    """Describe the accuracy of a solution in a few words: its error, that of a quantity, or else its loss."""
    error = result.get("relative_l2_error")
    if error is not None:
        return f"relative error {error:.1e}"
    for name, quantity in result.get("quantities", {}).items():
        if quantity["relative_error"] is not None:
            return f"error of {name} {quantity['relative_error']:.1e}"
    return f"loss {result['loss']:.1e}"
