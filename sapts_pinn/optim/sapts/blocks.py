"""Blocks of parameters as subdomains of SAPTS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...objectives.base import Evaluation, Objective, ResidualEvaluation, SeparableEvaluation
from ...objectives.data_parallel import ReplicatedObjective
from ...objectives.flat import scatter_
from ...objectives.partition import cut_in_a_row, data_parts, deal
from .decomposition import Cut, Decomposition, summed
from .exchange import Division
from .subdomain import LocalEvaluation, Subdomain

PARAMETER_KINDS = ("layers", "tensors", "neurons")


def parameter_parts(
    parameters: Sequence[Tensor], parts: int, kind: str, names: Sequence[str] | None = None
) -> list[Tensor]:
    """Give every parameter to a part.

    Args:
        parameters: The trained tensors, n entries in all.
        parts: Number of parts.
        kind: "layers" (several in a row, the largest part as small as possible), "tensors" (whole tensors),
            or "neurons" (rows of a layer with their biases: of every layer each part has the same number but
            for one, and the parts' sizes differ by at most the longest row).
        names: Names of the tensors, as of `nn.Module.named_parameters`: then the tensors of one module make a
            layer.  Without names it is a tensor of two or more dimensions and those of fewer that follow it.

    Returns:
        For each part indices into the vector [n] of `flat.gather`, ascending.

    Raises:
        InputError: The kind is unknown, there are more parts than layers, tensors or neurons, or not as many
            names as tensors.
    """
    if kind not in PARAMETER_KINDS:
        raise InputError(
            f"unknown decomposition of the parameters {kind!r}; choose one of {', '.join(PARAMETER_KINDS)}"
        )
    if parts < 1:
        raise InputError(f"parts must be at least 1, not {parts}")
    # Matrices of indices [count, size]: a row stays whole.
    if kind == "tensors":
        units = [index.view(1, -1) for index in _indices(parameters)]
    elif kind == "layers":
        units = [torch.cat([i.view(1, -1) for i in layer], 1) for layer in _layers(parameters, names)]
    else:
        units = [rows for layer in _layers(parameters, names) for rows in _rows(layer)]
    count = sum(len(rows) for rows in units)
    if parts > count:
        remedy = f"use at most {count} parts" + ("" if kind == "neurons" else " or the kind 'neurons'")
        raise InputError(f"cannot spread {count} {kind} over {parts} parts: {remedy}")
    blocks: list[Sequence[Tensor]]
    if kind == "layers":
        ends = cut_in_a_row([rows.numel() for rows in units], parts)
        blocks = [units[start:end] for start, end in pairwise((0, *ends))]
    else:
        load = [0] * parts
        units.sort(key=lambda rows: rows.shape[1], reverse=True)
        dealt = [deal(rows.tensor_split(parts), load) for rows in units]
        blocks = list(zip(*dealt, strict=True))
    return [torch.cat([rows.reshape(-1) for rows in block]).sort().values for block in blocks]


def _indices(parameters: Sequence[Tensor]) -> list[Tensor]:
    """For each tensor the places of its entries in the flat vector, in the tensor's shape."""
    ends = accumulate(p.numel() for p in parameters)
    return [
        torch.arange(end - p.numel(), end, device=p.device).view(p.shape)
        for p, end in zip(parameters, ends, strict=True)
    ]


def _layers(parameters: Sequence[Tensor], names: Sequence[str] | None) -> list[list[Tensor]]:
    """The tensors' indices, grouped into layers."""
    if names is not None and len(names) != len(parameters):
        raise InputError(f"there are {len(parameters)} parameters but {len(names)} names")
    layers: list[list[Tensor]] = []
    previous = None
    for i, index in enumerate(_indices(parameters)):
        module = None if names is None else names[i].rpartition(".")[0]
        if not layers or (index.dim() >= 2 if names is None else module != previous):
            layers.append([])
        layers[-1].append(index)
        previous = module
    return layers


def _rows(layer: Sequence[Tensor]) -> list[Tensor]:
    """The neurons of a layer: row i of its first tensor and entry i of the others that have as many."""
    first = layer[0]
    fitting = [index for index in layer if index.shape[:1] == first.shape[:1]]
    others = [index for index in layer if index.shape[:1] != first.shape[:1]]
    rows = torch.cat([index.reshape(*(first.shape[:1] or [1]), -1) for index in fitting], 1)
    return [rows, *(_rows(others) if others else [])]


class BlockSubdomain(Subdomain):
    """Some of the parameters; the objective is f itself.

    Args:
        number: Its place among all parts.
        indices: Its parameters.
        objective: f, on all points.
    """

    def __init__(self, number: int, indices: Tensor, objective: Objective) -> None:
        self.number, self.indices, self.objective = number, indices, objective

    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Do nothing: f is consistent with itself."""

    def begin(self, whole: Evaluation, base: SeparableEvaluation | None) -> BlockEvaluation:
        """The block of f itself."""
        return self._wrap(whole)

    def evaluate(self, z: Tensor) -> BlockEvaluation:
        """Evaluate F_d at z."""
        scatter_(self.objective.parameters, z)
        return self._wrap(self.objective.evaluate())

    def _wrap(self, inner: Evaluation) -> BlockEvaluation:
        assert self.indices is not None
        least_squares = inner.least_squares()
        if least_squares is not None:
            return ResidualBlockEvaluation(least_squares, self.indices)
        return BlockEvaluation(inner, self.indices)


@dataclass
class BlockEvaluation(LocalEvaluation):
    """f as a function of a block of parameters."""

    inner: Evaluation
    indices: Tensor
    value: float = field(init=False)

    def __post_init__(self) -> None:
        self.value = self.inner.value

    @property
    def whole(self) -> bool:
        """Return False: nothing is known of the residuals."""
        return False

    def gradient(self) -> Tensor:
        """The block of the gradient."""
        return self.inner.gradient()[self.indices]

    def full_gradient(self) -> Tensor:
        """The gradient in all parameters: all points were used, so it costs nothing more."""
        return self.inner.gradient()


@dataclass
class ResidualBlockEvaluation(BlockEvaluation, ResidualEvaluation):
    """Evaluation of a least-squares objective as a function of a block, with its columns of the Jacobian."""

    inner: ResidualEvaluation

    @property
    def whole(self) -> bool:
        """The evaluation of f has all residuals."""
        return self.inner.whole

    @property
    def rows(self) -> int:
        """Number of residuals."""
        return self.inner.rows

    @property
    def size(self) -> int:
        """Number of the block's parameters."""
        return len(self.indices)

    def jacobian(self) -> Tensor:
        """Columns of J for the block's parameters, [N, k], stored by rows."""
        return self.inner.columns(self.indices).contiguous()

    def jvp(self, v: Tensor) -> Tensor:
        """J v for a vector of the block."""
        return self.inner.jvp(v.new_zeros(self.inner.size).index_copy_(0, self.indices, v))

    def vjp(self, u: Tensor) -> Tensor:
        """The block of J^T u."""
        return self.inner.vjp(u)[self.indices]


class ParameterDecomposition(Decomposition):
    """Blocks of the parameters; every part minimises f itself in its block (SAPTS_P)."""

    name = "parameters"

    def blocks(self, parameters: Sequence[Tensor], count: int, kind: str | None) -> list[Tensor]:
        """Give every parameter to a part: by layers, or by neurons where there are more parts than layers."""
        matrices = sum(p.dim() > 1 for p in parameters)
        return parameter_parts(parameters, count, kind or ("layers" if count <= matrices else "neurons"))

    def divide(self, objective: Objective, cut: Cut) -> Division:
        """Give every part its block; f itself is computed by all ranks, each a share of the points.

        Raises:
            InputError: The pieces of f cannot be shared evenly among the ranks.
        """
        blocks = self.blocks(objective.parameters, cut.count, cut.kind)
        ranks, separable = cut.communicator, objective.separable()
        # The blocks look at f through an objective of their own: the whole's records are of the whole.
        inner = objective if separable is None else separable.copy()
        parts = [BlockSubdomain(i, blocks[i], inner) for i in cut.mine]
        pieces = cut.pieces or ranks.size
        if pieces % ranks.size:
            raise InputError(f"pieces must be a multiple of the number of ranks, {ranks.size}, not {pieces}")
        if separable is None:
            whole = ReplicatedObjective(objective, ranks) if ranks.size > 1 else objective
            return cut.division(objective, whole, parts, self)
        if pieces == 1:
            return cut.division(separable, separable, parts, self)
        # A generator of their own: what is drawn by several ranks is drawn by a single process, too.
        sites = data_parts(separable.sites, pieces, "interleaved", Generator().manual_seed(0), ()).owned
        mine = range(pieces)[ranks.rank * pieces // ranks.size :][: pieces // ranks.size]
        total = summed(separable, [separable.restrict(sites[i]) for i in mine], ranks)
        return cut.division(separable, total, parts, self, total)
