"""Where a function of the coordinates has to be looked at, so that nothing in it is missed.

Thousands of points of a low-discrepancy sequence find what is wide.  What is narrow is found through the
function itself (`branches.py`): points in every cell that its branchings cut out, both sides of every place
where it branches, and the centres of peaks and layers that are thinner than the points are dense.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, Tensor

from ..geometry import BoundaryPoints, Domain, Interval
from .branches import explore
from .margins import leaves_torch

Function = Callable[[Tensor], Tensor]

POINTS = 4096
OPAQUE = 16  # times as many where only values can tell
BESIDE = 1e-9  # of the domain, from a place where the function branches
MOST = 256  # of the points that a search finds


def interior_places(domain: Domain, function: Function, generator: Generator) -> tuple[Tensor, Tensor]:
    """Points of the interior: many, and those where the function has to be looked at.

    Args:
        domain: The domain.
        function: Of points [N, dim] with values [N].
        generator: Draws.

    Returns:
        [N, dim], [M, dim].
    """
    points = domain.interior(POINTS, generator, "sobol")
    if domain.dim > 1 and leaves_torch(function, points[:2]):
        points = domain.interior(OPAQUE * POINTS, generator, "sobol")
    found = _found(function, domain.bounds, generator)
    return points, found[domain.inside(found)]


def face_places(
    domain: Domain, face: str, function: Callable[[Tensor, Tensor], Tensor], generator: Generator
) -> tuple[BoundaryPoints, BoundaryPoints]:
    """Points of a face: many, and those where the function has to be looked at.

    Args:
        domain: The domain.
        face: Tag of the face.
        function: Of points [N, dim] and normals [N, dim] with values [N].
        generator: Draws.
    """
    drawn = domain.boundary(POINTS if domain.dim > 1 else 1, generator, on=face, sampler="sobol")
    if domain.dim > 2 and leaves_torch(lambda x: function(x, drawn.normals[:2]), drawn.points[:2]):
        drawn = domain.boundary(OPAQUE * POINTS, generator, on=face, sampler="sobol")
    factor = next(f for f in domain.factors() if face in f.faces)
    own = [domain.names.index(name) for name in factor.names]
    rest = [i for i in range(domain.dim) if i not in own]
    found, normals = drawn.points[:0], drawn.normals[:0]
    if rest and isinstance(factor, Interval):  # the face is a box of the other coordinates
        wall, normal = drawn.points[:1], drawn.normals[:1]

        def on_wall(x: Tensor) -> Tensor:
            return function(_placed(wall.expand(len(x), -1), x, rest), normal.expand(len(x), -1))

        places = _found(on_wall, domain.bounds[:, rest], generator)
        found, normals = _placed(wall.expand(len(places), -1), places, rest), normal.expand(len(places), -1)
    elif rest:  # what happens in the other coordinates happens on the face too
        places = _found(lambda x: function(x, drawn.normals[:1].expand_as(x)), domain.bounds, generator)
        places = places[: len(drawn.points)]
        found, normals = (
            _placed(drawn.points[: len(places)], places[:, rest], rest),
            drawn.normals[: len(places)],
        )
    near = domain.distance(found) <= 1e-9 * float((domain.bounds[1] - domain.bounds[0]).max())
    special = replace(drawn, points=found[near], normals=normals[near], index=drawn.index[:0])
    return drawn, special


def _placed(points: Tensor, values: Tensor, columns: list[int]) -> Tensor:
    """Points [N, dim] with some of their coordinates replaced by values [N, len(columns)]."""
    out = points.clone()
    out[:, columns] = values
    return out


def _found(function: Function, bounds: Tensor, generator: Generator) -> Tensor:
    lower, upper = bounds[0], bounds[1]
    edges, cells = explore(function, lower, upper, generator, steep=True)
    some = edges[torch.randperm(len(edges), generator=generator)[:MOST]]
    aside = BESIDE * (upper - lower) * torch.randn(some.shape, generator=generator, dtype=torch.float64)
    beside = torch.cat([some + aside, some - aside])
    return torch.minimum(torch.maximum(torch.cat([cells[:MOST], beside]), lower), upper)
