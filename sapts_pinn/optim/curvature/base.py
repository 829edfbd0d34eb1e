"""Interface of curvature models: a symmetric ``B`` near the Hessian, and the trust-region step for it.

A trust-region method replaces the loss near the current point by

    m(s) = g.s + s.B s / 2,      minimised over ||s|| <= radius,

and differs from its relatives by what it takes for ``B`` and how it solves that subproblem. The two belong
together (a compact quasi-Newton matrix has its own exact solver, a matrix-free Gauss-Newton one wants
conjugate gradients), so one `Curvature` holds both and the radius rule needs nothing else.

Vectors are flat, of any floating type, on any device. A vector may be one rank's shard of a longer one, so
every sum over entries goes through the `dot` that a model was built with, or over vectors joined from all
shards.

Source: Conn, Gould and Toint, Trust-Region Methods (SIAM, 2000), chapters 6 and 7.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from copy import deepcopy

from torch import Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...objectives.base import Evaluation
from ...parallel.communicator import Communicator
from ..subproblem.step import Dot, InnerProducts, MatVec, Step, plain_dot

__all__ = ["Curvature", "Dot", "MatVec", "Pair", "Step", "plain_dot"]

Pair = tuple[Tensor, Tensor, float | None]  # s and y, [n] each, and the length of s in a model, if known


class Curvature(ABC):
    """A model ``B`` of the Hessian, with the trust-region step that suits it.

    At each iteration: `prepare` looks at the objective, `solve` proposes a step (again for every new radius),
    `update` learns from the step tried. A model has to define `mv` and `solve`; those that learn define
    `update`, `reset`, `state_dict` and `load_state_dict` as well. All else has a default that is right for a
    model without the ability in question.

    Attributes:
        learns: Whether the model lives on pairs.
        learns_from_rejected: Whether a pair of a rejected step is worth its gradient.
        linearises: Whether it needs the Jacobian at every point.
        threaded: Whether its dense algebra is worth all of PyTorch's threads, even beside a compiled kernel.
    """

    learns = False
    learns_from_rejected = False
    linearises = False
    threaded = False

    @classmethod
    def sharded(cls, products: InnerProducts) -> Curvature | None:
        """Return a model of vectors of which every rank holds a shard; None where it needs whole ones.

        Args:
            products: the inner products of such vectors.
        """
        return None

    @classmethod
    def divided_among(cls, communicator: Communicator) -> Curvature:
        """Return a model of whole vectors, the same on all ranks, whose algebra they divide where it can be.

        Args:
            communicator: The ranks, which then call every method together.
        """
        return cls()

    @property
    def divided(self) -> bool:
        """Ranks hold different parts of what is learned, and give their states together."""
        return False

    def prepare(self, evaluation: Evaluation) -> None:  # noqa: B027
        """Linearise at the current point; models that learn from gradients alone have nothing to do.

        Args:
            evaluation: the objective at the current point.
        """

    @abstractmethod
    def mv(self, v: Tensor) -> Tensor:
        """Return ``B v`` for ``v`` of shape [n]."""

    @abstractmethod
    def solve(self, g: Tensor, radius: float) -> Step:
        """Minimise ``g.s + s.B s / 2`` over ``||s|| <= radius``.

        Args:
            g: the gradient, [n].
            radius: the trust-region radius, positive.

        Returns:
            A step at least as good as the Cauchy point. Numbers that are not finite raise nothing: `Step`
            says how they come back.
        """

    def solve_many(self, g: Tensor, radii: Tensor) -> list[Step] | None:
        """Return the steps for radii [k], if they cost little more than one; else None."""
        return None

    def symmetrise(self, after: int = 0) -> None:  # noqa: B027
        """Remove the asymmetry that rounding has built up, if at least so many pairs were learned since."""

    def update(self, s: Tensor, y: Tensor) -> bool:
        """Learn the secant pair ``B s = y``.

        Args:
            s: a step, [n].
            y: the gradient where it ends minus the gradient where it starts, [n], both on the same points.

        Returns:
            Whether the pair was used; False also from models that do not learn from pairs.
        """
        return False

    def learn(self, s: Tensor, y: Tensor, length: float | None = None) -> bool:
        """Learn a pair that another model, or a sequence of steps, has produced; as `update` otherwise.

        Args:
            s: A step, [n].
            y: The change of the gradient along it, [n].
            length: The step's length in the norm of the model that made it.
        """
        return self.update(s, y)

    def learn_all(self, pairs: Iterable[Pair]) -> int:
        """Learn pairs in turn; how many were used."""
        return sum(self.learn(*pair) for pair in pairs)

    def square(self, v: Tensor) -> float:
        """v.Hv of a gradient's change v [n] in the inverse H of the model; NaN where it is not at hand."""
        return math.nan

    def branch(self) -> Curvature:
        """A model that starts from this one's knowledge and learns on its own."""
        return deepcopy(self)

    def reset(self) -> bool:
        """Give up a model that every step contradicts.

        Returns:
            Whether another took its place, so that the radius may be tried anew; False when the model merely
            forgot, or has nothing to forget.
        """
        return False

    def state_dict(self) -> StateDict:
        """Return everything learned as tensors, numbers, strings, lists and dictionaries.

        Such a dictionary loads with ``torch.load(weights_only=True)``, and a model that takes it over goes on
        bit for bit.
        """
        return {}

    def load_state_dict(self, state: StateDict) -> None:  # noqa: B027
        """Take over what `state_dict` of a model built with the same arguments returned."""

    @classmethod
    def resharded(cls, states: Sequence[StateDict], own: slice) -> StateDict:
        """State of the model of a rank, from those of all ranks that had other shards.

        Args:
            states: Of the ranks in their order, of models made by `sharded`.
            own: The parameters of this rank, among all.

        Raises:
            InputError: Such a model has vectors in its state that it cannot divide anew.
        """
        if any(states):
            raise InputError(f"a model {cls.__name__} cannot go on with another number of ranks; keep theirs")
        return {}
