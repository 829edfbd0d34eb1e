"""Reflections of a problem that the known part of its solution has, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Generator, Tensor

from ...geometry import Domain
from .symmetry import Symmetry

SAMPLES = 64
ROUNDING = 1e-10  # relative


def shared_with(
    found: Mapping[str, Symmetry], known: Sequence[Callable[[Tensor], Tensor]], domain: Domain
) -> dict[str, Symmetry]:
    """Reflections about the middle that hold for what is left of the only unknown beside its known parts.

    Args:
        found: Reflections of the solution, by coordinate.
        known: Known parts of the unknown, on points [N, dim].
        domain: The domain.
    """
    points = domain.interior(SAMPLES, Generator().manual_seed(47))
    values = torch.stack([part(points) for part in known]).sum(0)
    kept = {}
    for name, symmetry in found.items():
        if symmetry.centre is None:
            continue
        axis = domain.names.index(name)
        mirrored = points.clone()
        mirrored[:, axis] = domain.bounds[:, axis].sum() - points[:, axis]
        there = torch.stack([part(mirrored) for part in known]).sum(0)
        if bool((there - symmetry.centre[0] * values).abs().max() <= ROUNDING * values.abs().max()):
            kept[name] = Symmetry(centre=symmetry.centre)
    return kept
