"""The interface of a problem for the modules that examine it and that `Problem` itself is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from torch import Tensor

from ..geometry import Domain
from .ansatz.ansatz import Ansatz
from .ansatz.singular import Singularity
from .complex_unknowns import Parts
from .conditions.base import Condition, Feature, Fields, Known, Sites, Value
from .elsewhere.companions import Companions
from .elsewhere.integral import Integral
from .materials import Materials
from .obstacles import Obstacle
from .quantities import Quantity
from .references import Reference
from .scales import Scales
from .sources import Source
from .symmetry.symmetry import Symmetry
from .term import Term
from .unknowns import Coefficient, Unknown
from .wellposed.findings import Finding


class Description(Protocol):
    """Attributes of a problem that its examinations read; `Problem` documents them."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def domain(self) -> Domain: ...  # noqa: D102

    @property
    def equation(self) -> Callable[..., object]: ...  # noqa: D102

    @property
    def reference(self) -> Reference | Callable[..., object] | None: ...  # noqa: D102

    @property
    def quantities(self) -> Mapping[str, Quantity]: ...  # noqa: D102

    @property
    def derived(self) -> Mapping[str, Callable[..., object]]: ...  # noqa: D102

    @property
    def displacement(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def conditions(self) -> Sequence[Condition]: ...  # noqa: D102

    @property
    def coefficients(self) -> Sequence[Coefficient]: ...  # noqa: D102

    @property
    def particular(self) -> Mapping[str, float | Callable[..., Tensor]]: ...  # noqa: D102

    @property
    def options(self) -> Mapping[str, object]: ...  # noqa: D102

    @property
    def scales(self) -> Mapping[str, float]: ...  # noqa: D102

    @property
    def materials(self) -> Mapping[str, Mapping[str, Value]]: ...  # noqa: D102

    def is_exact(self, condition: Condition) -> bool: ...  # noqa: D102

    @property
    def sources(self) -> Sequence[Source]: ...  # noqa: D102

    @property
    def obstacles(self) -> Sequence[Obstacle]: ...  # noqa: D102

    @property
    def complex_parts(self) -> Parts: ...  # noqa: D102

    @property
    def features(self) -> tuple[Feature, ...]: ...  # noqa: D102

    def evaluate(self, fields: Fields, points: Tensor, known: Known) -> tuple[Tensor, ...]: ...  # noqa: D102

    @property
    def by_region(self) -> Materials: ...  # noqa: D102

    @property
    def orders(self) -> Mapping[str, int]: ...  # noqa: D102

    @property
    def singular(self) -> tuple[Singularity, ...]: ...  # noqa: D102

    @property
    def unknown_names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def functions(self) -> tuple[Unknown, ...]: ...  # noqa: D102

    @property
    def estimates(self) -> bool: ...  # noqa: D102

    @property
    def initial_coefficients(self) -> dict[str, Tensor]: ...  # noqa: D102

    @property
    def initial_parameters(self) -> dict[str, Tensor]: ...  # noqa: D102

    def values_of(self, parameters: Known) -> dict[str, Tensor]: ...  # noqa: D102

    @property
    def eigenvalue(self) -> str | None: ...  # noqa: D102

    @property
    def integrals(self) -> Sequence[Integral]: ...  # noqa: D102

    @property
    def companions(self) -> Companions: ...  # noqa: D102

    def at(self, points: Tensor) -> Sites: ...  # noqa: D102

    def rows(self, arguments: Mapping[str, object], points: Tensor) -> tuple[Tensor, ...]: ...  # noqa: D102

    @property
    def equation_term(self) -> Term: ...  # noqa: D102

    @property
    def condition_terms(self) -> tuple[Term, ...]: ...  # noqa: D102

    @property
    def ansatz(self) -> Ansatz: ...  # noqa: D102

    @property
    def symmetries(self) -> dict[str, Symmetry]: ...  # noqa: D102

    @property
    def findings(self) -> tuple[Finding, ...]: ...  # noqa: D102

    @property
    def symmetry_evidence(self) -> str: ...  # noqa: D102

    @property
    def natural(self) -> Scales: ...  # noqa: D102
