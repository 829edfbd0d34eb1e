"""The loss of a network whose stages live on different ranks.

    x_0 = inputs,            x_s = phi_s(x_{s-1}; theta_s),                  f = loss(x_S)
    lambda_S = df / dx_S,    lambda_{s-1} = (d phi_s / d x_{s-1})^T lambda_s,
                             df / dtheta_s = (d phi_s / dtheta_s)^T lambda_s

Activations travel forward from rank to rank, cotangents back, and nothing else: parameters stay where they
are. For a problem an activation is the jet of Taylor channels (u, u_x, u_xx, ...) at a term's points.
Terms, and chunks of many points, travel one by one, so that a rank works on one of them while the next rank
works on the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import InputError
from ..objectives.base import Counters, SeparableEvaluation, StagedEvaluation
from ..objectives.residual_block import split_sites
from ..problems import Sites
from .chain_objective import ChainObjective, Tape
from .microbatch import MicroBatch, Weights, losses, samples
from .stage_objective import Boundary, Frozen, StageObjective, keep
from .stages import ModelStageChain, StageChain


class PipelineObjective(ChainObjective):
    """The loss of a chain of stages, as a function of the parameters of this rank's stages.

    All ranks make the same calls in the same order: `evaluate`, an evaluation's `gradient`, `predict` and
    `residuals` are collective.  A value is the same everywhere; a gradient is this rank's part of it, and
    norms and inner products of such vectors are `communicator.dot`'s.

    `of_problem` and `of_data` make one.

    Attributes:
        shares: Cost of evaluating each stage, as a fraction of a full evaluation.
        share: Their sum over this rank.
        recomputes: Gradients compute the graph of each micro-batch anew, one after the other, instead of
            keeping all of them from the evaluation: many micro-batches then save memory.
    """

    def __init__(
        self,
        chain: StageChain,
        micro_batches: list[MicroBatch],
        counters: Counters | None = None,
        fraction: float = 1.0,
        recomputes: bool = False,
    ) -> None:
        if not micro_batches:
            raise InputError("no points: every term of the objective is empty")
        super().__init__(chain, counters or Counters())
        self.micro_batches = micro_batches
        self.shares = [fraction * size / sum(chain.sizes) for size in chain.sizes]
        self.share = sum(self.shares[s] for s in chain.owned)
        self.recomputes = recomputes
        self._frozen: Frozen = {}

    @classmethod
    def of_problem(
        cls,
        chain: ModelStageChain,
        sites: Mapping[str, Sites],
        counters: Counters | None = None,
        fraction: float = 1.0,
    ) -> PipelineObjective:
        """Make the loss of a problem on given points, as `LeastSquares`, divided into stages.

        Args:
            chain: The chain of the problem's model.
            sites: For each term of the problem the places where it is evaluated, the same on every rank.
            counters: Where work is counted.
            fraction: Cost of an evaluation, in evaluations.

        Raises:
            InputError: There are no points at all.
        """
        micro_batches = []
        for term in chain.problem.terms:
            if term.name in sites and sites[term.name].points.shape[0]:
                count = sites[term.name].points.shape[0] // sites[term.name].fold
                for part in split_sites(sites[term.name]):
                    micro_batches.append(losses(chain, term, part, count))
        return cls(chain, micro_batches, counters, fraction)

    @classmethod
    def of_data(
        cls,
        chain: StageChain,
        inputs: Tensor,
        loss: Callable[[Tensor], Tensor],
        counters: Counters | None = None,
    ) -> PipelineObjective:
        """Make the loss of a network on a batch.

        Args:
            chain: The chain of the network.
            inputs: The batch [N, ...], of the same shape on every rank; the first one's entries count.
            loss: Maps what the network puts out, [N, ...], to the mean loss; used on the last rank.
            counters: Where work is counted.
        """
        return cls(chain, [samples(chain, inputs, loss)], counters)

    def evaluate(self) -> PipelineEvaluation:
        """Evaluate the loss at the current parameters; collective."""
        # Copies: what is differentiated later must not move with the parameters.
        return self.evaluate_at({s: stage.snapshot() for s, stage in self.chain.own.items()})

    def evaluate_at(self, weights: dict[int, Weights]) -> PipelineEvaluation:
        """Evaluate the loss at the weights of a snapshot, by stage; collective."""
        self.counters.functions += self.share
        tapes: list[Tape] = []
        terms = {micro_batch.name: torch.zeros((), dtype=torch.float64) for micro_batch in self.micro_batches}
        for micro_batch in self.micro_batches:
            with torch.set_grad_enabled(not self.recomputes):
                tapes.append(self.carry(micro_batch, weights))
            if self.chain.last:
                terms[micro_batch.name] += tapes[-1][-1][1].detach().sum().cpu()
        values = self.chain.from_last(torch.stack([*terms.values()]).to(self.chain.like.device)).tolist()
        self.last_terms = dict(zip(terms, values, strict=True))
        return PipelineEvaluation(self, sum(values), self.last_terms, weights, tapes)

    def local(self, stage: int) -> StageObjective:
        """Make the local objective F_s at the last point whose gradient was taken.

        Args:
            stage: One of this rank's stages.
        """
        return _local(self, stage, self._frozen)


@dataclass
class PipelineEvaluation(StagedEvaluation, SeparableEvaluation):
    """Evaluation of a pipeline's loss.

    Attributes:
        value: f, the same on every rank.
        terms: f by terms.
    """

    objective: PipelineObjective
    value: float
    terms: dict[str, float]
    _weights: dict[int, Weights]
    _tapes: list[Tape]
    _frozen: Frozen = field(default_factory=dict)
    _gradient: Tensor | None = None

    def gradient(self) -> Tensor:
        """Gradient of f by the parameters of this rank, [n]; collective."""
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            self.objective.counters.functions += self.objective.share * self.objective.recomputes
            with keep(self.objective.buffers() if self.objective.recomputes else ()):
                self._gradient = self._backward()
            self.objective._frozen = self._frozen
            self._weights, self._tapes = {}, []
        return self._gradient

    def _backward(self) -> Tensor:
        chain = self.objective.chain
        sums = {s: [torch.zeros_like(w) for w in weights.values()] for s, weights in self._weights.items()}
        self._frozen = {s: [] for s in chain.owned}
        for micro_batch, tape in zip(self.objective.micro_batches, self._tapes, strict=True):
            bar = None if chain.last else chain.receive(micro_batch.shapes[chain.owned.stop - 1], 1)
            rho = self._norms(micro_batch, tape)
            for s, (x, kept) in zip(reversed(chain.owned), reversed(tape), strict=True):
                self._frozen[s].append(Boundary.at(micro_batch, x, kept, bar, rho))
                weights, out = [*self._weights[s].values()], kept
                if self.objective.recomputes:
                    with torch.enable_grad():
                        out = micro_batch.through(chain.stages[s], s, self._weights[s], x)
                ends, cotangent = (
                    [*weights, x] if s else weights,
                    torch.ones_like(out) if bar is None else bar,
                )
                found = torch.autograd.grad(out, ends, cotangent, materialize_grads=True)
                for total, part in zip(sums[s], found, strict=False):  # that of x comes last
                    total.add_(part)
                bar = found[-1] if s else None
            if bar is not None:
                chain.send(bar, -1)
                if rho is not None:
                    chain.send(rho, -1)
        return torch.cat([total.reshape(-1) for totals in sums.values() for total in totals])

    def _norms(self, micro_batch: MicroBatch, tape: Tape) -> Tensor | None:
        """Norms rho of the residuals by points, from the next rank; None where the loss has another kind."""
        if not micro_batch.fold:
            return None
        chain = self.objective.chain
        if chain.last:
            return (2 * tape[-1][1].detach()).sqrt()
        points = micro_batch.shapes[-1].shape[1] // micro_batch.fold
        return chain.receive(micro_batch.shapes[-1].new_empty(points), 1)

    def local(self, stage: int) -> StageObjective:
        """Make the local objective F_s, with the inputs and cotangents of this evaluation.

        Args:
            stage: One of this rank's stages.

        Raises:
            InputError: It is another rank's, or the gradient was not asked for yet.
        """
        return _local(self.objective, stage, self._frozen)


def _local(pipeline: PipelineObjective, stage: int, frozen: Frozen) -> StageObjective:
    if stage not in pipeline.chain.owned:
        raise InputError(f"stage {stage} is not on this rank, which has {[*pipeline.chain.owned]}")
    if not frozen:
        raise InputError("a stage's objective comes with the gradient: call gradient() on all ranks first")
    return StageObjective(
        pipeline.chain.stages[stage],
        stage,
        frozen[stage],
        pipeline.counters,
        pipeline.shares[stage],
        pipeline.recomputes,
    )
