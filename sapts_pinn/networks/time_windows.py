"""Windows in time: one network after the other, each continuing the one before.

The interval of time is cut into windows, equal ones unless told otherwise.  In each the problem is the same,
but for its start: in place of the initial conditions the unknowns, and their velocity where the equation is
of second order in time, are those with which the window before ended.  Each network has a short time to
learn, and all of its points there: what one network over the whole time cannot follow (chaotic systems, waves
that travel far) becomes a few easy problems.  Source: Wight and Zhao, arXiv:2007.04542; continuity as
weighted terms, Penwarden et al., arXiv:2302.14227.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import mul
from typing import cast

import torch
from torch import Generator, Tensor, nn

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from ..geometry import Domain, Time
from ..problems import Condition, Initial, Problem, Sites
from ..problems.conditions.base import Fields, Known
from ..problems.wellposed.findings import IllPosed
from .by_value import ByValue
from .model import Location, Model

WEIGHT = 100.0  # of the continuity between windows


class WindowedModel(ByValue, nn.Module):
    """Model of a problem over the whole time, made of the models of its windows.

    Args:
        problem: The problem over the whole time.
        models: Of the windows, in order.
        edges: Where they meet.
    """

    def __init__(self, problem: Problem, models: Sequence[Model], edges: Sequence[float]) -> None:
        super().__init__()
        self.problem = problem
        self.models = nn.ModuleList(models)
        self.edges = tuple(edges)
        self._axis = problem.domain.names.index(time_of(problem).names[0])

    @property
    def windows(self) -> list[Model]:
        """Models of the windows, in order."""
        return [cast("Model", model) for model in self.models]

    def values(self) -> dict[str, float]:
        """Empty, as windows have no coefficients."""
        return {}

    def at(self, points: Tensor) -> Iterator[tuple[Model, Tensor]]:
        """Yield the models, each with the positions of those points [N, dim] that lie in its window."""
        window = torch.bucketize(points[:, self._axis].contiguous(), points.new_tensor(self.edges))
        for number, model in enumerate(self.windows):
            chosen = (window == number).nonzero().flatten()
            if len(chosen):
                yield model, chosen

    def forward(self, points: Tensor) -> Tensor:
        """Values of the unknowns [N, m] at points [N, dim], differentiable in the points.

        All windows are evaluated and one is chosen at each point, which `torch.export` and `torch.jit.trace`
        record for any points.
        """
        time, axis = points[:, self._axis], torch.arange(points.shape[1], device=points.device) == self._axis
        out = points
        for number, model in enumerate(self.windows):
            # A window sees no times of others, where it could overflow.
            own = time.clamp(*self._ends(number)) if len(self.models) > 1 else time
            values = model(torch.where(axis, own.unsqueeze(1), points)).to(points)
            out = (
                values if number == 0 else torch.where((time > self.edges[number - 1])[:, None], values, out)
            )
        return out

    def _ends(self, number: int) -> tuple[float | None, float | None]:
        """Ends of a window; None where it is the first or the last."""
        last = number == len(self.edges)
        return None if number == 0 else self.edges[number - 1], None if last else self.edges[number]


def spread(model: Model | WindowedModel, points: Tensor) -> Iterator[tuple[Model, Tensor]]:
    """Yield the models responsible for points [N, dim], each with the positions of its points."""
    return (
        model.at(points) if isinstance(model, WindowedModel) else iter([(model, torch.arange(len(points)))])
    )


def time_of(problem: Problem) -> Time:
    """Return the time axis of a problem.

    Raises:
        InputError: It has none.
    """
    for factor in problem.domain.factors():
        if isinstance(factor, Time):
            return factor
    raise InputError(f"windows need a time, and {problem.domain!r} has none; drop windows")


def check(problem: Problem, windows: int) -> None:
    """Check that a problem can be divided into windows.

    Raises:
        InputError: The number is not positive, or the problem has no time, unknowns that windows would share,
            or conditions that tie times of several windows together.
    """
    if not isinstance(windows, int) or windows < 1:
        raise InputError(f"windows must be a positive number, not {windows!r}")
    time = time_of(problem)
    for condition in problem.conditions:
        given = condition.prescribed()
        starts = given is not None and given.start
        held = [face for face in time.faces if not starts and face in condition.faces(problem.domain)]
        if held:
            raise InputError(
                f"{type(condition).__name__} holds on {' and '.join(held)}, but windows={windows} are solved "
                "one after another, each from the end of the one before: drop windows"
            )
    together = any(condition.spans_time(problem.domain) for condition in problem.conditions)
    if together or problem.companions.in_time:
        raise InputError(
            f"{problem.name} has integrals over time or values at other times, and windows={windows} are "
            "solved one after another: drop windows"
        )
    if any(term.fixed is not None for term in problem.terms) or problem.coefficients:
        raise InputError(
            f"{problem.name} has coefficients or observations, which all times share: drop windows={windows}"
        )


def edges(problem: Problem, windows: int) -> list[float]:
    """Times at which the windows meet, windows - 1 of them; evenly in the logarithm where that counts."""
    at = torch.arange(1, windows, dtype=torch.float64) / windows
    found: list[float] = time_of(problem).from_unit(at).tolist()
    return found


def window(problem: Problem, meet: Sequence[float], number: int, before: Model | None) -> Problem:
    """Make the problem of a window.

    Args:
        problem: The problem over the whole time.
        meet: Times at which the windows meet, such as `edges`.
        number: Which one, from 0.
        before: The model of the window before; None for the first.
    """
    whole = time_of(problem)
    if problem.sources:
        raise InputError("windows would start every source anew; leave windows out, or smooth the sources")
    lower, upper = whole.bounds[:, 0].tolist()
    ends = [lower, *meet, upper]
    time = whole.part(ends[number], ends[number + 1])
    factors: list[Domain] = [time if f is whole else f for f in problem.domain.factors()]
    conditions = list(problem.conditions)
    if before is not None:
        starts = [p for c in conditions if (p := c.prescribed()) is not None and p.start]
        conditions = [c for c in conditions if (p := c.prescribed()) is None or not p.start]
        for unknown in dict.fromkeys(p.unknown for p in starts):
            orders = [0] if any(p.unknown == unknown and p.value is not None for p in starts) else []
            orders += [1] if any(p.unknown == unknown and p.rate is not None for p in starts) else []
            conditions += _continued(
                problem, [Continuation(unknown, order, before) for order in orders], ends[number]
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IllPosed)  # said of the whole
        return replace(
            problem, domain=reduce(mul, factors), conditions=tuple(conditions), reference=None, quantities={}
        )


def joined(
    problem: Problem,
    meet: Sequence[float],
    model_of: Callable[[Problem], Model],
    trained: Sequence[Model] = (),
) -> WindowedModel:
    """Make the model of all windows that meet at given times, of which the first may be trained already."""
    models = list(trained)
    for number in range(len(models), len(meet) + 1):
        models.append(model_of(window(problem, meet, number, models[-1] if models else None)))
    return WindowedModel(problem, models, meet)


@dataclass(frozen=True)
class Continuation(Condition):
    """Initial condition of a window: continuity of an unknown, or its velocity, with the window before.

    Args:
        unknown: Name of the unknown.
        order: 0 for the values, 1 for the velocity.
        before: The model of the window before.
        weight: Weight of the term.
    """

    unknown: str
    order: int
    before: Model = field(repr=False)
    hard: bool | None = None
    weight: float | None = WEIGHT

    def unknowns(self) -> tuple[str, ...]:
        """Names of the unknowns of the condition, a single one."""
        return (self.unknown,)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """Face at the start of time."""
        return (_time(domain).faces[0],)

    def _index(self, domain: Domain) -> MultiIndex:
        return (domain.names.index(_time(domain).names[0]),) * self.order

    def values(self, points: Tensor) -> Tensor:
        """Values of the window before at points [N, dim], [N]."""
        index = self._index(self.before.problem.domain)
        with torch.no_grad():
            location = Location(self.before, points, {self.unknown: (index,)})
            found = location.fields(location.network_jet())[self.unknown]
            return found.d(*(self.before.problem.domain.names[i] for i in index)).value.to(points)

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Draw points of the start of time, with the values there."""
        drawn = domain.boundary(n, generator, on=self.faces(domain), sampler=sampler)
        return Sites(drawn.points, drawn.normals, self.values(drawn.points))

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """Difference between both windows."""
        found = fields[self.unknown].d(*(domain.names[i] for i in self._index(domain))).value
        return (found - (self.values(sites.points) if sites.values is None else sites.values),)

    def asks_for(self) -> tuple[str, ...]:
        """Names that given functions ask for: none, as there are no such functions."""
        return ()

    def describe(self, domain: Domain) -> str:
        """Name of the condition, such as `continuation of u`."""
        return f"continuation of {'' if self.order == 0 else 'the velocity of '}{self.unknown}"


def _continued(problem: Problem, starts: Sequence[Continuation], at: float) -> Sequence[Condition]:
    """Exact initial conditions for an ordinary differential equation; elsewhere the continuations."""
    if problem.domain.dim > 1:
        return starts
    point = torch.tensor([[at]], dtype=torch.float64)
    known = {("value", "velocity")[s.order]: float(s.values(point)) for s in starts}
    return [Initial(starts[0].unknown, known.get("value"), velocity=known.get("velocity"))]


def _time(domain: Domain) -> Time:
    return next(f for f in domain.factors() if isinstance(f, Time))
