"""Figures and their files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..runs.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 160
Axes3D = Any  # of mpl_toolkits.mplot3d, which has no types


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own: pyplot would choose a window system and keep every figure alive."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="compressed", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def pixels(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure of `new_figure`, [height, width, 3]."""
    figure.canvas.draw()
    canvas: Any = figure.canvas  # of Agg, whose methods have no types
    drawn: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return drawn


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure, whole or not at all; the extension gives the format."""
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise InputError(f"cannot draw {path.name!r}: use .png, .pdf or .svg")
    write_atomically(path, lambda p: figure.savefig(p, bbox_inches="tight"))
    return path
