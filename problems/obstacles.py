r"""Obstacles: inequality constraints on an unknown, and the complementarity that takes the equation's place.

For an obstacle psi below u, with the equation written so that r(u) = -k u_xx - f + ... (r is the force with
which the obstacle pushes u up),

    u >= psi,   r >= 0,   (u - psi) r = 0,

which is min(r, c (u - psi)) = 0 for any c > 0; an obstacle phi above u gives max(r, c (u - phi)) = 0, and
both together max(min(r, c (u - psi)), c (u - phi)) = 0.  The derivative of the minimum is that of the smaller
one, so that a Gauss-Newton step is one of the primal-dual active set method (Hintermueller, Ito and Kunisch,
SIAM J. Optim. 13, 2002; for the problem itself: Kinderlehrer and Stampacchia, An Introduction to Variational
Inequalities, 1980).

The sign of the user's row follows from its coefficients of second derivatives in space.  c makes both
arguments of one size, that of the second derivatives of a function that varies over a tenth of the domain:
with a larger c a step may not leave the obstacle, with a smaller one a function through it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..errors import InputError
from .conditions.base import Value, is_finite, space_names, time_names, value_at
from .fields import Field, parameter_names
from .wellposed.linearised import linearise, states

if TYPE_CHECKING:
    from .description import Description

LENGTH = 0.1  # of each extent, over which a function varies whose second derivatives set c
POINTS = 256  # at which signs and data are looked at
SLACK = 1e-9  # of their size, by which data may pass an obstacle
SECOND = 2


@dataclass(frozen=True)
class Obstacle:
    """An unknown that cannot pass a given function: where it touches that, the equation is an inequality.

    Args:
        unknown: Name of the unknown.
        above: What it stays above of, u >= above: a number, or a function of the coordinates.
        below: What it stays below of, u <= below.

    Raises:
        InputError: There is no bound, or one is neither a finite number nor a function.
    """

    unknown: str
    above: Value | None = None
    below: Value | None = None

    def __post_init__(self) -> None:
        if self.above is None and self.below is None:
            raise InputError(
                f"Obstacle({self.unknown!r}): give above= for u >= above, or below= for u <= below, or both"
            )
        for name, value in (("above", self.above), ("below", self.below)):
            if value is not None and not callable(value) and not is_finite(value):
                raise InputError(
                    f"Obstacle({self.unknown!r}): {name} must be a finite number or a function of the "
                    f"coordinates, not {value!r}"
                )

    @property
    def words(self) -> str:
        """The inequality in words, such as "u >= 0.2"."""
        return " and ".join(
            f"{self.unknown} {sign} {'a function' if callable(value) else f'{value:g}'}"
            for sign, value in ((">=", self.above), ("<=", self.below))
            if value is not None
        )

    def asks_for(self) -> tuple[str, ...]:
        """Names that the bounds ask for: coordinates, coefficients and materials."""
        what = f"Obstacle({self.unknown!r})"
        return tuple(n for v in (self.above, self.below) if callable(v) for n in parameter_names(v, what))

    def bounds(
        self, points: Tensor, names: tuple[str, ...], known: Mapping[str, Tensor]
    ) -> tuple[Tensor | None, Tensor | None]:
        """Values [N] of both bounds at points [N, dim]; None for one that is not given."""
        what = f"Obstacle({self.unknown!r})"
        given = {name: value for name, value in known.items() if name in self.asks_for()}
        low, high = (
            None if v is None else value_at(v, points, names, what, given) for v in (self.above, self.below)
        )
        return low, high


@dataclass(frozen=True)
class Complementarity:
    """The rows of a problem with an obstacle.

    Attributes:
        obstacle: The obstacle.
        sign: Of the user's row, times which it is the force that pushes u up.
        rate: c, force for a unit of u.
    """

    obstacle: Obstacle
    sign: float
    rate: float

    @classmethod
    def of(cls, problem: Description, free: Description) -> Complementarity:
        """The complementarity of a problem with one obstacle.

        Args:
            problem: The problem.
            free: It without the obstacle.

        Raises:
            InputError: There is no such form of this problem, or data and bounds contradict each other.
        """
        (obstacle,) = problem.obstacles
        sign, rate = _principal(free, f"Obstacle({obstacle.unknown!r})")
        found = cls(obstacle, sign, rate)
        found.check(free)
        return found

    def row(
        self, row: Tensor, arguments: Mapping[str, object], points: Tensor, names: tuple[str, ...]
    ) -> Tensor:
        """Residual [N] in place of the user's row [N]."""
        u = arguments[self.obstacle.unknown]
        value = u.value if isinstance(u, Field) else u
        assert isinstance(value, Tensor)
        known = {n: v for n, v in arguments.items() if isinstance(v, Tensor) and n not in names}
        low, high = self.obstacle.bounds(points, names, known)
        force = self.sign * row
        if low is not None:
            force = torch.minimum(force, self.rate * (value - low))
        if high is not None:
            force = torch.maximum(force, self.rate * (value - high))
        return force

    def check(self, free: Description) -> None:
        """Refuse bounds that cross, and prescribed values beyond them.

        Raises:
            InputError: There is such a place.
        """
        generator = Generator().manual_seed(37)
        inside = free.domain.interior(POINTS, generator)
        low, high = self.obstacle.bounds(inside, free.domain.names, free.initial_coefficients)
        if low is not None and high is not None:
            self._refuse(free, inside, low, high, "above is {0:.4g} and below is {1:.4g}")
        for condition, term in zip(free.conditions, free.condition_terms, strict=True):
            given = condition.prescribed()
            if given is None or given.value is None or given.unknown != self.obstacle.unknown:
                continue
            at = term.sites(POINTS, generator, "uniform").first
            value = value_at(given.value, at, free.domain.names, term.name, {})
            low, high = self.obstacle.bounds(at, free.domain.names, free.initial_coefficients)
            if low is not None:
                self._refuse(
                    free, at, low, value, f"above is {{0:.4g}}, and {term.name} prescribes {{1:.4g}}"
                )
            if high is not None:
                self._refuse(
                    free, at, value, high, f"below is {{1:.4g}}, and {term.name} prescribes {{0:.4g}}"
                )

    def _refuse(self, free: Description, at: Tensor, less: Tensor, more: Tensor, said: str) -> None:
        size = float(torch.maximum(less.abs(), more.abs()).max())
        over = less - more
        if float(over.max()) <= SLACK * size:
            return
        worst = int(over.argmax())
        where = ", ".join(f"{n}={v:.4g}" for n, v in zip(free.domain.names, at[worst].tolist(), strict=True))
        told = said.format(float(less[worst]), float(more[worst]))
        raise InputError(f"Obstacle({self.obstacle.unknown!r}): at {where} {told}: nothing satisfies both")


def check_obstacles(problem: Description) -> None:
    """Refuse obstacles of problems that have no form with them.

    Raises:
        InputError: The obstacle is none, or the problem is not one equation of one unknown.
    """
    if not problem.obstacles:
        return
    for one in problem.obstacles:
        if not isinstance(one, Obstacle):
            raise InputError(
                f"obstacles: {one!r} is none; write Obstacle({problem.unknown_names[0]!r}, above=...)"
            )
        if one.unknown not in problem.unknown_names:
            raise InputError(
                f"Obstacle({one.unknown!r}): there is no unknown {one.unknown!r} among "
                f"{', '.join(problem.unknown_names)}"
            )
    what = f"Obstacle({problem.obstacles[0].unknown!r})"
    if len(problem.obstacles) > 1:
        raise InputError(
            f"{what}: {len(problem.obstacles)} obstacles are given; take one with above= and below="
        )
    for wrong, reason in (
        (len(problem.unknown_names) > 1, "is for one unknown with one equation, not for a system"),
        (bool(problem.integrals), "is for equations without integrals"),
        (bool(problem.sources), "is for equations without point sources, beside which u is infinite"),
        (problem.eigenvalue is not None, "is not for eigenvalue problems"),
    ):
        if wrong:
            raise InputError(
                f"{what} {reason}; a penalty in the equation, such as + 1e4 * torch.relu(psi - u), goes "
                "everywhere"
            )


def _principal(free: Description, what: str) -> tuple[float, float]:
    """Sign of the row with which it pushes u up, and the size of its second derivatives."""
    domain, term = free.domain, free.equation_term
    if term.rows != 1 or free.companions.fold > 1:
        raise InputError(f"{what} is for one equation at its own points, not {term.rows} or values elsewhere")
    times = {domain.names.index(name) for name in time_names(domain)}
    axes = [domain.names.index(name) for name in space_names(domain)]
    needs = term.needs[free.unknown_names[0]]
    if any(len(index) > SECOND or (len(index) == SECOND and set(index) & times) for index in needs):
        raise InputError(
            f"{what} is for equations of second order in space and at most first order in time; this one has "
            "others, for which a penalty in the equation, such as + 1e4 * torch.relu(psi - u), is left"
        )
    sites = free.at(domain.interior(POINTS, Generator().manual_seed(41)))
    extent = (domain.bounds[1] - domain.bounds[0]).double()
    total: Sequence[Tensor] = []
    for state in states():
        found = linearise(free, term, sites, state).local
        pure = [
            found.slopes[0, k] / (LENGTH * extent[index[0]]) ** SECOND
            for k, (_, index) in enumerate(found.channels)
            if len(index) == SECOND and index[0] == index[1] and index[0] in axes
        ]
        total = [*total, *pure]
    values = torch.stack([*total]) if total else torch.zeros(1, 1)
    up, down = bool((values >= 0).all()), bool((values <= 0).all())
    if up == down:
        raise InputError(
            f"{what}: it does not follow from the second derivatives in which direction the equation pushes "
            f"{free.unknown_names[0]} (they are missing, or of both signs); write it as "
            "-u.xx - ... with coefficients of one sign"
        )
    sums = values.abs().view(len(states()), -1, values.shape[1]).sum(1)
    return (-1.0 if up else 1.0), float(sums.mean())
