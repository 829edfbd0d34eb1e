"""Comparison of a residual, the equation's or a condition's on a face, with its mirror image.

A reflection R of a coordinate with a sign for each unknown maps the values q of the channels to sigma q: a
derivative changes its sign with its unknown, and once more for each order in the coordinate.  Two residuals F
and G are images of each other when, up to one sign for each row,

    G(sigma q, R x) = F(q, x)    for all q and x.

Each probe q makes both sides functions of x, which are compared at every place relative to their own size:
the larger value at the place, and the typical size of this probe's values anywhere (their 90th percentile,
which a singularity does not spoil).  Where nothing is typically there, as with a source in a small window,
only the size at the place counts, so that the window alone decides.  What the probe adds to the data,
F(q, x) - F(0, x), is compared in the same way: a term that is small beside the data is seen by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from ...derivatives.multi_index import MultiIndex
from ..conditions.base import Sites
from .probing import Local, Probes, evaluate

TOLERANCE = 1e-9
FLOOR = 1e-12  # of the largest value: rounding
LOST = 16 * torch.finfo(torch.float64).eps  # of the largest value, where the data are subtracted
TYPICAL = 0.9
SPECIAL = 3  # the first stage at places where something narrow happens
SCREEN = 64  # places that show most differences
FEW = 512  # places for the many probes of nonlinear terms


@dataclass(frozen=True)
class Mirror:
    """A reflection x_axis -> 2 about - x_axis, with a sign for each unknown."""

    axis: int
    about: float
    signs: Mapping[str, int]

    def points(self, points: Tensor) -> Tensor:
        """Images of points [N, dim]."""
        image = points.clone()
        image[:, self.axis] = 2 * self.about - image[:, self.axis]
        return image

    def sites(self, sites: Sites) -> Sites:
        """Images of places with their normals."""
        normals = None if sites.normals is None else sites.normals.clone()
        if normals is not None:
            normals[:, self.axis] *= -1
        return Sites(self.points(sites.points), normals, sites.values, sites.fold)

    def parity(self, channels: Sequence[tuple[str, MultiIndex]]) -> Tensor:
        """Signs sigma [C] of the channels under the reflection."""
        signs = [self.signs[name] * (-1) ** sum(i == self.axis for i in index) for name, index in channels]
        return torch.tensor(signs, dtype=torch.float64)


@dataclass
class Requirement:
    """Residual with its probes and the places where it is compared.

    Args:
        names: Coordinates.
        local: The residual.
        probes: Values of its channels.
        many: Thousands of places.
        find: Finds the places where something narrow happens; called only when all else agrees.
    """

    names: tuple[str, ...]
    local: Local
    probes: Probes
    many: Sites
    find: Callable[[], Sites]
    _values: dict[int, Tensor] = field(default_factory=dict, repr=False)
    _usuals: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @cached_property
    def _stages(self) -> list[tuple[Tensor, Callable[[], Sites], int]]:
        """Probes, places, and the stage whose typical sizes count, in the order of cost."""
        every = torch.cat([self.probes.broad, self.probes.deep])
        deep = torch.cat([self.probes.broad[:1], self.probes.deep])  # the data first, to be subtracted
        block = len(self.many.points) // self.many.fold

        def first(n: int) -> Callable[[], Sites]:
            return lambda: self.many.of(torch.arange(min(n, block)))

        return [
            (every, first(SCREEN), 0),
            (self.probes.broad, (lambda: self.many) if block > SCREEN else self._none, 1),
            (deep, first(FEW) if block > SCREEN else self._none, 2),
            (self.probes.broad, self._special, 1),
            (deep, self._special, 2),
        ]

    @cached_property
    def narrow(self) -> Sites:
        """Places where something narrow happens."""
        return self.find()

    def _special(self) -> Sites:
        return self.narrow

    def _none(self) -> Sites:
        return Sites(self.many.points[:0])

    def _own(self, stage: int) -> Tensor:
        if stage not in self._values:
            probes, sites, _ = self._stages[stage]
            self._values[stage] = evaluate(self.local, self.names, self.probes.channels, probes, sites())
        return self._values[stage]

    def _usual(self, stage: int) -> Tensor:
        """Typical sizes [2P, rows, 1] of the probes of a stage, of the values and less the data."""
        if stage not in self._usuals:
            self._usuals[stage] = _typical(self._sizes(stage))
        return self._usuals[stage]

    def _largest(self, stage: int) -> Tensor:
        """Largest sizes [2P, rows, 1] of the probes of a stage: rounding is relative to them."""
        return self._sizes(stage).nan_to_num(0, 0, 0).amax(2, keepdim=True)

    def _sizes(self, stage: int) -> Tensor:
        """Sizes [2P, rows, N] of the values of a stage, and of the same values less the data."""
        if len(self._stages[stage][1]().points):
            return with_differences(self._own(stage)).abs()
        broad = len(self.probes.broad)  # there are no more places than those of the screen
        screen = self._own(0)
        chosen = screen[:broad] if stage == 1 else torch.cat([screen[:1], screen[broad:]])
        return with_differences(chosen).abs()

    @property
    def rows(self) -> int:
        """Number of residuals at a place."""
        return self._own(0).shape[1]

    @property
    def stages(self) -> range:
        """Numbers of the stages of a comparison."""
        return range(len(self._stages))

    def compare(self, other: Local, mirror: Mirror, stage: int) -> tuple[Tensor, Tensor]:
        """Compare another residual with the image of this one, as far as a stage can tell.

        Returns:
            For each row whether the images are equal, and whether they are opposite; both [rows].

        Raises:
            InputError: A user's function cannot be evaluated at the images.
            RuntimeError: Torch cannot evaluate it there.
        """
        probes, sites, typical = self._stages[stage]
        here = sites()
        if not len(here.points):
            rows = self.rows
            return torch.ones(rows, dtype=torch.bool), torch.ones(rows, dtype=torch.bool)
        ours, images = self._own(stage), mirror.sites(here)

        def at(points: Tensor) -> Tensor:
            channels = self.probes.channels
            places = replace(images, points=points)
            return evaluate(other, self.names, channels, probes * mirror.parity(channels), places)

        theirs = at(images.points)
        verdict = agree(ours, theirs, self._usual(typical), self._largest(typical))
        if same(verdict) or stage < SPECIAL:
            return verdict
        # Where something narrow happens, the image is not known better than its coordinates are.
        ulp = torch.finfo(torch.float64).eps * here.points.abs().amax(0)
        moved = [(at(images.points + step) - theirs).abs() for step in (2 * ulp, -2 * ulp)]
        rounding = torch.maximum(*moved).nan_to_num(0, 0, 0)
        return agree(ours, theirs, self._usual(typical), self._largest(typical), rounding)

    def compare_at(self, other: Local, mirror: Mirror, sites: Sites) -> tuple[Tensor, Tensor]:
        """Compare at given places as `compare` does, with the probes that show data and coefficients."""
        channels, probes = self.probes.channels, self.probes.broad
        ours = evaluate(self.local, self.names, channels, probes, sites)
        images = probes * mirror.parity(channels)
        theirs = evaluate(other, self.names, channels, images, mirror.sites(sites))
        return agree(ours, theirs, self._usual(1), self._largest(1))


def agree(
    ours: Tensor, theirs: Tensor, usual: Tensor, largest: Tensor, rounding: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """Compare values [P, rows, N] row by row: equal, and opposite, both bool [rows].

    Args:
        ours: Values of some probes; the first is zero, which leaves the data.
        theirs: Values at the images.
        usual: Typical sizes [2P, rows, 1] of the values, and of the values less the data.
        largest: Largest sizes of both elsewhere, [2P, rows, 1].
        rounding: What rounding of the coordinates may change, [P, rows, N].
    """
    if ours.shape != theirs.shape:
        none = torch.zeros(ours.shape[1], dtype=torch.bool)
        return none, none
    if isinstance(rounding, Tensor):
        rounding = torch.cat([rounding, rounding])
    ours, theirs = with_differences(ours), with_differences(theirs)
    known = torch.isfinite(ours) & torch.isfinite(theirs)
    lost = torch.isfinite(ours) != torch.isfinite(theirs)
    a, b = torch.where(known, ours, 0.0), torch.where(known, theirs, 0.0)
    size = torch.maximum(a.abs(), b.abs())
    largest = torch.maximum(size.amax(2, keepdim=True), largest)
    allowed = TOLERANCE * (size + usual) + FLOOR * largest + rounding
    whole = largest[: len(largest) // 2]
    allowed[len(whole) :] += LOST * torch.maximum(whole, whole[:1])
    equal, opposite = ((((a - sign * b).abs() <= allowed) & ~lost).all(2).all(0) for sign in (1, -1))
    return equal, opposite


def with_differences(values: Tensor) -> Tensor:
    """Values [P, rows, N] of probes, then what each adds to the first, [2P, rows, N]."""
    return torch.cat([values, values - values[:1]])


def _typical(size: Tensor) -> Tensor:
    """The 90th percentile over the places, [P, rows, 1]."""
    rank = max(int(TYPICAL * size.shape[2]), 1)
    return size.nan_to_num(0, 0, 0).kthvalue(rank, dim=2, keepdim=True).values


def same(verdict: tuple[Tensor, Tensor]) -> bool:
    """Test whether every row is equal to its image, or opposite to it."""
    return bool((verdict[0] | verdict[1]).all())


class Comparison:
    """Comparison of a residual with candidates for its image, stage after stage."""

    def __init__(self, requirement: Requirement, partners: Sequence[Local], mirror: Mirror) -> None:
        self.requirement, self.partners, self.mirror = requirement, partners, mirror
        self._verdicts: list[tuple[Tensor, Tensor] | None] = [None] * len(partners)

    def passes(self, stage: int) -> bool:
        """Test whether one of the partners still can be the image after this stage."""
        return any([self._passes(i, stage) for i in range(len(self.partners))])

    def _passes(self, i: int, stage: int) -> bool:
        before = self._verdicts[i]
        if before is not None and not same(before):
            return False
        try:
            now = self.requirement.compare(self.partners[i], self.mirror, stage)
        except (ValueError, RuntimeError):  # a user's function that cannot be evaluated outside the domain
            return False
        self._verdicts[i] = now = now if before is None else (now[0] & before[0], now[1] & before[1])
        return same(now)
