"""Base of the losses of a chain of stages, however they are evaluated: parameters, layout, predictions."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError
from ..objectives.base import Counters, Staged, StageLayout
from ..objectives.residual_block import BLOCK_POINTS
from .microbatch import MicroBatch, Weights, residuals, samples, unknowns
from .stages import ModelStageChain, StageChain

Tape = list[tuple[Tensor, Tensor]]  # for each of a rank's stages what came in and what went out


class ChainObjective(Staged):
    """The loss of a chain of stages, as a function of the parameters of this rank's stages.

    `predict` and `residuals` are collective.

    Args:
        chain: The stages.
        counters: Where work is counted.

    Attributes:
        chain: The stages.
        parameters: The trained parameters of this rank's stages, in order.
        counters: Work done.
        last_terms: f by terms, of the latest evaluation.
    """

    collective = True

    def __init__(self, chain: StageChain, counters: Counters) -> None:
        self.chain, self.counters = chain, counters
        self.parameters = chain.parameters()
        self.last_terms = {}

    @property
    def layout(self) -> StageLayout:
        """Stages of the network and their ranks."""
        return StageLayout(self.chain.sizes, self.chain.shares, self.chain.owned)

    def buffers(self) -> list[Tensor]:
        """Buffers of this rank's stages."""
        return [b for stage in self.chain.own.values() for b in stage.buffers()]

    def carry(self, micro_batch: MicroBatch, weights: dict[int, Weights]) -> Tape:
        """Carry a micro-batch through this rank's stages, the graph cut between them, and send it on."""
        chain, tape = self.chain, []
        x = (
            micro_batch.inputs
            if chain.first
            else chain.receive(micro_batch.shapes[chain.owned.start - 1], -1)
        )
        for s, stage in chain.own.items():
            if s:
                x = x.detach().requires_grad_()
            out = micro_batch.through(stage, s, weights[s], x)
            tape.append((x, out))
            x = out
        if not chain.last:
            chain.send(x.detach(), 1)
        return tape

    def predict(self, points: Tensor) -> Tensor:
        """Network output, on every rank; collective.

        Args:
            points: Points [N, dim] of the problem, or a batch of inputs; the same on every rank.

        Returns:
            The unknowns [N, m], or the output of the last stage.
        """
        chain, rows = self.chain, []
        for part in points.split(BLOCK_POINTS):
            if isinstance(chain, ModelStageChain):
                micro_batch = unknowns(chain, part)
                like = micro_batch.shapes[-1][0]
            else:
                micro_batch = samples(chain, part, lambda out: out)
                like = micro_batch.shapes[-1]
            rows.append(self._read(micro_batch, like))
        return torch.cat(rows)

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim] in the user's units, on every rank; collective.

        Args:
            points: The same on every rank.

        Raises:
            InputError: There is no equation, the network is no problem's.
        """
        if not isinstance(self.chain, ModelStageChain):
            raise InputError("only a problem has residuals, not a network with a loss on data")
        term, rows = self.chain.problem.equation_term, []
        for part in points.split(BLOCK_POINTS):
            micro_batch = residuals(self.chain, term, self.chain.problem.at(part), 1)
            like = micro_batch.shapes[-1].new_empty(term.rows, part.shape[0])
            rows.append(self._read(micro_batch, like) / term.weight**0.5)
        return torch.cat(rows, 1)

    @torch.no_grad()
    def _read(self, micro_batch: MicroBatch, like: Tensor) -> Tensor:
        """Result of a micro-batch, on every rank."""
        weights = {s: dict[str, Tensor](stage.trained()) for s, stage in self.chain.own.items()}
        end = self.carry(micro_batch, weights)[-1][1]
        if not self.chain.last:
            end = torch.empty_like(like, device=self.chain.like.device)
        return self.chain.from_last(end.detach())
