"""Random features as an optimizer: each step solves one linear least-squares problem.

The network has one hidden layer, which is drawn and not trained.  A problem that is linear in its unknowns is
a linear least-squares problem in the outer layer, and one that is not is a sequence of such problems.  A step
is one of them: a trial of the search for the widths and the number of the units (`search.py`), linearised at
the best function so far, or a Gauss-Newton step within a radius (`newton.py`) in the units that are adopted.
Points are a few times as many as columns, taken from those of the loss, with fresh ones besides that choose
the rank and are what every comparison goes by (`places.py`).

Sources: Dong and Li, arXiv:2012.02895; weights by scales and where they matter, Calabro, Fabiani and Siettos,
arXiv:2012.05871, and Zhang et al., arXiv:2306.16863.  What differs: conditions are in the ansatz where that
is possible, derivatives are propagated, and everything is found from the residual.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from ...errors import InputError
from ...networks.random_units import Units
from ...objectives.base import Objective
from ...objectives.flat import distinct
from ..base import Closure, StepInfo, Undecorated
from ..radius import RadiusRule
from ..snapshot import placed
from .newton import Stepped, half_square, norm, stepped
from .places import Places, Points
from .sample import Function, Linear, solved
from .search import Adoption, Search, Trial, search

STRAIGHT = 1.2  # residual over what the linear problem has left, up to which no further step is worth it
STEPS = 40  # in the same units, at most
REJECTED = 6  # in a row, after which the units are given up
FLAT = 0.5  # share of |F|^2 that an accepted step leaves, above which it was the last


class FeatureSolve(Undecorated):
    """Least squares in the outer layer of a network with one hidden layer of random units.

    Args:
        params: Weights and biases of the two layers, and the parameters of the coefficients.
        radius: Of the first step of a nonlinear problem: root mean square of the change of the network's
            values, in the unknowns' natural units.
        rule: When such a step is accepted, and every change of the radius.

    Raises:
        InputError: The radius is not positive; or, by the first step, the network has not one hidden layer.
    """

    def __init__(self, params: Iterable[Tensor], radius: float = 2.0, rule: RadiusRule | None = None) -> None:
        if not (radius > 0 and math.isfinite(radius)):
            raise InputError(f"radius must be positive and finite, not {radius}")
        super().__init__(distinct(params), {"lr": 1.0})
        self.radius, self.rule = float(radius), rule or RadiusRule()
        self.first_radius = self.radius
        drawn = self.parameters[0].detach().cpu().double()
        self.seed = int(drawn.view(torch.int64).sum()) % 2**62  # of the run, which has drawn them
        self.answers: list[float] = []
        self.best: Function | None = None  # the network
        self.score = math.inf  # its relative residual on fresh points
        self.here: Function | None = None  # where trials are linearised; None for the function of zeros
        self.trial: Function | None = None  # in which Newton's method goes on
        self.steps, self.rejections = 0, 0  # in these units, and of the latter in a row
        self.found: tuple[float, Tensor] | None = None  # best trial with so many units: residual, columns
        self.left: dict[int, float] = {}  # best relative residual on fresh points, by number of units
        self.loss = math.nan
        self._search: Search | None = None
        self._request: Trial | Adoption | None = None
        self._solved = False  # by the search, once that has ended
        self._places: Places | None = None
        self._linear: tuple[Linear, Linear] | None = None

    @property
    def parameters(self) -> list[Tensor]:
        """The tensors trained."""
        return list(self.param_groups[0]["params"])

    @property
    def threaded(self) -> bool:
        """Dense algebra is worth all of PyTorch's threads."""
        return True

    @property
    def needs_squares(self) -> bool:
        """The loss must be a sum of squares of residuals."""
        return True

    def points_changed(self) -> None:
        """Take the new points from the next step on."""
        self._places = self._linear = None

    # -- a step ------------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Solve one linear problem.

        Args:
            closure: The loss of a problem on points.

        Returns:
            The loss of the network, the best one so far.
        """
        whole = closure.of_model() if isinstance(closure, Objective) else None
        if whole is None:
            raise InputError("features needs the loss of a problem on its points, in one process")
        if self._places is None or self._places.whole is not whole:
            self._places, self._linear = Places(whole, self.seed), None
            self.loss = whole.evaluate().value
        before, request = self.loss, self._ask(self._places)
        if request is None:
            self.info = StepInfo(
                self.radius, None, False, None, None, before, self._solved, exhausted=not self._solved or None
            )
        elif isinstance(request, Trial):
            self._answer(self._tried(self._places, request))
            self.info = StepInfo(self.radius, None, False, None, None, before)
        else:
            self._adopt(self._places, request.trial, before)
        return torch.tensor(self.loss, dtype=torch.float64)

    def _ask(self, places: Places) -> Trial | Adoption | None:
        """The next request of the search, which is repeated from its answers after a load."""
        if self._search is None:
            self._search = search(len(places.groups), len(self.parameters[1]))
            try:
                self._request = next(self._search)
                for answer in self.answers:
                    self._request = self._search.send(answer)
            except StopIteration as end:
                self._request, self._solved = None, end.value
        return self._request

    def _answer(self, value: float) -> None:
        self.answers.append(value)
        assert self._search is not None
        try:
            self._request = self._search.send(value)
        except StopIteration as end:
            self._request, self._solved = None, end.value

    def _tried(self, places: Places, trial: Trial) -> float:
        """Relative residual on fresh points, of the linear problem solved in units that are drawn."""
        if self.found is not None and len(self.found[1]) != places.columns(trial.count):
            self.found = None
        points = places.points(trial.count)
        linear, check = self._linearised(places, points)
        at_points, on_check = (torch.stack([p.own - p.residual, p.own], 1) for p in (linear, check))
        if self.here is None:
            at_points, on_check = at_points[:, :1], on_check[:, :1]
        found = solved(places.units(trial), linear, check, at_points, on_check)
        places.count_work()
        left = found.left / points.size
        if self.found is None or left < self.found[0]:
            self.found = left, found.columns
        return left

    def _linearised(self, places: Places, points: Points) -> tuple[Linear, Linear]:
        """The problem linearised where trials are, at the points and at the fresh ones."""
        if self._linear is None or self._linear[0].sample is not points.sample:
            at = self.here or places.zero()
            self._linear = points.sample.linearised(at), points.check.linearised(at)
        return self._linear

    # -- units that become the network ---------------------------------------------------------------

    def _adopt(self, places: Places, trial: Trial, before: float) -> None:
        """Take the solution in the best units, or a Newton step in them."""
        points = places.points(trial.count)
        if self.trial is None:
            taken, expected = self._first(places, points, trial)
        else:
            taken, expected = self._next(places, points, self.trial)
        left = norm(points.check.residual(taken.function)) / points.size
        if left < self.score:
            self.best, self.score = taken.function, left
            self._install(taken.function)
            self.loss = places.whole.evaluate().value
        self.radius = taken.radius
        self.info = StepInfo(taken.radius, taken.rho, taken.accepted, taken.predicted, taken.length, before)
        self.steps += 1
        self.rejections = 0 if taken.accepted else self.rejections + 1
        slow = self.steps > 1 and taken.value > FLAT * (taken.value + taken.gain)
        # At u = 0 a product of a coefficient and the solution says nothing of the coefficient.
        told = self.steps > 1 or not points.sample.trained
        solved_for = told and left <= STRAIGHT * expected
        whole = taken.accepted and not taken.cut
        if not ((whole and (solved_for or slow)) or self.steps >= STEPS or self.rejections >= REJECTED):
            self.trial = taken.function
            return
        if self.steps > 1 or not solved_for:  # the equation is not linear
            self.here, self._linear = self.best, None
        self.trial, self.found = None, None
        self.steps, self.rejections, self.radius = 0, 0, self.first_radius
        self.left[trial.count] = self.score
        self._answer(min(left, 1e300))

    def _first(self, places: Places, points: Points, trial: Trial) -> tuple[Stepped, float]:
        """The solution w of the problem linearised at u, or a step from what is nearest to u towards it.

        Returns:
            The step, and the relative residual on the fresh points as the linear problem has it.
        """
        sample, (linear, _) = points.sample, self._linearised(places, points)
        assert self.found is not None
        units, (left, columns) = places.units(trial), self.found
        known = (self.here or places.zero()).known
        zero = Function(units, columns.new_zeros(sample.terms[0].unknowns, units.count + 1), known)
        whole = zero.moved(columns[:, 0], sample.trained)
        if norm(points.check.residual(whole)) <= STRAIGHT * left * points.size:
            value = half_square(sample.residual(whole))
            gain, length = half_square(linear.residual) - value, sample.length(units, columns[:, 0])
            return Stepped(whole, True, 1.0, gain, length, self.radius, value, gain), left
        start, by = zero, columns[:, 0]
        if columns.shape[1] > 1:
            start, by = zero.moved(columns[:, 1], sample.trained), columns[:, 0] - columns[:, 1]
        return stepped(sample, start, by, linear.change(units, by), self.radius, self.rule), left

    def _next(self, places: Places, points: Points, function: Function) -> tuple[Stepped, float]:
        """A Newton step in the same units; returns as `_first`."""
        linear, check = points.sample.linearised(function), points.check.linearised(function)
        found = solved(function.units, linear, check, -linear.residual[:, None], -check.residual[:, None])
        places.count_work()
        by = found.columns[:, 0]
        change = linear.change(function.units, by)
        taken = stepped(points.sample, function, by, change, self.radius, self.rule)
        return taken, found.left / points.size

    def _install(self, function: Function) -> None:
        """Make a function the network; units that are not used are zero."""
        weights, shifts, outer, constants, *coefficients = self.parameters
        count = function.units.count
        for tensor in (weights, shifts, outer):
            tensor.zero_()
        weights[:count], shifts[:count] = function.units.weights, function.units.shifts
        outer[:, :count] = function.outer[:, :-1]
        constants.copy_(function.outer[:, -1])
        for parameter, value in zip(coefficients, function.known.values(), strict=True):
            parameter.copy_(value)

    # -- state ---------------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """Return all that is needed to continue bit for bit, loadable with weights_only=True."""
        own = {
            "seed": self.seed,
            "answers": list(self.answers),
            "radius": self.radius,
            "first_radius": self.first_radius,
            "score": self.score,
            "steps": self.steps,
            "rejections": self.rejections,
            "loss": self.loss,
            "found": None if self.found is None else list(self.found),
            "left": dict(self.left),
            "info": self.info.as_json(),
            **{name: _saved(getattr(self, name)) for name in ("best", "here", "trial")},
        }
        return {**super().state_dict(), "features": own}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a saved state.

        Raises:
            InputError: The state is of another optimizer.
        """
        state = dict(state_dict)
        if "features" not in state:
            raise InputError("this state was not saved by features; resume with the method it was written by")
        own = placed(state.pop("features"), self.parameters[0].device)
        super().load_state_dict(state)
        self.seed, self.answers, self.radius = own["seed"], list(own["answers"]), own["radius"]
        self.first_radius, self.score, self.loss = own["first_radius"], own["score"], own["loss"]
        self.steps, self.rejections = own["steps"], own["rejections"]
        self.found = None if own["found"] is None else (own["found"][0], own["found"][1])
        self.left, self.info = dict(own["left"]), StepInfo.of(own["info"])
        self.best, self.here, self.trial = (_loaded(own[name]) for name in ("best", "here", "trial"))
        self._search = self._request = self._places = self._linear = None


def _saved(function: Function | None) -> list[Any] | None:
    if function is None:
        return None
    return [function.units.weights, function.units.shifts, function.outer, dict(function.known)]


def _loaded(saved: list[Any] | None) -> Function | None:
    return None if saved is None else Function(Units(saved[0], saved[1]), saved[2], saved[3])
