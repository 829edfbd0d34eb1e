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

import keyword
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from ..geometry import Domain
from .ansatz.ansatz import Ansatz
from .ansatz.build import AnsatzBuilder
from .ansatz.singular import Singularity, singularities
from .conditions.base import Condition, Fields, Known, Measurements, Sites, as_column
from .fields import RESERVED, Field, call_by_name, mistake, parameter_names
from .focus import Supports, focused, supports
from .quantities import Quantity
from .references import Reference
from .scales import Scales, check_given, find
from .symmetry.symmetry import Finder, Symmetry
from .unknowns import Coefficient, Unknown
from .wellposed.faces import overdetermined
from .wellposed.findings import NOTE, Finding, IllPosed
from .wellposed.sensitivity import refuse_hidden, refuse_random
from .wellposed.wellposed import examine

if TYPE_CHECKING:
    from .wellposed.check import Report
from .term import Residual, Term

SOFT_WEIGHT = 10.0  # of a condition's term, when the user gives none
NOISY_WEIGHT = 0.01  # of observations, times the signal over the noise
PROBES = 7  # points of the trace


@dataclass(frozen=True)
class Problem:
    """Equations, the domain they hold on, and conditions.

    Args:
        domain: Product of intervals, other shapes and time.
        unknowns: One name, or several; an `Unknown` in place of a name where more is known of it.
        equation: Function of the unknowns (and coordinates, coefficients: matched by parameter name) that
            returns what must vanish, one expression or a tuple of them.  Derivatives are attributes: u.t,
            u.xx, u.d("x", "t").
        conditions: Boundary and initial conditions, observations.
        coefficients: Unknown numbers in the equation or in conditions.
        reference: What to compare with: a `Reference`, or a function of the coordinates returning the exact
            values (a dict of them by unknown for a system).
        name: A name for files and messages.
        symmetry: Whether to look for reflections and build them in.
        particular: A known part of unknowns, functions of the coordinates by unknown, such as the singularity
            at a corner: the network adds what is missing.  Conditions and results speak of the sum.
        quantities: Numbers to report of the solution, by name: `Quantity`.
        options: Defaults of `solve` for this problem (network, points, ...); its keyword arguments override
            them.
        scales: Natural sizes that are known better than they are found: of what the network adds to an
            unknown, in its unit, or the half length of a coordinate that its feature is scaled by; by name.

    Raises:
        InputError: The equation or a condition is wrong; the message says which and how to mend it.
    """

    domain: Domain
    unknowns: str | Unknown | Sequence[str | Unknown]
    equation: Callable[..., Any]
    conditions: Sequence[Condition] = ()
    coefficients: Sequence[Coefficient] = ()
    reference: Reference | Callable[..., Any] | None = None
    name: str = "problem"
    symmetry: bool = True
    particular: Mapping[str, Callable[..., Tensor]] = field(default_factory=dict)
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for attribute in ("conditions", "coefficients"):
            if not isinstance(given := getattr(self, attribute), Iterable):
                raise InputError(f"{attribute} must be a list, such as [...], not {given!r}")
        single = isinstance(self.unknowns, (str, Unknown))
        unknowns = (self.unknowns,) if single else tuple(self.unknowns)  # type: ignore[arg-type]
        for attribute, value in (
            ("unknowns", unknowns),
            ("conditions", tuple(self.conditions)),
            ("coefficients", tuple(self.coefficients)),
        ):
            object.__setattr__(self, attribute, value)
        self._check_names()
        self._check_coefficients()
        check_given(self.scales, self.unknown_names, self.domain)
        # Trace, decide and build now, so that mistakes show where they are made.
        for message in (*self.ansatz.contradictions, *overdetermined(self)):
            warnings.warn(message, UserWarning, stacklevel=3)  # points at the line that says Problem(...)
        for finding in self.findings:
            if finding.severity != NOTE:
                warnings.warn(finding.sentence, IllPosed, stacklevel=3)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is missing or singular in the problem as it is stated, see `wellposed.py`."""
        return examine(self)

    def check(self) -> Report:
        """Everything that can be known before training, in seconds: `print(problem.check())`."""
        from .wellposed.check import report  # which draws points, and reads meshes

        return report(self)

    # -- names and the user's functions ----------------------------------------------------------------------

    @property
    def unknown_names(self) -> tuple[str, ...]:
        """Names of the unknowns, always a tuple."""
        return tuple(u.name for u in self.functions)

    @cached_property
    def functions(self) -> tuple[Unknown, ...]:
        """The unknowns with what is known of them."""
        return tuple(u if isinstance(u, Unknown) else Unknown(u) for u in self.unknowns)  # type: ignore[union-attr]

    def _check_names(self) -> None:
        if not isinstance(self.domain, Domain):
            raise InputError(f"domain must be a shape such as Interval(0, 1), not {self.domain!r}")
        unknowns, coordinates = self.unknown_names, self.domain.names
        if not unknowns:
            raise InputError("a problem needs at least one unknown, for example unknowns='u'")
        for coefficient in self.coefficients:
            if not isinstance(coefficient, Coefficient):
                raise InputError(f"{coefficient!r} is not a coefficient; write Coefficient('nu', init=0.1)")
        names = [*unknowns, *coordinates, *(c.name for c in self.coefficients)]
        for name in names:
            if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
                raise InputError(
                    f"{name!r} cannot be the name of a function's parameter; use a name such as u or c1, and "
                    "unknowns=('u', 'v') for several unknowns"
                )
            if names.count(name) > 1:
                raise InputError(
                    f"{name!r} names two things among unknowns, coordinates and coefficients; rename one"
                )
            if name in coordinates and name in RESERVED:
                raise InputError(
                    f"{name!r} cannot name a coordinate, {unknowns[0]}.{name} has a meaning; rename it"
                )
        if not callable(self.equation):
            raise InputError(
                f"equation must be a function such as lambda {unknowns[0]}: ..., not {self.equation!r}"
            )
        for function in self.functions:
            for name in function.of or ():
                if name not in coordinates:
                    raise InputError(
                        f"Unknown({function.name!r}, of={name!r}): {name!r} is none of the coordinates "
                        f"{', '.join(coordinates)}; rename it"
                    )
        for condition in self.conditions:
            if not isinstance(condition, Condition):
                raise InputError(f"{condition!r} is not a condition; use Dirichlet, Neumann, Initial, ...")
            for name in condition.unknowns():
                if name not in unknowns:
                    raise InputError(
                        f"{type(condition).__name__}({name!r}): there is no unknown {name!r} "
                        f"among {', '.join(unknowns)}"
                    )
            condition.faces(self.domain)
        for label, part in self.particular.items():
            if label not in unknowns or not callable(part):
                raise InputError(
                    f"particular: {label!r} is {part!r}; give functions of the coordinates by unknown "
                    f"({', '.join(unknowns)})"
                )
        for label, quantity in self.quantities.items():
            if not isinstance(quantity, Quantity):
                raise InputError(
                    f"quantities: {label!r} is {quantity!r}; write Quantity(lambda solution: ..., value=...)"
                )
        if callable(self.reference):
            for name in parameter_names(self.reference, "the reference"):
                if name not in coordinates:
                    raise InputError(
                        f"the reference asks for {name!r}, which is none of the coordinates "
                        f"{', '.join(coordinates)}; rename the parameter"
                    )

    def _check_coefficients(self) -> None:
        asked = {*parameter_names(self.equation, "the equation")}
        for condition in self.conditions:
            asked.update(condition.asks_for())
        for coefficient in self.coefficients:
            if coefficient.name not in asked:
                raise InputError(
                    f"nothing uses the coefficient {coefficient.name!r}; "
                    "name it as a parameter of the equation, or drop it"
                )

    @property
    def estimates(self) -> bool:
        """Whether there is something to estimate from data: coefficients, or fields without conditions."""
        observed = any(c.measurements() is not None for c in self.conditions)
        free = any(u.positive or u.of is not None for u in self.functions)
        return observed and (bool(self.coefficients) or free)

    @property
    def initial_coefficients(self) -> dict[str, Tensor]:
        """Where the search for the coefficients starts."""
        return self.values_of(self.initial_parameters)

    @property
    def initial_parameters(self) -> dict[str, Tensor]:
        """The same as what is trained: the logarithms of positive ones."""
        return {c.name: torch.tensor(c.parameter, dtype=torch.float64) for c in self.coefficients}

    def values_of(self, parameters: Known) -> dict[str, Tensor]:
        """The coefficients from what is trained in their place."""
        return {c.name: c.value(parameters[c.name]) for c in self.coefficients}

    def evaluate(self, fields: Fields, points: Tensor, known: Known) -> tuple[Tensor, ...]:
        """The equation's residuals at points [N, dim], one tensor [N] for each equation."""
        coordinates = {name: points[:, i].contiguous() for i, name in enumerate(self.domain.names)}
        result = call_by_name(self.equation, {**fields, **coordinates, **known}, "the equation")
        results = result if isinstance(result, (tuple, list)) else (result,)
        what = "the equation" if len(results) == 1 else "an equation of the system"
        return tuple(as_column(r, points.shape[0], what, points) for r in results)

    # -- the trace -------------------------------------------------------------------------------------------

    def _probe(
        self, residual: Residual, sites: Sites, what: str
    ) -> tuple[int, dict[str, tuple[MultiIndex, ...]]]:
        """Evaluate a residual on random numbers: how many rows it has and which derivatives it reads."""
        asked: dict[str, dict[MultiIndex, Tensor]] = {name: {} for name in self.unknown_names}
        generator = Generator().manual_seed(3)
        n = sites.points.shape[0]

        def channels(name: str) -> Callable[[MultiIndex], Tensor]:
            def value(index: MultiIndex) -> Tensor:
                if index not in asked[name]:
                    asked[name][index] = torch.rand(n, generator=generator, dtype=torch.float64) + 0.5
                return asked[name][index]

            return value

        fields = {name: Field(name, self.domain.names, channels(name)) for name in self.unknown_names}
        # NumPy refuses tensors that require a gradient; those of a derivative of the residual would not.
        tracked = replace(sites, points=sites.points.clone().requires_grad_())
        try:
            rows = residual(fields, tracked, self.initial_parameters)
            refuse_random(rows, residual(fields, tracked, self.initial_parameters), what)
        except RuntimeError as error:
            raise mistake(what, error) from error
        if not rows:
            raise InputError(f"{what} returned nothing; return what must vanish")
        refuse_hidden(residual, sites, what, self.domain.names, asked, self.initial_parameters)
        for row in rows:
            if not torch.isfinite(row).all():
                raise InputError(
                    f"{what} gives NaN or infinity at ordinary points of {self.domain!r}; check it for "
                    "divisions by zero, logarithms and roots of negative numbers"
                )
        return len(rows), {
            name: tuple(sorted(found, key=lambda i: (len(i), i))) for name, found in asked.items()
        }

    @cached_property
    def equation_term(self) -> Term:
        """The term of the equation itself."""

        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return self.evaluate(fields, sites.points, self.values_of(known))

        probe = self.domain.interior(PROBES, Generator().manual_seed(3))
        rows, needs = self._probe(residual, Sites(probe), "the equation")
        self._check_pointwise(residual, Sites(probe), "the equation")
        for name, indices in needs.items():
            if not indices:
                raise InputError(
                    f"the equation does not use its unknown {name!r}; add it or drop it from unknowns"
                )

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            drawn = Sites(self.domain.interior(n, generator, sampler))
            return focused(drawn, self._small_supports, self.domain, generator)

        return Term("equation", 1.0, rows, needs, sites, residual)

    @cached_property
    def _small_supports(self) -> Supports | None:
        """Where sources and coefficients live that uniform points would miss."""
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
            self._orders,
            (self.equation_term.needs, *(term.needs for term in self.condition_terms)),
            tuple(u.name for u in self.functions if u.positive or u.of is not None),
        )

    @property
    def symmetry_words(self) -> dict[str, str]:
        """The symmetries that are built in, in words by coordinate."""
        return {name: found.words(self.unknown_names) for name, found in self.symmetries.items()}

    @property
    def symmetry_evidence(self) -> str:
        """By what the symmetries are known, in words; empty without any."""
        return self._finder.evidence if self.symmetries else ""

    def contradiction(self, sites: Mapping[str, Sites]) -> str | None:
        """The coordinate in which the problem is not symmetric after all, as places of its terms show.

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
    def _orders(self) -> dict[str, int]:
        """Highest derivative of an unknown in the equation, by coordinate."""
        return {
            name: max(index.count(i) for needs in self.equation_term.needs.values() for index in needs)
            for i, name in enumerate(self.domain.names)
        }

    @cached_property
    def ansatz(self) -> Ansatz:
        """The form of the solution that satisfies what can be satisfied exactly."""
        assert self.condition_terms is not None  # their mistakes first
        return AnsatzBuilder(
            self.domain,
            self.functions,
            tuple(self.conditions),
            self.symmetries,
            self.initial_coefficients,
            self._orders,
            self.particular,
            self.scales,
            self.singular,
        ).build()

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The equation and every condition that is not exact, as terms of the loss in natural units."""
        rows = dict(self.natural.rows)
        known = {term.name: data for data, term in self._by_noise() if term.name in rows}
        if known:  # what one set counts against another is told by their noise, whatever their sizes are
            best = max(known, key=lambda name: known[name].information)
            rows |= dict.fromkeys(known, rows[best])
        return tuple(replace(term, units=rows[term.name]) for term in self._weighted)

    def _by_noise(self) -> list[tuple[Measurements, Term]]:
        """Observations that are weighted by their known noise, with their terms."""
        pairs = zip(self.conditions, self.condition_terms, strict=True)
        return [(data, term) for c, term in pairs if (data := _weighted_by_noise(c)) is not None]

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
        """This problem in natural units found earlier, such as those that a saved network was trained in.

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
        terms = [self._term(condition) for condition in self.conditions]
        names = [term.name for term in terms]
        return tuple(
            term
            if names.count(term.name) == 1
            else replace(term, name=f"{term.name} ({names[: i + 1].count(term.name)})")
            for i, term in enumerate(terms)
        )

    def _term(self, condition: Condition) -> Term:
        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            return condition.residual(fields, sites, self.domain, self.values_of(known))

        def sites(n: int, generator: Generator, sampler: str) -> Sites:
            return condition.sites(self.domain, n, generator, sampler)

        what = condition.describe(self.domain)
        probe = sites(PROBES + 1, Generator().manual_seed(3), "uniform")
        rows, needs = self._probe(residual, probe, what)
        self._check_pointwise(residual, probe, what)
        weight = SOFT_WEIGHT if condition.weight is None else float(condition.weight)
        if (data := condition.measurements()) is not None:
            if _weighted_by_noise(condition) is not None:
                weight = self._weight_of(data)
            return Term(what, weight, rows, needs, sites, residual, data.count, data.noise)
        prescribed = condition.prescribed()
        return Term(
            what,
            weight,
            rows,
            needs,
            sites,
            residual,
            balanced=condition.weight is None,
            held=prescribed is not None and not prescribed.start,
        )

    def _weight_of(self, data: Measurements) -> float:
        """The weight of observations whose noise is known.

        Several sets count by the information in them, N / sigma^2.  The noisier the best set is, the less may
        it bend the equation: 1 at one per cent of the root mean square of its values, and in inverse
        proportion, up to that of other conditions.
        """
        known = [found for c in self.conditions if (found := _weighted_by_noise(c)) is not None]
        best = max(known, key=lambda found: found.information)
        share = data.information / best.information
        return share * min(SOFT_WEIGHT, NOISY_WEIGHT / best.relative_noise)

    def _check_pointwise(self, residual: Residual, sites: Sites, what: str) -> None:
        """Refuse a term in which points see each other, as in a mean: it would depend on the points drawn."""
        n = sites.points.shape[0] // sites.fold
        halves = torch.arange(n).tensor_split(2)  # the largest value is in one of them only

        def at(sites: Sites) -> Tensor:
            def channels(phase: int) -> Callable[[MultiIndex], Tensor]:
                return lambda index: torch.sin(sites.points.sum(1) + phase + len(index)) + 2

            names = self.domain.names
            fields = {u: Field(u, names, channels(j)) for j, u in enumerate(self.unknown_names)}
            return torch.stack(residual(fields, sites, self.initial_parameters))

        if n < 2:
            return
        whole, part = at(sites), torch.cat([at(sites.of(half)) for half in halves], 1)
        close = torch.isclose(whole, part, rtol=1e-9, atol=1e-12 * float(whole.abs().max()), equal_nan=True)
        if not close.all():
            raise InputError(
                f"{what}: the value at a point depends on the other points, as a mean, a sum or a maximum "
                "over them does; use values at the point itself (integrals cannot be written yet; a known "
                "mean can be a value of its own unknown)"
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
        lines += [f"  unknown     {u}" for u in self.functions if u != Unknown(u.name)]
        lines += [f"  coefficient {c}" for c in self.coefficients]
        lines.append(f"  network of  {'; '.join(self.ansatz.feature_names)}")
        lines.append(f"  scales      {self.natural}")
        notes = (*self.domain.notes, *self.ansatz.messages, *self.natural.notes)
        lines += [f"  note        {message}" for message in notes]
        lines += [f"  note        {f.sentence}" for f in self.findings if f.severity != NOTE]
        return "\n".join(lines)


def _weighted_by_noise(condition: Condition) -> Measurements | None:
    """The measurements of a condition whose weight follows from their known noise, else None."""
    data = condition.measurements()
    return data if data is not None and data.noise is not None and condition.weight is None else None
