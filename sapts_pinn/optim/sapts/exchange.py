"""An objective divided among ranks: f as all compute it together, this rank's parts, and their exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...objectives.base import Evaluation, Objective, Separable, SeparableEvaluation
from ...objectives.data_parallel import Replicated, Summed, SummedLook
from ...objectives.partition import data_parts
from ...parallel.communicator import Communicator
from ...pipeline.objective import Pipeline
from ..base import SubdomainStats
from ..curvature import Pair
from .blocks import BlockPart, parameter_parts
from .data import DataPart
from .local_solve import Correction
from .stages import StagePart
from .subdomain import Part


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
        own: This rank's parts.
    """

    def __init__(
        self,
        objective: Objective,
        whole: Objective,
        groups: list[list[Part]],
        communicator: Communicator,
        shared: bool,
        sharded: bool,
        sizes: list[list[int]] | None = None,
    ) -> None:
        self.objective, self.whole, self.groups = objective, whole, groups
        self.communicator, self.shared, self.sharded = communicator, shared, sharded
        self.sizes = sizes or [[len(group) for group in groups]] * communicator.size
        self.count = sum(map(len, self.sizes))
        self.own = [part for group in groups for part in group]
        self._place = {part.number: i for i, part in enumerate(self.own)}

    def base(self, part: Part, evaluation: Evaluation) -> SeparableEvaluation | None:
        """The part's own share of an evaluation of the whole, if it is a sum over parts."""
        if isinstance(part, DataPart) and isinstance(evaluation, SummedLook):
            return evaluation.parts[self._place[part.number]]  # type: ignore[no-any-return]
        return None

    def look(self, corrections: Sequence[Correction], alone: bool) -> Evaluation:
        """Evaluate the whole; if one group alone moved, its last part knows its share already."""
        if alone and isinstance(self.whole, Summed) and corrections[0].last is not None:
            part, last = corrections[0].last
            if isinstance(part, DataPart) and part.local is part.owned:
                return self.whole.evaluate({self._place[part.number]: last.inner})  # type: ignore[attr-defined]
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
        gathered = torch.cat(self.communicator.all_gather(packed))
        first = self.communicator.rank * len(own)
        return [
            own[i - first] if first <= i < first + len(own) else _unpack(row, own[0], pairs)
            for i, row in enumerate(gathered)
        ]

    def _exchange_records(self, own: list[Correction]) -> list[Correction]:
        """Of a sharded vector nothing travels but the records; ranks may have different numbers of them."""
        rows = [(i, *astuple(record)) for i, c in enumerate(own) for record in c.records]
        message = own[0].s.new_full((max(map(sum, self.sizes)), 8), -1.0)
        message[: len(rows)] = message.new_tensor(rows)
        found: list[Correction] = []
        for rank, received in enumerate(self.communicator.all_gather(message)):
            if rank == self.communicator.rank:
                found += own
                continue
            groups: list[list[SubdomainStats]] = [[] for _ in self.sizes[rank]]
            for i, *values in received.tolist():
                if i >= 0:
                    groups[int(i)].append(SubdomainStats(*values))
            like = own[0]
            found += [Correction(torch.zeros_like(like.s), torch.zeros_like(like.y), g) for g in groups]
        return found


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


def divide(
    objective: Objective,
    decomposition: str,
    count: int,
    kind: str,
    overlap: float,
    consistent: bool,
    additive: bool,
    generator: Generator,
    communicator: Communicator,
) -> Division:
    """Cut an objective into parts and keep those of this rank.

    Args:
        objective: The whole, on this rank; for "stages" a `Pipeline`.
        decomposition: "data", "parameters" or "stages".
        count: Number of parts over all ranks.
        kind: How they are cut.
        overlap: By how much data parts are enlarged.
        consistent: Whether data parts get the linear term.
        additive: Whether every part is a group of its own; else there is one group per rank.
        generator: Source of all randomness, in the same state on every rank.
        communicator: The ranks.

    Raises:
        TypeError: The objective cannot be cut that way.
        InputError: There is less to cut than parts.
    """
    each = count // communicator.size
    shares = [range(rank * each, (rank + 1) * each) for rank in range(communicator.size)]
    mine = shares[communicator.rank]
    parts: list[Part]
    whole: Objective = objective
    if decomposition == "stages":
        if not isinstance(objective, Pipeline):
            raise TypeError("stages need a Pipeline as the objective, which knows the network's stages")
        if len(objective.chain.stages) != count:
            raise InputError(
                f"the network is cut into {len(objective.chain.stages)} stages, not into {count}; "
                "give the optimizer as many parts"
            )
        parts, start, shares = [], 0, objective.chain.shares
        for stage in objective.chain.owned:
            size = objective.chain.sizes[stage]
            parts.append(StagePart(stage, torch.arange(start, start + size)))
            start += size
    elif decomposition == "parameters":
        blocks = parameter_parts(objective.parameters, count, kind)
        # The blocks look at f through an objective of their own: the whole's records are of the whole.
        inner = objective.twin() if isinstance(objective, Separable) else objective
        parts = [BlockPart(i, blocks[i], inner) for i in mine]
        if isinstance(objective, Separable):
            # Everybody needs f, so everybody computes a share of it.
            sites = data_parts(objective.sites, count, "interleaved", generator, ()).owned
            whole = _summed(objective, [objective.restrict(sites[i]) for i in mine], communicator)
        elif communicator.size > 1:
            whole = Replicated(objective, communicator)
    else:
        if not isinstance(objective, Separable):
            raise TypeError(
                "a decomposition of the data needs an objective that knows its points; "
                "with a closure use decomposition='parameters'"
            )
        cut = data_parts(objective.sites, count, kind, generator, objective.coordinates, overlap)
        owned = [objective.restrict(cut.owned[i]) for i in mine]
        local = owned if cut.local is cut.owned else [objective.restrict(cut.local[i]) for i in mine]
        parts = [
            DataPart(i, own, near, near.share / objective.share, consistent)
            for i, own, near in zip(mine, owned, local, strict=True)
        ]
        whole = _summed(objective, owned, communicator)
    groups = [[part] for part in parts] if additive else [parts]
    sizes = [[1] * len(share) if additive else [len(share)] for share in shares]
    shared, sharded = decomposition == "data", decomposition == "stages"
    return Division(objective, whole, groups, communicator, shared, sharded, sizes)


def _summed(objective: Separable, pieces: list[Separable], communicator: Communicator) -> Summed:
    objective.last_terms = dict.fromkeys(objective.term_names, 0.0)
    return Summed(pieces, communicator, objective.last_terms)
