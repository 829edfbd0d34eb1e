"""The loss of a network whose stages live on different ranks, and the local losses of its stages.

    x_0 = inputs,            x_s = phi_s(x_{s-1}; theta_s),                  f = loss(x_S)
    lambda_S = df / dx_S,    lambda_{s-1} = (d phi_s / d x_{s-1})^T lambda_s,
                             df / dtheta_s = (d phi_s / dtheta_s)^T lambda_s

Activations travel forward from rank to rank, cotangents back, and nothing else: parameters stay where they
are. For a problem an activation is the bundle of Taylor channels (u, u_x, u_xx, ...) at a term's points.
Terms, and chunks of many points, travel one by one, so that a rank works on one of them while the next rank
works on the one before.

What remains of a gradient, x_{s-1} and lambda_s, makes each stage an objective of its own,

    F_s(theta_s) = <lambda_s, phi_s(x_{s-1}; theta_s)>,      F_S(theta_S) = loss(phi_S(x_{S-1}; theta_S)),

whose gradient where it was taken is df / dtheta_s, and which needs no communication.  It is linear in what
the stage puts out, hence true only nearby: the trust region has to see to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..errors import InputError
from ..objectives.base import (
    Counters,
    Evaluation,
    Objective,
    SeparableEvaluation,
    Staged,
    StagedEvaluation,
    StageLayout,
)
from ..objectives.residual_block import CHUNK, _chunks
from ..problems import Sites
from .microbatch import Flow, Weights, residuals, samples, unknowns
from .stages import Chain, ModelChain

Tape = list[tuple[Tensor, Tensor]]  # for each of a rank's stages what came in and what went out
Frozen = dict[int, list[tuple[Flow, Tensor, Tensor | None]]]  # by stage: for each flow x_{s-1} and lambda_s


# -- the loss --------------------------------------------------------------------------------------------


class Pipeline(Staged):
    """The loss of a chain of stages, as a function of the parameters of this rank's stages.

    All ranks make the same calls in the same order: `evaluate`, an evaluation's `gradient`, `predict` and
    `residuals` are collective.  A value is the same everywhere; a gradient is this rank's part of it, and
    norms and inner products of such vectors are `communicator.dot`'s.

    `of_problem` and `of_data` make one.

    Attributes:
        chain: The stages.
        parameters: The trained parameters of this rank's stages, in order.
        counters: Work done; an evaluation of a local objective counts as its stage's share of all parameters.
        last_terms: f by terms, of the latest evaluation.
        shares: What an evaluation of each stage counts, of one of all stages on all points,
        share: and of this rank's stages.
        recomputes: Whether gradients compute a flow's graph anew, one after the other, instead of keeping all
            of them from the evaluation: chunks then save memory.
    """

    def __init__(
        self,
        chain: Chain,
        flows: list[Flow],
        counters: Counters | None = None,
        fraction: float = 1.0,
        recomputes: bool = False,
    ) -> None:
        if not flows:
            raise InputError("no points: every term of the objective is empty")
        self.chain, self.flows, self.counters = chain, flows, counters or Counters()
        self.parameters = chain.parameters()
        self.shares = [fraction * size / sum(chain.sizes) for size in chain.sizes]
        self.share = sum(self.shares[s] for s in chain.owned)
        self.recomputes = recomputes
        self.last_terms: dict[str, float] = {}
        self._frozen: Frozen = {}

    @classmethod
    def of_problem(
        cls, chain: ModelChain, sites: Mapping[str, Sites], counters: Counters | None = None
    ) -> Pipeline:
        """The loss of a problem on given points: `LeastSquares`, divided into stages.

        Args:
            chain: The chain of the problem's model.
            sites: For each term of the problem the places where it is evaluated, the same on every rank.
            counters: Where work is counted.

        Raises:
            InputError: There are no points at all.
        """
        flows = []
        for term in chain.problem.terms:
            if term.name in sites and sites[term.name].points.shape[0]:
                count = sites[term.name].points.shape[0] // sites[term.name].fold
                for part in _chunks(sites[term.name]):
                    flows.append(_halved_square(residuals(chain, term, part, count)))
        return cls(chain, flows, counters)

    @classmethod
    def of_data(
        cls, chain: Chain, inputs: Tensor, loss: Callable[[Tensor], Tensor], counters: Counters | None = None
    ) -> Pipeline:
        """The loss of a network on a batch.

        Args:
            chain: The chain of the network.
            inputs: The batch [N, ...], of the same shape on every rank; the first one's entries count.
            loss: Maps what the network puts out, [N, ...], to the mean loss; used on the last rank.
            counters: Where work is counted.
        """
        return cls(chain, [samples(chain, inputs, loss)], counters)

    @property
    def layout(self) -> StageLayout:
        """The stages and their ranks."""
        return StageLayout(self.chain.sizes, self.chain.shares, self.chain.owned)

    def buffers(self) -> list[Tensor]:
        """Those of this rank's stages."""
        return [b for stage in self.chain.own.values() for b in stage.buffers()]

    def evaluate(self) -> PipelineEvaluation:
        """The loss at the current parameters; collective."""
        self.counters.functions += self.share
        # Copies: what is differentiated later must not move with the parameters.
        weights = {s: stage.snapshot() for s, stage in self.chain.own.items()}
        tapes: list[Tape] = []
        terms = {flow.name: torch.zeros((), dtype=torch.float64) for flow in self.flows}
        for flow in self.flows:
            with torch.set_grad_enabled(not self.recomputes):
                tapes.append(self._forward(flow, weights))
            if self.chain.last:
                terms[flow.name] += tapes[-1][-1][1].detach().cpu()
        values = self.chain.from_last(torch.stack([*terms.values()]).to(self.chain.like.device)).tolist()
        self.last_terms = dict(zip(terms, values, strict=True))
        return PipelineEvaluation(self, sum(values), self.last_terms, weights, tapes)

    def _forward(self, flow: Flow, weights: dict[int, Weights]) -> Tape:
        """Carry a flow through this rank's stages, between which the graph is cut, to the next rank."""
        chain, tape = self.chain, []
        x = flow.inputs if chain.first else chain.receive(flow.shapes[chain.owned.start - 1], -1)
        for s, stage in chain.own.items():
            if s:
                x = x.detach().requires_grad_()
            out = flow.through(stage, s, weights[s], x)
            tape.append((x, out))
            x = out
        if not chain.last:
            chain.send(x.detach(), 1)
        return tape

    def local(self, stage: int) -> StageObjective:
        """The local objective F_s at the last point whose gradient was taken; see `PipelineEvaluation.local`.

        Args:
            stage: One of this rank's stages.
        """
        return _local(self, stage, self._frozen)

    def predict(self, points: Tensor) -> Tensor:
        """What the network says, on every rank; collective.

        Args:
            points: Points [N, dim] of the problem, or a batch of inputs; the same on every rank.

        Returns:
            The unknowns [N, m], or what the last stage puts out.
        """
        chain, rows = self.chain, []
        for part in points.split(CHUNK):
            if isinstance(chain, ModelChain):
                flow = unknowns(chain, part)
                like = flow.shapes[-1][0]
            else:
                flow = samples(chain, part, lambda out: out)
                like = flow.shapes[-1]
            rows.append(self._read(flow, like))
        return torch.cat(rows)

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim] in the user's units, on every rank; collective.

        Args:
            points: The same on every rank.

        Raises:
            InputError: There is no equation, the network is no problem's.
        """
        if not isinstance(self.chain, ModelChain):
            raise InputError("only a problem has residuals, not a network with a loss on data")
        term, rows = self.chain.problem.equation_term, []
        for part in points.split(CHUNK):
            flow = residuals(self.chain, term, Sites(part), 1)
            like = flow.shapes[-1].new_empty(term.rows, part.shape[0])
            rows.append(self._read(flow, like) / term.weight**0.5)
        return torch.cat(rows, 1)

    @torch.no_grad()
    def _read(self, flow: Flow, like: Tensor) -> Tensor:
        """The end of a flow, on every rank."""
        weights = {s: dict[str, Tensor](stage.trained()) for s, stage in self.chain.own.items()}
        end = self._forward(flow, weights)[-1][1]
        if not self.chain.last:
            end = torch.empty_like(like, device=self.chain.like.device)
        return self.chain.from_last(end.detach())


def _halved_square(flow: Flow) -> Flow:
    def end(out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        r = flow.end(out, known).reshape(-1)
        return 0.5 * r.dot(r)

    return replace(flow, end=end)


@contextmanager
def _keeping(buffers: Sequence[Tensor]) -> Iterator[None]:
    """What is computed a second time must not be counted twice, in running means for example."""
    before = [b.clone() for b in buffers]
    yield
    for buffer, value in zip(buffers, before, strict=True):
        buffer.copy_(value)


@dataclass
class PipelineEvaluation(StagedEvaluation, SeparableEvaluation):
    """A look at a pipeline.

    Attributes:
        value: f, the same on every rank.
        terms: f by terms.
    """

    objective: Pipeline
    value: float
    terms: dict[str, float]
    _weights: dict[int, Weights]
    _tapes: list[Tape]
    _frozen: Frozen = field(default_factory=dict)
    _gradient: Tensor | None = None

    def gradient(self) -> Tensor:
        """This rank's part of the gradient of f, [its n]; collective."""
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            self.objective.counters.functions += self.objective.share * self.objective.recomputes
            with _keeping(self.objective.buffers() if self.objective.recomputes else ()):
                self._gradient = self._backward()
            self.objective._frozen = self._frozen
            self._weights, self._tapes = {}, []
        return self._gradient

    def _backward(self) -> Tensor:
        chain = self.objective.chain
        sums = {s: [torch.zeros_like(w) for w in weights.values()] for s, weights in self._weights.items()}
        self._frozen = {s: [] for s in chain.owned}
        for flow, tape in zip(self.objective.flows, self._tapes, strict=True):
            bar = None if chain.last else chain.receive(flow.shapes[chain.owned.stop - 1], 1)
            for s, (x, out) in zip(reversed(chain.owned), reversed(tape), strict=True):
                self._frozen[s].append((flow, x.detach(), bar))
                weights = [*self._weights[s].values()]
                if self.objective.recomputes:
                    with torch.enable_grad():
                        out = flow.through(chain.stages[s], s, self._weights[s], x)
                found = torch.autograd.grad(out, [*weights, x] if s else weights, bar, materialize_grads=True)
                for total, part in zip(sums[s], found, strict=False):  # that of x comes last
                    total += part
                bar = found[-1] if s else None
            if bar is not None:
                chain.send(bar, -1)
        return torch.cat([total.reshape(-1) for totals in sums.values() for total in totals])

    def local(self, stage: int) -> StageObjective:
        """The local objective F_s with what came in and what was pulled back here.

        Args:
            stage: One of this rank's stages.

        Raises:
            InputError: It is another rank's, or the gradient was not asked for yet.
        """
        return _local(self.objective, stage, self._frozen)


# -- the stages' own objectives --------------------------------------------------------------------------


def _local(pipeline: Pipeline, stage: int, frozen: Frozen) -> StageObjective:
    if stage not in pipeline.chain.owned:
        raise InputError(f"stage {stage} is not on this rank, which has {[*pipeline.chain.owned]}")
    if not frozen:
        raise InputError("a stage's objective comes with the gradient: call gradient() on all ranks first")
    return StageObjective(pipeline, stage, frozen)


class StageObjective(Objective):
    """F_s: a stage's own objective, with its input and the cotangent of its output frozen; not collective.

    Args:
        pipeline: What it is part of.
        stage: Which.
        frozen: Inputs and cotangents.

    Attributes:
        share: What an evaluation counts.
        recomputes: As of the pipeline.
    """

    def __init__(self, pipeline: Pipeline, stage: int, frozen: Frozen) -> None:
        self.index, self.stage = stage, pipeline.chain.stages[stage]
        self.parameters = [*self.stage.trained().values()]
        self.counters, self.share = pipeline.counters, pipeline.shares[stage]
        self.recomputes = pipeline.recomputes
        self._frozen = frozen[stage]

    def buffers(self) -> list[Tensor]:
        """The stage's."""
        return [*self.stage.buffers()]

    def evaluate(self) -> Evaluation:
        """F_s at the stage's current parameters."""
        self.counters.functions += self.share
        weights = self.stage.snapshot()
        with torch.set_grad_enabled(not self.recomputes):
            losses = list(self.losses(weights))
        value = float(torch.stack([loss.detach() for loss in losses]).sum())
        return _StageEvaluation(self, value, weights, None if self.recomputes else losses)

    def losses(self, weights: Weights) -> Iterator[Tensor]:
        """F_s by flows."""
        for flow, x, bar in self._frozen:
            out = flow.through(self.stage, self.index, weights, x)
            yield out if bar is None else (bar * out).sum()


@dataclass
class _StageEvaluation(Evaluation):
    objective: StageObjective
    value: float
    _weights: Weights
    _losses: list[Tensor] | None
    _gradient: Tensor | None = None

    def gradient(self) -> Tensor:
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            self._gradient = torch.cat([part.reshape(-1) for part in self._backward()])
            self._losses = None
        return self._gradient

    def _backward(self) -> Sequence[Tensor]:
        weights = [*self._weights.values()]
        if self._losses is not None:
            return torch.autograd.grad(self._losses, weights, materialize_grads=True)
        self.objective.counters.functions += self.objective.share
        sums = [torch.zeros_like(w) for w in weights]
        with _keeping(self.objective.buffers()), torch.enable_grad():
            for loss in self.objective.losses(self._weights):
                found = torch.autograd.grad(loss, weights, materialize_grads=True)
                for total, part in zip(sums, found, strict=True):
                    total += part
        return sums
