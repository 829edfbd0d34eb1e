"""The linearisation of an equation or a condition about random states, read off by automatic differentiation.

A term of a problem is F(x, u, u_x, u_t, ...), evaluated point by point.  Its linearisation has the
coefficients

    a_{k, j, alpha}(x) = dF_k / d(u_j^(alpha)),

which are all that questions of well-posedness ask for: type, order, and what the conditions fix.  Every point
sees no other, so one backward pass for each row k gives them at all points. The state (the numbers put in for
u and its derivatives) is random: what holds for every state that was tried is taken to hold for the equation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ..conditions.base import Sites
from ..fields import Field

if TYPE_CHECKING:
    from ..description import Description
    from ..term import Term

Channel = tuple[str, MultiIndex]  # an unknown and one of its derivatives
State = Callable[[Channel, int], Tensor]  # numbers [n] for a channel at n points


@dataclass(frozen=True)
class Linearisation:
    """A term at N places and its derivatives with respect to the unknowns' derivatives there.

    Attributes:
        channels: Unknown and multi-index of each derivative that the term reads.
        slopes: [rows, channels, N * fold], the coefficients a; see `Sites` for fold.
        rows: [rows, N], the values of the term.
    """

    channels: tuple[Channel, ...]
    slopes: Tensor
    rows: Tensor

    @property
    def local(self) -> Linearisation:
        """It with the slopes at the first of the sites of each residual only."""
        return replace(self, slopes=self.slopes[..., : self.rows.shape[1]])

    @property
    def finite(self) -> Tensor:
        """Test each of the N places for finite numbers only, bool [N]."""
        slopes = torch.isfinite(self.slopes).all(0).all(0)
        return torch.isfinite(self.rows).all(0) & slopes.reshape(-1, self.rows.shape[1]).all(0)


def states(seed: int = 5) -> list[State]:
    """Random states: positive numbers, negative ones, and two of mixed signs and sizes."""

    def state(number: int, sign: float | None) -> State:
        return lambda channel, n: _drawn(seed + 101 * number, sign, channel, n).clone()

    return [state(0, 1.0), state(1, -1.0), state(2, None), state(3, None)]


@lru_cache(maxsize=256)  # many faces and conditions are examined in the same few states
def _drawn(seed: int, sign: float | None, channel: Channel, n: int) -> Tensor:
    """Numbers [n] for a channel, of a sign or of mixed ones."""
    name, index = channel
    mix = sum((i + 1) * ord(letter) for i, letter in enumerate(name))
    place = sum((i + 2) * 7 ** (k + 1) for k, i in enumerate(index))
    generator = Generator().manual_seed(seed + 1_009 * mix + 31 * place)
    size = 0.5 + torch.rand(n, generator=generator, dtype=torch.float64)
    if sign is not None:
        return sign * size
    return torch.where(torch.rand(n, generator=generator, dtype=torch.float32) < 0.5, -size, size)


def zero(channel: Channel, n: int) -> Tensor:
    """The state u = 0."""
    return torch.zeros(n, dtype=torch.float64)


def values(problem: Description, term: Term, sites: Sites, state: State) -> Tensor:
    """A term of a problem at sites and a state, [rows, N]."""
    with torch.no_grad():
        return torch.stack(_evaluate(problem, term, sites, lambda c: state(c, len(sites.points))))


def linearise(problem: Description, term: Term, sites: Sites, state: State) -> Linearisation:
    """A term of a problem at sites, linearised about a state."""
    n = len(sites.points)
    inputs: dict[Channel, Tensor] = {}

    def channel(which: Channel) -> Tensor:
        if which not in inputs:
            inputs[which] = state(which, n).requires_grad_()
        return inputs[which]

    with torch.enable_grad():
        rows = torch.stack(_evaluate(problem, term, sites, channel))
        channels = tuple(inputs)
        slopes = torch.zeros(len(rows), len(channels), n, dtype=torch.float64)
        if rows.requires_grad and channels:
            for k, row in enumerate(rows):
                found = torch.autograd.grad(
                    row.sum(), [inputs[c] for c in channels], retain_graph=True, materialize_grads=True
                )
                slopes[k] = torch.stack(found)
    return Linearisation(channels, slopes.detach(), rows.detach())


def _evaluate(
    problem: Description, term: Term, sites: Sites, channel: Callable[[Channel], Tensor]
) -> tuple[Tensor, ...]:
    def channels(name: str) -> Callable[[MultiIndex], Tensor]:
        return lambda index: channel((name, index))

    names = problem.domain.names
    fields: Mapping[str, Field] = {u: Field(u, names, channels(u)) for u in problem.unknown_names}
    return term.residual(fields, sites, problem.initial_parameters)
