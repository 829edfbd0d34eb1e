r"""Quadrature on domains: Gauss-Legendre on lines, and what is made of lines.

A line has Gauss-Legendre nodes on two panels.  With a generator the place where the panels meet is drawn, so
that two draws have different nodes: an integrand that one of them does not resolve gives another value by the
other, and whoever compares them sees the error of the quadrature.  A triangle or tetrahedron is the image of
a cube under Duffy's map, x = c_0 + u_1 (c_1 - c_0 + u_2 (c_2 - c_1 + ...)), whose determinant is a polynomial
(Duffy, SIAM J. Numer. Anal. 19 (1982) 1260); a disc and a ball are products of radius, height and angle, and
the angle has equidistant nodes, which are exact for trigonometric polynomials.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

from ..errors import InputError

if TYPE_CHECKING:
    from .domains import Domain

Nodes = tuple[Tensor, Tensor]  # points [Q, dim] and weights [Q]


@dataclass(frozen=True)
class Rule:
    """Number of quadrature nodes along each coordinate, and their chance.

    Attributes:
        nodes: Along a coordinate, at least 2.
        generator: Where panels meet and angles begin; None puts them in the middle.
    """

    nodes: int
    generator: Generator | None = None

    def chance(self) -> float:
        """A number between 0 and 1; one half without a generator."""
        if self.generator is None:
            return 0.5
        return float(torch.rand((), generator=self.generator, dtype=torch.float64))

    def line(self, lower: float, upper: float) -> Nodes:
        """Nodes on an interval, as numbers [Q]."""
        middle = lower + (0.4 + 0.2 * self.chance()) * (upper - lower)
        x, w = gauss(max(self.nodes // 2, 1))
        ends = ((lower, middle), (middle, upper))
        points = [a + (b - a) * x for a, b in ends]
        return torch.cat(points), torch.cat([(b - a) * w for a, b in ends])

    def circle(self) -> Nodes:
        """Angles [Q] on a full circle."""
        count = 2 * self.nodes
        step = 2 * math.pi / count
        angles = step * (self.chance() + torch.arange(count, dtype=torch.float64))
        return angles, torch.full_like(angles, step)

    def single(self) -> Rule:
        """A rule with fewer nodes, for an element among many."""
        return replace(self, nodes=max(self.nodes // 8, 2))


def gauss(count: int) -> Nodes:
    """Gauss-Legendre nodes and weights [count] on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(count)
    return torch.from_numpy((x + 1) / 2), torch.from_numpy(w / 2)


def product(parts: list[Nodes]) -> Nodes:
    """Nodes of a product of domains."""
    points, weights = parts[0]
    for x, w in parts[1:]:
        count = len(points)
        points = torch.cat([points.repeat_interleave(len(x), 0), x.repeat(count, 1)], 1)
        weights = weights.repeat_interleave(len(w)) * w.repeat(count)
    return points, weights


def simplices(corners: Tensor, measures: Tensor, rule: Rule) -> Nodes:
    """Nodes on simplices.

    Args:
        corners: [S, k + 1, dim].
        measures: [S].
        rule: Its nodes are along each of k directions in a single simplex.
    """
    k = corners.shape[1] - 1
    if rule.generator is not None:  # other nodes, as other corners are the tip
        corners = corners[:, torch.randperm(k + 1, generator=rule.generator)]
    x, w = gauss(rule.nodes)
    u, weights = product([(x[:, None], w)] * k) if k else (torch.ones(1, 0), torch.ones(1))
    u, weights = u.double(), weights.double()
    points = corners[:, 0, None] + torch.zeros_like(u[:, :1])  # [S, Q, dim]
    factor = torch.ones(len(u), dtype=torch.float64)
    for i in range(k):
        factor = factor * u[:, i]
        points = points + factor[:, None] * (corners[:, i + 1] - corners[:, i])[:, None]
        weights = weights * (k - i) * u[:, i] ** (k - 1 - i)
    return points.flatten(0, 1), (measures[:, None] * weights).flatten()


def disc(centre: Tensor, radius: float, rule: Rule) -> Nodes:
    """Nodes in an interval, a disc or a ball.

    Args:
        centre: [dim], dim at most 3.
        radius: Its radius.
        rule: The rule.
    """
    r, w = rule.line(0.0, radius)
    directions, share = sphere(len(centre), rule)
    unit, weights = product([(r[:, None], w * r ** (len(centre) - 1)), (directions, share)])
    return centre + unit[:, :1] * unit[:, 1:], weights


def sphere(dim: int, rule: Rule) -> Nodes:
    """Nodes on the unit sphere of one, two or three dimensions."""
    if dim == 1:
        return torch.tensor([[-1.0], [1.0]], dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    angle, w = rule.circle()
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    if dim == 2:
        return ring, w
    height, v = rule.line(-1.0, 1.0)
    both, weights = product([(height[:, None], v), (ring, w)])
    return torch.cat([(1 - both[:, :1] ** 2).sqrt() * both[:, 1:], both[:, :1]], 1), weights


class Integrable:
    """A domain over which integrals are taken; the default is one without."""

    def quadrature(self, rule: Rule) -> Nodes:
        """Nodes [Q, dim] and weights [Q] of a quadrature over the domain.

        Args:
            rule: Number of nodes along a coordinate.

        Raises:
            InputError: There is none for this domain.
        """
        raise InputError(f"there is no quadrature on {self!r}, only on {KINDS}; write it as one of these")

    def face_quadrature(self, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes [Q, dim], outward normals [Q, dim] and weights [Q] of a quadrature over a face.

        Args:
            tag: The face; a single point, the end of an interval, counts 1.
            rule: Number of nodes along a coordinate.

        Raises:
            InputError: There is none for this domain.
        """
        raise InputError(
            f"there is no quadrature on faces of {self!r}, only on {KINDS}; write it as one of these"
        )


KINDS = "intervals, boxes, balls of up to three dimensions, polygons, meshes of cells, and their products"


class IntegrableProduct(Integrable):
    """A product of domains, over which integrals are those over its factors."""

    @abstractmethod
    def factors(self) -> tuple[Domain, ...]:
        """The factors."""

    def quadrature(self, rule: Rule) -> Nodes:
        """Nodes and weights: those of the factors multiplied."""
        return product([factor.quadrature(rule) for factor in self.factors()])

    def face_quadrature(self, tag: str, rule: Rule) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes, normals and weights of a face of one factor times the others."""
        parts: list[Nodes] = []
        for factor in self.factors():
            if tag in factor.faces:
                points, normals, weights = factor.face_quadrature(tag, rule)
            else:
                points, weights = factor.quadrature(rule)
                normals = torch.zeros_like(points)
            parts.append((torch.cat([points, normals], 1), weights))
        both, weights = product(parts)
        columns = both.split([size for factor in self.factors() for size in (factor.dim, factor.dim)], 1)
        return torch.cat(columns[::2], 1), torch.cat(columns[1::2], 1), weights
