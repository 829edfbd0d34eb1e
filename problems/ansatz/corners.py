"""Singular functions of corners, which a smooth network cannot represent, as additional inputs.

Near a corner of interior angle w the solution of a second-order elliptic equation behaves like

    r^(pi/w) sin(pi th/w)    when it is prescribed on both edges,
    r^(pi/w) cos(pi th/w)    when its normal derivative is,

and with half the exponent when the two are mixed.  At a re-entrant corner (w > pi) its gradient is unbounded,
and no smooth network comes close.  The singular function of every such corner becomes one more feature, so
that the network can build on it: on the L-shape the error at equal time falls by a factor of 40.
The angle jumps on a half-line that starts at the corner, outside the domain.  Where it would meet the domain
again, beyond a hole or a bay, the function is faded out before, with four continuous derivatives.
On a mesh in the plane the corners are those of its outline that are clearly none of a polygon that stands for
a smooth curve.
Sources: Grisvard, Elliptic Problems in Nonsmooth Domains (1985); for networks SEPINN, arXiv:2308.16429.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry import Mesh, Polygon
from ..conditions.base import Condition

Function = Callable[[Tensor], Tensor]

SHARP = math.radians(220)  # interior angle from which on a corner of a mesh is one


@dataclass(frozen=True)
class Corner:
    """A corner between two straight edges of a boundary.

    Attributes:
        at: Position, [2].
        along: Vector from the corner along one edge, [2].
        back: Vector from the corner along the other edge, [2].
        outward: Outward normal of the first edge, [2].
        faces: The faces that the edges belong to.
    """

    at: Tensor
    along: Tensor
    back: Tensor
    outward: Tensor
    faces: tuple[str, str]


def corners(shape: Polygon | Mesh) -> list[Corner]:
    """The corners of a domain in the plane."""
    if isinstance(shape, Mesh):
        return _of_mesh(shape)
    v, n = shape.vertices, len(shape.vertices)
    return [
        Corner(
            v[i],
            v[(i + 1) % n] - v[i],
            v[i - 1] - v[i],
            shape.normals[i],
            (shape.faces[i], shape.faces[i - 1]),
        )
        for i in range(n)
    ]


def _of_mesh(mesh: Mesh) -> list[Corner]:
    points, out = torch.from_numpy(mesh.points), []
    meeting: dict[int, list[tuple[int, int]]] = {}  # for each point its facets, with their other ends
    for number, (a, b) in enumerate(mesh.facets.tolist()):
        meeting.setdefault(a, []).append((number, b))
        meeting.setdefault(b, []).append((number, a))
    for point, edges in meeting.items():
        if len(edges) != 2:  # where two outlines touch there are several angles
            continue
        (first, end), (second, start) = edges
        out.append(
            Corner(
                points[point],
                points[end] - points[point],
                points[start] - points[point],
                torch.from_numpy(mesh.normals[first]),
                (mesh.faces[mesh.facet_tags[first]], mesh.faces[mesh.facet_tags[second]]),
            )
        )
    return out


def corner_features(
    shape: Polygon | Mesh,
    axes: Sequence[int],
    conditions: Sequence[Condition],
    faces: Callable[[Condition], Sequence[str]],
) -> list[tuple[str, Function]]:
    """The singular functions of re-entrant corners.

    Args:
        shape: A polygon, or a mesh in the plane.
        axes: Positions of its two coordinates among those of the domain.
        conditions: All conditions.
        faces: Tells on which faces a condition holds.

    Returns:
        Names in words, and functions of points [N, dim] with values [N].
    """

    def natural(face: str) -> bool:
        return any(c.prescribes_normal_derivative and face in faces(c) for c in conditions)

    out, sharp = [], SHARP if isinstance(shape, Mesh) else math.pi * (1 + 1e-9)
    edges = _edges(shape)
    size = float((shape.bounds[1] - shape.bounds[0]).max()) / 2
    for corner in corners(shape):
        along, back, outward = corner.along, corner.back, corner.outward
        # Counter-clockwise, the domain lies to the left of an edge; otherwise mirror the picture.
        left = -(outward[1] * along[0] - outward[0] * along[1]) > 0
        start, end = (along, back) if left else (back, along)
        first = math.atan2(float(start[1]), float(start[0]))
        angle = (math.atan2(float(end[1]), float(end[0])) - first) % (2 * math.pi)
        if angle <= sharp:
            continue
        kinds = (natural(corner.faces[0]), natural(corner.faces[1]))
        at_first, at_last = kinds if left else kinds[::-1]
        reach = _free(corner.at, first + 0.5 * angle + math.pi, edges)
        out.append(
            (
                f"singular function of the corner ({float(corner.at[0]):g}, {float(corner.at[1]):g})",
                _singular(corner.at, first, angle, at_first, at_last, axes, reach, size),
            )
        )
    return out


def _singular(
    corner: Tensor,
    first: float,
    angle: float,
    at_first: bool,
    at_last: bool,
    axes: Sequence[int],
    reach: float,
    size: float,
) -> Function:
    """Singular function r^p sin(p th), with cos for du/dn = 0 on the first edge, zero beyond `reach`.

    r is the distance over the size of the shape, so that this is of order one in any unit of length.
    """
    power = math.pi / angle if at_first == at_last else 0.5 * math.pi / angle
    middle = first + 0.5 * angle  # the branch cut of atan2 then lies outside the domain
    c, s = math.cos(middle), math.sin(middle)

    def function(points: Tensor) -> Tensor:
        x = (points[:, axes[0]] - corner[0].to(points)) / size
        y = (points[:, axes[1]] - corner[1].to(points)) / size
        theta = torch.atan2(c * y - s * x, c * x + s * y) + 0.5 * angle
        wave = torch.cos(power * theta) if at_first else torch.sin(power * theta)
        # At the corner itself, where derivatives do not exist, a tiny radius keeps them finite.
        square = x * x + y * y + 1e-28
        return (
            square ** (0.5 * power)
            * wave
            * (1 if math.isinf(reach) else _faded(square.sqrt() * (size / reach)))
        )

    return function


def _faded(s: Tensor) -> Tensor:
    """Cut-off function: one for s below 1/4, zero above 9/10, with four continuous derivatives."""
    t = ((s - 0.25) / 0.65).clamp(0, 1)
    return 1 - t**5 * (126 - t * (420 - t * (540 - t * (315 - t * 70))))


def _edges(shape: Polygon | Mesh) -> Tensor:
    """The straight pieces of the boundary, [E, 2, 2]."""
    if isinstance(shape, Mesh):
        return torch.from_numpy(shape.points)[torch.from_numpy(shape.facets)]
    return torch.stack([shape.vertices, shape.vertices.roll(-1, 0)], 1)


def _free(corner: Tensor, direction: float, edges: Tensor) -> float:
    """Length of a half-line from a corner to the first edge that it meets; infinity if it meets none."""
    d = corner.new_tensor([math.cos(direction), math.sin(direction)])
    a, e = edges[:, 0] - corner, edges[:, 1] - edges[:, 0]
    det = e[:, 0] * d[1] - e[:, 1] * d[0]
    along = (e[:, 0] * a[:, 1] - e[:, 1] * a[:, 0]) / det  # corner + along d = edge[0] + across e
    across = (d[0] * a[:, 1] - d[1] * a[:, 0]) / det
    size = edges.abs().max()
    hit = (det != 0) & (across >= -1e-9) & (across <= 1 + 1e-9) & (along > 1e-9 * size)
    return float(along[hit].min()) if hit.any() else math.inf
