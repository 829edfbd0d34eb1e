"""Parts of the data as subdomains of SAPTS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ...objectives.base import Evaluation, Objective, ResidualEvaluation, Separable, SeparableEvaluation
from ...objectives.flat import scatter_
from ...objectives.partition import data_parts
from .decomposition import Cut, Decomposition, summed
from .exchange import Division
from .subdomain import LocalEvaluation, Subdomain


class DataSubdomain(Subdomain):
    """Some of the residuals, all of the parameters.

    Args:
        number: Its place among all parts.
        owned: Its residuals in the sum f = sum_d f_d.
        local: Those its own objective looks at: the same, or more where parts overlap.
        share: Of all residuals, those in `local`.
        consistent: Whether F_d has the gradient of f at theta_k; else F_d = f~_d.
    """

    is_piece = True

    def __init__(
        self,
        number: int,
        owned: Separable,
        local: Separable,
        share: float,
        consistent: bool = True,
    ) -> None:
        self.number, self.owned, self.local = number, owned, local
        self.scale, self.consistent = 1.0 / share, consistent
        self.theta: Tensor | None = None
        self.linear: Tensor | None = None

    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Take the linear term from theta_k."""
        self.theta, self.linear = theta, None
        if self.consistent:
            if base is None or self.local is not self.owned:
                scatter_(self.local.parameters, theta)
                base = self.local.evaluate()
            self.linear = whole.gradient() - self.scale * base.gradient()

    def begin(self, whole: Evaluation, base: SeparableEvaluation | None) -> DataEvaluation | None:
        """Make F_d at theta_k from the part's share of f."""
        if base is None or self.local is not self.owned or self.theta is None:
            return None
        return self._wrap(base, self.theta)

    def evaluate(self, z: Tensor) -> DataEvaluation:
        """Evaluate F_d at z."""
        scatter_(self.local.parameters, z)
        return self._wrap(self.local.evaluate(), z)

    def _wrap(self, inner: SeparableEvaluation, z: Tensor) -> DataEvaluation:
        assert self.theta is not None
        value = self.scale * inner.value
        if self.linear is not None:
            value += float(self.linear.dot(z - self.theta))
        own = inner if self.local is self.owned else None
        least_squares = inner.least_squares()
        if least_squares is not None:
            return ResidualDataEvaluation(least_squares, value, self.scale, self.linear, own)
        return DataEvaluation(inner, value, self.scale, self.linear, own)


@dataclass
class DataEvaluation(LocalEvaluation):
    """Evaluation of F_d of a part of the data."""

    inner: Evaluation
    value: float
    scale: float
    linear: Tensor | None
    own: SeparableEvaluation | None = None
    whole = True

    def gradient(self) -> Tensor:
        """The gradient of F_d, [n]."""
        g = self.scale * self.inner.gradient()
        return g if self.linear is None else g + self.linear

    def full_gradient(self) -> Tensor:
        """The gradient of F_d, [n]."""
        return self.gradient()

    def own_piece(self) -> SeparableEvaluation | None:
        """The evaluation of the part's residuals, where it looks at no others."""
        return self.own


@dataclass
class ResidualDataEvaluation(DataEvaluation, ResidualEvaluation):
    """Evaluation of F_d of a part of a least-squares objective."""

    inner: ResidualEvaluation

    @property
    def rows(self) -> int:
        """Number of the part's residuals."""
        return self.inner.rows

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.inner.size

    def jacobian(self) -> Tensor:
        """The Jacobian of the scaled residuals."""
        return math.sqrt(self.scale) * self.inner.jacobian()

    def jvp(self, v: Tensor) -> Tensor:
        """J v."""
        return math.sqrt(self.scale) * self.inner.jvp(v)

    def vjp(self, u: Tensor) -> Tensor:
        """J^T u."""
        return math.sqrt(self.scale) * self.inner.vjp(u)


class DataDecomposition(Decomposition):
    """Parts of the points; f is the sum of their shares (SAPTS_D)."""

    name = "data"
    shared = True
    kind = "interleaved"
    combination = "mean"
    parts = 2  # more know less of each other, and cost as much apiece where fixed costs decide
    options: ClassVar[Mapping[str, object]] = {}

    def divide(self, objective: Objective, cut: Cut) -> Division:
        """Give every residual to a part."""
        separable = objective.separable()
        if separable is None:
            raise TypeError(
                "a decomposition of the data needs an objective that knows its points; "
                "with a closure use decomposition='parameters'"
            )
        names = separable.coordinates
        found = data_parts(separable.sites, cut.count, cut.kind, cut.generator, names, cut.overlap)
        owned = [separable.restrict(found.owned[i]) for i in cut.mine]
        wider = found.local is not found.owned
        local = [separable.restrict(found.local[i]) for i in cut.mine] if wider else owned
        parts = [
            DataSubdomain(i, own, near, near.share / separable.share, cut.consistent)
            for i, own, near in zip(cut.mine, owned, local, strict=True)
        ]
        total = summed(separable, owned, cut.communicator)
        return cut.division(separable, total, parts, self, total)
