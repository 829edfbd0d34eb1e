"""The loss of a problem on given points, f = |r|^2 / 2, with its residual vector, Jacobian and products.

A term at its points is a `_Piece`: the network's Taylor bundle (by the compiled kernel where it applies, else
by PyTorch), then the user's residual under autograd.  The two are joined at the bundle: a cotangent of
the residuals is pulled back to the bundle first, pointwise and cheap, and from there through the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from .flat import gather
from .kernels import Batch, Batches, CompiledMLP, load
from .model import Location, Model, split_embedding
from .networks import MLP, SideBySide
from .objective import Counters, ResidualEvaluation, Separable, SeparableEvaluation
from .problems import Sites, Term
from .taylor import Channels, propagate

TAPE_LIMIT = 400e6  # bytes of activations kept for a reverse pass; beyond it points are processed in chunks
CHUNK = 16_384  # points


class _Propagator(nn.Module):
    """Taylor propagation as a module, so that `torch.func.functional_call` can exchange its parameters."""

    def __init__(self, network: nn.Module, channels: Channels) -> None:
        super().__init__()
        self.network, self.channels = network, channels

    def forward(self, inputs: Tensor) -> Tensor:
        return propagate(self.network, inputs, self.channels).transpose(1, 2)


class _Piece:
    """One term at (a chunk of) its sites."""

    def __init__(
        self, model: Model, term: Term, sites: Sites, count: int, kernels: Sequence[CompiledMLP]
    ) -> None:
        self.model, self.term = model, term
        like = model.like
        self.sites = replace(
            sites,
            points=sites.points.to(like),
            normals=None if sites.normals is None else sites.normals.to(like),
            values=None if sites.values is None else sites.values.to(like),
        )
        self.location = Location(model, sites.points, term.needs)
        self.rows = sites.points.shape[0] // sites.fold
        weight = math.sqrt((term.weight if sites.weight is None else sites.weight) / count)
        self.scale = (weight / term.row_units).to(like)  # [rows, 1]
        self.batch = _batch(kernels, self.location)
        self._stamp = 0
        self._graph: tuple[Tensor, Tensor, Tensor, dict[str, Tensor], Tensor] | None = None
        self._module = _Propagator(self.location.trainable, self.location.channels)
        weights = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
        self._shapes = {name: p.shape for name, p in weights.items()}
        self._size = sum(p.numel() for p in weights.values())
        self._trained = [name for name, value in model.coefficients.items() if value.requires_grad]

    # Parameters are taken from theta and never from the modules, which may have moved on since.

    def _network(self, weights: Tensor) -> Tensor:
        """The network's bundle [C, m, N] by PyTorch, a function of its trained weights [n]."""
        return self._call(self._by_name(weights), self.location.inputs)

    def _call(self, weights: dict[str, Tensor], inputs: Tensor) -> Tensor:
        return torch.func.functional_call(self._module, weights, (inputs,))  # type: ignore[no-any-return]

    def _by_name(self, weights: Tensor) -> dict[str, Tensor]:
        pieces = weights.split([shape.numel() for shape in self._shapes.values()])
        return {
            name: piece.view(shape) for piece, (name, shape) in zip(pieces, self._shapes.items(), strict=True)
        }

    def _known(self, theta: Tensor) -> dict[str, Tensor]:
        """The coefficients: those that are trained from theta, the others from the model."""
        known = {name: value.detach() for name, value in self.model.coefficients.items()}
        return known | dict(zip(self._trained, theta[self._size :].unbind(), strict=True))

    def residual(self, theta: Tensor) -> tuple[Tensor, int]:
        """Scaled residuals [rows of the term, N / fold], and a stamp for later calls about the same theta."""
        with torch.enable_grad():
            weights = theta[: self._size].clone().requires_grad_()
            graph = self._network(weights) if self.batch is None else self.batch.forward(theta)
            out = graph.detach().requires_grad_()
            # A copy of a coefficient for every point makes its Jacobian column a gradient like all others.
            known = {
                name: value.expand(out.shape[2]).clone().requires_grad_()
                for name, value in self._known(theta).items()
            }
            r = self.residual_of(out, known)
        self._graph = (weights, graph, out, known, r)
        self._stamp += 1
        return r.detach(), self._stamp

    def residual_of(self, out: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        rows = self.term.residual(self.location.fields(out), self.sites, known)
        return self.scale * torch.stack([r.expand(self.rows) for r in rows])

    def _pull_back(
        self, theta: Tensor, stamp: int, row: int | None, cotangent: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Cotangents of the network's bundle [C, m, N] and of every point's trained coefficients [N]."""
        if self._graph is None or stamp != self._stamp:
            self.residual(theta)
        assert self._graph is not None
        _, _, out, known, r = self._graph
        with torch.enable_grad():
            # The product in place of grad_outputs, whose check imports SymPy for a second in every process.
            target = ((r if row is None else r[row]) * cotangent).sum()
        leaves = [out, *(known[name] for name in self._trained)]
        found = torch.autograd.grad(target, leaves, retain_graph=True, allow_unused=True)
        bars = [
            torch.zeros_like(leaf) if bar is None else bar for bar, leaf in zip(found, leaves, strict=True)
        ]
        return bars[0], bars[1:]

    def vjp(self, theta: Tensor, stamp: int, cotangent: Tensor) -> Tensor:
        """J^T cotangent, [n]."""
        bar, coefficients = self._pull_back(theta, stamp, None, cotangent)
        if self.batch is not None:
            network = self.batch.reverse(theta, bar)
        else:
            assert self._graph is not None
            weights, graph = self._graph[:2]
            with torch.enable_grad():
                product = (graph * bar).sum()
            (network,) = torch.autograd.grad(product, weights, retain_graph=True, materialize_grads=True)
        return torch.cat([network, *(c.sum().reshape(1) for c in coefficients)])

    def jacobian(self, theta: Tensor, stamp: int) -> Tensor:
        """J^T as columns, [n, rows of the term * N / fold]."""
        columns = []
        for row in range(self.term.rows):
            one = torch.ones(self.rows, dtype=theta.dtype, device=theta.device)
            bar, coefficients = self._pull_back(theta, stamp, row, one)
            stamp = self._stamp
            network = self._network_columns(theta, bar)
            full = torch.cat([network, *(c.unsqueeze(0) for c in coefficients)]) if coefficients else network
            columns.append(full.unflatten(1, (self.sites.fold, self.rows)).sum(1))
        return columns[0] if len(columns) == 1 else torch.cat(columns, 1)

    def _network_columns(self, theta: Tensor, bar: Tensor) -> Tensor:
        if self.batch is not None:
            return self.batch.jacobian(theta, bar)

        def one_point(inputs: Tensor, cotangent: Tensor) -> Tensor:
            def dot(weights: Tensor) -> Tensor:
                bundle = self._call(self._by_name(weights), inputs.unsqueeze(1))
                return (bundle[:, :, 0] * cotangent).sum()

            return torch.func.grad(dot)(theta[: self._size])  # type: ignore[no-any-return]

        return torch.func.vmap(one_point, in_dims=(1, 2), chunk_size=1024)(self.location.inputs, bar).T

    def jvp(self, theta: Tensor, vector: Tensor) -> Tensor:
        """J vector, [rows of the term * N / fold], by forward mode through PyTorch."""

        def residual(at: Tensor) -> Tensor:
            return self.residual_of(self._network(at[: self._size]), self._known(at))

        return torch.func.jvp(residual, (theta,), (vector,))[1].reshape(-1)  # type: ignore[no-any-return]

    def release(self) -> None:
        """Forget what was kept for a reverse pass."""
        self._graph = None
        self._stamp += 1
        if self.batch is not None:
            self.batch.release()


@dataclass
class LeastSquaresEvaluation(ResidualEvaluation, SeparableEvaluation):
    """A look at a least-squares objective: f = |r|^2 / 2 with every weight inside r."""

    objective: LeastSquares
    theta: Tensor
    value: float
    terms: dict[str, float]
    _stamps: list[int]
    _rows: list[Tensor]
    _gradient: Tensor | None = field(default=None)

    @property
    def rows(self) -> int:
        """Number of residuals N."""
        return sum(r.numel() for r in self._rows)

    @property
    def size(self) -> int:
        """Number of parameters n."""
        return self.theta.numel()

    def gradient(self) -> Tensor:
        """J^T r, [n]."""
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            pieces = zip(self.objective.pieces, self._stamps, self._rows, strict=True)
            self._gradient = _total(piece.vjp(self.theta, stamp, r) for piece, stamp, r in pieces)
        return self._gradient

    def residual(self) -> Tensor:
        """r, [N], all terms one after the other."""
        return torch.cat([r.reshape(-1) for r in self._rows])

    def jacobian(self) -> Tensor:
        """J = dr/dtheta, [N, n] (stored by columns)."""
        self.objective.counters.gradients += self.objective.share
        columns = []
        for piece, stamp in zip(self.objective.pieces, self._stamps, strict=True):
            columns.append(piece.jacobian(self.theta, stamp))
            self.objective.recycle(piece)
        return (columns[0] if len(columns) == 1 else torch.cat(columns, 1)).T

    def jvp(self, v: Tensor) -> Tensor:
        """J v, [N]."""
        self.objective.counters.functions += self.objective.share
        return torch.cat([piece.jvp(self.theta, v) for piece in self.objective.pieces])

    def vjp(self, u: Tensor) -> Tensor:
        """J^T u, [n]."""
        self.objective.counters.gradients += self.objective.share
        pieces, start = [], 0
        for piece, stamp, r in zip(self.objective.pieces, self._stamps, self._rows, strict=True):
            pieces.append(piece.vjp(self.theta, stamp, u[start : start + r.numel()].view_as(r)))
            start += r.numel()
            self.objective.recycle(piece)
        return _total(pieces)


def _total(vectors: Iterable[Tensor]) -> Tensor:
    total: Tensor | None = None
    for vector in vectors:
        total = vector if total is None else total + vector
    assert total is not None
    return total


class LeastSquares(Separable):
    """The loss of a problem on given points.

    Args:
        model: The model to train.
        sites: For each term of the problem the places where it is evaluated.
        counts: Number of residuals each term is averaged over; by default those of `sites`.  A restriction to
            part of the points keeps the full counts, so that the parts' losses add up to the whole.
        counters: Where work is counted.
        share: What one evaluation counts.
        threads: Threads of the compiled kernel (default: PyTorch's).
    """

    def __init__(
        self,
        model: Model,
        sites: Mapping[str, Sites],
        counts: Mapping[str, int] | None = None,
        counters: Counters | None = None,
        share: float = 1.0,
        threads: int | None = None,
    ) -> None:
        self.model, self.sites = model, dict(sites)
        self.coordinates = model.problem.domain.names
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.counters = counters or Counters()
        self.share = share
        self.threads = threads or torch.get_num_threads()
        self.counts = counts or {name: s.points.shape[0] // s.fold for name, s in self.sites.items()}
        self.last_terms: dict[str, float] = {}  # of the latest evaluation, for the history
        self.terms = [
            t for t in model.problem.terms if t.name in self.sites and self.sites[t.name].points.shape[0]
        ]
        if not self.terms:
            raise ValueError("no points: every term of the objective is empty")

    @cached_property
    def pieces(self) -> list[_Piece]:
        """The terms at their points; made when first needed, as an objective may only serve to be divided."""
        return [
            _Piece(self.model, term, chunk, self.counts[term.name], self._kernels(term))
            for term in self.terms
            for chunk in _chunks(self.sites[term.name])
        ]

    @cached_property
    def _streams(self) -> bool:
        return self._tape_bytes() > TAPE_LIMIT

    @property
    def term_names(self) -> tuple[str, ...]:
        """The terms that have points."""
        return tuple(term.name for term in self.terms)

    @property
    def compiled(self) -> bool:  # type: ignore[override]
        """Whether every term is computed by the compiled kernel."""
        return all(self._kernels(term) for term in self.terms)

    def _kernels(self, term: Term) -> list[CompiledMLP]:
        """The compiled kernel of each network that lies beside others; none where it does not apply."""
        channels = Channels(i for needs in term.needs.values() for i in needs)
        _, trainable = split_embedding(self.model.network)
        like = self.model.like
        if like.device.type != "cpu":
            return []
        kernels = []
        for network in trainable.networks if type(trainable) is SideBySide else [trainable]:
            if not isinstance(network, MLP) or not network.intact:
                return []
            if not all(p.requires_grad for p in network.parameters()):
                return []
            if not CompiledMLP.supports(network.activation, channels.order, like.dtype):
                return []
            if load(like.dtype == torch.float32) is None:
                return []
            kernels.append(
                CompiledMLP(
                    network.widths,
                    network.activation,
                    channels.chain,
                    channels.order,
                    like.dtype,
                    self.threads,
                )
            )
        return kernels

    def _tape_bytes(self) -> float:
        width = sum(p.shape[0] for p in self.parameters if p.dim() == 2)
        size = self.model.like.element_size()
        return sum(
            (len(piece.location.channels) + 1) * width * piece.sites.points.shape[0] * size
            for piece in self.pieces
        )

    def evaluate(self) -> LeastSquaresEvaluation:
        """Residuals and loss at the current parameters; large point sets are streamed in chunks."""
        theta = gather(self.parameters)
        self.counters.functions += self.share
        stamps, rows, gradients = [], [], []
        terms: dict[str, float] = {}
        for piece in self.pieces:
            r, stamp = piece.residual(theta)
            stamps.append(stamp)
            rows.append(r)
            flat = r.reshape(-1)
            terms[piece.term.name] = terms.get(piece.term.name, 0.0) + 0.5 * float(flat.dot(flat))
            if self._streams:
                gradients.append(piece.vjp(theta, stamp, r))
                self.recycle(piece)
        self.last_terms = terms
        total = None
        if self._streams:
            self.counters.gradients += self.share
            total = _total(gradients)
        return LeastSquaresEvaluation(self, theta, sum(terms.values()), terms, stamps, rows, total)

    def recycle(self, piece: _Piece) -> None:
        """Free a piece's memory where all pieces together would need too much."""
        if self._streams:
            piece.release()

    def twin(self) -> LeastSquares:
        """The same objective, with a record of its own."""
        return LeastSquares(self.model, self.sites, self.counts, self.counters, self.share, self.threads)

    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> LeastSquares:
        """The same objective on a subset of its residuals; the groups are the terms."""
        sites = {name: self.sites[name].of(index) for name, index in part.items()}
        points = sum(s.points.shape[0] for s in sites.values())
        share = self.share * points / sum(s.points.shape[0] for s in self.sites.values())
        counts = None if estimate else self.counts
        return LeastSquares(self.model, sites, counts, self.counters, share, self.threads)


def _batch(kernels: Sequence[CompiledMLP], location: Location) -> Batch | Batches | None:
    """The points of a location, laid out for the kernels of its network; None without kernels."""
    if not kernels:
        return None
    network = location.trainable
    if not isinstance(network, SideBySide):
        return Batch(kernels[0], location.inputs)
    inputs = [location.inputs[..., columns] for columns in network.inputs]
    return Batches([Batch(k, x) for k, x in zip(kernels, inputs, strict=True)], network.order)


def _chunks(sites: Sites) -> list[Sites]:
    """Pieces of at most CHUNK points; paired points stay together."""
    if sites.points.shape[0] <= CHUNK or sites.fold > 1:
        return [sites]
    parts = -(-sites.points.shape[0] // CHUNK)

    def split(t: Tensor | None) -> Sequence[Tensor | None]:
        return [None] * parts if t is None else t.tensor_split(parts)

    triples = zip(split(sites.points), split(sites.normals), split(sites.values), strict=True)
    return [replace(sites, points=p, normals=n, values=v) for p, n, v in triples if p is not None]


def residuals(model: Model, points: Tensor) -> Tensor:
    """The equation's residuals [K, N] at points [N, dim] in the user's units, without gradients.

    Args:
        model: The model.
        points: [N, dim].
    """
    rows = []
    for chunk in points.split(CHUNK):
        objective = LeastSquares(model, {"equation": Sites(chunk)})
        theta = gather(objective.parameters)
        for piece in objective.pieces:
            rows.append(piece.residual(theta)[0] / piece.scale)
            piece.release()
    return torch.cat(rows, 1).to(points)
