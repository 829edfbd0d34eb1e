"""The trained function as the audit sees it: values and derivatives at any points, in double precision.

An equation is local: its residual is F(q, x), with q the values q_c of the derivatives that it reads
("channels") at the point x.  So F can be asked for more than its residual.  F(0, x) is the part that depends
on the data alone, dF/dq_c is the coefficient of channel c, and q_c dF/dq_c is the size of its term.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..networks.model import Location, Model
from ..problems import Problem
from ..problems.fields import Field
from ..problems.functions.branches import break_points

POINTS_AT_ONCE = 8_192  # points at a time
EFFORT = 1e9  # parameters times channels times points of a set
ASIDE = 4  # points beside a branching, 1e-3, 1e-4, ... of the extent away
BRANCHES = 48  # places where what is built in branches
LEAST, MOST = 512, 2_048  # points of a set

Channels = Mapping[tuple[str, MultiIndex], Tensor]


@dataclass(frozen=True)
class Terms:
    """The equation at points, taken apart; K rows, C channels, N points.

    Attributes:
        residual: F(q, x), [K, N].
        source: F(0, x), [K, N].
        slopes: dF_k / dq_c, [K, C, N].
        parts: q_c dF_k / dq_c, [K, C, N].
    """

    residual: Tensor
    source: Tensor
    slopes: Tensor
    parts: Tensor

    @property
    def largest(self) -> Tensor:
        """The largest term of each row, [K, N]: the source, or the part of a channel."""
        return torch.maximum(self.source.abs(), self.parts.abs().amax(1))


class State:
    """A trained model in double precision on the CPU.

    Args:
        model: The model; it is left alone.
        points: Points of training, which set how thoroughly it is looked at.

    Attributes:
        problem: The problem.
        model: The copy.
        needs: The channels that the equation reads, in order.
        known: The coefficients.
        extent: Extent of each coordinate, [dim].
        count: Points of a set, fewer for large networks.
    """

    def __init__(self, model: Model, points: int = 8_192) -> None:
        self.problem: Problem = model.problem
        self.model = Model(model.problem, copy.deepcopy(model.network).double().cpu())
        frozen = "frozen."  # a network that is a known part of the problem by now
        self.model.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith(frozen)})
        self.needs = [(n, i) for n, found in self.problem.equation_term.needs.items() for i in found]
        self.known = self.problem.values_of({n: p.detach() for n, p in self.model.coefficients.items()})
        self.parameters = {n: p.detach() for n, p in self.model.coefficients.items()}
        lower, upper = self.problem.domain.bounds.double()
        self.lower, self.extent = lower, upper - lower
        size = sum(p.numel() for p in self.model.parameters())
        self.count = int(
            min(max(EFFORT / (size * self.fold * (len(self.needs) + 2)), LEAST), MOST, max(points, LEAST))
        )
        self.generator = Generator().manual_seed(20_111)  # never the points of a run

    @cached_property
    def interior(self) -> Tensor:
        """Fresh uniform points, [N, dim]."""
        return self.problem.domain.interior(self.count, self.generator, "uniform")

    @cached_property
    def everything(self) -> Channels:
        """All channels of the equation and the conditions, and the values, at `interior` and elsewhere."""
        needs = [*self.needs, *((name, ()) for name in self.problem.unknown_names)]
        needs += [(n, i) for term in self.problem.condition_terms for n, f in term.needs.items() for i in f]
        return self.channels(self.problem.at(self.interior).points, list(dict.fromkeys(needs)))

    @cached_property
    def inner(self) -> Channels:
        """The equation's channels at `interior`."""
        return {key: self.everything[key] for key in self.needs}

    @cached_property
    def breaks(self) -> Tensor:
        """Points beside the places where the equation's data and coefficients branch: small supports."""
        fixed = {key: value[:1] for key, value in self.inner.items()}

        def source(points: Tensor) -> Tensor:
            channels = {key: value.expand(self.fold * len(points)) for key, value in fixed.items()}
            return self.equation(channels, points).sum(0)

        lower, upper = self.problem.domain.bounds.double()
        with torch.no_grad():
            found = break_points(source, lower, upper, Generator().manual_seed(17))
        step = (
            2 * torch.rand(ASIDE, len(found), len(lower), generator=self.generator, dtype=torch.float64) - 1
        )
        width = torch.tensor([10.0**-k for k in range(3, 3 + ASIDE)], dtype=torch.float64)
        near = (found + width[:, None, None] * step * self.extent).reshape(-1, len(lower))
        near = near[torch.randperm(len(near), generator=self.generator)[: self.count]]
        kept: Tensor = near[self.problem.domain.inside(near)]
        return kept

    @cached_property
    def built(self) -> Tensor:
        """Places where the functions that are built into the ansatz branch, [M, dim].

        None where the problem has a known part: its own branchings are meant, and dear to follow.
        """
        if self.problem.particular:
            return self.interior[:0]
        ansatz, lower, upper = self.problem.ansatz, *self.problem.domain.bounds.double()
        functions = [f for part in (ansatz.extension, ansatz.factor) for f in part.values() if f is not None]
        with torch.no_grad():
            places = [break_points(f, lower, upper, Generator().manual_seed(19)) for f in functions]
        found = torch.cat([self.interior[:0], *places])
        found = found[self.problem.domain.inside(found)]
        return found[torch.randperm(len(found), generator=self.generator)[:BRANCHES]]

    @cached_property
    def terms(self) -> Terms:
        """The equation at `interior`."""
        return self.taken_apart(self.interior, self.inner)

    @cached_property
    def scale(self) -> Tensor:
        """The size of the terms of each row, [K].

        That is the rms over the domain of the largest one; but at least what a function of the solution's
        size would make of them, so that the terms of a constant, which are nothing but errors, are small.
        """
        usual = self.terms.slopes.abs().median(-1).values
        return torch.maximum(rms(self.terms.largest), (usual * self.reach).amax(1))

    @cached_property
    def reach(self) -> Tensor:
        """The size of each channel's derivative for a function that varies once over the domain, [C]."""
        lengths = [math.prod(float(self.extent[i]) for i in index) for _, index in self.needs]
        return torch.tensor([self.sizes[n] for n, _ in self.needs], dtype=torch.float64) / torch.tensor(
            lengths, dtype=torch.float64
        )

    @cached_property
    def sizes(self) -> dict[str, float]:
        """Rms of each unknown over the domain."""
        n = self.count
        return {name: float(rms(self.everything[name, ()][:n])) for name in self.problem.unknown_names}

    def channels(self, points: Tensor, needs: list[tuple[str, MultiIndex]]) -> Channels:
        """Values of derivatives at points [N, dim], each [N]."""
        by_name: dict[str, list[MultiIndex]] = {name: [()] for name in self.problem.unknown_names}
        for name, index in needs:
            by_name[name].append(index)
        names = self.problem.domain.names
        parts: dict[tuple[str, MultiIndex], list[Tensor]] = {key: [] for key in needs}
        with torch.no_grad():
            for chunk in points.split(POINTS_AT_ONCE):
                location = Location(self.model, chunk, by_name)
                fields = location.fields(location.network_jet())
                for name, index in needs:
                    parts[name, index].append(fields[name].d(*(names[i] for i in index)).value)
        return {key: torch.cat(found) for key, found in parts.items()}

    def fields(self, channels: Channels) -> dict[str, Field]:
        """The unknowns, made of given channels."""

        def lookup(name: str) -> Field:
            return Field(name, self.problem.domain.names, lambda index: channels[name, index])

        return {name: lookup(name) for name in self.problem.unknown_names}

    @property
    def fold(self) -> int:
        """Number of places that the equation reads for each point."""
        return self.problem.companions.fold

    def equation(self, channels: Channels, points: Tensor) -> Tensor:
        """F [K, N] at points [N, dim], from channels there and elsewhere, [fold N]."""
        rows = self.problem.evaluate(self.fields(channels), self.problem.at(points).points, self.known)
        return torch.stack([row.double() for row in rows])

    def residual(self, points: Tensor) -> Tensor:
        """F at the trained function, [K, N]."""
        with torch.no_grad():
            return self.equation(self.around(points), points)

    def around(self, points: Tensor) -> Channels:
        """The equation's channels at points and elsewhere."""
        return self.channels(self.problem.at(points).points, self.needs)

    def taken_apart(self, points: Tensor, channels: Channels) -> Terms:
        """The equation's terms at points."""
        leaves = {key: value.clone().requires_grad_() for key, value in channels.items()}
        with torch.enable_grad():
            rows = self.equation(leaves, points)
            slopes = (
                torch.stack(
                    [
                        torch.stack(
                            torch.autograd.grad(
                                row.sum(), list(leaves.values()), retain_graph=True, materialize_grads=True
                            )
                        )
                        for row in rows
                    ]
                )
                if rows.requires_grad
                else rows.new_zeros(len(rows), len(leaves), self.fold * rows.shape[1])
            )
        with torch.no_grad():
            zero = self.equation({key: torch.zeros_like(v) for key, v in channels.items()}, points)
        q = torch.stack(list(channels.values()))
        own, *others = _finite(slopes * q).chunk(self.fold, 2)
        if others:  # integrals are sums
            far = torch.stack(others).sum(0)
            own = torch.where(far.abs() > own.abs(), far, own)
        return Terms(rows.detach(), _finite(zero), _finite(slopes[..., : rows.shape[1]]), own)

    def where(self, point: Tensor) -> str:
        """A point in words."""
        return ", ".join(
            f"{n}={v:.3g}" for n, v in zip(self.problem.domain.names, point.tolist(), strict=True)
        )


def _finite(values: Tensor) -> Tensor:
    return torch.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def rms(values: Tensor) -> Tensor:
    """Root mean square over the last dimension; values that are not finite are left out."""
    kept = torch.isfinite(values)
    squares = torch.where(kept, values, 0.0).square().sum(-1)
    return (squares / kept.sum(-1).clamp(min=1)).sqrt()


def times(value: float) -> str:
    """A ratio in words."""
    return f"{value:.2g}" if value < 100 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"
