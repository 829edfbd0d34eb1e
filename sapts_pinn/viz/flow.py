"""Vector unknowns: u, v (and w) on two (three) coordinates of space are the components of a velocity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..problems import Problem
from ..sampled import Array, time_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def flow_of(problem: Problem) -> dict[str, str]:
    """The component along each coordinate of space; empty where the unknowns are no velocity."""
    space = [name for name in problem.domain.names if name != time_name(problem.domain)]
    components = ("u", "v", "w")[: len(space)]
    if len(space) not in (2, 3) or not set(components) <= set(problem.unknown_names):
        return {}
    return dict(zip(space, components, strict=True))


def speed(found: Mapping[str, Array], flow: Mapping[str, str]) -> Array:
    """Length of the velocity."""
    total: Array = np.sqrt(sum(found[name] ** 2 for name in flow.values()))
    return total


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
    axis.streamplot(
        a,
        b,
        np.ma.array(along_a, mask=unknown),
        np.ma.array(along_b, mask=unknown),
        color="white",
        linewidth=0.6,
        arrowsize=0.6,
        density=1.1,
    )
    axis.set(xlim=limits[0], ylim=limits[1])
