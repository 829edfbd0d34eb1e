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
from .ansatz.singular import Singularity, singularities
from .checks import (
    check_default_device,
    check_family,
    check_statement,
)
from .complex_unknowns import Complex, Parts, in_real_parts
from .condition_term import condition_term, weighted_by_noise
from .conditions.base import Condition, Fields, Known, Measurements, Sites, as_column, space_names
from .curvilinear import check_round
from .expressions import in_space
from .fields import Field, call_by_name
from .focus import Supports, focused, supports
from .jumps import Jumps, jumps
from .quantities import Quantity
from .references import Reference
from .scales import Scales, check_given, find
from .symmetry.symmetry import Finder, Symmetry
from .term import Term
from .trace import PROBES, trace
from .unknowns import Coefficient, Unknown, listed
from .wellposed.faces import overdetermined
from .wellposed.findings import NOTE, Finding, IllPosed
from .wellposed.wellposed import examine

if TYPE_CHECKING:
    from .wellposed.check import Report


@dataclass(frozen=True)
class Problem:
    """Equations, the domain they hold on, and conditions.

    Args:
        domain: Product of intervals, other shapes and time.
        unknowns: A name, or several; in place of a name `Unknown`, of which more is known, or `Complex`.
        equation: Function of the unknowns (and coordinates, coefficients: matched by parameter name) that
            returns what must vanish, one expression or a tuple of them.  Derivatives are attributes: u.t,
            u.xx, u.d("x", "t").
        conditions: Boundary and initial conditions, observations.
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

    def __post_init__(self) -> None:
        # Trace, decide and build now, so that mistakes show where they are made.
        check_default_device()
        for attribute in ("conditions", "coefficients"):
            if not isinstance(given := getattr(self, attribute), Iterable):
                raise InputError(f"{attribute} must be a list, such as [...], not {given!r}")
        for attribute, listing in (("unknowns", listed), ("conditions", tuple), ("coefficients", tuple)):
            object.__setattr__(self, attribute, listing(getattr(self, attribute)))
        for attribute, value in in_real_parts(self).items():
            object.__setattr__(self, attribute, value)
        check_statement(self)
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
        observed = any(c.measurements() is not None for c in self.conditions)
        free = any(u.positive or u.of is not None for u in self.functions)
        return observed and (bool(self.coefficients) or free)

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
        """The equation's residuals at points [N, dim], one tensor [N] for each equation."""
        coordinates = {name: points[:, i].contiguous() for i, name in enumerate(self.domain.names)}
        with in_space(space_names(self.domain)):
            result = call_by_name(self.equation, {**fields, **coordinates, **known}, "the equation")
        results = result if isinstance(result, (tuple, list)) else (result,)
        what = "the equation" if len(results) == 1 else "an equation of the system"
        return tuple(as_column(r, points.shape[0], what, points) for r in results)

    @cached_property
    def equation_term(self) -> Term:
        """Term of the loss for the equation."""

        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return self.evaluate(fields, sites.points, self.values_of(known))

        probe = self.domain.interior(PROBES, Generator().manual_seed(3))
        found = trace(self, residual, Sites(probe), "the equation")
        for name, indices in found.needs.items():
            if not indices:
                raise InputError(
                    f"the equation does not use its unknown {name!r}; add it or drop it from unknowns"
                )

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            drawn = Sites(self.domain.interior(n, generator, sampler))
            return focused(drawn, self._small_supports, self.domain, generator)

        return Term("equation", 1.0, found, sites, residual)

    @cached_property
    def _small_supports(self) -> Supports | None:
        """Small supports of sources and coefficients, which uniform points would miss."""
        channels = self.equation_term.needs

        def frozen(points: Tensor) -> Tensor:
            fields = {
                u: Field(u, self.domain.names, lambda _: torch.ones_like(points[:, 0])) for u in channels
            }
            return torch.stack(self.evaluate(fields, points, self.initial_coefficients)).sum(0)

        return supports(frozen, *self.domain.bounds.double().unbind(0))

    @cached_property
    def symmetries(self) -> dict[str, Symmetry]:
        """Reflections found, by coordinate."""
        if (
            not self.symmetry or self.particular or self.singular
        ):  # of the sum; what the network adds may have none
            return {}
        return self._finder.find()

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
    def singular(self) -> tuple[Singularity, ...]:
        """Known parts of the only unknown, which kinks and jumps in the data start."""
        return singularities(
            self.domain,
            self.functions,
            self.equation_term.rows,
            self.equation_term.needs,
            lambda field, points: self.evaluate({self.unknown_names[0]: field}, points, {})[0],
            tuple(self.conditions),
            simple=not self.coefficients and not self.particular,
        )

    @cached_property
    def jumps(self) -> Jumps:
        """Places where prescribed values jump, so that no solution is continuous."""
        return jumps(self)

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
        known = {term.name: data for data, term in self._by_noise() if term.name in rows}
        if known:  # their noise decides what one set counts against another, whatever their sizes are
            best = max(known, key=lambda name: known[name].information)
            rows |= dict.fromkeys(known, rows[best])
        return tuple(replace(term, units=rows[term.name]) for term in self._weighted)

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
            if not self._is_exact(condition)
        ]
        return (self.equation_term, *weighted)

    @cached_property
    def natural(self) -> Scales:
        """The natural sizes of unknowns and residuals, found when they are first needed."""
        given = {name: float(v) for name, v in self.scales.items() if name in self.unknown_names}
        terms = (self.uniform_equation_term, *self._weighted[1:])
        return find(self.ansatz, self.domain.names, terms, self.initial_parameters, given)

    def with_natural(self, natural: Scales) -> Problem:
        """Copy of the problem in natural units found earlier, such as those of a saved network.

        Units found anew may differ by rounding, or by the version, and the network's numbers by as much.
        They are kept only where they name the unknowns and terms of this problem; else it is another one.
        """
        terms = {term.name: term.rows for term in self._weighted}
        sizes = {name: len(natural.rows.get(name, ())) for name in terms}
        if natural.unknowns.keys() != set(self.unknown_names) or sizes != terms:
            return self
        other = copy(self)
        other.__dict__.pop("terms", None)  # cached in units of their own
        other.__dict__["natural"] = natural
        return other

    def with_terms(self, terms: tuple[Term, ...]) -> Problem:
        """Copy of the problem with another loss, such as the distance to a known function."""
        other = copy(self)
        other.__dict__["terms"] = terms
        return other

    @property
    def uniform_equation_term(self) -> Term:
        """The term of the equation at uniform points: sizes are means over the domain."""

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            return Sites(self.domain.interior(n, generator, sampler))

        return replace(self.equation_term, sites=sites)

    def _is_exact(self, condition: Condition) -> bool:
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

    # -- for people ------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        order = max(len(i) for needs in self.equation_term.needs.values() for i in needs)
        lines = [
            f"{self.name}: {', '.join(self.unknown_names)} on {self.domain!r}",
            f"  equations   {self.equation_term.rows}, derivatives up to order {order}",
        ]
        for condition, term in zip(self.conditions, self.condition_terms, strict=True):
            how = "weighted term, " + ("balanced" if term.balanced else f"weight {term.weight:g}")
            lines.append(
                f"  condition   {term.name}: {'exact, by construction' if self._is_exact(condition) else how}"
            )
        for name, found in self.symmetries.items():
            lines += [f"  symmetry    {name} {part}" for part in found.words(self.unknown_names).split("; ")]
        lines += [f"  complex     {words}" for words in self.complex_parts.words]
        lines += [f"  unknown     {u}" for u in self.functions if str(u) != u.name]
        lines += [f"  coefficient {c}" for c in self.coefficients]
        lines.append(f"  network of  {'; '.join(self.ansatz.feature_names)}")
        lines.append(f"  scales      {self.natural}")
        notes = (*self.domain.notes, *self.ansatz.messages, *self.natural.notes)
        lines += [f"  note        {message}" for message in notes]
        lines += [f"  note        {f.sentence}" for f in self.findings if f.severity != NOTE]
        return "\n".join(lines)
