"""The loss of a network on samples with targets, as an objective.

    f(theta) = mean_i l(net(x_i; theta), y_i)

Samples go through the network in chunks, so that a batch need not fit into memory with its graph.  What is
drawn on the way (dropout) is drawn anew from the same seed at every look, and BatchNorm takes the statistics
of a chunk: on a batch f is one function, whose values before and after a step compare like with like.  What a
look changes by the way (running means) are `buffers`, which a rejected step puts back.

For cross-entropy and squares part of the curvature is known, the generalised Gauss-Newton matrix

    G = mean_i J_i^T H_i J_i,     J_i = d net(x_i) / d theta,     H_i = the Hessian of l by the outputs,

(Schraudolph, Neural Computation 14, 2002).  With H = S S^T, where for p = softmax(net) and q = sqrt(p)

    S = diag(q) - p q^T,

it is the Gram matrix of S^T J, so that everything made for least squares applies; there are products only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from ..errors import InputError
from ..objectives.base import Counters, ResidualEvaluation, Separable, SeparableEvaluation, drawing
from ..objectives.flat import gather, gradient, held_at
from ..problems import Sites

Loss = Callable[[Tensor, Tensor], Tensor]
SAMPLES_AT_ONCE = 4_096  # samples at a time
GROUP = "samples"


def classification(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of outputs [..., classes] and labels [...]."""
    return cross_entropy(outputs.flatten(0, -2), targets.flatten())


LOSSES: dict[str, Loss] = {"cross-entropy": classification, "mse": mse_loss}


class Settings(TypedDict, total=False):
    """Settings of `Supervised` that have defaults."""

    chunk: int
    seed: int
    vary: Callable[[Tensor, Tensor], Tensor] | None
    counters: Counters | None


class Supervised(Separable):
    """A network's mean loss on samples, any subset of which is an objective by itself.

    Args:
        module: The network; it is put into training mode.
        inputs: Samples, [N, ...].
        targets: What belongs to them, [N, ...].
        loss: "cross-entropy" (outputs [..., classes], targets their numbers), "mse", or a function of outputs
            and targets that returns their mean loss.
        chunk: At most so many samples go through the network at a time.
        seed: Of what is drawn on the way.
        vary: Maps samples and their numbers [N] to what goes through the network instead; a method `draw`,
            if it has one, is called when all samples have been seen.
        counters: Where work is counted.

    Raises:
        InputError: There are no samples, or not as many targets; or nothing is trained.
    """

    coordinates = ("sample",)
    term_names = ("loss",)

    def __init__(
        self,
        module: nn.Module,
        inputs: Tensor,
        targets: Tensor,
        loss: str | Loss = "cross-entropy",
        chunk: int = SAMPLES_AT_ONCE,
        seed: int = 0,
        vary: Callable[[Tensor, Tensor], Tensor] | None = None,
        counters: Counters | None = None,
    ) -> None:
        if len(inputs) != len(targets) or not len(inputs):
            raise InputError(
                f"there are {len(inputs)} samples and {len(targets)} targets; give one target each"
            )
        if isinstance(loss, str) and loss not in LOSSES:
            raise InputError(f"unknown loss {loss!r}; choose one of {', '.join(LOSSES)}, or give a function")
        if chunk < 1:
            raise InputError(f"chunk must be at least 1, not {chunk}")
        self.module, self.inputs, self.targets = module.train(), inputs, targets
        self.kind = loss if isinstance(loss, str) else None
        self.loss = LOSSES[loss] if isinstance(loss, str) else loss
        self.parameters: list[Tensor] = [p for p in module.parameters() if p.requires_grad]
        if not self.parameters:
            raise InputError(f"{type(module).__name__} has no parameters that require gradients")
        self.chunk, self.seed, self.vary = chunk, seed, vary
        self.counters, self.share = counters or Counters(), 1.0
        self._take(torch.arange(len(inputs)), len(inputs))

    @classmethod
    def of_loader(
        cls,
        module: nn.Module,
        loader: Iterable[Sequence[Tensor]],
        loss: str | Loss = "cross-entropy",
        **more: Unpack[Settings],
    ) -> Supervised:
        """Objective on the samples of a data loader, which is read once, from beginning to end, into memory.

        Args:
            module: The network.
            loader: Yields batches of inputs and targets.
            loss: As above.
            more: The other arguments.

        Raises:
            InputError: It yields something else, or nothing.
        """
        batches = list(loader)
        if not batches or not all(isinstance(batch, (tuple, list)) and len(batch) == 2 for batch in batches):
            raise InputError("the loader must yield pairs of inputs and targets, at least one")
        inputs, targets = (torch.cat(list(column)) for column in zip(*batches, strict=True))
        return cls(module, inputs, targets, loss, **more)

    def _take(self, index: Tensor, count: int) -> None:
        """Some of the samples; their mean loss counts as len(index) / count."""
        self.index, self.factor = index, len(index) / count
        self.sites = {GROUP: Sites(index.unsqueeze(1).double())}
        self.last_terms: dict[str, float] = {}

    def _copy(self) -> Supervised:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.last_terms = {}
        return other

    def copy(self) -> Supervised:
        """Copy of the objective with a record of its own."""
        return self._copy()

    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> Supervised:
        """Restrict the objective to some of its samples; see `Separable.restrict`."""
        own, other = self.index[part[GROUP]], self._copy()
        other._take(own, len(own))
        if estimate:
            other.seed = self.seed + 1 + int(own[0])  # another batch, other masks
        else:
            other.factor = self.factor * len(own) / len(self.index)
        other.share = self.share * len(own) / len(self.index)
        return other

    def on_epoch_end(self) -> None:
        """Vary the samples anew."""
        draw = getattr(self.vary, "draw", None)
        if draw is not None:
            draw()

    def buffers(self) -> list[Tensor]:
        """Buffers of the network."""
        return list(self.module.buffers())

    # -- evaluation ------------------------------------------------------------------------------------

    def evaluate(self) -> SupervisedEvaluation:
        """Look at the current parameters."""
        self.counters.functions += self.share
        return (SupervisedEvaluation if self.kind is None else CurvedEvaluation)(self)

    def value(self) -> float:
        """The loss f at the current parameters."""
        self.counters.functions += self.share
        with torch.no_grad():
            return sum(float(loss) for _, loss in self.chunks())

    def chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The outputs of the network chunk by chunk, and what they add to f."""
        pieces = self.index.split(self.chunk)
        with drawing(self.seed, (p.device for p in self.parameters)):
            for piece in pieces:
                samples = self.inputs[piece]
                outputs = self.module(samples if self.vary is None else self.vary(samples, piece))
                weight = self.factor * len(piece) / len(self.index)
                yield outputs, weight * self.loss(outputs, self.targets[piece])


class SupervisedEvaluation(SeparableEvaluation):
    """A look at a network's loss."""

    def __init__(self, objective: Supervised) -> None:
        self.objective, self.theta = objective, gather(objective.parameters)
        self._gradient: Tensor | None = None
        self._total: Tensor | None = None
        parts: list[Tensor] = []
        alone = len(objective.index) <= objective.chunk
        with torch.enable_grad():
            for _, loss in objective.chunks():
                parts.append(loss.detach())
                if alone:  # the gradient when it is asked for
                    self._total = loss
                else:  # now: to keep all graphs would need the memory that chunks are to save
                    found = gradient(loss, objective.parameters)
                    self._gradient = found if self._gradient is None else self._gradient + found
        self.value = float(torch.stack(parts).double().sum())
        self.terms = {"loss": self.value}
        objective.last_terms = self.terms
        if self._gradient is not None:
            objective.counters.gradients += objective.share

    def gradient(self) -> Tensor:
        """The gradient of f, [n]."""
        if self._gradient is None:
            assert self._total is not None
            self.objective.counters.gradients += self.objective.share
            self._gradient = gradient(self._total, self.objective.parameters)
            self._total = None
        return self._gradient


class CurvedEvaluation(SupervisedEvaluation, ResidualEvaluation):
    """Evaluation with a known Hessian by the outputs: J stands for the factor S^T J of G."""

    _rows: int | None = None

    @property
    def size(self) -> int:
        """Number of parameters n."""
        return self.theta.numel()

    @property
    def rows(self) -> int:
        """Number of outputs of all samples."""
        if self._rows is None:
            with torch.no_grad():
                self._rows = sum(outputs.numel() for outputs, _ in self.objective.chunks())
        return self._rows

    def jvp(self, v: Tensor) -> Tensor:
        """S^T J v, [N]."""
        self.objective.counters.functions += self.objective.share
        pieces = []
        with held_at(self.objective.parameters, self.theta), torch.enable_grad():
            for outputs, root in self._linearised():
                u = torch.zeros_like(outputs, requires_grad=True)
                product = gradient(outputs, self.objective.parameters, u, create_graph=True)
                (out,) = torch.autograd.grad(product, u, v.to(product), materialize_grads=True)
                pieces.append(root(out, False).reshape(-1))
        return torch.cat(pieces)

    def vjp(self, u: Tensor) -> Tensor:
        """J^T S u, [n]."""
        self.objective.counters.gradients += self.objective.share
        total, start = torch.zeros_like(self.theta), 0
        with held_at(self.objective.parameters, self.theta), torch.enable_grad():
            for outputs, root in self._linearised():
                piece = u[start : start + outputs.numel()].view_as(outputs)
                start += outputs.numel()
                total += gradient(outputs, self.objective.parameters, root(piece, True))
        return total

    def jacobian(self) -> Tensor:
        """S^T J, [N, n], one row after the other: for small networks."""
        unit = torch.zeros(self.rows, dtype=self.theta.dtype)
        found = []
        for i in range(self.rows):
            unit[i] = 1.0
            found.append(self.vjp(unit))
            unit[i] = 0.0
        return torch.stack(found)

    def _linearised(self) -> Iterator[tuple[Tensor, Callable[[Tensor, bool], Tensor]]]:
        """The outputs chunk by chunk with their graph, and the product with S, or its transpose."""
        objective = self.objective
        for outputs, _ in objective.chunks():
            several = outputs[..., 0].numel() if objective.kind == "cross-entropy" else len(outputs)
            share = objective.factor * len(outputs) / len(objective.index)
            yield outputs, _root(objective.kind, outputs.detach(), share / several)


def _root(kind: str | None, outputs: Tensor, share: float) -> Callable[[Tensor, bool], Tensor]:
    """Multiplies [..., classes] by the factor S of H = S S^T, or by its transpose.

    Args:
        kind: Of the loss.
        outputs: Where.
        share: What the loss of one sample counts.
    """
    if kind == "mse":
        factor = math.sqrt(2.0 * share / outputs[0].numel())
        return lambda w, _: factor * w
    p = outputs.softmax(-1)
    q, factor = p.sqrt(), math.sqrt(share)

    def product(w: Tensor, plain: bool) -> Tensor:
        first, second = (p, q) if plain else (q, p)
        return factor * (q * w - first * (second * w).sum(-1, keepdim=True))

    return product
