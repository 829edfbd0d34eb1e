"""Subdomains of SAPTS: what a part minimises near theta_k, and in which parameters.

    data        F_d(theta) = f~_d(theta) + (g - g~_d).(theta - theta_k)    all parameters, some of the points
    parameters  F_d(theta) = f(theta)                                      a block of parameters, all points
    stages      F_s(theta_s) = <lambda_s, phi_s(x_{s-1}; theta_s)>         a stage's parameters

f~_d is f_d scaled so that it estimates f, and g~_d its gradient at theta_k.  Every F_d has the gradient g of
f at theta_k, on its own parameters: the linear term enters the value *and* the gradient.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from .objectives.base import Evaluation, Objective, ResidualEvaluation, Separable, SeparableEvaluation
from .objectives.flat import scatter_
from .pipeline.objective import PipelineEvaluation


class Part(ABC):
    """A subdomain.

    Attributes:
        number: Its place among all parts of all ranks.
        indices: The parameters it moves, as indices into the flat vector; None for all of them.
    """

    number: int
    indices: Tensor | None = None

    @abstractmethod
    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Make F_d consistent with f at theta_k.

        Args:
            theta: theta_k, [n].
            whole: The evaluation of f there.
            base: The evaluation of the part's own residuals at theta_k, where it has any.
        """

    def begin(self, whole: Evaluation, base: SeparableEvaluation | None) -> LocalEvaluation | None:
        """F_d at theta_k from what is known there, if that is enough.

        Args:
            whole: The evaluation of f.
            base: That of the part's own residuals, where it has any.
        """
        return None

    @abstractmethod
    def evaluate(self, z: Tensor) -> LocalEvaluation:
        """Look at F_d at the parameters z [n], which it leaves in the model."""

    def restrict(self, v: Tensor) -> Tensor:
        """The part's entries of a vector [n]."""
        return v if self.indices is None else v[self.indices]

    def extend(self, v: Tensor, n: int) -> Tensor:
        """A vector [n] with the part's entries, zero elsewhere."""
        return v if self.indices is None else v.new_zeros(n).index_copy_(0, self.indices, v)


class LocalEvaluation(Evaluation):
    """A look at F_d; `gradient` has the part's entries only.

    Attributes:
        whole: Whether a linearisation would see all of the part's residuals.
    """

    whole: bool

    @abstractmethod
    def full_gradient(self) -> Tensor:
        """The gradient in all parameters, [n], as far as it is known: for pooled curvature."""


class DataPart(Part):
    """Some of the residuals, all of the parameters.

    Args:
        number: Its place among all parts.
        owned: Its residuals in the sum f = sum_d f_d.
        local: Those its own objective looks at: the same, or more where parts overlap.
        share: Of all residuals, those in `local`.
        consistent: Whether F_d has the gradient of f at theta_k; else F_d = f~_d.
    """

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
        """From the part's share of f."""
        if base is None or self.local is not self.owned or self.theta is None:
            return None
        return self._wrap(base, self.theta)

    def evaluate(self, z: Tensor) -> DataEvaluation:
        """F_d at z."""
        scatter_(self.local.parameters, z)
        return self._wrap(self.local.evaluate(), z)

    def _wrap(self, inner: SeparableEvaluation, z: Tensor) -> DataEvaluation:
        assert self.theta is not None
        value = self.scale * inner.value
        if self.linear is not None:
            value += float(self.linear.dot(z - self.theta))
        if isinstance(inner, ResidualEvaluation):
            return ResidualDataEvaluation(inner, value, self.scale, self.linear)
        return DataEvaluation(inner, value, self.scale, self.linear)


@dataclass
class DataEvaluation(LocalEvaluation):
    """F_d of a data part."""

    inner: Evaluation
    value: float
    scale: float
    linear: Tensor | None
    whole = True

    def gradient(self) -> Tensor:
        """The gradient of F_d, [n]."""
        g = self.scale * self.inner.gradient()
        return g if self.linear is None else g + self.linear

    def full_gradient(self) -> Tensor:
        """The same."""
        return self.gradient()


@dataclass
class ResidualDataEvaluation(DataEvaluation, ResidualEvaluation):
    """The same of a least-squares objective."""

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


class BlockPart(Part):
    """Some of the parameters; the objective is f itself.

    Args:
        number: Its place among all parts.
        indices: Its parameters.
        objective: f, on all points.
    """

    def __init__(self, number: int, indices: Tensor, objective: Objective) -> None:
        self.number, self.indices, self.objective = number, indices, objective

    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Nothing to do: f is consistent with itself."""

    def begin(self, whole: Evaluation, base: SeparableEvaluation | None) -> BlockEvaluation:
        """The block of f itself."""
        return self._wrap(whole)

    def evaluate(self, z: Tensor) -> BlockEvaluation:
        """F_d at z."""
        scatter_(self.objective.parameters, z)
        return self._wrap(self.objective.evaluate())

    def _wrap(self, inner: Evaluation) -> BlockEvaluation:
        assert self.indices is not None
        if isinstance(inner, ResidualEvaluation):
            return ResidualBlockEvaluation(inner, self.indices)
        return BlockEvaluation(inner, self.indices)


@dataclass
class BlockEvaluation(LocalEvaluation):
    """f as a function of a block of parameters."""

    inner: Evaluation
    indices: Tensor
    whole = False

    @property
    def value(self) -> float:  # type: ignore[override]
        """The loss."""
        return self.inner.value

    def gradient(self) -> Tensor:
        """The block of the gradient."""
        return self.inner.gradient()[self.indices]

    def full_gradient(self) -> Tensor:
        """The gradient in all parameters: all points were used, so it costs nothing more."""
        return self.inner.gradient()


@dataclass
class ResidualBlockEvaluation(BlockEvaluation, ResidualEvaluation):
    """The same of a least-squares objective: its Jacobian has the block's columns."""

    inner: ResidualEvaluation

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """Whether the evaluation of f has all residuals."""
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
        """The block's columns of J."""
        return self.inner.jacobian()[:, self.indices]

    def jvp(self, v: Tensor) -> Tensor:
        """J v for a vector of the block."""
        return self.inner.jvp(v.new_zeros(self.inner.size).index_copy_(0, self.indices, v))

    def vjp(self, u: Tensor) -> Tensor:
        """The block of J^T u."""
        return self.inner.vjp(u)[self.indices]


class StagePart(Part):
    """The parameters of one stage of the network, its input and its output's cotangent frozen.

    Args:
        number: The stage.
        indices: Its parameters among those of this rank.
    """

    def __init__(self, number: int, indices: Tensor) -> None:
        self.number, self.indices = number, indices
        self.objective: Objective | None = None

    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Take the frozen input and cotangent, which make F_s consistent."""
        assert isinstance(whole, PipelineEvaluation)
        self.objective = whole.local(self.number)

    def evaluate(self, z: Tensor) -> StageEvaluation:
        """F_s at z."""
        assert self.objective is not None
        scatter_(self.objective.parameters, self.restrict(z))
        return StageEvaluation(self.objective.evaluate(), self, len(z))


@dataclass
class StageEvaluation(LocalEvaluation):
    """F_s as a function of a stage's parameters."""

    inner: Evaluation
    part: StagePart
    n: int
    whole = False

    @property
    def value(self) -> float:  # type: ignore[override]
        """F_s."""
        return self.inner.value

    def gradient(self) -> Tensor:
        """The stage's entries of the gradient."""
        return self.inner.gradient()

    def full_gradient(self) -> Tensor:
        """The same among all parameters of this rank."""
        return self.part.extend(self.inner.gradient(), self.n)
