"""Sweeps on mini-batches: what the subdomains of a rank do between two looks at the control.

    data        every group takes its own mini-batches, from theta_k; the mean of where they get
    blocks      every part moves its block, all with the same mini-batches; the sum of what they do
    stages      one pass through the network with each mini-batch, then steps of the stages by themselves

Which of them suits a decomposition follows from what it says of its subdomains.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from ...errors import InputError
from ...objectives.base import Separable, StagedEvaluation, seed_generators
from ...objectives.flat import scatter_
from ...parallel.communicator import Communicator
from ..base import SubdomainStats
from ..sapts import Decomposition
from ..sapts.settings import ORDERS
from ..sapts.stages import StageSubdomain, stage_subdomains
from ..snapshot import copied, put_back
from .batches import Batch
from .moments import Moments


class WalkOptions(TypedDict, total=False):
    """Settings of `Walk` that have defaults."""

    steps: int
    local_steps: int
    order: str
    kind: str | None


@dataclass(frozen=True)
class Walk:
    """Settings of the walks of all parts in a sweep.

    Attributes:
        parts: Number of parts over all ranks, a multiple of the number of ranks.
        communicator: The ranks.
        steps: Mini-batches of a part in one sweep.
        local_steps: Steps with each mini-batch.
        order: "additive" (all parts begin from the same point, as those of different ranks do) or
            "multiplicative" (those of a process follow one another; of data they are then one walk).
        kind: How parameters are divided, of `blocks.PARAMETER_KINDS`; None takes layers, or neurons where
            there are more parts than layers.

    Raises:
        InputError: A number or a name is out of range.
    """

    parts: int
    communicator: Communicator
    steps: int = 32
    local_steps: int = 1
    order: str = "additive"
    kind: str | None = None

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise InputError(f"unknown order {self.order!r}; choose one of {', '.join(ORDERS)}")
        for name, number in (("steps", self.steps), ("local_steps", self.local_steps)):
            if number < 1:
                raise InputError(f"{name} must be at least 1, and is {number}")
        ranks = self.communicator.size
        if self.parts < 1 or self.parts % ranks:
            raise InputError(
                f"parts must be a positive multiple of the number of ranks, {ranks}, not {self.parts}"
            )

    @property
    def additive(self) -> bool:
        """The parts of a process begin from the same point."""
        return self.order == "additive"

    @property
    def groups(self) -> int:
        """Number of sets of parts that do not wait for each other, on all ranks."""
        return self.parts if self.additive else self.communicator.size

    def own(self, count: int) -> range:
        """The numbers of this rank's groups, or parts, of `count` over all ranks."""
        each, rank = count // self.communicator.size, self.communicator.rank
        return range(rank * each, (rank + 1) * each)


@dataclass
class Outcome:
    """End of a sweep.

    Attributes:
        s: The correction, [n].
        moments: Afterwards.
        loss: Mean of the mini-batches'.
        predicted: The reduction that their gradients promised.
        records: Of this rank's parts.
        value: f_C afterwards.
        buffers: Of the objective, afterwards.
    """

    s: Tensor
    moments: Moments
    loss: float
    predicted: float
    records: list[SubdomainStats]
    value: float = math.nan
    buffers: Sequence[Tensor] = ()


class MiniBatchSweep(ABC):
    """Sweep over the parts of this rank.

    What an objective draws is drawn from the same seed at every look at a mini-batch, by whichever process.

    Args:
        walk: How the parts walk.
        parameters: The trained tensors, into which points are written before a look.
    """

    def __init__(self, walk: Walk, parameters: Sequence[Tensor]) -> None:
        self.walk, self.parameters = walk, list(parameters)
        self.devices = {p.device for p in self.parameters}

    @property
    def sequences(self) -> int:
        """Number of sequences of mini-batches that a sweep needs on all ranks."""
        return 1

    @abstractmethod
    def run(
        self,
        objective: Separable,
        theta: Tensor,
        moments: Moments,
        batches: Sequence[Batch],
        radius: float,
        seed: int = 0,
    ) -> Outcome:
        """Let the parts walk from theta_k, and combine what they find.

        Args:
            objective: The whole; its buffers are changed.
            theta: theta_k, [n].
            moments: There; they are left alone.
            batches: For each sequence as many mini-batches.
            radius: Of every step.
            seed: Of what is drawn with the first mini-batch; those of the others follow.
        """

    def _steps(
        self,
        objective: Separable,
        batches: Sequence[Batch],
        z: Tensor,
        moments: Moments,
        block: Tensor | None,
        record: SubdomainStats,
        seed: int,
    ) -> float:
        """Take steps with one mini-batch after the other, which move z and moments.

        Args:
            objective: The whole.
            batches: The mini-batches.
            z: Where the walk begins, [n].
            moments: There, of all parameters or of the block's.
            block: The parameters to move, all if None.
            record: What is done.
            seed: Of what is drawn with the first mini-batch; those of the others follow.

        Returns:
            The mean loss.
        """
        total, began = 0.0, objective.counters.gradients
        for k, batch in enumerate(batches):
            seed_generators(seed + k, self.devices)
            local = objective.restrict(batch, estimate=True)
            for _ in range(self.walk.local_steps):
                scatter_(self.parameters, z)
                seed_generators(seed + k, self.devices)
                value, g = local.value_and_grad()
                g = g if block is None else g[block]
                s = moments.step(g, record.radius)
                if block is None:
                    z += s
                else:
                    z[block] += s
                record.gain -= float(g.dot(s))
                record.length += float(s.norm())
                record.steps += 1
                total += value
            if not math.isfinite(total):
                break
        record.accepted, record.work = record.steps, objective.counters.gradients - began
        return total / (len(batches) * self.walk.local_steps)

    def _outcome(self, sums: Tensor, theta: Tensor, count: int, records: list[SubdomainStats]) -> Outcome:
        """Take apart the sums of correction, moments, loss and promised reduction over `count` gradients."""
        n = len(theta)
        s, m, v, numbers = sums.split([n, n, n, 2])
        loss, predicted = numbers.tolist()
        return Outcome(s, Moments(m, v, count), loss, predicted, records)

    def _share(self, objective: Separable, buffers: list[Tensor]) -> None:
        """Go on everywhere with the buffers of the first group, as is usual where data are divided."""
        ranks = self.walk.communicator
        if ranks.size > 1 and buffers:
            first = ranks.broadcast(torch.cat([b.reshape(-1).double() for b in buffers]))
            pieces = first.split([b.numel() for b in buffers])
            buffers = [piece.view_as(b) for piece, b in zip(pieces, buffers, strict=True)]
        put_back(objective, buffers)


class DataSweep(MiniBatchSweep):
    """Groups run independently, each with its own mini-batches; the mean of their end points."""

    @property
    def sequences(self) -> int:
        """Every group has its own mini-batches."""
        return self.walk.groups

    def run(
        self,
        objective: Separable,
        theta: Tensor,
        moments: Moments,
        batches: Sequence[Batch],
        radius: float,
        seed: int = 0,
    ) -> Outcome:
        """Let the groups walk, and average correction and moments."""
        n, groups, steps = len(theta), self.walk.groups, len(batches) // self.walk.groups
        sums, before = theta.new_zeros(3 * n + 2), copied(objective)
        records, after = list[SubdomainStats](), before
        for group in self.walk.own(groups):
            z, found = theta.clone(), moments.clone()
            put_back(objective, before)
            record, first = SubdomainStats(group, radius=radius), group * steps
            loss = self._steps(
                objective, batches[first : first + steps], z, found, None, record, seed + first
            )
            if not records:
                after = copied(objective)
            records.append(record)
            sums[:n] += z.sub_(theta)
            sums[n : 2 * n] += found.m
            sums[2 * n : 3 * n] += found.v
            sums[3 * n :] += theta.new_tensor([loss, record.gain])
        self._share(objective, after)
        sums = self.walk.communicator.all_reduce(sums).div_(groups)
        return self._outcome(sums, theta, moments.count + steps * self.walk.local_steps, records)


class BlockSweep(MiniBatchSweep):
    """Every part moves its block of the parameters, all with the same mini-batches; their sum.

    Args:
        walk: How the parts walk.
        parameters: The trained tensors.
        blocks: The parameters of each part, as indices into the flat vector.
    """

    def __init__(self, walk: Walk, parameters: Sequence[Tensor], blocks: Sequence[Tensor]) -> None:
        super().__init__(walk, parameters)
        self.blocks = list(blocks)

    def run(
        self,
        objective: Separable,
        theta: Tensor,
        moments: Moments,
        batches: Sequence[Batch],
        radius: float,
        seed: int = 0,
    ) -> Outcome:
        """Let the parts walk in turn or independently, and put their blocks together."""
        n, count = len(theta), self.walk.parts
        sums, before = theta.new_zeros(3 * n + 2), copied(objective)
        records, after = list[SubdomainStats](), before
        z, additive = theta.clone(), self.walk.additive
        for part in self.walk.own(count):
            block = self.blocks[part]
            if additive:
                z.copy_(theta)
                put_back(objective, before)
            found, record = moments.take(block), SubdomainStats(part, radius=radius)
            loss = self._steps(objective, batches, z, found, block, record, seed)
            if not (records and additive):
                after = copied(objective)
            records.append(record)
            for place, piece in ((0, z[block] - theta[block]), (n, found.m), (2 * n, found.v)):
                sums[place + block] = piece
            sums[3 * n :] += theta.new_tensor([loss / count, record.gain])
        self._share(objective, after)
        sums = self.walk.communicator.all_reduce(sums)
        return self._outcome(sums, theta, moments.count + len(batches) * self.walk.local_steps, records)


class StageSweep(MiniBatchSweep):
    """Stages step by themselves after one pass through the network with each mini-batch."""

    def run(
        self,
        objective: Separable,
        theta: Tensor,
        moments: Moments,
        batches: Sequence[Batch],
        radius: float,
        seed: int = 0,
    ) -> Outcome:
        """Let all stages walk together; what they exchange is frozen in further local steps with a batch."""
        z, moments, total = theta.clone(), moments.clone(), 0.0
        began, staged = objective.counters.gradients, objective.staged()
        assert staged is not None
        parts = stage_subdomains(staged, self.walk.parts)
        sizes = [len(part.indices) for part in parts if part.indices is not None]
        records = [SubdomainStats(part.number, radius=radius) for part in parts]
        for number, batch in enumerate(batches):
            scatter_(self.parameters, z)
            seed_generators(seed + number, self.devices)
            look = objective.restrict(batch, estimate=True).evaluate()
            assert isinstance(look, StagedEvaluation)
            total += look.value
            g = look.gradient()
            for k in range(self.walk.local_steps):
                if k:
                    seed_generators(seed + number, self.devices)
                    g = torch.cat([self._of_stage(part, look, z) for part in parts])
                s = moments.step(g, radius)
                z += s
                for record, slope, step in zip(records, g.split(sizes), s.split(sizes), strict=True):
                    record.gain -= float(slope.dot(step))
                    record.length += float(step.norm())
                    record.steps += 1
            if not math.isfinite(total):  # the same on all ranks
                break
        work = (objective.counters.gradients - began) / len(z)
        for record, size in zip(records, sizes, strict=True):
            record.accepted, record.work = record.steps, work * size
        gain = theta.new_tensor(sum(record.gain for record in records))
        predicted = float(self.walk.communicator.all_reduce(gain))
        return Outcome(z.sub_(theta), moments, total / len(batches), predicted, records)

    def _of_stage(self, part: StageSubdomain, look: StagedEvaluation, z: Tensor) -> Tensor:
        """The gradient of a stage's own objective, [its n]."""
        part.centre(z, look, None)
        return part.evaluate(z).gradient()


def sweep_of(decomposition: Decomposition, walk: Walk, parameters: Sequence[Tensor]) -> MiniBatchSweep:
    """The sweep that suits a decomposition.

    Args:
        decomposition: The decomposition.
        walk: How the parts walk.
        parameters: The trained tensors.
    """
    if decomposition.sharded:
        return StageSweep(walk, parameters)
    blocks = decomposition.blocks(parameters, walk.parts, walk.kind)
    return DataSweep(walk, parameters) if blocks is None else BlockSweep(walk, parameters, blocks)
