"""Subdomains of SAPTS: what a part minimises near theta_k, and in which parameters.

    data        F_d(theta) = f~_d(theta) + (g - g~_d).(theta - theta_k)    all parameters, some of the points
    parameters  F_d(theta) = f(theta)                                      a block of parameters, all points
    stages      F_s(theta_s) = <lambda_s, phi_s(x_{s-1}; theta_s)>         a stage's parameters

f~_d is f_d scaled so that it estimates f, and g~_d its gradient at theta_k.  Every F_d has the gradient g of
f at theta_k, on its own parameters: the linear term enters the value *and* the gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from ...objectives.base import Evaluation, SeparableEvaluation


class Subdomain(ABC):
    """A subdomain.

    Attributes:
        number: Its place among all parts of all ranks.
        indices: The parameters it moves, as indices into the flat vector; None for all of them.
        is_piece: Whether f is the sum of the subdomains' own residuals.
    """

    number: int
    indices: Tensor | None = None
    is_piece: ClassVar[bool] = False

    @abstractmethod
    def centre(self, theta: Tensor, whole: Evaluation, base: SeparableEvaluation | None) -> None:
        """Make F_d consistent with f at theta_k.

        Args:
            theta: theta_k, [n].
            whole: The evaluation of f there.
            base: The evaluation of the part's own residuals at theta_k, where it has any.
        """

    def begin(self, whole: Evaluation, base: SeparableEvaluation | None) -> LocalEvaluation | None:
        """Make F_d at theta_k from what is known there, if that is enough.

        Args:
            whole: The evaluation of f.
            base: That of the part's own residuals, where it has any.
        """
        return None

    @abstractmethod
    def evaluate(self, z: Tensor) -> LocalEvaluation:
        """Evaluate F_d at the parameters z [n], which it leaves in the model."""

    def restrict(self, v: Tensor) -> Tensor:
        """The part's entries of a vector [n]."""
        return v if self.indices is None else v[self.indices]

    def extend(self, v: Tensor, n: int) -> Tensor:
        """A vector [n] with the part's entries, zero elsewhere."""
        return v if self.indices is None else v.new_zeros(n).index_copy_(0, self.indices, v)


class LocalEvaluation(Evaluation):
    """Evaluation of F_d; `gradient` has the part's entries only."""

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Return whether a linearisation would see all of the part's residuals."""

    @abstractmethod
    def full_gradient(self) -> Tensor:
        """The gradient in all parameters, [n], as far as it is known: for pooled curvature."""

    def own_piece(self) -> SeparableEvaluation | None:
        """The evaluation of the subdomain's piece of f at the same parameters, if F_d has looked at it."""
        return None
