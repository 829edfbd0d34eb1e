"""Natural units of a problem: those that are found, or those of a saved network."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from .conditions.base import Fields, Known, Sites
from .pointwise import Pointwise
from .scales import Scales, find, varying
from .term import Term

if TYPE_CHECKING:
    from .problem import Problem


class NaturalUnits:
    """Natural sizes of the unknowns and terms of a problem, see `scales.py`."""

    @cached_property
    def natural(self: Problem) -> Scales:  # type: ignore[misc]
        """The natural sizes of unknowns and residuals, found when they are first needed."""
        given = {name: float(v) for name, v in self.scales.items() if name in self.unknown_names}
        first = self.uniform_equation_term
        terms = (first if self.pointwise is None else _balanced(first, self.pointwise), *self._weighted[1:])
        return find(self.ansatz, self.domain.names, terms, self.initial_parameters, given)

    @cached_property
    def pointwise(self: Problem) -> Pointwise | None:  # type: ignore[misc]
        """Sizes of the equation from point to point; None where they are of one order."""
        return varying(self.ansatz, self.domain.names, self.uniform_equation_term, self.initial_parameters)

    def with_natural(self: Problem, natural: Scales) -> Problem:  # type: ignore[misc]
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


def _balanced(term: Term, sizes: Pointwise) -> Term:
    """The term divided by its size at each point."""

    def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
        return tuple(
            row / size for row, size in zip(term.residual(fields, sites, known), sizes(sites), strict=True)
        )

    return replace(term, residual=residual)
