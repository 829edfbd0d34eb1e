"""Patches: pieces of a domain or of its boundary as images of unit cubes, and points drawn from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..errors import InputError
from .samplers import unit_points


@dataclass(frozen=True)
class BoundaryPoints:
    """Points on the boundary of a domain.

    Attributes:
        points: [n, dim].
        normals: [n, dim], outward unit vectors.
        tags: the faces that were asked for.
        index: [n], long; ``tags[index[i]]`` is the face of point i.
    """

    points: Tensor
    normals: Tensor
    tags: tuple[str, ...]
    index: Tensor


@dataclass(frozen=True)
class Patch:
    """A piece of a domain or of its boundary as the image of a unit cube.

    Attributes:
        tag: the face, or "" for a piece of the interior.
        lengths: physical extent along each axis of the unit cube, whose dimension is ``len(lengths)``.
        measure: volume or surface measure of the whole image, kept or not (a count for single points).
        draw: maps [N, len(lengths)] to points [N, dim], normals [N, dim] (zero in the interior),
            keep [N] (bool).
    """

    tag: str
    lengths: tuple[float, ...]
    measure: float
    draw: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


def draw_points(
    patches: list[Patch], n: int, generator: Generator, sampler: str, what: str, domain: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw exactly n points of patches.

    One set of `trial` points is drawn over all patches; when fewer than n are kept, a larger set is drawn
    afresh rather than a second one appended, so that the low-discrepancy structure survives. A surplus is
    thinned at random.

    Args:
        patches: the patches; each gets points in proportion to its measure.
        n: number of points.
        generator: source of all randomness.
        sampler: one of `samplers.SAMPLERS`.
        what: name of the points in messages.
        domain: name of the domain in messages.

    Returns:
        Points [n, dim], normals [n, dim], and the number of the patch of each, [n].

    Raises:
        InputError: unknown sampler, n < 1, or (almost) none of the points are kept.
    """
    if n < 1:
        raise InputError(f"cannot draw {n} {what}; ask for at least 1")
    trial, limit = n, max(1 << 20, 128 * n)
    while True:
        drawn = []
        for i, (patch, count) in enumerate(
            zip(patches, _shares(patches, trial, generator, sampler), strict=True)
        ):
            if count:
                u = unit_points(sampler, count, patch.lengths, generator)
                points, normals, keep = patch.draw(u)
                number = torch.full_like(keep, i, dtype=torch.long)
                drawn.append((points[keep], normals[keep], number[keep]))
        points, normals, which = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        found = len(points)
        if found == n:
            return points, normals, which
        if found > n:
            some = torch.randperm(found, generator=generator, device=points.device)[:n].sort().values
            return points[some], normals[some], which[some]
        if trial >= limit:
            raise InputError(
                f"found only {found} of {n} {what} in {trial} trials; "
                f"that part of {domain} is empty or too thin to sample"
            )
        trial = min(limit, 64 * trial, math.ceil(1.02 * trial * n / max(found, 1)) + 8)


def _shares(patches: list[Patch], n: int, generator: Generator, sampler: str) -> list[int]:
    """Divide n points among patches: in proportion to measure, rounded up or down."""
    measure = torch.tensor([patch.measure for patch in patches], dtype=torch.float64)
    share = measure.cumsum(0) / measure.sum()
    share[-1] = 1.0
    # systematic sampling: the random start makes expected counts exact; a grid stays deterministic
    start = 0.5
    if sampler != "grid":
        start = float(torch.rand((), generator=generator, device=generator.device, dtype=torch.float32))
    ends = [0, *(int(end) for end in (share * n + start).floor())]
    return [b - a for a, b in itertools.pairwise(ends)]


def product_patches(choices: list[list[Patch]]) -> list[Patch]:
    """Products of patches, for every choice of one patch from each list."""
    patches = choices[0]
    for others in choices[1:]:
        patches = [_times(a, b) for a in patches for b in others]
    return patches


def _times(a: Patch, b: Patch) -> Patch:
    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, x_normals, x_keep = a.draw(u[:, : len(a.lengths)])
        y, y_normals, y_keep = b.draw(u[:, len(a.lengths) :])
        return torch.cat([x, y], 1), torch.cat([x_normals, y_normals], 1), x_keep & y_keep

    return Patch(a.tag or b.tag, a.lengths + b.lengths, a.measure * b.measure, draw)


def kept(patch: Patch, test: Callable[[Tensor], Tensor]) -> Patch:
    """The patch with points that fail the test dropped as well."""

    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, normals, keep = patch.draw(u)
        return points, normals, keep & test(points)

    return replace(patch, draw=draw)
