"""Interface between the training loop and an optimizer: figures of a step, and notices of what has changed.

Every optimizer of this package is an `Optimizer`.  The loop calls `step`, reads `info`, and calls the other
methods; it sets no attribute.  The methods do nothing by default, as suits an optimizer without memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, asdict, dataclass, fields
from inspect import unwrap
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from .earnings import Earnings

Closure = Callable[[], Tensor | float]  # an objective, or a function that sets gradients and returns the loss


class Figures(Mapping[str, Any]):
    """A dataclass that is a mapping, too: `info.rho` is `info["rho"]`; fields that are None are missing."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    def __getitem__(self, name: str) -> Any:
        if name not in iter(self):
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self) if getattr(self, field.name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(eq=False)
class SubdomainStats(Figures):
    """Figures of a subdomain in a sweep.

    Attributes:
        number: The subdomain.
        gain: F_d before less F_d after.
        radius: The radius it ended with.
        length: The sum of its accepted steps' lengths.
        steps: Steps tried.
        accepted: Steps taken.
        work: Gradient evaluations, in those of the full point set.
    """

    number: float
    gain: float = 0.0
    radius: float = 0.0
    length: float = 0.0
    steps: float = 0.0
    accepted: float = 0.0
    work: float = 0.0


@dataclass(frozen=True, eq=False)
class SweepInfo(Figures):
    """Figures of a sweep over subdomains.

    Attributes:
        rho: Reduction of f over the reduction predicted.
        accepted: Whether it was taken.
        predicted: The reduction predicted.
        before: f before.
        local_steps: At most so many steps of a subdomain.
        radius: Bound of the correction's length.
        length: Length of the correction, a sum of step lengths.
    """

    rho: float
    accepted: bool
    predicted: float
    before: float
    local_steps: int
    radius: float = math.inf
    length: float = 0.0


@dataclass(frozen=True, eq=False)
class StepInfo(Figures):
    """Figures of a step; None for those that the method does not have.

    Attributes:
        radius: Radius, or learning rate, after the step.
        rho: Reduction of f over the reduction predicted.
        accepted: Whether the parameters have moved.
        predicted: The reduction predicted.
        length: Length of the step.
        before: The loss before the step.
        converged: Whether no further progress is possible in working precision.
        exhausted: Whether the method has nothing left to try, short of that.
        sweep: The sweep over subdomains, if there was one.
        parts: What the subdomains did in it.
        loss: The loss after the step, where the training loop is not this package's.
    """

    radius: float | None = None
    rho: float | None = None
    accepted: bool | None = None
    predicted: float | None = None
    length: float | None = None
    before: float | None = None
    converged: bool = False
    exhausted: bool | None = None
    sweep: SweepInfo | None = None
    parts: tuple[SubdomainStats, ...] | None = None
    loss: float | None = None

    def as_json(self) -> dict[str, object]:
        """Numbers, strings, lists and dictionaries, for a checkpoint."""
        found = dict(self)
        if self.sweep is not None:
            found["sweep"] = asdict(self.sweep)
        if self.parts is not None:
            found["parts"] = [asdict(part) for part in self.parts]
        return found

    @classmethod
    def of(cls, state: StateDict) -> StepInfo:
        """The figures that `as_json` has returned."""
        found = dict(state)
        if "sweep" in found:
            found["sweep"] = SweepInfo(**found["sweep"])
        if "parts" in found:
            found["parts"] = tuple(SubdomainStats(**part) for part in found["parts"])
        return cls(**found)


class WrongGradient(FloatingPointError):
    """Raised when the loss does not fall against its gradient; the parameters are those of the best loss."""


class Optimizer(torch.optim.Optimizer):
    """An optimizer of PyTorch that the training loop can talk to.

    Attributes:
        info: What the last step did.
    """

    info: StepInfo = StepInfo()

    @property
    def count(self) -> int:
        """Number of subdomains that it reports on; 0 where it divides nothing."""
        return 0

    @property
    def earned(self) -> Earnings | None:
        """Cost and gain of sweeps over subdomains and of plain steps; None where it divides nothing."""
        return None

    @property
    def threaded(self) -> bool:
        """Leave all threads to PyTorch, although the compiled kernel has its own."""
        return False

    @property
    def divided(self) -> bool:
        """Ranks hold different parts of its state, and have to ask for it together."""
        return False

    @property
    def needs_squares(self) -> bool:
        """Needs the Jacobian of a sum of squares, and so minimises no other loss."""
        return False

    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Change the parameters so that the loss falls.

        Args:
            closure: An objective, or a function that sets the gradients and returns the loss.

        Returns:
            The loss, a tensor without shape.
        """
        raise NotImplementedError

    def objective_changed(self) -> None:
        """Notify that the next step's objective is another function, as when terms have new weights."""

    def points_changed(self) -> None:
        """Notify that the next step's objective has other points."""

    def set_progress(self, used: float, deadline: float = math.inf) -> None:
        """Notify how far the run is; the last steps may be smaller, and no long step begins too late.

        Args:
            used: Share of the budget that is spent, in [0, 1].
            deadline: `time.monotonic()` after which a step should end soon.
        """


class Undecorated(Optimizer):
    """An `Optimizer` that starts quickly.

    PyTorch's `Optimizer` asks `torch.compile` to leave some of its methods alone.  The first such request
    imports torch._dynamo, torch._inductor and SymPy, which takes seconds in every process that trains.
    Nothing here is compiled, so the methods are taken as they are below that request.
    """

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
