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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from .least_squares import CHUNK, _chunks, _Piece
from .model import Location
from .objective import Counters, Evaluation, Objective
from .problems import Sites, Term
from .problems.fields import MultiIndex
from .stages import Chain, ModelChain, Stage, shape_of
from .taylor import Channels

Weights = dict[str, Tensor]
Tape = list[tuple[Tensor, Tensor]]  # for each of a rank's stages what came in and what went out
Frozen = dict[int, list[tuple["Flow", Tensor, Tensor | None]]]  # by stage: for each flow x_{s-1} and lambda_s


# -- what travels ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """Points, or samples, that go through the stages together.

    Attributes:
        name: Of the term that they belong to.
        channels: Of the Taylor bundles; None for plain activations.
        inputs: What enters the first stage; used by the rank that has it.
        shapes: What each stage puts out, without storage.
        end: What becomes of the last stage's output and the coefficients; used by the rank that has it.
    """

    name: str
    channels: Channels | None
    inputs: Tensor
    shapes: list[Tensor]
    end: Callable[[Tensor, Mapping[str, Tensor]], Tensor]

    def through(self, stage: Stage, s: int, weights: Weights, x: Tensor) -> Tensor:
        """What stage s puts out, or the end of it after the last one."""
        out = stage.at(weights, x, self.channels)
        return self.end(out, stage.known(weights)) if s == len(self.shapes) - 1 else out


def _bundles(
    chain: ModelChain, points: int, needs: Mapping[str, Iterable[MultiIndex]]
) -> tuple[Channels, list[Tensor]]:
    """The channels that carry some derivatives, and the shape [C, N, W] of the bundle after each stage."""
    channels = Channels(index for indices in needs.values() for index in indices)
    features = len(chain.problem.ansatz.feature_names)
    x = shape_of(chain.embedding, torch.empty(points, features, dtype=chain.like.dtype, device="meta"))
    shapes = []
    for stage in chain.stages:
        x = shape_of(stage, x)
        shapes.append(x.new_empty(len(channels), *x.shape))
    return channels, shapes


def _residuals(chain: ModelChain, term: Term, sites: Sites, count: int) -> Flow:
    """The sites of a term; they end as its residuals [rows, N / fold], scaled so that f = |r|^2 / 2."""
    piece = _Piece(chain.part, term, sites, count, None)
    channels, shapes = _bundles(chain, sites.points.shape[0], term.needs)
    return Flow(
        term.name,
        channels,
        piece.location.inputs,
        shapes,
        lambda out, known: piece.residual_of(out.transpose(1, 2), known),
    )


def _unknowns(chain: ModelChain, points: Tensor) -> Flow:
    """Points that end as the unknowns there, [N, m]."""
    needs: dict[str, tuple[MultiIndex]] = {name: ((),) for name in chain.problem.unknown_names}
    location = Location(chain.part, points, needs)
    channels, shapes = _bundles(chain, points.shape[0], needs)

    def end(out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([field.value for field in location.fields(out.transpose(1, 2)).values()], 1)

    return Flow("unknowns", channels, location.inputs, shapes, end)


def _samples(chain: Chain, inputs: Tensor, end: Callable[[Tensor], Tensor]) -> Flow:
    """A batch [N, ...] for a network that is no problem's."""
    shapes, x = [], inputs.to("meta")
    for stage in chain.stages:
        x = shape_of(stage, x)
        shapes.append(x)
    return Flow("loss", None, inputs.to(chain.like.device), shapes, lambda out, known: end(out))


# -- the loss --------------------------------------------------------------------------------------------


class Pipeline(Objective):
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
    """

    def __init__(self, chain: Chain, flows: list[Flow], counters: Counters | None = None) -> None:
        if not flows:
            raise ValueError("no points: every term of the objective is empty")
        self.chain, self.flows, self.counters = chain, flows, counters or Counters()
        self.parameters = chain.parameters()
        self.share = sum(chain.sizes[s] for s in chain.owned) / sum(chain.sizes)  # of the work
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
            ValueError: There are no points at all.
        """
        flows = []
        for term in chain.problem.terms:
            if term.name in sites and sites[term.name].points.shape[0]:
                count = sites[term.name].points.shape[0] // sites[term.name].fold
                for part in _chunks(sites[term.name]):
                    flows.append(_halved_square(_residuals(chain, term, part, count)))
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
        return cls(chain, [_samples(chain, inputs, loss)], counters)

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
            with torch.enable_grad():
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
                flow = _unknowns(chain, part)
                like = flow.shapes[-1][0]
            else:
                flow = _samples(chain, part, lambda out: out)
                like = flow.shapes[-1]
            rows.append(self._read(flow, like))
        return torch.cat(rows)

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim], on every rank; collective.

        Args:
            points: The same on every rank.

        Raises:
            ValueError: There is no equation, the network is no problem's.
        """
        if not isinstance(self.chain, ModelChain):
            raise ValueError("only a problem has residuals, not a network with a loss on data")
        term, rows = self.chain.problem.equation_term, []
        for part in points.split(CHUNK):
            flow = _residuals(self.chain, term, Sites(part), 1)
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


@dataclass
class PipelineEvaluation(Evaluation):
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
            ValueError: It is another rank's, or the gradient was not asked for yet.
        """
        return _local(self.objective, stage, self._frozen)


# -- the stages' own objectives --------------------------------------------------------------------------


def _local(pipeline: Pipeline, stage: int, frozen: Frozen) -> StageObjective:
    if stage not in pipeline.chain.owned:
        raise ValueError(f"stage {stage} is not on this rank, which has {[*pipeline.chain.owned]}")
    if not frozen:
        raise ValueError("a stage's objective comes with the gradient: call gradient() on all ranks first")
    return StageObjective(pipeline, stage, frozen)


class StageObjective(Objective):
    """F_s: a stage's own objective, with its input and the cotangent of its output frozen; not collective.

    Args:
        pipeline: What it is part of.
        stage: Which.
        frozen: Inputs and cotangents.

    Attributes:
        share: What an evaluation counts, the stage's share of all parameters.
    """

    def __init__(self, pipeline: Pipeline, stage: int, frozen: Frozen) -> None:
        self.index, self.stage = stage, pipeline.chain.stages[stage]
        self.parameters = [*self.stage.trained().values()]
        self.counters = pipeline.counters
        self.share = pipeline.chain.sizes[stage] / sum(pipeline.chain.sizes)
        self._frozen = frozen[stage]

    def buffers(self) -> list[Tensor]:
        """The stage's."""
        return [*self.stage.buffers()]

    def evaluate(self) -> Evaluation:
        """F_s at the stage's current parameters."""
        self.counters.functions += self.share
        weights = self.stage.snapshot()
        total = torch.zeros((), dtype=self.parameters[0].dtype, device=self.parameters[0].device)
        with torch.enable_grad():
            for flow, x, bar in self._frozen:
                out = flow.through(self.stage, self.index, weights, x)
                total = total + (out if bar is None else (bar * out).sum())
        return _StageEvaluation(self, float(total.detach()), [*weights.values()], total)


@dataclass
class _StageEvaluation(Evaluation):
    objective: StageObjective
    value: float
    _weights: list[Tensor]
    _total: Tensor
    _gradient: Tensor | None = None

    def gradient(self) -> Tensor:
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            parts = torch.autograd.grad(self._total, self._weights, materialize_grads=True)
            self._gradient = torch.cat([part.reshape(-1) for part in parts])
            self._total = self._total.detach()
        return self._gradient
