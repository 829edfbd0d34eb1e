"""A problem: equations on a domain, with the conditions that complete them.

    Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u * u.x - nu * u.xx,
        conditions=[Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: -torch.sin(pi * x))],
    )

Constructing it traces the equation and the conditions once, with random numbers in place of the unknowns,
which finds the derivatives they use and any mistake in them; looks for symmetries; and decides for each
condition whether it is built into the ansatz (`ansatz/build.py`) or becomes a weighted term; `print(problem)`
shows the decision.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..errors import InputError
from ..geometry import Domain
from .ansatz.ansatz import Ansatz
from .ansatz.build import AnsatzBuilder
from .checks import (
    check_default_device,
    check_family,
    check_statement,
)
from .complex_unknowns import Complex, Parts, in_real_parts
from .condition_term import condition_term, weighted_by_noise
from .conditions.base import (
    Condition,
    Fields,
    Known,
    Measurements,
    Sites,
    Value,
    as_column,
    space_names,
)
from .curvilinear import check_round
from .elsewhere.companions import Companions, all_integrals
from .elsewhere.integral import Integral
from .expressions import in_space
from .fields import call_by_name
from .focus import Supports, focused, supports
from .known_parts import KnownParts
from .obstacles import Obstacle
from .overview import overview
from .quantities import Quantity
from .references import Reference
from .scales import check_given
from .sources import Source
from .symmetry.known import shared_with
from .symmetry.symmetry import Finder, Symmetry
from .term import Term
from .trace import PROBES, trace
from .units import NaturalUnits
from .unknowns import Coefficient, Unknown, listed
from .wellposed.faces import overdetermined
from .wellposed.findings import NOTE, TRIVIAL, Finding, IllPosed
from .wellposed.wellposed import FEW, examine

if TYPE_CHECKING:
    from .wellposed.check import Report


@dataclass(frozen=True)
class Problem(KnownParts, NaturalUnits):
    """Equations, the domain they hold on, and conditions.

    Args:
        domain: Product of intervals, other shapes and time.
        unknowns: A name, or several; in place of a name `Unknown`, of which more is known, or `Complex`.
        equation: Function of the unknowns (and coordinates, coefficients: matched by parameter name) that
            returns what must vanish, one expression or a tuple of them.  Derivatives are attributes: u.t,
            u.xx, u.d("x", "t").
        conditions: Boundary and initial conditions, observations.
        integrals: Integrals of the unknowns that the equation takes as parameters, by name: `Integral`.
        coefficients: Unknown numbers in the equation or in conditions.
        reference: Solution to compare with: a `Reference`, or a function of the coordinates with the exact
            values (a dict of them by unknown for a system).
        name: A name for files and messages.
        symmetry: Whether to look for reflections and build them in.
        particular: A known part of unknowns, functions of the coordinates by unknown, such as the singularity
            at a corner: the network adds what is missing.  Conditions and results mean the sum.
        quantities: Numbers to report of the solution, by name: `Quantity`.
        derived: Fields computed of the unknowns that pictures show first, such as a stress: functions written
            like an equation, by name.
        displacement: Unknowns that displace the body, one for each coordinate of space: pictures deform it.
        options: Defaults of `solve` for this problem (network, points, ...); its keyword arguments override
            them.
        materials: Known coefficients with a value in every region of the domain, by name: numbers, or
            functions of the coordinates, as {"k": {"steel": 50.0, "copper": 390.0}}.
        sources: Sources at points and on lines, `PointSource` and `LineSource`.
        obstacles: Functions that an unknown cannot pass, `Obstacle`.
        scales: Natural sizes that are known better than they are found: of what the network adds to an
            unknown, in its unit, or the half length of a coordinate that its feature is scaled by; by name.

    Raises:
        InputError: The equation or a condition is wrong; the message says which and how to mend it.
    """

    domain: Domain
    unknowns: str | Unknown | Complex | Sequence[str | Unknown | Complex]
    equation: Callable[..., object]
    conditions: Sequence[Condition] = ()
    coefficients: Sequence[Coefficient] = ()
    reference: Reference | Callable[..., object] | None = None
    name: str = "problem"
    symmetry: bool = True
    particular: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    derived: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    displacement: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    materials: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    sources: Sequence[Source] = ()
    integrals: Sequence[Integral] = ()
    obstacles: Sequence[Obstacle] = ()

    def __post_init__(self) -> None:
        # Trace, decide and build now, so that mistakes show where they are made.
        check_default_device()
        for attribute in ("conditions", "coefficients", "obstacles"):
            if not isinstance(given := getattr(self, attribute), Iterable):
                raise InputError(f"{attribute} must be a list, such as [...], not {given!r}")
        for attribute, listing in (
            ("unknowns", listed),
            ("conditions", tuple),
            ("coefficients", tuple),
            ("integrals", all_integrals),
            ("obstacles", tuple),
        ):
            object.__setattr__(self, attribute, listing(getattr(self, attribute)))
        for attribute, value in in_real_parts(self).items():
            object.__setattr__(self, attribute, value)
        check_statement(self)
        assert self.by_region is not None  # their mistakes first
        check_given(self.scales, self.unknown_names, self.domain)
        check_family(self)
        check_round(self)
        for message in (*self.ansatz.contradictions, *overdetermined(self)):
            warnings.warn(message, UserWarning, stacklevel=3)  # points at the line that says Problem(...)
        for finding in self.findings:
            if finding.severity != NOTE:
                warnings.warn(finding.sentence, IllPosed, stacklevel=3)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Missing conditions, singular coefficients and other faults of the statement, see `wellposed/`."""
        if self.free is not self:  # an obstacle above zero keeps u from being zero
            return tuple(found for found in self.free.findings if found.topic != TRIVIAL)
        return examine(self)

    def check(self) -> Report:
        """Examine the problem before training, in seconds: `print(problem.check())`."""
        from .wellposed.check import report  # which draws points, and reads meshes

        return report(self)

    # -- names and the user's functions ----------------------------------------------------------------------

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """Names of the unknowns, always a tuple."""
        return tuple(u.name for u in self.functions)

    @cached_property
    def functions(self) -> tuple[Unknown, ...]:
        """Unknowns as `Unknown`, in their order."""
        return tuple(u if isinstance(u, Unknown) else Unknown(u) for u in listed(self.unknowns))

    @cached_property
    def complex_parts(self) -> Parts:
        """The complex unknowns with their parts, which are unknowns here."""
        return Parts.of(self.functions, self.domain)

    @property
    def estimates(self) -> bool:
        """Test for unknown coefficients, or fields without conditions, to estimate from data."""
        observed = sum(data.count for c in self.conditions if (data := c.measurements()) is not None)
        held = {name for term in self.condition_terms for name, found in term.needs.items() if found}
        free = any(u.positive or u.of is not None for u in self.functions)
        if observed > FEW:  # else a condition was forgotten
            free = free or any(name not in held for name in self.unknown_names)
        return observed > 0 and (bool(self.coefficients) or free)

    @property
    def eigenvalue(self) -> str | None:
        """Name of the eigenvalue that is sought, if one is."""
        return next((c.name for c in self.coefficients if c.is_eigenvalue), None)

    @cached_property
    def companions(self) -> Companions:
        """Points that each point of the equation brings along, for values elsewhere and integrals."""
        return Companions.of(self)

    def at(self, points: Tensor) -> Sites:
        """Sites of the equation at points [N, dim], with their companions."""
        return self.companions.sites(points)

    @property
    def initial_coefficients(self) -> dict[str, Tensor]:
        """Values of the coefficients at which training starts."""
        return self.values_of(self.initial_parameters)

    @property
    def initial_parameters(self) -> dict[str, Tensor]:
        """Parameters at which training of the coefficients starts: logarithms of positive ones."""
        return {c.name: torch.tensor(c.parameter, dtype=torch.float64) for c in self.coefficients}

    def values_of(self, parameters: Known) -> dict[str, Tensor]:
        """Coefficients from their trained parameters, by name."""
        return {c.name: c.value(parameters[c.name]) for c in self.coefficients}

    def evaluate(self, fields: Fields, points: Tensor, known: Known) -> tuple[Tensor, ...]:
        """The equation's residuals, one tensor [N] for each equation, from the points of sites `at` some."""
        fold = self.companions.fold
        if fold == 1:
            return self.rows({**fields, **known}, points)
        return self.rows(self.companions.arguments(fields, points, known), points[: len(points) // fold])

    def rows(self, arguments: Mapping[str, object], points: Tensor) -> tuple[Tensor, ...]:
        """The equation's residuals [N] at points [N, dim] from all of its arguments but the coordinates."""
        coordinates = {name: points[:, i].contiguous() for i, name in enumerate(self.domain.names)}
        with in_space(space_names(self.domain)):
            given = {**arguments, **coordinates, **self.by_region.at(points)}
            result = call_by_name(self.equation, given, "the equation")
        results = result if isinstance(result, (tuple, list)) else (result,)
        what = "the equation" if len(results) == 1 else "an equation of the system"
        found = tuple(as_column(r, points.shape[0], what, points) for r in results)
        if (held := self.complementarity) is None:
            return found
        return (held.row(found[0], given, points, self.domain.names),)

    @cached_property
    def equation_term(self) -> Term:
        """Term of the loss for the equation."""

        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return self.evaluate(fields, sites.points, self.values_of(known))

        probe = self.domain.interior(PROBES, Generator().manual_seed(3))
        found = trace(self, residual, self.at(probe), "the equation")
        for name, indices in found.needs.items():
            if not indices:
                raise InputError(
                    f"the equation does not use its unknown {name!r}; add it or drop it from unknowns"
                )

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            drawn = Sites(self.domain.interior(n, generator, sampler))
            return self.at(focused(drawn, self._small_supports, self.domain, generator).points)

        return Term("equation", 1.0, found, sites, residual)

    @cached_property
    def _small_supports(self) -> Supports | None:
        """Small supports of sources and coefficients, which uniform points would miss."""
        if self.materials:  # which jump between regions, however large these are
            return None
        return supports(self.companions.without, *self.domain.bounds.double().unbind(0))

    @cached_property
    def symmetries(self) -> dict[str, Symmetry]:
        """Reflections found, by coordinate."""
        # Those of a sum are not those of what the network adds; values elsewhere are not compared.
        others = self.particular or self.sources or self.eigenvalue or self.companions.fold > 1
        if others or not self.symmetry or any(c.joins_regions for c in self.conditions):
            return {}
        found = self._finder.find()
        known = [part.function for part in self.singular]
        return shared_with(found, known, self.domain) if known else found

    @cached_property
    def _finder(self) -> Finder:
        return Finder(
            self.domain,
            self.unknown_names,
            self.evaluate,
            tuple(self.conditions),
            self.initial_coefficients,
            self.orders,
            (self.equation_term.needs, *(term.needs for term in self.condition_terms)),
            tuple(u.name for u in self.functions if u.positive or u.of is not None),
        )

    @property
    def symmetry_words(self) -> dict[str, str]:
        """The symmetries that are built in, in words by coordinate."""
        return {name: found.words(self.unknown_names) for name, found in self.symmetries.items()}

    @property
    def symmetry_evidence(self) -> str:
        """Evidence for the symmetries, in words; empty without symmetries."""
        return self._finder.evidence if self.symmetries else ""

    def contradiction(self, sites: Mapping[str, Sites]) -> str | None:
        """Coordinate whose symmetry does not hold at given sites, if there is one.

        Args:
            sites: Places by name of the term.
        """
        if not self.symmetries:
            return None
        numbers = {term.name: i for i, term in enumerate((self.equation_term, *self.condition_terms))}
        return self._finder.contradiction(
            self.symmetries, {numbers[name]: places for name, places in sites.items()}
        )

    @cached_property
    def orders(self) -> dict[str, int]:
        """Highest derivative of an unknown in the equation, by coordinate."""
        return {
            name: max(index.count(i) for needs in self.equation_term.needs.values() for index in needs)
            for i, name in enumerate(self.domain.names)
        }

    @cached_property
    def ansatz(self) -> Ansatz:
        """The form of the solution that satisfies what can be satisfied exactly."""
        assert self.condition_terms is not None  # their mistakes first
        return AnsatzBuilder(self).build()

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The equation and every condition that is not exact, as terms of the loss in natural units."""
        rows = dict(self.natural.rows)
        if known := {
            term.name: data for data, term in self._by_noise() if term.name in rows
        }:  # their noise decides what one set counts against another, whatever their sizes are
            best = max(known, key=lambda name: known[name].information)
            rows |= dict.fromkeys(known, rows[best])
        first, *others = (replace(term, units=rows[term.name]) for term in self._weighted)
        return (replace(first, pointwise=self.pointwise), *others)

    def _by_noise(self) -> list[tuple[Measurements, Term]]:
        """Observations that are weighted by their known noise, with their terms."""
        pairs = zip(self.conditions, self.condition_terms, strict=True)
        return [(data, term) for c, term in pairs if (data := weighted_by_noise(c)) is not None]

    @property
    def _weighted(self) -> tuple[Term, ...]:
        """The terms in the user's units."""
        weighted = [
            term
            for condition, term in zip(self.conditions, self.condition_terms, strict=True)
            if not self.is_exact(condition)
        ]
        return (self.equation_term, *weighted)

    def with_terms(self, terms: tuple[Term, ...]) -> Problem:
        """Copy of the problem with another loss, such as the distance to a known function."""
        other = copy(self)
        other.__dict__["terms"] = terms
        return other

    @property
    def uniform_equation_term(self) -> Term:
        """The term of the equation at uniform points: sizes are means over the domain."""

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            return self.at(self.domain.interior(n, generator, sampler))

        return replace(self.equation_term, sites=sites)

    def is_exact(self, condition: Condition) -> bool:
        """Test for a condition that is built into the ansatz."""
        return any(condition is c for c in self.ansatz.exact)

    @cached_property
    def condition_terms(self) -> tuple[Term, ...]:
        """Every condition as a term; those of the same description are numbered."""
        terms = [condition_term(self, condition) for condition in self.conditions]
        names = [term.name for term in terms]
        return tuple(
            term
            if names.count(term.name) == 1
            else replace(term, name=f"{term.name} ({names[: i + 1].count(term.name)})")
            for i, term in enumerate(terms)
        )

    def __str__(self) -> str:
        return overview(self)
