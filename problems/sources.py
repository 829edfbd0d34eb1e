"""Sources at points and on lines: the singular part of the solution is known, the network adds the rest.

    Problem(Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy, [Dirichlet("u", 0.0)],
            sources=[PointSource(at=(0.3, 0.4), strength=1.0)])

A source of strength s is what flows out of it: -k du/dn over a small circle around it adds up to s, k being
the size of the coefficient of the second derivatives as the equation is written.  So s > 0 raises u, whatever
the sign of the equation: both u_xx + u_yy = 0 and -u_xx - u_yy = 0 become -(u_xx + u_yy) = s delta.

Let A be the second derivatives' coefficients at the source.  u is the fundamental solution of -div(A grad)
(or of c d/dt - div(A grad), from rest at the start) plus a remainder.  Where other terms and varying
coefficients leave a residual of the order 1/r beside the source, the remainder has terms in x log r and
r^2 log r, which become inputs of the network.  A residual of the principal part's own order is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from ..geometry import Domain
from .ansatz.potentials import TINY, from_rest, of_segment, steady
from .ansatz.singular import Singularity
from .conditions.base import Feature, is_finite, space_names, time_names
from .fields import Field, derivatives, spell

if TYPE_CHECKING:
    from .description import Description

SAME = 1e-9  # coefficients that differ by less, relatively, are equal
NEAR = (1e-3, 1e-5)  # of the extent: circles on which the remainder is examined
SLOWER = 0.3  # by at least this factor its share of the principal part falls from one to the other
ROUND = 64  # points of a circle
SMOOTH = "smooth the source and write it into the equation"
NOTHING = 1e-6  # a share of the principal part below this is rounding

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Principal:
    """The principal part of an equation at a source.

    Attributes:
        axes: Positions of the coordinates across the source.
        root: [m, m], L with A = L L^T, the coefficients of the second derivatives, made positive.
        rate: Coefficient of the time derivative, of the same sign; 0 in a steady equation.
        time: Position and start of time.
    """

    axes: tuple[int, ...]
    root: Tensor
    rate: float
    time: tuple[int, float]

    @property
    def density(self) -> float:
        """The root of det A."""
        return float(self.root.diagonal().prod())

    def straight(self, points: Tensor, at: Tensor) -> Tensor:
        """Coordinates [N, m] in which A is the identity, with the source at zero."""
        away = points[:, list(self.axes)] - at.to(points)
        y: Tensor = torch.linalg.solve_triangular(self.root.to(points), away.T, upper=False).T
        return y


@dataclass(frozen=True)
class Source(ABC):
    """A source whose part of the solution is known."""

    @abstractmethod
    def place(self, domain: Domain) -> tuple[tuple[str, ...], Tensor]:
        """Coordinates across the source, and points [n, m] of it there."""

    @abstractmethod
    def part(self, at: Tensor, principal: Principal) -> Function:
        """Its part of the solution, from points [N, dim]."""

    @abstractmethod
    def describe(self, domain: Domain) -> str:
        """Strength and place in words."""

    def _check(self, strength: object) -> None:
        if not is_finite(strength):
            raise InputError(
                f"{type(self).__name__}: strength must be a finite number, not {strength!r}; a source that "
                "varies can be written into the equation if it is smooth"
            )


@dataclass(frozen=True)
class PointSource(Source):
    """A source at a point, or on a line or plane parallel to the coordinates that are not named.

    Args:
        at: The point, a number for each coordinate of space, in order; or numbers by name:
            {"x": 0.3, "y": 0.4} in three dimensions is a line along z, with its strength for each unit of
            length.
        strength: What flows out of it, -k du/dn over a small circle, with k the size of the coefficient of
            the second derivatives as the equation is written.  In time it flows from the start on.

    Raises:
        InputError: A number is not finite.
    """

    at: Sequence[float] | Mapping[str, float]
    strength: float = 1.0

    def __post_init__(self) -> None:
        self._check(self.strength)
        values = self.at.values() if isinstance(self.at, Mapping) else self.at
        if isinstance(self.at, str) or not all(is_finite(value) for value in values):
            raise InputError(
                f"PointSource: at must be finite coordinates such as (0.3, 0.4), not {self.at!r}"
            )

    def place(self, domain: Domain) -> tuple[tuple[str, ...], Tensor]:
        """Coordinates across the source, and its place there, [1, m]."""
        space = space_names(domain)
        fits = isinstance(self.at, Mapping) or len(self.at) == len(space)
        given = self.at if isinstance(self.at, Mapping) else dict(zip(space, self.at, strict=False))
        if set(given) - set(space) or not 1 <= len(given) <= 3 or not fits:
            raise InputError(
                f"PointSource: at={self.at!r} does not fit the coordinates {', '.join(space)}; give a number "
                "for each, or up to three by name"
            )
        names = tuple(name for name in space if name in given)
        return names, torch.tensor([[float(given[name]) for name in names]], dtype=torch.float64)

    def part(self, at: Tensor, principal: Principal) -> Function:
        """The fundamental solution, times the strength."""
        factor = self.strength / principal.density
        if not principal.rate:
            return lambda points: factor * steady(principal.straight(points, at[0]))
        axis, start = principal.time
        # c u_t = div(A grad u): in the time t / c the coefficient of u_t is one.
        return lambda points: (
            factor * from_rest(principal.straight(points, at[0]), (points[:, axis] - start) / principal.rate)
        )

    def describe(self, domain: Domain) -> str:
        """Strength and place in words."""
        names, at = self.place(domain)
        where = ", ".join(f"{name}={value:g}" for name, value in zip(names, at[0].tolist(), strict=True))
        return f"{self.strength:g} at {where}"


@dataclass(frozen=True)
class LineSource(Source):
    """A source on a segment of the plane, in a steady equation.

    Args:
        start: One end, (x, y).
        end: The other.
        strength: What flows out of each unit of its length, as that of a `PointSource`.

    Raises:
        InputError: The ends coincide, or a number is not finite.
    """

    start: Sequence[float]
    end: Sequence[float]
    strength: float = 1.0

    def __post_init__(self) -> None:
        self._check(self.strength)
        ends = (tuple(self.start), tuple(self.end))
        if any(len(e) != 2 or not all(map(is_finite, e)) for e in ends) or ends[0] == ends[1]:
            raise InputError(
                f"LineSource: needs two different ends (x, y), not {self.start!r} and {self.end!r}; a line "
                'along z is PointSource(at={"x": ..., "y": ...})'
            )

    def place(self, domain: Domain) -> tuple[tuple[str, ...], Tensor]:
        """Both coordinates of the plane, and points of the segment, its ends first, [n, 2]."""
        space = space_names(domain)
        if len(space) != 2 or time_names(domain):
            raise InputError(f"LineSource: {domain!r} is no plane without time, for which its field is known")
        ends = torch.tensor([tuple(self.start), tuple(self.end)], dtype=torch.float64)
        share = torch.linspace(0, 1, ROUND, dtype=torch.float64)[:, None]
        return space, torch.cat([ends, (1 - share) * ends[0] + share * ends[1]])

    def part(self, at: Tensor, principal: Principal) -> Function:
        """The integral of the fundamental solution along the segment."""
        start, end = torch.linalg.solve_triangular(principal.root, at[:2].T, upper=False).T
        longer = float((at[1] - at[0]).norm() / (end - start).norm())  # as coordinates are stretched
        factor = self.strength * longer / principal.density
        zero = torch.zeros_like(at[0])
        return lambda points: (
            factor * of_segment(principal.straight(points, zero), start.to(points), end.to(points))
        )

    def describe(self, domain: Domain) -> str:
        """Strength and place in words."""
        ends = [f"({a:g}, {b:g})" for a, b in (self.start, self.end)]
        return f"{self.strength:g} for each length from {ends[0]} to {ends[1]}"


@dataclass(frozen=True)
class Known:
    """Known part of the solution, and inputs of the network, that a source brings.

    Attributes:
        part: Its known part.
        features: Inputs of the network by which it follows the remainder.
    """

    part: Singularity
    features: tuple[Feature, ...]


def known_of(problem: Description, source: Source) -> Known:
    """The known part that a source makes, and the inputs for what other terms of the equation make of it.

    Raises:
        InputError: The source lies outside, or the fundamental solution is not known.
    """
    domain = problem.domain
    names, at = source.place(domain)
    axes = tuple(domain.names.index(name) for name in names)
    what = f"the source {source.describe(domain)}"
    if len(problem.functions) != 1 or problem.equation_term.rows != 1 or problem.functions[0].positive:
        raise InputError(f"{what}: its field is known for one equation of one unknown of either sign only")
    inside = _around(domain, axes, at, 0.0)
    if not (domain.distance(inside) < 0).any():
        raise InputError(f"{what} does not lie inside {domain!r}; move it, or write a condition on its face")
    if any(c.circle() in names for c in problem.conditions):
        raise InputError(f"{what}: its field is not periodic; {SMOOTH}")
    principal = _principal(problem, axes, at, what)
    function = source.part(at, principal)
    order = _examine(problem, function, axes, at, what)
    note = f"{what}: its field is known in closed form and built in"
    features: tuple[Feature, ...] = ()
    if order and len(at) == 1 and len(axes) > 1:
        features = _features(domain, axes, at[0], principal)
        note += "; what other terms make of it is left to inputs x log r and r^2 log r of the network"
    elif order:
        note += "; what other terms make of it is not, so that the solution converges slowly beside it"
    return Known(Singularity(function, note), features)


def _around(domain: Domain, axes: Sequence[int], at: Tensor, radius: float) -> Tensor:
    """Points [n, dim] on circles around a source; the other coordinates are drawn."""
    generator = Generator().manual_seed(29)
    points = domain.interior(max(ROUND, len(at)), generator)
    direction = torch.randn(len(points), len(axes), generator=generator, dtype=torch.float64)
    extent = float((domain.bounds[1] - domain.bounds[0])[list(axes)].max())
    direction = radius * extent * direction / direction.norm(dim=1, keepdim=True)
    points[:, list(axes)] = at[torch.arange(len(points)) % len(at)] + direction
    return points


def _slopes(problem: Description, points: Tensor, seed: int) -> tuple[dict[MultiIndex, Tensor], Tensor]:
    """Derivatives of the residual by the unknown's derivatives at a random state, and the residual."""
    name = problem.unknown_names[0]
    generator = Generator().manual_seed(seed)
    values = {
        index: (torch.rand(len(points), generator=generator, dtype=torch.float64) + 0.5).requires_grad_()
        for index in problem.equation_term.needs[name]
    }
    known = {n: v * (1 + 0.01 * seed) for n, v in problem.initial_coefficients.items()}
    with torch.enable_grad():
        row = problem.evaluate({name: Field(name, problem.domain.names, values.__getitem__)}, points, known)[
            0
        ]
    found = torch.autograd.grad(row.sum(), list(values.values()), materialize_grads=True)
    return dict(zip(values, found, strict=True)), row.detach()


def _principal(problem: Description, axes: tuple[int, ...], at: Tensor, what: str) -> Principal:
    domain, name = problem.domain, problem.unknown_names[0]
    points = _around(domain, axes, at, 0.0)
    first, second = (_slopes(problem, points, seed)[0] for seed in (1, 2))
    time = tuple(domain.names.index(name) for name in time_names(domain))
    if any(len(index) > 2 for index in first) or any(len(set(i) & set(time)) and len(i) > 1 for i in first):
        raise InputError(
            f"{what}: no fundamental solution is known for derivatives of higher order, or of second order "
            f"in time; {SMOOTH}"
        )
    constant: dict[MultiIndex, float] = {}
    for index, values in first.items():
        if len(index) < 2 and not set(index) & set(time):
            continue
        both = torch.cat([values, second[index]])
        if float(both.max() - both.min()) > SAME * float(both.abs().max()):
            raise InputError(
                f"{what}: the coefficient of {name}.{spell(index, domain.names)} is no constant there (it "
                "depends on the unknown, on a coefficient that is sought or along the source), so that no "
                f"fundamental solution is known; {SMOOTH}"
            )
        constant[index] = float(both[0])
    m = len(axes)
    A = torch.zeros(m, m, dtype=torch.float64)
    for i in range(m):
        for j in range(m):
            value = constant.get(tuple(sorted((axes[i], axes[j]))), 0.0)
            A[i, j] = value if i == j else value / 2
    sign = 1.0 if float(A.diagonal().sum()) > 0 else -1.0
    root, failed = torch.linalg.cholesky_ex(sign * A)
    rate = -sign * constant.get(time, 0.0) if time else 0.0
    if bool(failed) or rate < 0:
        raise InputError(
            f"{what}: the second derivatives there are those of no diffusion (all of one sign, forward in "
            f"time), so that no fundamental solution is known; {SMOOTH}"
        )
    start = (time[0], float(domain.bounds[0, time[0]])) if time else (-1, 0.0)
    return Principal(axes, root, rate, start)


def _examine(problem: Description, part: Function, axes: tuple[int, ...], at: Tensor, what: str) -> bool:
    """Test for a residual that other terms of the equation leave beside the source.

    Raises:
        InputError: It is of the order of the principal part.
    """
    shares = [_share(problem, part, _around(problem.domain, axes, at, radius), axes) for radius in NEAR]
    if shares[0] > NOTHING and shares[1] > SLOWER * shares[0]:
        raise InputError(
            f"{what}: beside it other terms of the equation are as large as its second derivatives (as "
            f"squares of first derivatives are), and its field is not known; {SMOOTH}"
        )
    return shares[0] > NOTHING


def _share(problem: Description, part: Function, points: Tensor, axes: Sequence[int]) -> float:
    """Residual of a known part, over the largest term of the principal part."""
    points = points[problem.domain.distance(points) < 0]
    if not len(points):
        return 0.0
    name = problem.unknown_names[0]
    indices = problem.equation_term.needs[name]
    found = dict(zip(indices, derivatives(part, points, indices), strict=True))
    rows = []
    for values in (found, {index: torch.zeros_like(points[:, 0]) for index in indices}):
        field = Field(name, problem.domain.names, values.__getitem__)
        rows.append(problem.evaluate({name: field}, points, problem.initial_coefficients)[0])
    slopes = _slopes(problem, points, 1)[0]
    sizes = [(slopes[i] * found[i]).abs() for i in indices if len(i) == 2 and set(i) <= set(axes)]
    largest = torch.stack(sizes).amax(0)
    return float(((rows[0] - rows[1]).abs() / largest.clamp_min(1e-300)).median())


def _features(domain: Domain, axes: tuple[int, ...], at: Tensor, principal: Principal) -> tuple[Feature, ...]:
    """Inputs x log r for each coordinate across a source, and r^2 log r, of order one."""
    size = float((domain.bounds[1] - domain.bounds[0])[list(axes)].max())

    def logarithm(points: Tensor) -> tuple[Tensor, Tensor]:
        y = principal.straight(points, at) * float(principal.root.diagonal().mean()) / size
        square = y.square().sum(1)
        return square, (square + TINY).log() / 2

    def along(i: int) -> Function:
        return lambda points: (points[:, axes[i]] - at[i]) / size * logarithm(points)[1]

    def bent(points: Tensor) -> Tensor:
        square, log = logarithm(points)
        return square * log

    names = tuple(domain.names[i] for i in axes)
    out = [Feature(f"{name} log r about the source", along(i), names) for i, name in enumerate(names)]
    return (*out, Feature("r^2 log r about the source", bent, names))
