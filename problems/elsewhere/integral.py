r"""Integrals of the unknowns in an equation: Fredholm, Volterra, nonlocal.

    Integral("I", lambda u: u, over="x")                                      int u(x) dx
    Integral("I", lambda u, x, s: exp(x - s) * u, over="x", variable="s")     int k(x, s) u(s) ds
    Integral("I", ..., over="x", variable="s", upper=lambda x: x)             from the start to x

The equation takes I as a parameter.  At a point x it is the sum over Gauss-Legendre nodes between the limits,
which may depend on x.  Their number is found before training: it doubles until the integrals of trial waves
no longer change, and a kernel that no number resolves, as one with a singularity, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import Domain, Interval
from ...geometry.quadrature import gauss, product
from ..conditions.base import Value, as_column, is_finite, value_at
from ..fields import Field, call_by_name, parameter_names

FEWEST, MOST = 8, 64  # nodes along a coordinate, where they are found
LARGEST = 1024  # nodes of an integral
ENOUGH = 1e-10  # change of the integrals of trial waves at which there are enough nodes
UNRESOLVED = 1e-6  # and above which a kernel is refused
WAVES = (0.0, 1.0, 3.0)  # of the trial, per extent


@dataclass(frozen=True)
class Integral:
    """An integral of unknowns, which the equation uses by its name.

    Args:
        name: Its name as a parameter of the equation.
        integrand: Function of unknowns and their derivatives at the place that is integrated over, of
            coordinates and of coefficients, matched by parameter name.
        over: Coordinate that is integrated over, or several; intervals.
        variable: Name of the integrated coordinate in the integrand, so that the coordinate's own name means
            the point of the equation there; by default it has its own.  With several coordinates a tuple.
        lower: Lower limit: a number or a function of the point's coordinates; by default the domain's.
        upper: Upper limit, likewise.  Limits are for a single coordinate.
        nodes: Gauss-Legendre nodes along each coordinate; None finds their number.

    Raises:
        InputError: An argument is wrong.
    """

    name: str
    integrand: Callable[..., object]
    over: str | Iterable[str]
    variable: str | Iterable[str] | None = None
    lower: Value | None = None
    upper: Value | None = None
    nodes: int | None = None

    def __post_init__(self) -> None:
        what = f"Integral({self.name!r})"
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise InputError(f"{self.name!r} cannot name an integral; use a name such as I")
        if not callable(self.integrand):
            raise InputError(
                f"{what} needs a function of the unknowns such as lambda u: u, not {self.integrand!r}"
            )
        for attribute in ("over", "variable"):
            value = getattr(self, attribute)
            names = (value,) if isinstance(value, str) else tuple(value or ())
            object.__setattr__(self, attribute, names)
        if self.variable and len(self.axes) != len(self.variables):
            raise InputError(f"{what}: variable= names {len(self.variables)} of {len(self.axes)} coordinates")
        for limit in (self.lower, self.upper):
            if limit is not None and len(self.axes) > 1:
                raise InputError(f"{what}: limits are for one coordinate; write one Integral inside another")
            if limit is not None and not callable(limit) and not is_finite(limit):
                raise InputError(f"{what}: a limit must be a number or a function, not {limit!r}")
        if self.nodes is not None and not (isinstance(self.nodes, int) and self.nodes >= 2):
            raise InputError(f"{what}: nodes must be a number of at least 2, not {self.nodes!r}")

    @property
    def axes(self) -> tuple[str, ...]:
        """Coordinates that are integrated over."""
        assert isinstance(self.over, tuple)
        return self.over

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of these in the integrand."""
        assert isinstance(self.variable, tuple)
        return self.variable or self.axes

    def check(self, domain: Domain) -> None:
        """Refuse what does not fit a domain.

        Raises:
            InputError: A coordinate is none of an interval, a name stands for two things, or there are too
                many nodes.
        """
        lines = [shape.names[0] for shape in domain.factors() if isinstance(shape, Interval)]
        for name in self.axes:
            if name not in domain.names:
                raise InputError(
                    f"Integral({self.name!r}): {name!r} is none of the coordinates {', '.join(domain.names)}"
                )
            if name not in lines:
                raise InputError(
                    f"Integral({self.name!r}): {name!r} is no coordinate of an interval; an integral that is "
                    "one number may be a Coefficient with an IntegralCondition, on any domain"
                )
        for name in self.variables:
            if name in domain.names and name not in self.axes:
                raise InputError(
                    f"Integral({self.name!r}): variable={name!r} is another coordinate; rename it"
                )
        if self.nodes is not None and self.nodes ** len(self.axes) > LARGEST:
            raise InputError(
                f"Integral({self.name!r}): {self.nodes}^{len(self.axes)} nodes are more than {LARGEST}, "
                "which every point would bring along; take fewer"
            )

    def limits(self, points: Tensor, domain: Domain) -> tuple[list[Tensor], list[Tensor]]:
        """Lower and upper limits of each coordinate at points [N, dim], each [N]."""
        out: tuple[list[Tensor], list[Tensor]] = ([], [])
        for name in self.axes:
            bounds = domain.bounds[:, domain.names.index(name)].tolist()
            for i, (given, usual) in enumerate(zip((self.lower, self.upper), bounds, strict=True)):
                what = f"the {('lower', 'upper')[i]} limit of Integral({self.name!r})"
                out[i].append(value_at(usual if given is None else given, points, domain.names, what))
        return out

    def places(self, points: Tensor, domain: Domain, nodes: int) -> tuple[Tensor, Tensor]:
        """Nodes [Q, N, dim] and weights [Q, N] of the integrals at points [N, dim]."""
        x, w = gauss(nodes)
        unit, weights = product([(x[:, None], w)] * len(self.axes))
        unit, weights = unit.to(points), weights.to(points)
        at = points.expand(len(unit), *points.shape).clone()
        size = torch.ones_like(points[:, 0])
        for i, (name, a, b) in enumerate(zip(self.axes, *self.limits(points, domain), strict=True)):
            at[..., domain.names.index(name)] = a + unit[:, i, None] * (b - a)
            size = size * (b - a)
        return at, weights[:, None] * size

    def value(
        self,
        fields: Mapping[str, Field],
        points: Tensor,
        inner: Tensor,
        weights: Tensor,
        names: tuple[str, ...],
        known: Mapping[str, Tensor],
    ) -> Tensor:
        """The integrals [N].

        Args:
            fields: The unknowns at the nodes, [Q N].
            points: The points, [N, dim].
            inner: The nodes, [Q, N, dim].
            weights: [Q, N].
            names: Coordinates.
            known: Coefficients.

        Raises:
            InputError: The integrand is wrong, or uses no unknown.
        """
        what, count = f"the integrand of Integral({self.name!r})", inner.shape[0] * inner.shape[1]
        if not any(name in fields for name in parameter_names(self.integrand, what)):
            raise InputError(f"{what} uses no unknown; name one ({', '.join(fields)}) as a parameter")
        outer = {name: points[:, i].repeat(len(inner)) for i, name in enumerate(names)}
        own = {
            v: inner[..., names.index(a)].flatten() for v, a in zip(self.variables, self.axes, strict=True)
        }
        found = call_by_name(self.integrand, {**fields, **outer, **own, **known}, what)
        return (weights * as_column(found, count, what, inner.flatten(0, 1)).view_as(weights)).sum(0)

    def resolved(
        self, points: Tensor, domain: Domain, unknowns: tuple[str, ...], known: Mapping[str, Tensor]
    ) -> tuple[int, float]:
        """Number of nodes that resolves the integrals of trial waves, and the change by twice as many.

        Raises:
            InputError: None does.
        """
        tried = [self.nodes] if self.nodes is not None else []
        while self.nodes is None and (not tried or 2 * tried[-1] <= MOST):
            tried.append(2 * tried[-1] if tried else FEWEST)
            if (2 * tried[-1]) ** len(self.axes) > LARGEST:
                break
        error, nodes = torch.inf, tried[0]
        for nodes in tried:
            less, more = (self._trial(points, domain, n, unknowns, known) for n in (nodes, 2 * nodes))
            size = more.abs().amax(1, keepdim=True).clamp_min(1e-300)
            error = float(((less - more).abs() / size).nan_to_num(torch.inf).max())
            if error <= ENOUGH:
                return nodes, error
        if error > UNRESOLVED:
            raise InputError(
                f"Integral({self.name!r}): {nodes} Gauss-Legendre nodes resolve it to {error:.0e} only; "
                "substitute the variable so that the integrand is smooth, split it where the kernel has a "
                "kink (two Integrals with limits), or give more nodes"
            )
        return nodes, error

    def _trial(
        self,
        points: Tensor,
        domain: Domain,
        nodes: int,
        unknowns: tuple[str, ...],
        known: Mapping[str, Tensor],
    ) -> Tensor:
        """Integrals [waves, N] of waves in place of the unknowns."""
        inner, weights = self.places(points, domain, nodes)
        lower, upper = domain.bounds.to(points)
        phase = ((inner - lower) / (upper - lower)).flatten(0, 1).sum(1)
        out = []
        for wave in WAVES:
            values = 1.5 + torch.sin(2 * torch.pi * wave * phase + 1.0)
            fields = {u: Field(u, domain.names, lambda _, v=values: v) for u in unknowns}  # type: ignore[misc]
            out.append(self.value(fields, points, inner, weights, domain.names, known))
        return torch.stack(out)
