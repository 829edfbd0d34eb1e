"""The loss of a problem on given points, f = |r|^2 / 2, with its residual vector, Jacobian and products.

A term at its points is a `ResidualBlock`: the network's Taylor jet (by the compiled kernel where it applies,
else by PyTorch), then the user's residual under autograd.  The two are joined at the jet: a cotangent of the
residuals is pulled back to the jet first, pointwise and cheap, and from there through the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from ..derivatives.taylor import Channels
from ..errors import InputError
from ..kernels import CompiledNetwork, Cut
from ..networks.compiled import compile_network, slow_path
from ..networks.model import Location, Model
from ..problems import Sites, Term
from .base import Counters, ResidualEvaluation, Separable, SeparableEvaluation
from .flat import gather
from .residual_block import BLOCK_POINTS, TAPE_LIMIT, ResidualBlock, split_sites

SHARED_POINTS = 131_072  # at most, whose jets are kept for the parts of an objective
PARTS_OF_A_GPU = 32  # of which activations take one, by a count that leaves out what autograd keeps beside
JACOBIAN = (
    4.0  # gradients that a row of J at every point costs, measured with one residual and 921 parameters
)
CUT = 0.6  # gradients that the state between layers costs after an evaluation, measured with widths of 30


@dataclass
class LeastSquaresEvaluation(ResidualEvaluation, SeparableEvaluation):
    """Evaluation of a least-squares objective: f = |r|^2 / 2 with every weight inside r."""

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
            blocks = zip(self.objective.blocks, self._stamps, self._rows, strict=True)
            self._gradient = _total(block.vjp(self.theta, stamp, r) for block, stamp, r in blocks)
        return self._gradient

    def norms(self) -> list[Tensor]:
        """Norms of the residuals by points, [N / fold] of each block."""
        return [r.square().sum(0).sqrt() for r in self._rows]

    def cut(self, layers: Sequence[int]) -> list[list[Cut]]:
        """State between layers of the compiled network, with the cotangents of f, of each block.

        It is overwritten when another evaluation is asked for the same.

        Args:
            layers: For each cut the number of affine layers before it.

        Raises:
            InputError: The network has no such cuts.
        """
        self.objective.counters.gradients += self.objective.share * CUT
        found = []
        for block, stamp, r in zip(self.objective.blocks, self._stamps, self._rows, strict=True):
            found.append(block.cut(self.theta, stamp, r, layers))
            self.objective.recycle(block)
        return found

    def residual(self) -> Tensor:
        """r, [N], all terms one after the other."""
        return torch.cat([r.reshape(-1) for r in self._rows])

    def jacobian(self) -> Tensor:
        """J = dr/dtheta, [N, n] (stored by columns)."""
        return self._jacobian(None)

    def columns(self, indices: Tensor) -> Tensor:
        """Columns of J for the parameters `indices` [k], [N, k]; the others are not computed."""
        return self._jacobian(indices)

    def _jacobian(self, indices: Tensor | None) -> Tensor:
        count = self.size if indices is None else len(indices)
        points = sum(r.shape[-1] for r in self._rows)
        cost = jacobian_cost(self.rows / points, count / self.size)
        self.objective.counters.gradients += self.objective.share * cost
        columns = []
        for block, stamp in zip(self.objective.blocks, self._stamps, strict=True):
            columns.append(block.jacobian(self.theta, stamp, indices))
            self.objective.recycle(block)
        return (columns[0] if len(columns) == 1 else torch.cat(columns, 1)).T

    def jvp(self, v: Tensor) -> Tensor:
        """J v, [N]."""
        self.objective.counters.functions += self.objective.share
        blocks = zip(self.objective.blocks, self._stamps, strict=True)
        return torch.cat([block.jvp(self.theta, stamp, v) for block, stamp in blocks])

    def vjp(self, u: Tensor) -> Tensor:
        """J^T u, [n]."""
        self.objective.counters.gradients += self.objective.share
        blocks, start = [], 0
        for block, stamp, r in zip(self.objective.blocks, self._stamps, self._rows, strict=True):
            blocks.append(block.vjp(self.theta, stamp, u[start : start + r.numel()].view_as(r)))
            start += r.numel()
            self.objective.recycle(block)
        return _total(blocks)


def jacobian_cost(rows: float, share: float) -> float:
    """Return the cost of rows of a Jacobian in gradients at the same points, at least one.

    Args:
        rows: Number of rows at a point.
        share: Share of the columns that are computed.
    """
    return max(1.0, JACOBIAN * rows * share)


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
        share: Cost of an evaluation, as a fraction of one at all points.
        threads: Threads of the compiled kernel (default: PyTorch's).
        use_kernel: Use the compiled kernel where it applies.
    """

    def __init__(
        self,
        model: Model,
        sites: Mapping[str, Sites],
        counts: Mapping[str, int] | None = None,
        counters: Counters | None = None,
        share: float = 1.0,
        threads: int | None = None,
        use_kernel: bool = True,
    ) -> None:
        self.use_kernel = use_kernel
        self.model, self.sites = model, dict(sites)
        self.coordinates = model.problem.domain.names
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.counters = counters or Counters()
        self.share = share
        self.threads = threads or torch.get_num_threads()
        self.counts = counts or {name: s.points.shape[0] // s.fold for name, s in self.sites.items()}
        self.last_terms = {}
        self._whole: tuple[LeastSquares, Mapping[str, Tensor]] | None = None  # of which it is a part
        self._parts = 0  # how many have been made of it
        self._locations: dict[str, Location] = {}
        self.terms = [
            t for t in model.problem.terms if t.name in self.sites and self.sites[t.name].points.shape[0]
        ]
        if not self.terms:
            raise InputError("no points: every term of the objective is empty")

    @cached_property
    def blocks(self) -> list[ResidualBlock]:
        """The terms at their points; made when first needed, as an objective may only serve to be divided."""
        self.counters.log(self.slow_path)
        return [
            ResidualBlock(self.model, term, chunk, self.counts[term.name], self._kernels(term), location)
            for term in self.terms
            for chunk, location in self._chunks(term)
        ]

    def _chunks(self, term: Term) -> list[tuple[Sites, Location | None]]:
        """The sites of a term in chunks, with their jets where these are taken from a larger set."""
        sites = self.sites[term.name]
        chunks = split_sites(sites, self._block_points(term))
        shared = len(chunks) == 1 and (self._has_parts or self._is_one_of_many)
        return [(chunk, self._location(term) if shared else None) for chunk in chunks]

    @property
    def _has_parts(self) -> bool:
        """Several parts have been made of it, of points few enough to keep the jets of all."""
        return self._parts > 1 and sum(s.points.shape[0] for s in self.sites.values()) <= SHARED_POINTS

    @property
    def _is_one_of_many(self) -> bool:
        return self._whole is not None and (self._whole[0]._has_parts or self._whole[0]._is_one_of_many)

    def _location(self, term: Term) -> Location:
        """The points of a term with their jets, which parts take from the whole: they are dear."""
        if term.name not in self._locations:
            if self._whole is not None and self._is_one_of_many:
                whole, rows = self._whole
                places = whole.sites[term.name].places(rows[term.name])
                self._locations[term.name] = whole._location(term).at(places)
            else:
                self._locations[term.name] = Location(self.model, self.sites[term.name].points, term.needs)
        return self._locations[term.name]

    @cached_property
    def streams(self) -> bool:
        """True if points are so many that what is kept of them is freed block by block."""
        return self._tape_bytes() > self._tape_limit

    @cached_property
    def _tape_limit(self) -> float:
        """Bytes of activations that are kept; without a kernel autograd keeps some four times more."""
        device = self.model.like.device
        if device.type != "cuda":
            return TAPE_LIMIT
        return float(torch.cuda.get_device_properties(device).total_memory) / PARTS_OF_A_GPU

    def _block_points(self, term: Term) -> int | None:
        """Points of a block at most: on a GPU, for which small blocks are no work, as many as fit."""
        if self.model.like.device.type != "cuda":
            return None
        return max(BLOCK_POINTS, int(self._tape_limit / self._point_bytes(len(_channels(term)))))

    def of_model(self) -> LeastSquares:
        """Return this objective."""
        return self

    @property
    def term_names(self) -> tuple[str, ...]:
        """The terms that have points."""
        return tuple(term.name for term in self.terms)

    @property
    def slow_path(self) -> str | None:
        """Reason why the compiled kernel is not used, in one sentence; None if it is."""
        return self._slow_path

    @property
    def compiled(self) -> bool:
        """True if the compiled kernel evaluates the network for every term."""
        return self._slow_path is None

    @cached_property
    def _slow_path(self) -> str | None:
        if not self.use_kernel:
            return "the network runs in PyTorch, more slowly than in the compiled kernel: use_kernel=False"
        return slow_path(self.model, max(_channels(term).order for term in self.terms))

    def _kernels(self, term: Term) -> list[CompiledNetwork]:
        if not self.use_kernel:
            return []
        return compile_network(self.model, _channels(term), self.threads)

    def _point_bytes(self, channels: int) -> int:
        """Bytes of activations at a point, from the number of channels."""
        width = sum(p.shape[0] for p in self.parameters if p.dim() == 2)
        return (channels + 1) * width * self.model.like.element_size()

    def _tape_bytes(self) -> float:
        return sum(
            self._point_bytes(len(block.location.channels)) * block.sites.points.shape[0]
            for block in self.blocks
        )

    def evaluate(self) -> LeastSquaresEvaluation:
        """Residuals and loss at the current parameters; large point sets are streamed in chunks."""
        return self.evaluate_at(gather(self.parameters))

    def evaluate_at(self, theta: Tensor) -> LeastSquaresEvaluation:
        """Residuals and loss at any parameters [n]."""
        self.counters.functions += self.share
        stamps, rows, squares, gradients = [], [], [], []
        for block in self.blocks:
            r, stamp = block.residual(theta, record=not self.streams)
            stamps.append(stamp)
            rows.append(r)
            flat = r.reshape(-1)
            squares.append(flat.dot(flat))
            if self.streams:
                gradients.append(block.vjp(theta, stamp, r))
                self.recycle(block)
        terms: dict[str, float] = {}
        found = torch.stack(squares).tolist()  # a GPU is asked once
        for block, square in zip(self.blocks, found, strict=True):
            terms[block.term.name] = terms.get(block.term.name, 0.0) + 0.5 * square
        self.last_terms = terms
        total = None
        if self.streams:
            self.counters.gradients += self.share
            total = _total(gradients)
        return LeastSquaresEvaluation(self, theta, sum(terms.values()), terms, stamps, rows, total)

    def recycle(self, block: ResidualBlock) -> None:
        """Free a block's memory where all blocks together would need too much."""
        if self.streams:
            block.release()

    def copy(self) -> LeastSquares:
        """Copy of the objective with its own `last_terms`."""
        return self._like(self.sites, self.counts, self.share)

    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> LeastSquares:
        """Restrict the objective to a subset of its residuals; the groups are the terms."""
        sites = {name: self.sites[name].of(index) for name, index in part.items()}
        points = sum(s.points.shape[0] for s in sites.values())
        share = self.share * points / sum(s.points.shape[0] for s in self.sites.values())
        found = self._like(sites, None if estimate else self.counts, share)
        found._whole, self._parts = (self, part), self._parts + 1
        return found

    def _like(
        self, sites: Mapping[str, Sites], counts: Mapping[str, int] | None, share: float
    ) -> LeastSquares:
        """Make an objective of the same model and settings on other points."""
        return LeastSquares(self.model, sites, counts, self.counters, share, self.threads, self.use_kernel)


def _channels(term: Term) -> Channels:
    return Channels(index for needs in term.needs.values() for index in needs)


def residuals(model: Model, points: Tensor) -> Tensor:
    """The equation's residuals [K, N] at points [N, dim] in the user's units, without gradients.

    Args:
        model: The model.
        points: [N, dim].
    """
    rows = []
    for chunk in points.split(BLOCK_POINTS):
        objective = LeastSquares(model, {"equation": model.problem.at(chunk)})
        theta = gather(objective.parameters)
        for block in objective.blocks:
            rows.append(block.residual(theta)[0] / block.scale)
            block.release()
    return torch.cat(rows, 1).to(points)
