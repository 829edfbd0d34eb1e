"""A residual as a local function, probed with independent values of all that it reads.

At a place x a residual is F(q, x), where q are the values there of the unknowns and of the derivatives it
reads: its *channels*.  Smooth trial fields would tie the channels together and let the largest term hide the
others.  So the channels are set independently, each probe giving every channel one number:

- all zero, which leaves the data (sources, prescribed values);
- one channel alone, so large that its term is far above the data, which leaves its coefficient;
- one channel, or two, or all, over many decades around the scale at which terms and data balance, which
  separates what is nonlinear.

Each probe makes F(q, .) a function of x alone that is compared relative to its own size: in SI units a load
of 1e4 is then as visible as Young's modulus.  The scales are found from F itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ..conditions.base import Sites
from ..fields import Field

Local = Callable[[dict[str, Field], Sites], tuple[Tensor, ...]]
Channel = tuple[str, MultiIndex]

LADDER = 10.0 ** torch.arange(-36, 37, 2, dtype=torch.float64, device="cpu")
ABOVE = 1e4  # a term so far above the data stands for itself
DECADES = (1e-6, 1.0, 1e6, 1e30)  # around an unknown's scale
STRETCHES = (1.0, 1e6, 1e12)  # of two channels together, by which their product comes to the top
PAIRS = 24
MIXTURES = 8
HIDDEN = 1e-12  # of a sum: a term smaller than that is known to few digits
ROWS_AT_ONCE = 65_536  # rows evaluated at a time


@dataclass(frozen=True)
class Probes:
    """Values of the channels, one row for each probe.

    Attributes:
        channels: Unknown and multi-index of each channel.
        broad: [P, C]: the data, each channel above them, and all channels together.
        deep: [Q, C]: other sizes, pairs and mixtures.
    """

    channels: tuple[Channel, ...]
    broad: Tensor
    deep: Tensor


def evaluate(
    local: Local, names: tuple[str, ...], channels: Sequence[Channel], probes: Tensor, sites: Sites
) -> Tensor:
    """The residuals of all probes at all sites.

    Args:
        local: The residual.
        names: Coordinates.
        channels: Unknown and multi-index of each column of the probes.
        probes: [P, C].
        sites: N places.

    Returns:
        [P, rows, N / fold]; the sides of a fold get values of their own.
    """
    n, fold = len(sites.points), sites.fold
    each = max(ROWS_AT_ONCE // n, 1)
    out = [_evaluate(local, names, channels, part, sites, n // fold) for part in probes.split(each)]
    return torch.cat(out)


def _evaluate(
    local: Local, names: tuple[str, ...], channels: Sequence[Channel], probes: Tensor, sites: Sites, n: int
) -> Tensor:
    count, fold = len(probes), sites.fold

    def tiled(x: Tensor) -> Tensor:
        return x.reshape(fold, 1, n, -1).expand(-1, count, -1, -1).reshape(fold * count * n, -1)

    # The two sides of a surface differ: with equal values jumps of coefficients alone would show.
    sides = 1 + 0.25 * torch.arange(fold, dtype=probes.dtype)
    columns = {
        channel: (sides[:, None, None] * probes[:, i, None]).expand(-1, -1, n).reshape(-1)
        for i, channel in enumerate(channels)
    }
    unknowns = dict.fromkeys(name for name, _ in channels)
    nothing = torch.zeros(fold * count * n, dtype=probes.dtype)

    def reader(name: str) -> Callable[[MultiIndex], Tensor]:
        return lambda index: columns.get((name, index), nothing)

    fields = {name: Field(name, names, reader(name)) for name in unknowns}
    places = replace(
        sites,
        points=tiled(sites.points),
        normals=None if sites.normals is None else tiled(sites.normals),
    )
    with torch.no_grad():
        rows = local(fields, places)
    return torch.stack([row.reshape(count, n) for row in rows], 1)


def probes_of(
    local: Local,
    names: tuple[str, ...],
    needs: Mapping[str, Sequence[MultiIndex]],
    extent: Tensor,
    sites: Sites,
    generator: Generator,
) -> Probes:
    """Probes of a residual, at the scales that it has itself.

    Args:
        local: The residual.
        names: Coordinates.
        needs: The channels it reads, by unknown; all unknowns are named.
        extent: Extents of the domain, [dim]: a derivative of order k has the size U / L^k.
        sites: Where the scales are measured; a few dozen are enough.
        generator: Draws the values.
    """
    channels = tuple((name, index) for name, indices in needs.items() for index in indices or ((),))
    count = len(channels)
    lengths = torch.tensor([float(extent[list(index)].prod()) for _, index in channels]).double()
    unit = torch.eye(count, dtype=torch.float64)
    ladder = torch.cat([torch.zeros(1, count), *(step * unit for step in LADDER / lengths.mean())]).double()
    found = evaluate(local, names, channels, ladder, sites)
    size = found.abs().nan_to_num(0, 0, 0).amax(2)
    whole = torch.isfinite(found).all(2)
    data, terms = size[0], size[1:].reshape(len(LADDER), count, -1)
    fine = whole[1:].reshape(terms.shape)
    steps = LADDER / lengths.mean()
    above: list[Tensor] = []
    scale = dict.fromkeys(needs, torch.inf)
    for c, (name, _) in enumerate(channels):
        for row in range(terms.shape[2]):
            high = (terms[:, c, row] >= ABOVE * data[row]) & fine[:, c, row] & (terms[:, c, row] > 0)
            if data[row] > 0 and bool(high.any()):
                step = steps[int(high.double().argmax())]
                above.append(step * unit[c])
                scale[name] = min(scale[name], float(step * lengths[c]) / ABOVE)
    added = _added(found)
    powers = [*(steps[0] * unit)]  # so small that only linear terms are left, also where they are narrow
    powers += [
        steps[i] * unit[c]
        for c in range(count)
        for row in range(terms.shape[2])
        for sizes in (terms.where(fine, 0.0), added.reshape(terms.shape))
        for i in _power_laws(sizes[:, c, row])
    ]
    known = [value for value in scale.values() if value < torch.inf]
    usual = min(known) if known else 1.0
    sizes = torch.tensor([scale[name] if scale[name] < torch.inf else usual for name, _ in channels])
    sizes = sizes.double() / lengths

    def drawn(rows: int) -> Tensor:
        """Numbers of size one, of either sign."""
        sign = torch.randint(0, 2, (rows, count), generator=generator) * 2 - 1
        return sign * (1 + torch.rand(rows, count, generator=generator, dtype=torch.float64))

    zero = torch.zeros(1, count, dtype=torch.float64)
    singles = [(decade * sizes).diag() for decade in DECADES]
    highest = torch.stack(above).unique(dim=0) if above else singles[1]
    broad = torch.cat([zero, highest, sizes * drawn(2)])
    pairs = [*itertools.combinations(range(count), 2)]
    chosen = torch.randperm(len(pairs), generator=generator)[:PAIRS]
    both = torch.zeros(len(chosen), count, dtype=torch.float64)
    for row, pair in enumerate(chosen.tolist()):
        both[row, list(pairs[pair])] = 1.0
    decades = 10 ** (12 * torch.rand(MIXTURES, count, generator=generator, dtype=torch.float64) - 3)
    deep = [*singles, *(stretch * sizes * both for stretch in STRETCHES), decades * sizes]
    rest = torch.cat([*deep, torch.stack(powers).unique(dim=0)])
    return Probes(channels, broad * drawn(len(broad)), rest * drawn(len(rest)))


def _added(found: Tensor) -> Tensor:
    """Sizes of what probes [1 + P, rows, N] add to the first: [P, rows], 0 where rounding hides it."""
    difference = (found[1:] - found[:1]).abs()
    hidden = HIDDEN * torch.maximum(found[1:].abs(), found[:1].abs())
    known = torch.isfinite(difference).all(2)
    return torch.where(difference > hidden, difference, 0.0).nan_to_num(0, 0, 0).amax(2).where(known, 0.0)


def _power_laws(terms: Tensor) -> list[int]:
    """Find the powers by which a residual grows with a channel: of u - u^3 there are two.

    Where one power of a channel is far above all others, only its coefficient can be seen.

    Args:
        terms: Sizes of the residual on the ladder, [len(LADDER)]; 0 where it is not finite.

    Returns:
        For each stretch of the ladder with one and the same power the positions of its middle and its end.
    """
    known = (terms[1:] > 0) & (terms[:-1] > 0)
    growth = (terms[1:] / terms[:-1].where(known, 1.0)).where(known, 1.0).log10()
    step = float((LADDER[1] / LADDER[0]).log10())
    power = (growth / step).where(known, 0.0)
    places, start = [], 0
    for i in range(1, len(power) + 1):
        if i == len(power) or abs(float(power[i] - power[start])) > 1e-3:
            if i - start > 1 and float(power[start]) > 0.1:
                places += [(start + i) // 2, i]
            start = i
    return places
