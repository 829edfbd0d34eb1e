"""A problem: equations on a domain, with the conditions that complete them.

    Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x - nu * u.xx,
        conditions=[Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: -torch.sin(pi * x))],
    )

Constructing it traces the equation once, with random numbers in place of the unknowns, which finds the derivatives
it uses and any mistake in it; looks for symmetries; and decides for each condition whether it is built into the
ansatz (`constraints.py`) or becomes a weighted term.  `print(problem)` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from ..geometry import Domain
from .conditions import Coefficient, Condition, Fields, Known, Observations, Sites, as_column
from .constraints import Ansatz, AnsatzBuilder
from .fields import Field, MultiIndex, call_by_name, parameter_names
from .references import Reference
from .symmetry import Finder, Symmetry

Residual = Callable[[Fields, Sites, Known], tuple[Tensor, ...]]

SOFT_WEIGHT = 10.0  # of a condition's term, when the user gives none
PROBES = 7  # points of the trace


@dataclass(frozen=True)
class Term:
    """One term of the loss: w * mean over its sites of half the squared residual, summed over `rows` residuals.

    Attributes:
        name: Short name, a column of the history.
        weight: w.
        rows: Number of residuals at a site (equations of a system).
        needs: For each unknown the derivatives that the residual reads.
        sites: Draws about n sites: (n, generator, sampler) -> Sites.
        residual: (fields, sites, coefficients) -> tuple of `rows` tensors [N].
        fixed: The number of sites when it is not free (observations), else None.
    """

    name: str
    weight: float
    rows: int
    needs: Mapping[str, tuple[MultiIndex, ...]]
    sites: Callable[[int, Generator, str], Sites]
    residual: Residual
    fixed: int | None = None


@dataclass(frozen=True)
class Problem:
    """Equations, the domain they hold on, and conditions.

    Args:
        domain: Product of intervals, other shapes and time.
        unknowns: One name, or several.
        equation: Function of the unknowns (and coordinates, coefficients: matched by parameter name) that returns
            what must vanish, one expression or a tuple of them.  Derivatives are attributes: u.t, u.xx, u.d("x", "t").
        conditions: Boundary and initial conditions, observations.
        coefficients: Unknown numbers in the equation.
        reference: What to compare with: a `Reference`, or a function of the coordinates returning the exact values
            (a dict of them by unknown for a system).
        name: A name for files and messages.
        symmetry: Whether to look for reflections and build them in.
        options: Defaults of `solve` for this problem (network, points, ...); its keyword arguments override them.

    Raises:
        ValueError: The equation or a condition is wrong; the message says which and how to mend it.
    """

    domain: Domain
    unknowns: str | tuple[str, ...]
    equation: Callable[..., Any]
    conditions: Sequence[Condition] = ()
    coefficients: Sequence[Coefficient] = ()
    reference: Reference | Callable[..., Any] | None = None
    name: str = "problem"
    symmetry: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknowns = (self.unknowns,) if isinstance(self.unknowns, str) else tuple(self.unknowns)
        for attribute, value in (
            ("unknowns", unknowns),
            ("conditions", tuple(self.conditions)),
            ("coefficients", tuple(self.coefficients)),
        ):
            object.__setattr__(self, attribute, value)
        self._check_names()
        assert (
            self.ansatz is not None
        )  # trace, decide and build now, so that mistakes show where they are made

    # -- names and the user's functions ------------------------------------------------------------------------------

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """Names of the unknowns, always a tuple."""
        return self.unknowns  # type: ignore[return-value]

    def _check_names(self) -> None:
        unknowns, coordinates = self.unknown_names, self.domain.names
        names = [*unknowns, *coordinates, *(c.name for c in self.coefficients)]
        if not unknowns:
            raise ValueError("a problem needs at least one unknown, for example unknowns='u'")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"{name!r} names two things among unknowns, coordinates and coefficients; rename one"
                )
        if not callable(self.equation):
            raise ValueError(
                f"equation must be a function such as lambda {unknowns[0]}: ..., not {self.equation!r}"
            )
        for condition in self.conditions:
            if not isinstance(condition, Condition):
                raise ValueError(f"{condition!r} is not a condition; use Dirichlet, Neumann, Initial, ...")
            for name in condition.unknowns():
                if name not in unknowns:
                    raise ValueError(
                        f"{type(condition).__name__}({name!r}): there is no unknown {name!r} among {', '.join(unknowns)}"
                    )
            condition.faces(self.domain)

    @property
    def initial_coefficients(self) -> dict[str, Tensor]:
        """Where the search for the coefficients starts."""
        return {c.name: torch.tensor(float(c.init), dtype=torch.float64) for c in self.coefficients}

    def evaluate(self, fields: Fields, points: Tensor, known: Known) -> tuple[Tensor, ...]:
        """The equation's residuals at points [N, dim], one tensor [N] for each equation."""
        coordinates = {name: points[:, i] for i, name in enumerate(self.domain.names)}
        result = call_by_name(self.equation, {**fields, **coordinates, **known}, "the equation")
        results = result if isinstance(result, (tuple, list)) else (result,)
        what = "the equation" if len(results) == 1 else "an equation of the system"
        return tuple(as_column(r, points.shape[0], what, points) for r in results)

    # -- the trace ---------------------------------------------------------------------------------------------------

    def _probe(
        self, residual: Residual, sites: Sites, what: str
    ) -> tuple[int, dict[str, tuple[MultiIndex, ...]]]:
        """Evaluate a residual on random numbers: how many rows it has and which derivatives it reads."""
        asked: dict[str, set[MultiIndex]] = {name: set() for name in self.unknown_names}
        n = sites.points.shape[0]

        def channels(name: str) -> Callable[[MultiIndex], Tensor]:
            def value(index: MultiIndex) -> Tensor:
                asked[name].add(index)
                seed = Generator().manual_seed(len(name) + sum((i + 1) * 31**k for k, i in enumerate(index)))
                return torch.rand(n, generator=seed, dtype=torch.float64) + 0.5

            return value

        fields = {name: Field(name, self.domain.names, channels(name)) for name in self.unknown_names}
        try:
            rows = residual(fields, sites, self.initial_coefficients)
        except (ValueError, AttributeError):
            raise
        except Exception as error:  # a mistake in the user's function: say where, keep the cause
            raise ValueError(f"{what} failed: {type(error).__name__}: {error}") from error
        for row in rows:
            if not torch.isfinite(row).all():
                raise ValueError(
                    f"{what} gives NaN or infinity at ordinary points of {self.domain!r}; check it"
                )
        return len(rows), {
            name: tuple(sorted(found, key=lambda i: (len(i), i))) for name, found in asked.items()
        }

    @cached_property
    def equation_term(self) -> Term:
        """The term of the equation itself."""

        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return self.evaluate(fields, sites.points, known)

        probe = self.domain.interior(PROBES, Generator().manual_seed(3))
        try:
            rows, needs = self._probe(residual, Sites(probe), "the equation")
        except AttributeError as error:
            raise ValueError(f"the equation asks for {error}") from error
        for name, indices in needs.items():
            if not indices:
                raise ValueError(
                    f"the equation does not use its unknown {name!r}; add it or drop it from unknowns"
                )
        named = parameter_names(self.equation)
        for coefficient in self.coefficients:
            if coefficient.name not in named:
                raise ValueError(
                    f"the equation does not use the coefficient {coefficient.name!r}; name it as a parameter"
                )

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            return Sites(self.domain.interior(n, generator, sampler))

        return Term("equation", 1.0, rows, needs, sites, residual)

    @cached_property
    def symmetries(self) -> dict[str, Symmetry]:
        """Reflections found, by coordinate."""
        if not self.symmetry:
            return {}
        known = self.initial_coefficients
        finder = Finder(
            self.domain,
            self.unknown_names,
            lambda fields, points: self.evaluate(fields, points, known),
            tuple(self.conditions),
            known,
        )
        return finder.find()

    @cached_property
    def ansatz(self) -> Ansatz:
        """The form of the solution that satisfies what can be satisfied exactly."""
        orders = {
            name: max(index.count(i) for needs in self.equation_term.needs.values() for index in needs)
            for i, name in enumerate(self.domain.names)
        }
        return AnsatzBuilder(
            self.domain,
            self.unknown_names,
            tuple(self.conditions),
            self.symmetries,
            self.initial_coefficients,
            orders,
        ).build()

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The equation and every condition that is not exact, as terms of the loss."""
        terms = [self.equation_term]
        for condition in self.conditions:
            if not any(condition is c for c in self.ansatz.exact):
                terms.append(self._term(condition))
        return tuple(terms)

    def _term(self, condition: Condition) -> Term:
        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return condition.residual(fields, sites, self.domain, known)

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            return condition.sites(self.domain, n, generator, sampler)

        what = condition.describe(self.domain)
        probe = sites(PROBES + 1, Generator().manual_seed(3), "uniform")
        rows, needs = self._probe(residual, probe, what)
        weight = SOFT_WEIGHT if condition.weight is None else float(condition.weight)
        if not weight > 0:
            raise ValueError(f"{what}: weight must be positive, not {condition.weight!r}")
        fixed = probe.points.shape[0] if isinstance(condition, Observations) else None
        return Term(what, weight, rows, needs, sites, residual, fixed)

    # -- for people --------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        order = max(len(i) for needs in self.equation_term.needs.values() for i in needs)
        lines = [
            f"{self.name}: {', '.join(self.unknown_names)} on {self.domain!r}",
            f"  equations   {self.equation_term.rows}, derivatives up to order {order}",
        ]
        for condition in self.conditions:
            exact = any(condition is c for c in self.ansatz.exact)
            how = "exact, by construction" if exact else f"weighted term, weight {self._weight(condition):g}"
            lines.append(f"  condition   {condition.describe(self.domain)}: {how}")
        for name, found in self.symmetries.items():
            for where, signs in (("the middle", found.centre), ("both ends", found.ends)):
                if signs is not None:
                    parity = ", ".join(
                        f"{u} {'even' if s == 1 else 'odd'}"
                        for u, s in zip(self.unknown_names, signs, strict=True)
                    )
                    lines.append(f"  symmetry    {name} about {where}: {parity}")
        lines += [f"  coefficient {c.name}, starting from {c.init:g}" for c in self.coefficients]
        lines.append(f"  network of  {'; '.join(self.ansatz.feature_names)}")
        lines += [f"  note        {message}" for message in self.ansatz.messages]
        return "\n".join(lines)

    @staticmethod
    def _weight(condition: Condition) -> float:
        return SOFT_WEIGHT if condition.weight is None else float(condition.weight)
