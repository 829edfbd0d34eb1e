"""Interfaces of objectives, the functions that optimizers minimise.

    f(theta) = sum_k w_k mean_i |r_k(theta; x_ki)|^2 / 2     every PINN: `least_squares.LeastSquares`
    f(theta) = sum_k w_k mean_i l_k(theta; x_ki)             a sum over points: `Separable`
    f(theta) given by a closure                               anything in PyTorch: `ClosureObjective`

`evaluate()` returns an `Evaluation` at the current parameters: the value now, the gradient (for least squares
also the residual vector, its Jacobian and products with it) when asked.  A method that rejects a trial step
thus never pays for its gradient.  An objective is also callable like a PyTorch closure.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..parallel.communicator import Communicator
from ..problems import Sites
from .flat import scatter_gradients

if TYPE_CHECKING:
    from .least_squares import LeastSquares

LOGGER = logging.getLogger("sapts_pinn")


@dataclass
class Counters:
    """Record of objectives: their work in evaluations of the full point set, and what was logged of them."""

    functions: float = 0.0
    gradients: float = 0.0
    logged: set[str] = field(default_factory=set, repr=False, compare=False)

    def log(self, sentence: str | None) -> None:
        """Log a warning, once for all objectives that share this record; nothing for None."""
        if sentence is not None and sentence not in self.logged:
            self.logged.add(sentence)
            LOGGER.warning(sentence)


@contextmanager
def drawing(seed: int, devices: Iterable[torch.device]) -> Iterator[None]:
    """Draw from this seed inside the block; the generators of the process are left alone."""
    there = {device for device in devices if device.type == "cuda"}
    with torch.random.fork_rng(devices=list(there)):
        seed_generators(seed, there)
        yield


def seed_generators(seed: int, devices: Iterable[torch.device]) -> None:
    """Let the process draw from this seed from now on, on the CPU and on the CUDA devices among these."""
    # Not `torch.manual_seed`: for every kind of device it puts a stack trace into a list that only grows.
    torch.default_generator.manual_seed(seed)
    for device in devices:
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)


class Evaluation(ABC):
    """Evaluation of an objective at fixed parameters.

    Attributes:
        value: f, possibly not finite.
    """

    value: float

    @abstractmethod
    def gradient(self) -> Tensor:
        """The gradient of f, [n]."""

    def least_squares(self) -> ResidualEvaluation | None:
        """Return this evaluation if it is one of a sum of squares, with residuals and Jacobian, else None."""
        return None

    def by_point(self) -> Tensor | None:
        """Residuals [N] of which f is half the square, signed norms at the points; None where unknown."""
        return None


class ResidualEvaluation(Evaluation):
    """Evaluation of a least-squares objective f = |r|^2 / 2, which knows part of its curvature, J^T J."""

    @property
    def whole(self) -> bool:
        """True if this process holds all of J, so that its rows can be formed; else only products can."""
        return True

    def least_squares(self) -> ResidualEvaluation:
        """Return this evaluation."""
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
        last_terms: The value by terms at the latest evaluation, empty where there are none.
        collective: The ranks evaluate it together, and each has some of the parameters.
    """

    parameters: list[Tensor]
    counters: Counters
    last_terms: dict[str, float]
    collective = False

    @abstractmethod
    def evaluate(self) -> Evaluation:
        """Evaluate at the current parameters."""

    def buffers(self) -> list[Tensor]:
        """Buffers that `evaluate` changes, such as running means; restored when a step is rejected."""
        return []

    def staged(self) -> Staged | None:
        """Return this objective if it is one of a network cut into stages, else None."""
        return None

    def separable(self) -> Separable | None:
        """Return this objective if any subset of its residuals is an objective as well, else None."""
        return None

    def of_model(self) -> LeastSquares | None:
        """Return this objective if it is the loss of a model on the points of a problem, else None."""
        return None

    @property
    def slow_path(self) -> str | None:
        """Reason why a compiled kernel for such an objective is not used, in one sentence; None if it is."""
        return None

    @property
    def compiled(self) -> bool:
        """True if a compiled kernel with threads of its own does nearly all of the work."""
        return False

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
    """Evaluation of a sum over points.

    Attributes:
        terms: The value by terms of the loss.
    """

    terms: dict[str, float]


class Separable(Objective):
    """A loss that is a sum over points, any part of which is an objective by itself.

    Attributes:
        sites: Where the residuals of each group lie; a group is one or several terms of the loss.
        coordinates: Names of the coordinates of these places.
        share: Cost of an evaluation, as a fraction of one at all points.
    """

    sites: Mapping[str, Sites]
    coordinates: tuple[str, ...]
    share: float

    def separable(self) -> Separable:
        """Return this objective."""
        return self

    @property
    @abstractmethod
    def term_names(self) -> tuple[str, ...]:
        """The terms of the loss."""

    @abstractmethod
    def evaluate(self) -> SeparableEvaluation:
        """Evaluate at the current parameters."""

    @abstractmethod
    def copy(self) -> Separable:
        """Copy of the objective with its own `last_terms`; points, parameters and counters are shared."""

    def on_epoch_end(self) -> None:
        """Called at the end of an epoch; may redraw what is random per epoch (augmentation)."""

    @abstractmethod
    def restrict(self, part: Mapping[str, Tensor], estimate: bool = False) -> Separable:
        """Restrict the objective to a subset of its residuals.

        Args:
            part: For each group the indices of the residuals to keep; groups left out are empty.
            estimate: Normalise by the counts of the subset, which then estimates the whole.

        Returns:
            An objective normalised by the full counts: the parts of a partition sum to the whole.
        """


@dataclass(frozen=True)
class StageLayout:
    """Assignment of the stages of a network to ranks.

    Attributes:
        sizes: Number of trained parameters of every stage.
        shares: The stages of every rank.
        owned: The stages of this rank.
    """

    sizes: list[int]
    shares: list[range]
    owned: range


class StagedEvaluation(Evaluation):
    """Evaluation of an objective of a network cut into stages."""

    @abstractmethod
    def local(self, stage: int) -> Objective:
        """A stage's own objective, with its input and the cotangent of its output frozen at this point.

        Args:
            stage: One of this rank's stages.
        """


class Staged(Objective):
    """A loss of a network cut into stages, as a function of the parameters of this rank's stages."""

    def staged(self) -> Staged:
        """Return this objective."""
        return self

    @property
    @abstractmethod
    def layout(self) -> StageLayout:
        """The stages and their ranks."""

    @abstractmethod
    def evaluate(self) -> StagedEvaluation:
        """Evaluate at the current parameters; collective."""

    def over_ranks(self, communicator: Communicator) -> Staged:
        """Return the same loss, value and gradient of which several ranks compute together.

        Args:
            communicator: The ranks, each of which has all stages.

        Raises:
            TypeError: The loss cannot be divided among them.
        """
        if communicator.size > 1:
            raise TypeError("this loss is that of stages, each of which one rank has")
        return self
