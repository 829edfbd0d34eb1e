"""Points outside the domain: a network answers there too, with numbers that mean nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from ..geometry import Domain

ROUNDING = 1e-9  # of the extent of a factor of the domain: so far outside a point counts as on the boundary


def outside(domain: Domain, points: Tensor) -> Tensor:
    """Mark the points [N, dim] that lie outside a domain by more than rounding: bool [N]."""
    out = torch.zeros(len(points), dtype=torch.bool)
    columns = points.split([factor.dim for factor in domain.factors()], 1)
    for factor, x in zip(domain.factors(), columns, strict=True):
        allowed = ROUNDING * float((factor.bounds[1] - factor.bounds[0]).max())
        lower, upper = factor.bounds - torch.tensor([[allowed], [-allowed]], dtype=torch.float64)
        box = ((x < lower) | (x > upper)).any(1)
        out |= box
        near = (~box).nonzero().flatten()
        if len(near):  # the distance to a large mesh is dear
            out[near] |= factor.distance(x[near]).detach() > allowed
    return out


def blanked(rows: Sequence[Tensor], domain: Domain, points: Tensor, stacklevel: int) -> list[Tensor]:
    """Rows of values [N] at points, NaN at those outside the domain, which a warning tells."""
    out = outside(domain, points)
    if not out.any():
        return [*rows]
    first = points[int(out.nonzero()[0])].tolist()
    where = ", ".join(f"{name}={value:.6g}" for name, value in zip(domain.names, first, strict=True))
    warnings.warn(
        f"{int(out.sum())} of {len(points)} points are outside {domain!r}, the first at {where}: the values "
        "there are NaN; extrapolate=True gives those of the network, which nothing has trained there",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
    return [torch.where(out, torch.nan, row) for row in rows]
