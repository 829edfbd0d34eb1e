"""Decomposition of a domain into plain factors and round holes, for conditions that hold exactly.

With a hole |x - c| < r cut out of a domain, l(x) = 1 - r / |x - c| vanishes on the hole, is smooth wherever
the domain is, and nearly one away from it.  If g_0 satisfies the conditions on the outer boundary, where l_0
vanishes, then

    g = g_0 + sum_j (g_j - g_0) b_j,    b_j = l_0 / (l_0 + k_j q_j) prod_(i != j) q_i / (q_i + q_j),
    q_j = |x - c_j|^2 - r_j^2,          k_j = l_0(c_j) / d_j^2,

satisfies them there and equals g_j on hole j, as b_j is one on its hole and zero on all others and outside.
(The rational blending functions of Rvachev and Sheiko, Applied Mechanics Reviews 48, 1995.)  With the
distance d_j of the centre from the outer boundary, b_j falls about linearly in between, and is no steeper
than it has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry import Ball, Difference, Domain

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Outline:
    """A domain as a product of plain factors without some balls.

    Attributes:
        factors: Intervals and other shapes whose faces are the outer boundary.
        holes: Balls cut out of them.
    """

    factors: tuple[Domain, ...]
    holes: tuple[Ball, ...]

    @classmethod
    def of(cls, domain: Domain) -> Outline:
        """Outline of a domain; a factor that is another set operation stands for itself."""
        factors: list[Domain] = []
        holes: list[Ball] = []
        for factor in domain.factors():
            cut, rest = [], factor
            while isinstance(rest, Difference) and isinstance(rest.b, Ball):
                cut.append(rest.b)
                rest = rest.a
            if isinstance(rest, Difference):
                factors.append(factor)
            else:
                factors += rest.factors()
                holes += cut
        return cls(tuple(factors), tuple(holes))

    @property
    def shapes(self) -> tuple[Domain, ...]:
        """Factors and holes."""
        return (*self.factors, *self.holes)

    def drawn_on(self, points: Tensor, names: Sequence[str], k: int, face: str) -> Tensor:
        """Points [N, dim] with the coordinates of shape k drawn anew on one of its faces.

        Args:
            points: Points of the domain.
            names: Names of the coordinates.
            k: Number of the shape in `shapes`.
            face: Its face.
        """
        shape = self.shapes[k]
        drawn = shape.boundary(len(points), torch.Generator().manual_seed(13), on=face).points
        out = points.clone()
        out[:, [names.index(name) for name in shape.names]] = drawn
        return out

    def depth(self, hole: Ball) -> float:
        """Distance of a hole's centre from the outer boundary."""
        depths = []
        for shape in self.factors:
            axes = [hole.names.index(name) for name in shape.names if name in hole.names]
            if axes:
                depths.append(-float(shape.distance(hole.center[axes].unsqueeze(0))))
        return min(depths)

    def is_free(self, hole: Ball) -> bool:
        """Test whether a hole touches no other part of the boundary."""
        others = [other for other in self.holes if other is not hole and other.names == hole.names]
        apart = all(_distance(hole, other) > hole.radius + other.radius for other in others)
        return apart and self.depth(hole) > hole.radius


def _distance(a: Ball, b: Ball) -> float:
    return float(torch.linalg.vector_norm(a.center - b.center))


def away_from(hole: Ball, axes: Sequence[int]) -> Function:
    """Function [N, dim] -> [N] that vanishes on a hole, grows away from it and tends to one."""
    axes = list(axes)
    return lambda p: 1 - hole.radius / ((p[:, axes] - hole.center.to(p)) ** 2).sum(1).sqrt()


def joined(
    outer: Function | None, fixed: Function | None, holes: Sequence[tuple[Ball, Sequence[int], float, float]]
) -> Function | None:
    """Extend what is given on the outer boundary to holes.

    Args:
        outer: g_0, or None for zero.
        fixed: l_0, or None where the outer boundary fixes nothing.
        holes: For each the ball, the positions of its coordinates, the distance d of its centre from the
            outer boundary, and the value prescribed on it.
    """
    if outer is None and not any(value for *_, value in holes):
        return None

    def function(points: Tensor) -> Tensor:
        base = torch.zeros_like(points[:, 0]) if outer is None else outer(points)
        beyond = [
            ((points[:, list(axes)] - ball.center.to(points)) ** 2).sum(1) - ball.radius**2
            for ball, axes, *_ in holes
        ]
        out = base
        for j, (ball, axes, distance, value) in enumerate(holes):
            bump = torch.ones_like(base)
            if fixed is not None:
                here, slope = fixed(points), fixed(_moved(points, ball, axes)) / distance**2
                bump = here / (here + slope * beyond[j])
            for i in range(len(holes)):
                if i != j:
                    bump = bump * beyond[i] / (beyond[i] + beyond[j])
            out = out + (value - base) * bump
        return out

    return function


def _moved(points: Tensor, ball: Ball, axes: Sequence[int]) -> Tensor:
    """Points [N, dim] with some coordinates replaced by those of a ball's centre."""
    columns = list(points.unbind(1))
    for axis, value in zip(axes, ball.center.tolist(), strict=True):
        columns[axis] = torch.full_like(columns[axis], value)
    return torch.stack(columns, 1)
