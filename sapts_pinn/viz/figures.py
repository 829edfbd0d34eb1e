"""Style, files and limits of colours of all pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..runs.files import write_atomically
from .fields import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

DPI = 160
FEW, OUTLYING = 0.005, 4.0  # share of values on either side that may be left out, and how far they are then
OURS, THEIRS = "#2166ac", "#d6604d"
Axes3D = Any  # of mpl_toolkits.mplot3d, which has no types
STYLE: Any = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#666666", "xtick.color": "#444444", "ytick.color": "#444444", "axes.linewidth": 0.7,
    "figure.titlesize": 11, "figure.titleweight": "bold", "mathtext.default": "regular",
    "legend.frameon": False,
}  # fmt: skip


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


def colour_limits(fields: Sequence[Array]) -> tuple[float, float]:
    """Common limits, symmetric when the values change sign in earnest.

    Where a few values are far from all others, such as a pressure in a corner, the limits are quantiles.
    """
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    near, far = np.quantile(known, [FEW, 1 - FEW]).tolist()
    if high - low > OUTLYING * (far - near) > 0:
        low, high = near, far
    if low < 0 < high and min(-low, high) > 0.2 * max(-low, high):
        low, high = -max(-low, high), max(-low, high)
    if abs(low) < 1e-12 * high:
        low = 0.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def colour_map(limits: tuple[float, float]) -> str:
    """Two colours where the limits are symmetric, one scale elsewhere."""
    return "RdBu_r" if limits[0] == -limits[1] else "viridis"


def log_limits(fields: Sequence[Array]) -> tuple[float, float]:
    """Decades to show: at most four down from the largest, leaving out the zeros of an exact condition."""
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return -1.0, 0.0
    known = np.log10(np.maximum(known, 1e-300))
    high = math.ceil(10 * float(known.max())) / 10
    return max(high - 4.0, min(high - 1.0, float(np.percentile(known, 2)))), high


def colour_bar(axis: Axes, mapped: ScalarMappable) -> None:
    """A slim bar beside an image, with arrows where values lie beyond the limits."""
    extend = "neither"
    values, (low, high) = mapped.get_array(), mapped.get_clim()
    if values is not None and low is not None and high is not None:
        known = np.ma.masked_invalid(values).compressed()
        slack = 1e-6 * (high - low)
        beyond = (bool((known < low - slack).any()), bool((known > high + slack).any()))
        extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, extend)
    bar = axis.figure.colorbar(mapped, ax=axis, pad=0.02, aspect=25, extend=extend)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize="small")
