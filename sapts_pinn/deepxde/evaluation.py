"""Evaluations of the loss of a DeepXDE model: value, gradient, and products with the Jacobian."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from ..objectives.base import ResidualEvaluation, SeparableEvaluation
from ..objectives.flat import gather, gradient, held_at
from ..objectives.least_squares import jacobian_cost
from .jacobian import jacobian
from .recording import SumOfSquares


class DeepXDEEvaluation(SeparableEvaluation):
    """A look at the loss of a DeepXDE model."""

    def __init__(self, objective: SumOfSquares) -> None:
        self.objective = objective
        self.theta = gather(objective.parameters)
        self._versions = self._now()
        _, losses, total = objective.look(record=False)
        self._total: Tensor | None = total
        values = torch.stack([total, *losses]).tolist()
        self.value = values[0]
        self.terms = dict(zip(objective.term_names, values[1:], strict=True))
        objective.last_terms = self.terms
        self._gradient: Tensor | None = None

    def _now(self) -> list[int]:
        return [p._version for p in self.objective.parameters]

    def _at(self) -> AbstractContextManager[None]:
        """Context in which the parameters are those of this look."""
        return held_at(self.objective.parameters, self.theta)

    def gradient(self) -> Tensor:
        """The gradient of f, [n]."""
        if self._gradient is None:
            self.objective.counters.gradients += self.objective.share
            with self._at():
                total = self._total
                if total is None or self._now() != self._versions:
                    total = self.objective.look(record=False)[2]
                self._gradient = gradient(total, self.objective.parameters)
            self._total = None  # and its graph
        return self._gradient


class DeepXDEResidualEvaluation(DeepXDEEvaluation, ResidualEvaluation):
    """Evaluation of a DeepXDE loss that is a sum of squares."""

    def __init__(self, objective: SumOfSquares) -> None:
        super().__init__(objective)
        self._linear: tuple[list[int], Tensor, Tensor, Tensor] | None = None
        self._rows: int | None = None

    @property
    def size(self) -> int:
        """Number of parameters n."""
        return self.theta.numel()

    @property
    def rows(self) -> int:
        """Number of residuals N."""
        if self._rows is None:
            with self._at():
                self._rows = len(self.linearised()[0])
        return self._rows

    def residual(self) -> Tensor:
        """r, [N]."""
        with self._at():
            return self.linearised()[0].detach()

    def linearised(self) -> tuple[Tensor, Tensor, Tensor]:
        """r, a cotangent u, and J^T u as a function of u; at the parameters that are set."""
        if self._linear is None or self._linear[0] != self._now():
            # By DeepXDE's own derivatives, which can be differentiated twice by the parameters.
            calls, _, total = self.objective.look(network=self.objective.model.net)
            with torch.enable_grad():
                r = self.objective.residual(calls, total)
                u = torch.zeros_like(r, requires_grad=True)
                product = gradient(r, self.objective.parameters, u, create_graph=True)
            self._linear = self._now(), r, u, product
        return self._linear[1:]

    def vjp(self, u: Tensor) -> Tensor:
        """J^T u, [n]."""
        self.objective.counters.gradients += self.objective.share
        with self._at():
            r, _, _ = self.linearised()
            return gradient(r, self.objective.parameters, u, retain_graph=True)

    def jvp(self, v: Tensor) -> Tensor:
        """J v, [N]."""
        self.objective.counters.functions += self.objective.share
        with self._at():
            _, u, product = self.linearised()
            (out,) = torch.autograd.grad(product, u, v, retain_graph=True, materialize_grads=True)
            return out

    def jacobian(self) -> Tensor:
        """J = dr/dtheta, [N, n]."""
        self.objective.counters.gradients += self.objective.share * jacobian_cost(1.0, 1.0)
        with self._at():
            return jacobian(self.objective, self)
