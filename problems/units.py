"""Natural units of a problem: those that are found, or those of a saved network."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from .scales import Scales, find

if TYPE_CHECKING:
    from .problem import Problem


class NaturalUnits:
    """Natural sizes of the unknowns and terms of a problem, see `scales.py`."""

    @cached_property
    def natural(self: Problem) -> Scales:  # type: ignore[misc]
        """The natural sizes of unknowns and residuals, found when they are first needed."""
        given = {name: float(v) for name, v in self.scales.items() if name in self.unknown_names}
        terms = (self.uniform_equation_term, *self._weighted[1:])
        return find(self.ansatz, self.domain.names, terms, self.initial_parameters, given)

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
