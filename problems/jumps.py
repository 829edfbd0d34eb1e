"""Places where prescribed values jump: a hot wall that meets a cold start, a moving lid that meets a wall.

No solution is continuous there.  A network is, and so it leaves a residual without bound close by, which says
little about what it is elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Generator, Tensor

from ..geometry import Domain
from .ansatz.ansatz import Function
from .ansatz.data import PrescribedData
from .ansatz.outline import Outline
from .conditions.base import Condition

if TYPE_CHECKING:
    from .description import Description

ZONE = 0.02  # of the extent: near a jump
JUMP = 0.05  # of the values: a difference that counts
CLOSE = 1e-9  # of the way: so far from the meeting the values of two faces are compared
PLACES = 512  # where two faces of different factors meet
SAMPLE = {2: 2_048, 3: 16_384}  # of each of two faces of the same shape, by its dimension
ADJACENT = 2.0  # usual distances of neighbours in the sample


@dataclass(frozen=True)
class Jumps:
    """Places where values of one unknown on two faces differ.

    Attributes:
        places: [M, dim], M = 0 where there are none.
        sizes: The largest jump by unknown, in its unit.
        extent: [dim] of the domain.
    """

    places: Tensor
    sizes: dict[str, float]
    extent: Tensor

    def distance(self, points: Tensor) -> Tensor:
        """The distance [N] of points [N, dim] from the nearest place, in extents: the largest coordinate."""
        if not len(self.places):
            return torch.full_like(points[:, 0], torch.inf)
        at = (points.double() / self.extent).numpy()
        return torch.from_numpy(self._tree.query(at, p=torch.inf)[0])

    def near(self, points: Tensor) -> Tensor:
        """Tell which points [N, dim] are so near to a jump that no network can be right there, bool [N]."""
        return self.distance(points) <= ZONE

    @cached_property
    def _tree(self):  # type: ignore[no-untyped-def]
        from scipy.spatial import cKDTree  # slow to import, and most problems have no jumps

        return cKDTree((self.places / self.extent).numpy())


def jumps(problem: Description) -> Jumps:
    """Find where the prescribed values of a problem jump.

    Faces of different factors of the domain meet at known places; those of one shape, such as a polygon or a
    mesh, where points drawn on both are neighbours.
    """
    lower, upper = problem.domain.bounds.double()
    data, outline = PrescribedData(problem), Outline.of(problem.domain)
    given = [
        (c, p)
        for c in problem.conditions
        if (p := c.prescribed()) is not None and p.value is not None and data.is_fixed(c)
    ]

    @cache
    def sample(face: str, dim: int) -> Tensor:
        drawn = problem.domain.boundary(SAMPLE[dim], Generator().manual_seed(13), on=face, sampler="sobol")
        return drawn.points

    places: list[Tensor] = []
    sizes: dict[str, float] = {}
    for (c1, p1), (c2, p2) in itertools.combinations(given, 2):
        if p1.unknown != p2.unknown:
            continue
        first, second = (data.of(c, known_part=False) for c in (c1, c2))
        size = max(_size(problem.domain, c, f) for c, f in ((c1, first), (c2, second)))
        for f1, f2 in itertools.product(c1.faces(problem.domain), c2.faces(problem.domain)):
            on1, on2 = _meeting(problem.domain, outline, f1, f2, sample)
            if not len(on1):
                continue
            jump = (first(on1) - second(on2)).abs()
            high = jump > JUMP * size
            if high.any():
                places.append(on1[high])
                sizes[p1.unknown] = max(sizes.get(p1.unknown, 0.0), float(jump.max()))
    none = lower.new_zeros(0, len(lower))
    return Jumps(torch.cat([none, *places]), sizes, upper - lower)


def _size(domain: Domain, condition: Condition, value: Function) -> float:
    """The largest of a condition's values."""
    drawn = domain.boundary(PLACES, Generator().manual_seed(7), on=condition.faces(domain))
    return float(value(drawn.points).abs().max())


def _meeting(
    domain: Domain, outline: Outline, f1: str, f2: str, sample: Callable[[str, int], Tensor]
) -> tuple[Tensor, Tensor]:
    """Points [M, dim] on two faces, each beside the same place where these meet."""
    names = domain.names
    k1, k2 = (next(k for k, shape in enumerate(outline.shapes) if f in shape.faces) for f in (f1, f2))
    inner = domain.interior(PLACES, Generator().manual_seed(11))
    if set(outline.shapes[k1].names).isdisjoint(outline.shapes[k2].names):
        on1, on2 = outline.drawn_on(inner, names, k1, f1), outline.drawn_on(inner, names, k2, f2)
        corner = outline.drawn_on(on1, names, k2, f2)
        return torch.lerp(on1, corner, 1 - CLOSE), torch.lerp(on2, corner, 1 - CLOSE)
    body = {*outline.shapes[k1].names, *outline.shapes[k2].names}  # a hole and what it is cut from are one
    if f1 == f2 or len(body) not in SAMPLE:
        return inner[:0], inner[:0]
    columns = [names.index(name) for name in sorted(body)]
    return _neighbours(sample(f1, len(body)), sample(f2, len(body)), columns)


def _neighbours(a: Tensor, b: Tensor, columns: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pick points of two faces that lie side by side.

    Args:
        a: Points [N, dim] of a face.
        b: Points [M, dim] of another.
        columns: Coordinates of the body that has the faces; the others become the same for both points.
    """
    from scipy.spatial import cKDTree

    trees = [cKDTree(c[:, columns].numpy()) for c in (a, b)]
    usual = max(float(np.median(tree.query(tree.data, k=[2])[0])) for tree in trees)
    distance, index = map(torch.as_tensor, trees[1].query(trees[0].data))
    near = distance < ADJACENT * usual
    on1 = a[near]
    on2 = on1.clone()
    on2[:, columns] = b[index[near]][:, columns]
    return on1, on2
