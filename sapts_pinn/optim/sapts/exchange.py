"""An objective divided among ranks: f as all compute it together, this rank's parts, and their exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace

import torch
from torch import Tensor

from ...objectives.base import Evaluation, Objective, SeparableEvaluation
from ...objectives.data_parallel import DataParallelEvaluation, DataParallelObjective
from ...parallel.communicator import Communicator
from ..base import SubdomainStats
from ..curvature import Pair
from .local_solve import Correction
from .subdomain import Subdomain


class Division:
    """The parts of an objective.

    Attributes:
        objective: What was divided.
        whole: The same function, evaluated by all ranks together.
        groups: Of this rank; the parts of a group follow one another, groups are independent.
        sizes: For each rank the numbers of parts in its groups.
        count: Number of groups of all ranks.
        shared: Whether every part moves all parameters, so that one model of the curvature serves all.
        sharded: Whether this rank has its own parts' parameters only.
        total: The whole, where it is a sum over pieces of the points.
        own: This rank's parts.
    """

    def __init__(
        self,
        objective: Objective,
        whole: Objective,
        groups: list[list[Subdomain]],
        communicator: Communicator,
        shared: bool,
        sharded: bool,
        sizes: list[list[int]] | None = None,
        total: DataParallelObjective | None = None,
    ) -> None:
        self.objective, self.whole, self.groups = objective, whole, groups
        self.communicator, self.shared, self.sharded = communicator, shared, sharded
        self.total = total
        self.sizes = sizes or [[len(group) for group in groups]] * communicator.size
        self.count = sum(map(len, self.sizes))
        self.own = [part for group in groups for part in group]
        self._place = {part.number: i for i, part in enumerate(self.own)}

    @property
    def cost(self) -> float:
        """Gradients at all points that one of the whole costs: less than one for a batch."""
        separable = self.objective.separable()
        return 1.0 if separable is None else separable.share

    @property
    def sizes_owned(self) -> list[int]:
        """Numbers of parameters of this rank's parts, where they move different ones."""
        return [len(part.indices) for part in self.own if part.indices is not None]

    def base(self, part: Subdomain, evaluation: Evaluation) -> SeparableEvaluation | None:
        """The part's own share of an evaluation of the whole, if it is a sum over the parts."""
        if self.total is None or not part.is_piece:
            return None
        assert isinstance(evaluation, DataParallelEvaluation)
        own: SeparableEvaluation = evaluation.parts[self._place[part.number]]
        return own

    def look(self, corrections: Sequence[Correction], alone: bool) -> Evaluation:
        """Evaluate the whole; if one group alone moved, its last part knows its share already."""
        if alone and self.total is not None and corrections[0].last is not None:
            part, last = corrections[0].last
            known = last.own_piece()
            if known is not None:
                return self.total.evaluate({self._place[part.number]: known})
        return self.whole.evaluate()

    def exchange(self, own: list[Correction], pairs: int) -> list[Correction]:
        """The corrections of all groups, from one collective.

        Args:
            own: Those of this rank's groups.
            pairs: Secant pairs a group may have at most; 0 sends none.
        """
        if self.communicator.size == 1:
            return own
        if self.sharded:
            return self._exchange_records(own)
        packed = torch.stack([_pack(c, pairs) for c in own])
        size, changes = packed.shape[1], _changes(own)
        gathered = torch.cat(self.communicator.all_gather(torch.cat([packed, changes], 1)))
        first = self.communicator.rank * len(own)
        return [
            own[i - first]
            if first <= i < first + len(own)
            else _told(_unpack(row[:size], own[0], pairs), own[0], row[size:])
            for i, row in enumerate(gathered)
        ]

    def _exchange_records(self, own: list[Correction]) -> list[Correction]:
        """Exchange records and changes of residuals, as vectors are sharded.

        Ranks may have different numbers of them.
        """
        records = [(i, *astuple(record)) for i, c in enumerate(own) for record in c.records]
        message = own[0].s.new_full((max(map(sum, self.sizes)), 8), -1.0)
        message[: len(records)] = message.new_tensor(records)
        changes = _changes(own)
        room = changes.new_zeros(max(map(len, self.sizes)), changes.shape[1])
        room[: len(own)] = changes
        gathered = self.communicator.all_gather(torch.cat([message.view(-1), room.view(-1)]))
        found: list[Correction] = []
        for rank, received in enumerate(gathered):
            if rank == self.communicator.rank:
                found += own
                continue
            rows = received[: message.numel()].view_as(message)
            theirs = received[message.numel() :].view_as(room)
            groups: list[list[SubdomainStats]] = [[] for _ in self.sizes[rank]]
            for i, *values in rows.tolist():
                if i >= 0:
                    groups[int(i)].append(SubdomainStats(*values))
            for group, change in zip(groups, theirs, strict=False):  # there is room for those of other ranks
                zero = torch.zeros_like(own[0].s), torch.zeros_like(own[0].y)
                found.append(_told(Correction(*zero, group), own[0], change))
        return found


def _changes(own: Sequence[Correction]) -> Tensor:
    """Changes of the residuals by a rank's groups, [groups, N]; none where there are no residuals."""
    # On all ranks alike: the kind of the loss decides.
    known = [c.change for c in own if c.change is not None]
    return torch.stack(known) if len(known) == len(own) else own[0].s.new_zeros(len(own), 0)


def _told(correction: Correction, own: Correction, change: Tensor) -> Correction:
    """Add to a correction of another rank what it changes in the residuals, which all ranks know."""
    return replace(correction, residual=own.residual, change=change.clone() if len(change) else None)


def _pack(c: Correction, pairs: int) -> Tensor:
    """Records, s, y, pairs (of length 0 where there is none)."""
    n = len(c.s)
    room = c.s.new_zeros(pairs, 2 * n + 1)
    for row, (s, y, length) in zip(room, c.pairs, strict=False):
        row[:n], row[n:-1], row[-1] = s, y, length or 0.0
    records = c.s.new_tensor([astuple(record) for record in c.records]).reshape(-1)
    return torch.cat([records, c.s, c.y, room.reshape(-1)])


def _unpack(row: Tensor, like: Correction, pairs: int) -> Correction:
    size = 7 * len(like.records)
    records = [SubdomainStats(*values) for values in row[:size].view(-1, 7).tolist()]
    n = len(like.s)
    # Copies, because the last bits of a product depend on where in memory a vector begins.
    s, y, room = (piece.clone() for piece in row[size:].split([n, n, (2 * n + 1) * pairs]))
    found: list[Pair] = [
        (p[:n].clone(), p[n:-1].clone(), float(p[-1])) for p in room.view(pairs, 2 * n + 1) if p[-1] > 0
    ]
    return Correction(s, y, records, pairs=found)
