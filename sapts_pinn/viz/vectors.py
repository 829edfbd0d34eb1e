"""Vector unknowns: u, v (and w) on two (three) coordinates of space, such as a velocity or a displacement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..problems import Problem
from ..problems.conditions.base import space_names
from .fields import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.quiver import Quiver

ARROWS = 22  # along the longer side of a picture


def flow_of(problem: Problem) -> dict[str, str]:
    """The component along each coordinate of space; empty where the unknowns are no vector."""
    space = space_names(problem.domain)
    components = ("u", "v", "w")[: len(space)]
    if len(space) not in (2, 3) or not set(components) <= set(problem.unknown_names):
        return {}
    return dict(zip(space, components, strict=True))


def speed(found: Mapping[str, Array], flow: Mapping[str, str]) -> Array:
    """Length of the vector."""
    total: Array = np.sqrt(sum(found[name] ** 2 for name in flow.values()))
    return total


def vector_name(flow: Mapping[str, str]) -> str:
    """Such as "(u, v)"."""
    return f"({', '.join(flow.values())})"


def draw_streams(axis: Axes, a: Array, b: Array, along_a: Array, along_b: Array) -> None:
    """Streamlines with arrows over an image.

    Args:
        axis: Where the image is.
        a: [n], horizontal coordinates.
        b: [m], vertical coordinates.
        along_a: [m, n], horizontal component, NaN outside of the domain.
        along_b: [m, n], vertical component.
    """
    unknown = ~(np.isfinite(along_a) & np.isfinite(along_b))
    if unknown.all() or not (np.nan_to_num(along_a) ** 2 + np.nan_to_num(along_b) ** 2).any():
        return
    limits = axis.get_xlim(), axis.get_ylim()
    longer = float(
        np.sqrt((a[-1] - a[0]) / (b[-1] - b[0]))
    )  # as dense one way as the other, in a channel too
    axis.streamplot(
        a,
        b,
        np.ma.array(along_a, mask=unknown),
        np.ma.array(along_b, mask=unknown),
        color="white",
        linewidth=0.6,
        arrowsize=0.6,
        density=(longer, 1 / longer),
    )
    axis.set(xlim=limits[0], ylim=limits[1])


def draw_arrows(
    axis: Axes,
    a: Array,
    b: Array,
    along_a: Array,
    along_b: Array,
    limits: tuple[float, float],
    colours: str,
) -> Quiver:
    """Arrows coloured by the length of the vector, on an empty background.

    Their own lengths stop growing at the ninth decile, so that a fast corner leaves the others visible.

    Args:
        axis: Where.
        a: [n], horizontal coordinates.
        b: [m], vertical coordinates.
        along_a: [m, n], horizontal component, NaN outside of the domain.
        along_b: [m, n], vertical component.
        limits: Of the colours.
        colours: Name of their map.

    Returns:
        The arrows.
    """
    gap = max(a[-1] - a[0], b[-1] - b[0]) / ARROWS
    columns, rows = (_every(values, gap) for values in (a, b))
    x, y = np.meshgrid(a[columns], b[rows])
    p, q = along_a[np.ix_(rows, columns)], along_b[np.ix_(rows, columns)]
    known = np.isfinite(p) & np.isfinite(q)
    x, y, p, q = x[known], y[known], p[known], q[known]
    length = np.hypot(p, q)
    full = float(np.quantile(length, 0.9)) if length.size else 0.0
    if full == 0:
        full = float(length.max(initial=0.0)) or 1.0
    shorter = np.minimum(full / np.maximum(length, 1e-300), 1.0)
    arrows = axis.quiver(
        x, y, p * shorter, q * shorter, length,
        angles="xy", scale_units="xy", scale=full / gap, pivot="mid", width=0.006, minlength=0.3,
        cmap=colours, clim=limits,
    )  # fmt: skip
    axis.set(xlim=(a[0], a[-1]), ylim=(b[0], b[-1]), aspect="equal")
    return arrows


def _every(values: Array, gap: float) -> NDArray[np.int64]:
    """Positions of some of these evenly spaced values, a gap apart and as far from both ends."""
    count = max(round((values[-1] - values[0]) / gap), 1)
    return np.unique(np.round((np.arange(count) + 0.5) / count * (len(values) - 1)).astype(int))
