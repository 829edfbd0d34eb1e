"""Patches: pieces of a boundary that a map from the unit cube draws, and how their points are shared out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor


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


def _shares(patches: list[Patch], n: int, generator: Generator, sampler: str) -> list[int]:
    """How many of n points each patch gets: in proportion to measure, rounded up or down."""
    measure = torch.tensor([patch.measure for patch in patches], dtype=torch.float64)
    share = measure.cumsum(0) / measure.sum()
    share[-1] = 1.0
    # systematic sampling: the random start makes expected counts exact; a grid stays deterministic
    start = 0.5 if sampler == "grid" else float(torch.rand((), generator=generator, device=generator.device))
    ends = [0, *(int(end) for end in (share * n + start).floor())]
    return [b - a for a, b in zip(ends, ends[1:], strict=False)]


def _product_patches(choices: list[list[Patch]]) -> list[Patch]:
    """Every way of taking one patch from each list."""
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


def _kept(patch: Patch, test: Callable[[Tensor], Tensor]) -> Patch:
    """The patch with points that fail the test dropped as well."""

    def draw(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        points, normals, keep = patch.draw(u)
        return points, normals, keep & test(points)

    return replace(patch, draw=draw)
