"""Objectives: what the optimizers minimise.

    f(theta) = sum_k w_k mean_i |r_k(theta; x_ki)|^2 / 2     every PINN: `least_squares.LeastSquares`
    f(theta) = sum_k w_k mean_i l_k(theta; x_ki)             a sum over points: `Separable`
    f(theta) given by a closure                               anything in PyTorch: `ClosureObjective`

`evaluate()` looks at the current parameters and returns an `Evaluation`: the value now, the gradient (for
least squares also the residual vector, its Jacobian and products with it) when asked.  A method that rejects
a trial step thus never pays for its gradient.  An objective is also callable like a PyTorch closure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ..problems import Sites
from .flat import scatter_gradients


@dataclass
class Counters:
    """Work done, in evaluations of the full point set."""

    functions: float = 0.0
    gradients: float = 0.0


@contextmanager
def drawing(seed: int, devices: Iterable[torch.device]) -> Iterator[None]:
    """Draw from this seed, as dropout does; the generators of the process are left alone."""
    there = {device for device in devices if device.type == "cuda"}
    with torch.random.fork_rng(devices=list(there)):
        # Not `torch.manual_seed`: for every kind of device it puts a stack trace into a list that only grows.
        torch.default_generator.manual_seed(seed)
        for device in there:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


class Evaluation(ABC):
    """A look at an objective at fixed parameters.

    Attributes:
        value: f, possibly not finite.
    """

    value: float

    @abstractmethod
    def gradient(self) -> Tensor:
        """The gradient of f, [n]."""

    def as_residuals(self) -> ResidualEvaluation | None:
        """This evaluation with residuals and Jacobian, if the objective is a sum of squares; else None."""
        return None


class ResidualEvaluation(Evaluation):
    """A look at a least-squares objective f = |r|^2 / 2, which knows part of its own curvature, J^T J.

    Attributes:
        whole: Whether this process holds all of J, so that its rows can be formed; else only products can.
    """

    whole = True

    def as_residuals(self) -> ResidualEvaluation:
        """This evaluation."""
        return self

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of residuals N."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of parameters n."""

    @abstractmethod
    def jacobian(self) -> Tensor:
        """J = dr/dtheta, [N, n]."""

    @abstractmethod
    def jvp(self, v: Tensor) -> Tensor:
        """J v, [N]."""

    @abstractmethod
    def vjp(self, u: Tensor) -> Tensor:
        """J^T u, [n]."""

    def columns(self, indices: Tensor) -> Tensor:
        """Columns of J, [N, k].

        Args:
            indices: The parameters that they belong to, [k].
        """
        return self.jacobian()[:, indices]

    def gram(self) -> Tensor:
        """J^T J, [n, n]."""
        J = self.jacobian()
        return J.T @ J

    def gram_product(self, v: Tensor) -> Tensor:
        """J^T J v, [n]."""
        return self.vjp(self.jvp(v))


class Objective(ABC):
    """A function of trainable parameters.

    Attributes:
        parameters: The tensors it depends on, in the order of its flat vectors.
        counters: Work done so far.
    """

    parameters: list[Tensor]
    counters: Counters

    @abstractmethod
    def evaluate(self) -> Evaluation:
        """Look at the current parameters."""

    def as_separable(self) -> Separable | None:
        """This objective as a sum over points, if it is one that can be restricted to some of them."""
        return None

    def as_staged(self) -> Staged | None:
        """This objective as one of a network cut into stages, if it is."""
        return None

    def buffers(self) -> list[Tensor]:
        """What an evaluation changes by the way, such as running means; a rejected step puts it back."""
        return []

    def value(self) -> float:
        """The loss f at the current parameters."""
        return self.evaluate().value

    def value_and_grad(self) -> tuple[float, Tensor]:
        """The loss f and its gradient [n] at the current parameters."""
        evaluation = self.evaluate()
        return evaluation.value, evaluation.gradient()

    def __call__(self) -> Tensor:
        """Behave like a PyTorch closure: set the gradients, return the loss."""
        value, gradient = self.value_and_grad()
        scatter_gradients(self.parameters, gradient)
        return gradient.new_tensor(value)


class SeparableEvaluation(Evaluation):
    """A look at a sum over points.

    Attributes:
        terms: The value by terms of the loss.
    """

    terms: dict[str, float]


class Separable(Objective):
    """A loss that is a sum over points, any part of which is an objective by itself.

    Attributes:
        sites: Where the residuals of each group lie; a group is one or several terms of the loss.
        coordinates: Names of the coordinates of these places.
        share: What one evaluation counts.
        last_terms: The value by terms at the latest evaluation.
        compiled: Whether every term is computed by the compiled kernel.
    """

    sites: Mapping[str, Sites]
    coordinates: tuple[str, ...]
    share: float
    last_terms: dict[str, float]
    compiled = False

    def as_separable(self) -> Separable:
        """This objective."""
        return self

    @property
    @abstractmethod
    def term_names(self) -> tuple[str, ...]:
        """The terms of the loss."""

    @abstractmethod
    def evaluate(self) -> SeparableEvaluation:
        """Look at the current parameters."""

    @abstractmethod
    def twin(self) -> Separable:
        """The same objective, with a record of its own."""

    def seen(self) -> None:  # noqa: B027
        """Be told that every point was used once; what varies from epoch to epoch may change now."""

    @abstractmethod
    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> Separable:
        """The same objective on a subset of its residuals.

        Args:
            part: For each group the indices of the residuals to keep; groups left out are empty.
            estimate: Normalise by the counts of the subset, which then estimates the whole.

        Returns:
            An objective normalised by the full counts: the parts of a partition sum to the whole.
        """


@dataclass(frozen=True)
class StageLayout:
    """Which rank holds which stages of a network.

    Attributes:
        sizes: Number of trained parameters of every stage.
        shares: The stages of every rank.
        owned: The stages of this rank.
    """

    sizes: list[int]
    shares: list[range]
    owned: range


class StagedEvaluation(Evaluation):
    """A look at an objective of a network cut into stages."""

    @abstractmethod
    def local(self, stage: int) -> Objective:
        """A stage's own objective, with its input and the cotangent of its output frozen at this look.

        Args:
            stage: One of this rank's stages.
        """


class Staged(Objective):
    """A loss of a network cut into stages, as a function of the parameters of this rank's stages."""

    def as_staged(self) -> Staged:
        """This objective."""
        return self

    @property
    @abstractmethod
    def layout(self) -> StageLayout:
        """The stages and their ranks."""

    @abstractmethod
    def evaluate(self) -> StagedEvaluation:
        """Look at the current parameters; collective."""
