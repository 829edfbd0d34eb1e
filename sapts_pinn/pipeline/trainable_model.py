"""Models of a problem as the training loop sees them: whole, or in stages over ranks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

from torch import Tensor

from ..errors import InputError
from ..networks.build import independent
from ..networks.model import Model
from ..objectives.base import Counters, Objective
from ..objectives.least_squares import LeastSquares, residuals
from ..problems import Problem, Sites, Term


class TrainableModel(ABC):
    """A model of a problem with the functions that its training needs.

    With parameters on several ranks, every method is collective.

    Attributes:
        problem: The problem.
    """

    problem: Problem

    @abstractmethod
    def parameters(self) -> Iterator[Tensor]:
        """Parameters in this process."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers in this process, by their names in the whole model."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Tensor], /) -> object:
        """Load what `state_dict` returned."""

    @abstractmethod
    def __call__(self, points: Tensor) -> Tensor:
        """The unknowns [N, m] at points [N, dim], on every rank."""

    @abstractmethod
    def objective(self, sites: Mapping[str, Sites], counters: Counters, threads: int) -> Objective:
        """Make the loss at given sites, by term; `threads` are those of the compiled kernel."""

    @abstractmethod
    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim] in the user's units, on every rank."""

    @abstractmethod
    def typical_rate(self, term: Term, sites: Sites, count: int) -> float:
        """Typical value of |J_i|^2, the diagonal of a term's tangent kernel.

        Args:
            term: A term of the problem.
            sites: Places with weight one.
            count: Number of residuals of a row there.
        """

    @property
    @abstractmethod
    def can_be_freed(self) -> bool:
        """True if `free` is possible for such a model."""

    @abstractmethod
    def free(self) -> None:
        """Drop the symmetries of the ansatz; the model still represents the same function.

        Raises:
            InputError: It cannot be freed.
        """

    @abstractmethod
    def values(self) -> dict[str, float]:
        """The coefficients by name, on every rank."""

    @abstractmethod
    def assemble(self) -> Model:
        """The whole model, on every rank."""


class ModelInStages(TrainableModel):
    """A model whose network is one chain of layers, cut into stages that stay as they are."""

    @property
    def can_be_freed(self) -> bool:
        """False: stages cannot be exchanged in the middle of a training."""
        return False

    def free(self) -> None:
        """Refuse to drop the symmetries of the ansatz.

        Raises:
            InputError: Always.
        """
        raise InputError(
            f"a symmetry of {self.problem.name} does not hold, and a network in stages cannot go on without; "
            "give symmetry=False to the problem"
        )


def check_one_network(problem: Problem) -> None:
    """Make sure that all unknowns of a problem share one network, which can be cut into stages.

    Raises:
        InputError: One has a network of its own.
    """
    if apart := independent(problem):
        raise InputError(
            f"{apart[0]} has a network of its own, and stages are those of one chain of layers; "
            "use a method other than sapts-ip"
        )


class WholeModel(Model, TrainableModel):
    """A model with all of its parameters in this process."""

    @property
    def can_be_freed(self) -> bool:
        """True: a new network can take over from the present one."""
        return True

    def objective(self, sites: Mapping[str, Sites], counters: Counters, threads: int) -> LeastSquares:
        """Make the loss at given sites, by term."""
        return LeastSquares(self, sites, counters=counters, threads=threads)

    def residuals(self, points: Tensor) -> Tensor:
        """The equation's residuals [K, N] at points [N, dim] in the user's units."""
        return residuals(self, points)

    def typical_rate(self, term: Term, sites: Sites, count: int) -> float:
        """Median over the points of |J_i|^2, summed over the rows of the term."""
        J = LeastSquares(self, {term.name: sites}).evaluate().jacobian()  # scaled by 1 / sqrt N
        return count * float(J.square().sum(1).view(term.rows, -1).sum(0).median())

    def assemble(self) -> Model:
        """Return this model."""
        return self
