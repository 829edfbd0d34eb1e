"""Random features as an optimizer: each step solves one linear least-squares problem.

The network has one hidden layer, which is drawn and not trained.  A problem that is linear in its unknowns is
a linear least-squares problem in the outer layer, and one that is not is a sequence of such problems.  A step
is one of them: a trial of the search for the widths and the number of the units (`search.py`), linearised at
the best function so far, or a Gauss-Newton step within a radius (`newton.py`) in the units that are adopted.
Points are `OVER` times as many as columns, taken from those of the loss, and half as many fresh ones that
choose the rank and are what every comparison goes by.

Sources: Dong and Li, arXiv:2012.02895; weights by scales and where they matter, Calabro, Fabiani and Siettos,
arXiv:2012.05871, and Zhang et al., arXiv:2306.16863.  What differs: conditions are in the ansatz where that
is possible, derivatives are propagated, and everything is found from the residual.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.optim.optimizer import StateDict

from ...derivatives.activations import ACTIVATIONS, Sine
from ...errors import InputError
from ...networks.random_units import Units
from ...objectives.base import Objective
from ...objectives.flat import distinct
from ...objectives.least_squares import LeastSquares, jacobian_cost
from ...problems import Sites
from ..base import Closure, StepInfo, Undecorated
from ..radius import RadiusRule
from ..snapshot import placed
from .newton import Stepped, half_square, stepped
from .sample import Function, Linear, Sample, Solved, solved
from .search import Adoption, Search, Trial, search

OVER = 4  # rows for each column
CHECKED = 2  # and on the fresh points
STRAIGHT = 1.2  # residual over what the linear problem has left, up to which no further step is worth it
STEPS = 25  # in the same units, at most
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
        InputError: The parameters are of another network, or of less than double precision.
    """

    def __init__(self, params: Iterable[Tensor], radius: float = 2.0, rule: RadiusRule | None = None) -> None:
        if not (radius > 0 and math.isfinite(radius)):
            raise InputError(f"radius must be positive and finite, not {radius}")
        super().__init__(distinct(params), {"lr": 1.0})
        given = self.parameters
        if [p.dim() for p in given[:4]] != [2, 1, 2, 1] or any(p.dim() for p in given[4:]):
            raise InputError("features needs a network with one hidden layer: give network=(400,)")
        if given[0].dtype != torch.float64:
            raise InputError("features solves to rounding, which float32 makes useless: use dtype float64")
        self.radius, self.rule = float(radius), rule or RadiusRule()
        self.first_radius = self.radius
        self.seed = int(given[0].detach().cpu().view(torch.int64).sum()) % 2**62  # of the run: it drew them
        self.answers: list[float] = []
        self.best: Function | None = None  # the network
        self.score = math.inf  # its relative residual on fresh points
        self.here: Function | None = None  # where trials are linearised; None for the function of zeros
        self.trial: Function | None = None  # in which Newton's method goes on
        self.steps, self.rejections = 0, 0  # in these units, and of the latter in a row
        self.found: tuple[float, Tensor] | None = None  # best trial with so many units: residual, columns
        self.loss = math.nan
        self._search: Search | None = None
        self._request: Trial | Adoption | None = None
        self._whole: LeastSquares | None = None
        self._samples: tuple[int, Sample, Sample, float] | None = None
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
        self._samples = self._linear = self._whole = None

    # -- a step ------------------------------------------------------------------------------------

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Solve one linear problem.

        Args:
            closure: The loss of a problem on points.

        Returns:
            The loss of the network, the best one so far.
        """
        whole = closure.of_problem() if isinstance(closure, Objective) else None
        if whole is None:
            raise InputError("features needs the loss of a problem on its points, in one process")
        if self._whole is not whole:
            self._whole, self._samples, self._linear = whole, None, None
            self.loss = whole.evaluate().value
        before, request = self.loss, self._ask()
        if request is None:
            self.info = StepInfo(self.radius, None, False, None, None, before, True)
        elif isinstance(request, Trial):
            self._answer(self._tried(request))
            self.info = StepInfo(self.radius, None, False, None, None, before)
        else:
            self._adopt(request.trial, before)
        return torch.tensor(self.loss, dtype=torch.float64)

    def _ask(self) -> Trial | Adoption | None:
        """The next request of the search, which is repeated from its answers after a load."""
        if self._search is None:
            assert self._whole is not None
            self._search = search(len(self._groups), len(self.parameters[1]))
            try:
                self._request = next(self._search)
                for answer in self.answers:
                    self._request = self._search.send(answer)
            except StopIteration:
                self._request = None
        return self._request

    def _answer(self, value: float) -> None:
        self.answers.append(value)
        assert self._search is not None
        try:
            self._request = self._search.send(value)
        except StopIteration:
            self._request = None

    def _tried(self, trial: Trial) -> float:
        """Relative residual on fresh points, of the linear problem solved in units that are drawn."""
        if self.found is not None and len(self.found[1]) != self._height(trial.count):
            self.found = None
        found = self._solve(self._units(trial))
        left = found.left / self._prepared(trial.count)[2]
        if self.found is None or left < self.found[0]:
            self.found = left, found.columns
        return left

    def _solve(self, units: Units) -> Solved:
        sample, _, _ = self._prepared(units.count)
        linear, check = self._linearised()
        at_points, on_check = (torch.stack([p.own - p.residual, p.own], 1) for p in (linear, check))
        if self.here is None:
            at_points, on_check = at_points[:, :1], on_check[:, :1]
        self._count(sample)
        return solved(units, linear, check, at_points, on_check)

    # -- units that become the network ---------------------------------------------------------------

    def _adopt(self, trial: Trial, before: float) -> None:
        """Take the solution in the best units, or a Newton step in them."""
        sample, check, size = self._prepared(trial.count)
        taken, expected = self._first(trial) if self.trial is None else self._next(self.trial)
        left = math.sqrt(2 * half_square(check.residual(taken.function))) / size
        if left < self.score:
            self.best, self.score = taken.function, left
            self._install(taken.function)
        self.radius = taken.radius
        self.info = StepInfo(taken.radius, taken.rho, taken.accepted, taken.predicted, taken.length, before)
        self.steps += 1
        self.rejections = 0 if taken.accepted else self.rejections + 1
        slow = taken.accepted and self.steps > 1 and taken.value > FLAT * (taken.value + taken.gain)
        solved_for = taken.accepted and left <= STRAIGHT * expected / size
        if not (solved_for or slow or self.steps >= STEPS or self.rejections >= REJECTED):
            self.trial = taken.function
            return
        if self.steps > 1 or not solved_for:  # the equation is not linear
            self.here, self._linear = self.best, None
        self.trial, self.found = None, None
        self.steps, self.rejections, self.radius = 0, 0, self.first_radius
        self._answer(min(left, 1e300))

    def _first(self, trial: Trial) -> tuple[Stepped, float]:
        """The solution w of the problem linearised at u, or a step from what is nearest to u towards it.

        Returns:
            The step, and |F| on the fresh points as the linear problem has it.
        """
        sample, check, size = self._prepared(trial.count)
        linear, _ = self._linearised()
        assert self.found is not None
        units, (left, columns) = self._units(trial), self.found
        known = self._zero().known if self.here is None else self.here.known
        m = sample.terms[0].unknowns
        zero = Function(units, columns.new_zeros(m, units.count + 1), known)
        whole = zero.moved(columns[:, 0], sample.trained)
        value = half_square(sample.residual(whole))
        before = half_square(linear.residual)
        if math.sqrt(2 * half_square(check.residual(whole))) <= STRAIGHT * left * size:
            length = sample.length(units, columns[:, 0])
            return Stepped(whole, True, 1.0, before - value, length, self.radius, value, before - value), left * size
        start = zero if columns.shape[1] == 1 else zero.moved(columns[:, 1], sample.trained)
        by = columns[:, 0] if columns.shape[1] == 1 else columns[:, 0] - columns[:, 1]
        return stepped(sample, start, by, linear.change(units, by), self.radius, self.rule), left * size

    def _next(self, function: Function) -> tuple[Stepped, float]:
        """A Newton step in the same units; returns as `_first`."""
        sample, check, _ = self._prepared(function.units.count)
        linear, other = sample.linearised(function), check.linearised(function)
        targets = -linear.residual[:, None], -other.residual[:, None]
        found = solved(function.units, linear, other, *targets)
        self._count(sample)
        by = found.columns[:, 0]
        change = linear.change(function.units, by)
        return stepped(sample, function, by, change, self.radius, self.rule), found.left

    def _install(self, function: Function) -> None:
        """Make a function the network; units that are not used are zero."""
        weights, shifts, outer, constants, *coefficients = self.parameters
        count = function.units.count
        for tensor, part in (
            (weights, function.units.weights), (shifts, function.units.shifts),
        ):  # fmt: skip
            tensor.zero_()
            tensor[:count] = part
        outer.zero_()
        outer[:, :count] = function.outer[:, :-1]
        constants.copy_(function.outer[:, -1])
        for parameter, value in zip(coefficients, function.known.values(), strict=True):
            parameter.copy_(value)
        assert self._whole is not None
        self.loss = self._whole.evaluate().value

    # -- points and units ----------------------------------------------------------------------------

    @property
    def _groups(self) -> list[list[int]]:
        """Positions of the network's inputs that share a width: those of the same coordinates."""
        assert self._whole is not None
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, feature in enumerate(self._whole.model.problem.ansatz.network_inputs):
            groups.setdefault(feature.coordinates, []).append(i)
        return [*groups.values()]

    def _units(self, trial: Trial) -> Units:
        """Units of a trial; those of all trials with as many units differ in the widths alone."""
        inputs = self.parameters[0].shape[1]
        sizes = [0.0] * inputs
        for group, width in zip(self._groups, trial.widths, strict=True):
            for i in group:
                sizes[i] = width / math.sqrt(inputs)
        generator = Generator().manual_seed(self.seed + trial.count)
        drawn = Units.draw(trial.count, sizes, self._function() is Sine, generator)
        return Units(drawn.weights.to(self.parameters[0]), drawn.shifts.to(self.parameters[0]))

    def _function(self) -> type[nn.Module]:
        assert self._whole is not None
        return type(list(self._whole.model.network.children())[1])

    def _zero(self) -> Function:
        """The network of zeros, with the coefficients as they are at the start."""
        assert self._whole is not None
        model = self._whole.model
        like = self.parameters[0]
        units = Units(like.new_zeros(1, like.shape[1]), like.new_zeros(1))
        initial = {name: v.to(like) for name, v in model.problem.initial_parameters.items()}
        return Function(units, like.new_zeros(len(model.problem.unknown_names), 2), initial)

    def _prepared(self, count: int) -> tuple[Sample, Sample, float]:
        """Points for so many units, fresh ones, and |F(0)| there."""
        if self._samples is None or self._samples[0] != count:
            assert self._whole is not None
            whole, model = self._whole, self._whole.model
            generator = Generator().manual_seed(self.seed + count + 1)
            columns = len(model.problem.unknown_names) * (count + 1)
            equation = -(-columns // model.problem.equation_term.rows)
            wanted = {
                t.name: equation if t.name == "equation" else max(count, 64) for t in model.problem.terms
            }
            sites = {name: _some(s, OVER * wanted[name], generator) for name, s in whole.sites.items()}
            others = {
                t.name: _some(t.sites(CHECKED * wanted[t.name], generator, "uniform"), CHECKED * wanted[t.name], generator)
                for t in model.problem.terms
            }
            slope = ACTIVATIONS[self._function()]
            trained = list(model.coefficients)
            sample = Sample(model, sites, slope, trained)
            check = Sample(model, others, slope, trained, sample.weights)
            size = math.sqrt(2 * half_square(check.residual(self._zero())))
            self._samples, self._linear = (count, sample, check, size if size > 0 else 1.0), None
        return self._samples[1:]

    def _linearised(self) -> tuple[Linear, Linear]:
        """The problem linearised where trials are, at the points and at the fresh ones."""
        if self._linear is None:
            assert self._samples is not None
            at = self.here or self._zero()
            self._linear = self._samples[1].linearised(at), self._samples[2].linearised(at)
        return self._linear

    def _height(self, count: int) -> int:
        """Number of columns of so many units."""
        assert self._whole is not None
        model = self._whole.model
        return len(model.problem.unknown_names) * (count + 1) + len(model.coefficients)

    def _count(self, sample: Sample) -> None:
        """Count the work of a linear problem as that of its Jacobian."""
        assert self._whole is not None
        points = sum(len(s.points) for s in self._whole.sites.values())
        rows = sum(len(w) for w in sample.weights.values()) / len(sample.weights)
        self._whole.counters.gradients += sample.points / points * jacobian_cost(rows, 1.0)

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
        self.info = StepInfo.of(own["info"])
        self.best, self.here, self.trial = (_loaded(own[name]) for name in ("best", "here", "trial"))
        self._search = self._request = self._whole = self._samples = self._linear = None


def _some(sites: Sites, most: int, generator: Generator) -> Sites:
    """At most so many of the sites, in the order of a permutation."""
    count = len(sites.points) // sites.fold
    return sites if count <= most else sites.of(torch.randperm(count, generator=generator)[:most])


def _saved(function: Function | None) -> list[Any] | None:
    if function is None:
        return None
    return [function.units.weights, function.units.shifts, function.outer, dict(function.known)]


def _loaded(saved: list[Any] | None) -> Function | None:
    return None if saved is None else Function(Units(saved[0], saved[1]), saved[2], saved[3])
