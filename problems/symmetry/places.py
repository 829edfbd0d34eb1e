"""Places at which a function of the coordinates is examined, so that nothing narrow in it is missed.

Thousands of points of a low-discrepancy sequence find what is wide.  What is narrow is found through the
function itself (`branches.py`): points in every cell that its branchings cut out, both sides of every place
where it branches, and the centres of peaks and layers that are thinner than the points are dense.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from ...geometry import BoundaryPoints, Domain, Interval
from ..functions.branches import explore
from ..functions.margins import leaves_torch

Function = Callable[[Tensor], Tensor]
OnFace = Callable[[Tensor, Tensor], Tensor]

POINTS = 4096
OPAQUE = 4  # times as many where only values can tell
LINES = 4  # start a search for what is narrow
SEARCHES = 2  # by independent lines: of several thousand cases a single search misses one
BESIDE = 1e-9  # of the domain, from a place where the function branches
BESIDES = 512  # places where the function branches
MOST = 4096  # points inside the cells


def interior_points(domain: Domain, function: Function, generator: Generator) -> Tensor:
    """Many points of the interior, [N, dim], to look at a function of points [N, dim] with values [N]."""
    points = domain.interior(POINTS, generator, "sobol")
    if domain.dim > 1 and leaves_torch(function, points[:2]):
        return domain.interior(OPAQUE * POINTS, generator, "sobol")
    return points


def interior_places(domain: Domain, function: Function, generator: Generator) -> Tensor:
    """Points [M, dim] of the interior where a function varies most; arguments as of `interior_points`."""
    found = _found(function, domain.bounds, generator)
    return found[domain.inside(found)]


def face_points(domain: Domain, face: str, function: OnFace, generator: Generator) -> BoundaryPoints:
    """Draw many points of a face.

    Args:
        domain: The domain.
        face: Tag of the face.
        function: Maps points [N, dim] and normals [N, dim] to values [N].
        generator: Draws.
    """
    drawn = domain.boundary(POINTS if domain.dim > 1 else 1, generator, on=face, sampler="sobol")
    if domain.dim > 2 and leaves_torch(lambda x: function(x, drawn.normals[:2]), drawn.points[:2]):
        return domain.boundary(OPAQUE * POINTS, generator, on=face, sampler="sobol")
    return drawn


def face_places(
    domain: Domain, face: str, function: OnFace, drawn: BoundaryPoints, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Points of a face where a function varies most.

    Args:
        domain: The domain.
        face: Tag of the face.
        function: Maps points [N, dim] and normals [N, dim] to values [N].
        drawn: Points of the face.
        generator: Draws.

    Returns:
        Points [M, dim] and normals [M, dim].
    """
    factor = next(f for f in domain.factors() if face in f.faces)
    own = [domain.names.index(name) for name in factor.names]
    rest = [i for i in range(domain.dim) if i not in own]
    if not rest:
        return drawn.points[:0], drawn.normals[:0]
    if isinstance(factor, Interval):  # the face is a box of the other coordinates
        wall, normal = drawn.points[:1], drawn.normals[:1]

        def on_wall(x: Tensor) -> Tensor:
            return function(_placed(wall.expand(len(x), -1), x, rest), normal.expand(len(x), -1))

        places = _found(on_wall, domain.bounds[:, rest], generator)
        found, normals = _placed(wall.expand(len(places), -1), places, rest), normal.expand(len(places), -1)
    else:  # what happens in the other coordinates happens on the face too
        inside = _found(lambda x: function(x, drawn.normals[:1].expand_as(x)), domain.bounds, generator)
        inside = inside[: len(drawn.points)]
        found, normals = _placed(drawn.points[: len(inside)], inside[:, rest], rest), drawn.normals
        normals = normals[: len(inside)]
    near = domain.distance(found) <= 1e-9 * float((domain.bounds[1] - domain.bounds[0]).max())
    return found[near], normals[near]


def _placed(points: Tensor, values: Tensor, columns: list[int]) -> Tensor:
    """Points [N, dim] with some of their coordinates replaced by values [N, len(columns)]."""
    out = points.clone()
    out[:, columns] = values
    return out


def _found(function: Function, bounds: Tensor, generator: Generator) -> Tensor:
    """Points [M, d] in every cell that the searches have found, and on both sides of where they branch."""
    lower, upper = bounds[0], bounds[1]
    searches = [explore(function, lower, upper, generator, LINES, steep=True) for _ in range(SEARCHES)]
    edges, cells = (torch.cat(parts) for parts in zip(*searches, strict=True))
    some = edges[torch.randperm(len(edges), generator=generator)[:BESIDES]]
    cells = cells.unique(dim=0)
    cells = cells[torch.randperm(len(cells), generator=generator)[:MOST]]
    aside = BESIDE * (upper - lower) * torch.randn(some.shape, generator=generator, dtype=torch.float64)
    beside = torch.cat([some + aside, some - aside])
    return torch.minimum(torch.maximum(torch.cat([cells, beside]), lower), upper)
