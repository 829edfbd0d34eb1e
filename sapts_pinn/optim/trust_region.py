"""The trust region: a step is as long as the model has earned.

    s = argmin g.s + s.Bs/2  over |s| <= Delta,      rho = (f_ref - f(theta + s)) / (-m(s))

The step is taken when rho > `accept`, with f_ref = f(theta), or the largest of the last `window` accepted
values (non-monotone: arXiv:2605.14860).  Delta shrinks when rho < `shrink`, and grows when rho > `grow` *and*
the step lies on the boundary.  A value or gradient that is not finite is a rejection like any other.

A model that can solve for many radii at once (Gauss-Newton) may have its radius found by probing instead: of
a geometric set in [Delta/3, 3 Delta] the largest radius whose measured rho still reaches `target_ratio`
(arXiv:2607.02194). Source: Conn, Gould & Toint, Trust-Region Methods (2000), ch. 6 and 17.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypedDict, Unpack

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ..errors import InputError
from ..objectives.base import Evaluation, Objective
from ..objectives.closure import ClosureObjective
from ..objectives.flat import distinct, gather, scatter_
from ..parallel.communicator import Communicator, SingleProcess
from .base import StepInfo, Undecorated
from .curvature import Curvature, Step
from .curvature.make import make_divided
from .radius import RadiusRule
from .snapshot import Snapshot, placed

SKEWED = 200  # pairs that may leave the matrix of the curvature unsymmetric by rounding
ROUNDING = 10.0  # predicted reductions below this many eps |f| are noise
PATIENCE = 20  # rejections in a row after which the curvature is rebuilt


class Thresholds(TypedDict, total=False):
    """Ratios by which a rule accepts steps and changes the radius; see `RadiusRule`."""

    accept: float
    shrink: float
    grow: float


class TrustRegion(Undecorated):
    """A trust-region method as a PyTorch optimizer.

    Args:
        params: The tensors to train, one group.
        curvature: The model of the Hessian: "identity", "lsr1", "ssbroyden", "gauss-newton" or a `Curvature`.
        radius: Initial radius, in the model's norm.  It adapts within a few steps; results hardly depend on
        it.
        rule: When steps are accepted, and every change of the radius.
        window: Accepted values to compare with; 1 is the classical, monotone rule.
        target_ratio: If given, and the model allows, the radius is probed for this rho.
        communicator: Ranks that take the same steps together, and divide the algebra of a dense model; by
            default this process does it all.
        thresholds: `accept`, `shrink` and `grow`, in place of the rule's own.

    Attributes:
        info: Of the last step: radius, rho, accepted, predicted, length, and `converged` when no further
            progress is possible in working precision.

    Raises:
        InputError: An argument out of range, or several parameter groups.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        curvature: str | Curvature = "ssbroyden",
        radius: float = 1.0,
        rule: RadiusRule | None = None,
        window: int = 1,
        target_ratio: float | None = None,
        communicator: Communicator | None = None,
        **thresholds: Unpack[Thresholds],
    ) -> None:
        if not (radius > 0 and math.isfinite(radius)):
            raise InputError(f"radius must be positive and finite, not {radius}")
        self.rule = replace(rule or RadiusRule(), **thresholds)
        if window < 1:
            raise InputError(f"window must be at least 1, not {window}")
        if target_ratio is not None and not 0 < target_ratio < 1:
            raise InputError(f"target_ratio must lie in (0, 1), not {target_ratio}")
        self.target_ratio = target_ratio
        super().__init__(distinct(params), {"lr": 1.0})
        if len(self.param_groups) != 1:
            raise InputError("TrustRegion does not support several parameter groups")
        for given in {p.dtype for p in self.parameters} - {torch.float64, torch.float32}:
            raise InputError(
                f"trust regions need parameters of torch.float64 or torch.float32, not {given}: in half "
                "precision the reductions that they compare are rounding"
            )
        if isinstance(curvature, str):
            size = sum(p.numel() for p in self.parameters)
            curvature = make_divided(curvature, size, communicator or SingleProcess())
        self.curvature = curvature
        self.radius = float(radius)
        self.values: deque[float] = deque(maxlen=window)
        self.rejections = 0
        self._stalled = False
        self._outdated = False
        # The objective, where it was last evaluated, what was found, and the gradient.
        self._at: tuple[Objective, Tensor, Evaluation, Tensor] | None = None
        self._prepared: Evaluation | None = None

    @property
    def parameters(self) -> list[Tensor]:
        """The tensors trained."""
        return list(self.param_groups[0]["params"])

    @property
    def threaded(self) -> bool:
        """The model's dense algebra is worth all of PyTorch's threads."""
        return self.curvature.threaded

    @property
    def divided(self) -> bool:
        """The ranks hold different parts of the model."""
        return self.curvature.divided

    @property
    def needs_squares(self) -> bool:
        """The model needs the Jacobian of a sum of squares."""
        return self.curvature.linearises

    def objective_changed(self) -> None:
        """Rebuild the curvature before the next step, or forget it: the loss becomes another function."""
        self._outdated = True

    def _current(self, objective: Objective) -> tuple[Tensor, Evaluation, Tensor]:
        """The current point, its evaluation and gradient; the last step's when nothing changed since."""
        theta = gather(self.parameters)
        if sum(p.numel() for p in objective.parameters) != theta.numel():
            raise InputError("the objective depends on other parameters than those this optimizer was given")
        if self._at is not None and self._at[0] is objective and torch.equal(self._at[1], theta):
            return self._at[1:]
        evaluation = objective.evaluate()
        if not math.isfinite(evaluation.value):
            raise FloatingPointError(
                f"the loss is {evaluation.value} at the starting point; check the initial network"
            )
        gradient = evaluation.gradient()
        if not self._everywhere(bool(torch.isfinite(gradient).all())):
            raise FloatingPointError(
                "the gradient is not finite at the starting point; check the initial network"
            )
        if self._outdated:
            self._outdated = False
            self.curvature.prepare(evaluation)
            self._rebuild()
        # The last accepted value again: the same function still, as after loading a checkpoint.
        if not self.values or self.values[-1] != evaluation.value:
            self.curvature.symmetrise(after=SKEWED)
            self._stalled = False
            self.values.clear()
            self.values.append(evaluation.value)
        self._at = (objective, theta, evaluation, gradient)
        return theta, evaluation, gradient

    @torch.no_grad()
    def step(self, closure: Objective | Callable[[], Tensor | float]) -> Tensor:  # type: ignore[override]
        """Try one step.

        Args:
            closure: An `Objective`, or an ordinary closure that clears gradients, calls backward, returns the
                loss.

        Returns:
            The loss at the parameters this leaves behind, a tensor without shape.
        """
        objective = closure if isinstance(closure, Objective) else ClosureObjective(closure, self.parameters)
        around = Snapshot(objective, self.parameters[0].device)
        theta, evaluation, gradient = self._current(objective)
        f = evaluation.value
        if self._prepared is not evaluation:
            self.curvature.prepare(evaluation)
            self._prepared = evaluation
        step = self._probe(objective, theta, f, gradient, around)
        if step is None:
            step = self.curvature.solve(gradient, self.radius)
        around.restore()
        if not step.predicted > ROUNDING * torch.finfo(theta.dtype).eps * abs(f):
            return self._no_progress(theta, f, gradient)
        scatter_(self.parameters, theta + step.s)
        trial = objective.evaluate()
        rho = (max(self.values) - trial.value) / step.predicted if math.isfinite(trial.value) else -math.inf
        accepted = rho > self.rule.accept
        if accepted or (self.curvature.learns_from_rejected and math.isfinite(trial.value)):
            new_gradient = trial.gradient()
            finite = self._everywhere(bool(torch.isfinite(new_gradient).all()))
            accepted = accepted and finite
            if finite and not accepted:
                self.curvature.update(step.s, new_gradient - gradient)
        if accepted:
            self.curvature.update(step.s, new_gradient - gradient)
            self.values.append(trial.value)
            self._at = (objective, gather(self.parameters), trial, new_gradient)
            self.rejections, self._stalled = 0, False
        else:
            scatter_(self.parameters, theta)
            around.restore()
            self.rejections += 1
        self.radius = self.rule.next(self.radius, rho, step, accepted)
        if self.rejections and self.rejections % PATIENCE == 0:
            self._rebuild()
        self._report(rho, accepted, step.predicted, step.length, f)
        return torch.tensor(trial.value if accepted else f, dtype=theta.dtype)

    def _rebuild(self) -> None:
        """Give up the model of the curvature; where another takes its place, try the radius anew."""
        if self.curvature.reset():
            self.radius = self.rule.after_reset(self.radius)

    def _everywhere(self, flag: bool) -> bool:
        """Return whether a flag is set on every rank; here there is one."""
        return flag

    def _probe(
        self, objective: Objective, theta: Tensor, f: float, gradient: Tensor, around: Snapshot
    ) -> Step | None:
        """The step for the largest radius whose measured rho reaches the target; None without probing."""
        target = self.target_ratio
        if target is None:
            return None
        steps = self.curvature.solve_many(gradient, self.rule.candidates(self.radius, theta))
        if steps is None:
            return None
        best: Step | None = None
        for step in steps:
            if not step.predicted > 0:
                continue
            scatter_(self.parameters, theta + step.s)
            around.restore()
            value = objective.evaluate().value
            if not (math.isfinite(value) and (f - value) / step.predicted >= target):
                break  # rho falls with the radius: what lies beyond is worse
            best = step
            if not step.on_boundary:
                break
        scatter_(self.parameters, theta)
        best = best or steps[0]
        self.radius = self.rule.probed(best)
        return best

    def _no_progress(self, theta: Tensor, f: float, gradient: Tensor) -> Tensor:
        """The model promises nothing above rounding: rebuild it once, then say that this is the end."""
        again, self._stalled = self._stalled, True
        self.curvature.reset()
        self._prepared = None
        self.radius = self.rule.after_reset(self.radius)
        stuck = again or self._everywhere(not bool(gradient.any()))
        self._report(0.0, False, 0.0, 0.0, f, stuck)
        return torch.tensor(f, dtype=theta.dtype)

    def _report(
        self,
        rho: float,
        accepted: bool,
        predicted: float,
        length: float,
        before: float,
        converged: bool = False,
    ) -> None:
        self.info = StepInfo(self.radius, rho, accepted, predicted, length, before, converged)

    def state_dict(self) -> StateDict:
        """Return all that is needed to continue bit for bit, loadable with weights_only=True."""
        own = {
            "radius": self.radius,
            "values": list(self.values),
            "rejections": self.rejections,
            "stalled": self._stalled,
            "model": type(self.curvature).__name__,
            "info": self.info.as_json(),
            "curvature": self.curvature.state_dict(),
        }
        return {**super().state_dict(), "trust_region": own}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        state = dict(state_dict)
        if "trust_region" not in state:
            raise InputError(
                "this state was not saved by TrustRegion; resume with the method it was written by"
            )
        own = state.pop("trust_region")
        if own["model"] != type(self.curvature).__name__:
            raise InputError(f"this state is of {own['model']}, not of {type(self.curvature).__name__}")
        super().load_state_dict(state)
        self.radius, self.rejections, self._stalled = own["radius"], own["rejections"], own["stalled"]
        self.info = StepInfo.of(own["info"])
        self.values = deque(own["values"], maxlen=self.values.maxlen)
        self.curvature.load_state_dict(placed(own["curvature"], self.parameters[0].device))
        self._at = self._prepared = None
