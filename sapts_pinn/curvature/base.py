"""What a model of the curvature is: a symmetric ``B`` near the Hessian, and the trust-region step that suits it.

A trust-region method replaces the loss near the current point by

    m(s) = g.s + s.B s / 2,      minimised over ||s|| <= radius,

and differs from its relatives by what it takes for ``B`` and how it solves that subproblem. The two belong together (a
compact quasi-Newton matrix has its own exact solver, a matrix-free Gauss-Newton one wants conjugate gradients), so one
:class:`Curvature` holds both, and the radius rule in ``trust_region`` needs nothing else.

Vectors are flat, one-dimensional, of any floating type and on any device. A vector may be one rank's shard of a longer
one: every sum over entries goes through the ``dot`` that a model was built with.

Source: Conn, Gould and Toint, Trust-Region Methods (SIAM, 2000), ch. 6 and 7.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Dot = Callable[[Tensor, Tensor], float]
"""The inner product of two vectors, summed over all ranks that hold a shard of them."""

MatVec = Callable[[Tensor], Tensor]
"""A symmetric linear map, vector to vector."""


@dataclass(frozen=True)
class Step:
    """A trial step and what the model promises for it.

    Attributes:
        s: the step, of the gradient's shape ``[n]``, type and device.
        predicted: ``-m(s)``, the reduction of the loss that the model expects. Positive for a nonzero gradient; 0 for a
            zero one (then ``s`` is 0 too); NaN when the gradient, the radius or the model was not finite, or when
            rounding left no reduction to speak of the sign of. A caller accepts only steps with ``predicted > 0``,
            which is false for NaN.
        on_boundary: whether the radius was what limited the step, so that a larger radius would have given another.
        length: the norm of ``s`` in the norm the radius is measured in (Euclidean unless the model says otherwise).
    """

    s: Tensor
    predicted: float
    on_boundary: bool
    length: float


class Curvature(ABC):
    """A model ``B`` of the Hessian, with the trust-region step that suits it.

    The life of a model at each iteration is ``prepare`` (where it looks at the objective), ``solve`` (as often as the
    radius shrinks), and ``update`` with the step taken and the change of the gradient along it, whether or not the step
    was accepted.
    """

    def prepare(self, evaluation: Any) -> None:
        """Linearise at the current point. Models that learn from gradients alone have nothing to do here.

        Args:
            evaluation: what the objective returned at the current point, as the model needs it.
        """
        return None

    @abstractmethod
    def mv(self, v: Tensor) -> Tensor:
        """Return ``B v`` for ``v`` of shape ``[n]``."""

    @abstractmethod
    def solve(self, g: Tensor, radius: float) -> Step:
        """Minimise ``g.s + s.B s / 2`` over ``||s|| <= radius``, exactly or as well as the model allows.

        Args:
            g: the gradient, ``[n]``.
            radius: the trust-region radius, positive.

        Returns:
            A step at least as good as the Cauchy point. Nothing is raised for numbers that are not finite: see
            :class:`Step`.
        """

    def update(self, s: Tensor, y: Tensor) -> bool:
        """Learn the secant pair ``B s = y``; return False when the pair was skipped.

        Args:
            s: a step, ``[n]``.
            y: the gradient at its end minus the gradient at its start, ``[n]``, both on the same data.
        """
        return False

    def reset(self) -> None:
        """Forget everything learned; the model is as new."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return everything learned, as tensors, numbers, strings, lists and dictionaries only.

        Such a dictionary survives ``torch.save`` and ``torch.load(weights_only=True)``, and a model that loads it
        continues bit for bit.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned, from a model built with the same arguments."""
        return None
