"""Points where a residual lives on a support too small for uniform points: windows, spots, bursts.

A window of one per cent of the domain gets one per cent of the points, and one of a millionth none.  The
places where the residual branches (`branches.py`) cut the domain into cells; a cell that few of many uniform
points meet is small.  From points inside it the cell is measured along the coordinates, and a fixed share of
a term's points is drawn there: half of them uniformly in the box that was measured, half around it, at
distances that are log-uniform between one and eight of its half lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ..geometry import Domain
from .conditions.base import Sites
from .functions.branches import explore
from .functions.margins import leaves_torch, margins

Function = Callable[[Tensor], Tensor]

SMALL = 0.02  # of the volume
TRIALS = 4096  # uniform points that tell the volume of cells
HALVINGS = 40
AROUND = 8.0  # half lengths
SHARE = 0.25  # of a term's points
MOST = 256  # centres
MANY = 65_536  # points at which values of what cannot be followed are compared
AROUND_EACH = 64  # of them, whose median is the usual value there
APART = 10.0  # so many times the usual deviation from that is a support


@dataclass(frozen=True)
class Supports:
    """Small supports in a box.

    Attributes:
        lower, upper: [d] corners of the box.
        centres: [K, d] points inside the supports.
        reach: [K, d] half lengths of the supports there.
    """

    lower: Tensor
    upper: Tensor
    centres: Tensor
    reach: Tensor

    def draw(self, n: int, generator: Generator) -> Tensor:
        """Points [n, d] in and around the supports, within the box."""
        which = torch.randint(len(self.centres), (n,), generator=generator)
        unit = 2 * torch.rand(n, self.centres.shape[1], generator=generator, dtype=torch.float64) - 1
        size = AROUND ** torch.rand(n, 1, generator=generator, dtype=torch.float64)
        size[: n // 2] = 1.0
        points = self.centres[which] + unit * size * self.reach[which]
        return torch.minimum(torch.maximum(points, self.lower), self.upper)


def focused(sites: Sites, small: Supports | None, domain: Domain, generator: Generator) -> Sites:
    """Sites of which a fixed share lies in and around small supports; the same sites where there are none.

    Args:
        sites: Points inside the domain.
        small: The supports.
        domain: The domain, to which points around a support may not belong.
        generator: All randomness.
    """
    count = round(SHARE * len(sites.points))
    if small is None or not count:
        return sites
    points = small.draw(count, generator).to(sites.points)
    mine = torch.randperm(len(sites.points), generator=generator)[:count]
    kept = domain.inside(points)
    moved = sites.points.clone()
    moved[mine[kept]] = points[kept]
    return replace(sites, points=moved)


def supports(function: Function, lower: Tensor, upper: Tensor) -> Supports | None:
    """The small supports of a function of points [N, d] in a box; None when there are none.

    Args:
        function: Maps points [N, d] to values, point by point.
        lower: [d], lower corner.
        upper: [d], upper corner.
    """
    generator = Generator().manual_seed(47)
    dim = len(lower)
    span = upper - lower
    breaks, inside = explore(function, lower, upper, generator)
    if not len(inside):
        opaque = leaves_torch(function, lower + span * torch.rand(2, dim, generator=generator).double())
        return _by_values(function, lower, upper, generator) if opaque else None

    def pattern(points: Tensor) -> Tensor:
        """Signs of all margins as one number, [N]."""
        signs = torch.stack(margins(function, points)) > 0
        keys = (torch.arange(len(signs), dtype=torch.float64) + 1).sin() * 1e6  # no two sums are equal
        return (signs.double() * keys[:, None]).sum(0)

    uniform = pattern(lower + span * torch.rand(TRIALS, dim, generator=generator, dtype=torch.float64))
    values, counts = uniform.unique(return_counts=True)
    common = values[counts > SMALL * TRIALS]
    step = torch.randn(4 * len(breaks), dim, generator=generator, dtype=torch.float64)
    size = 10 ** (-6 * torch.rand(4 * len(breaks), 1, generator=generator, dtype=torch.float64))
    beside = breaks.repeat(4, 1) + 0.1 * size * span * step
    beside = torch.minimum(torch.maximum(beside, lower), upper)
    inside = torch.cat([inside, beside])
    centres = inside[~torch.isin(pattern(inside), common)]
    if not len(centres):
        return None
    if len(centres) > MOST:
        centres = centres[torch.randperm(len(centres), generator=generator)[:MOST]]
    own = pattern(centres)
    reach = _reach(centres, lower, upper, lambda points: pattern(points) == own)
    real = torch.zeros(len(centres), dtype=torch.bool)  # not the prolongation of a window's sides
    with torch.no_grad():
        here = function(centres)
        for axis in range(dim):
            for sign in (-1.5, 1.5):
                beside = centres.clone()
                beside[:, axis] += sign * reach[:, axis]
                other = function(torch.minimum(torch.maximum(beside, lower), upper))
                real |= (other - here).abs() > 1e-6 * here.abs().max()
    return Supports(lower, upper, centres[real], reach[real]) if real.any() else None


def _reach(centres: Tensor, lower: Tensor, upper: Tensor, same: Function) -> Tensor:
    """Half lengths [K, d] of the supports around their centres [K, d].

    Args:
        centres: Points inside the supports.
        lower: Lower corner of the box, [d].
        upper: Upper corner.
        same: Whether points [K, d] belong to the support of their centres, bool [K].
    """
    reach = torch.zeros_like(centres)
    for axis, length in enumerate((upper - lower).tolist()):
        for sign in (-1.0, 1.0):
            size = torch.full_like(centres[:, 0], length)
            for _ in range(HALVINGS):
                ahead = centres.clone()
                ahead[:, axis] += sign * size
                ahead = torch.minimum(torch.maximum(ahead, lower), upper)
                size = torch.where(same(ahead), size, size / 2)
            reach[:, axis] = torch.maximum(reach[:, axis], size)
    return reach


def _by_values(function: Function, lower: Tensor, upper: Tensor, generator: Generator) -> Supports | None:
    """Small supports of a function whose branchings cannot be seen, by its values at many points."""
    from scipy.spatial import cKDTree

    unit = torch.rand(MANY, len(lower), generator=generator, dtype=torch.float64)
    points = lower + (upper - lower) * unit
    with torch.no_grad():
        values = function(points)
    # A point is compared with a sample of points around it that is too wide for a small support to fill.
    _, around = cKDTree(unit.numpy()).query(unit.numpy(), k=AROUND_EACH)
    usual = values[torch.from_numpy(around)].median(1).values
    apart = (values - usual).abs()
    found = apart > APART * apart.quantile(1 - 2 * SMALL).clamp_min(1e-12 * values.abs().max())
    if not found.any():
        return None
    chosen = found.nonzero()[:, 0]
    chosen = chosen[torch.randperm(len(chosen), generator=generator)[:MOST]]
    centres, own, other = points[chosen], values[chosen], usual[chosen]

    def same(at: Tensor) -> Tensor:
        there = function(at)
        return (there - own).abs() < (there - other).abs()

    with torch.no_grad():
        reach = _reach(centres, lower, upper, same)
    small = (2 * reach / (upper - lower)).clamp(max=1.0).prod(1) < SMALL
    return Supports(lower, upper, centres[small], reach[small]) if small.any() else None
