"""Parts of a problem that are known beside the equation: materials, singular parts, inputs of the network."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from .ansatz.singular import Singularity, singularities
from .conditions.base import Feature
from .jumps import Jumps, jumps
from .materials import Materials
from .obstacles import Complementarity
from .sources import Known as KnownSource
from .sources import known_of

if TYPE_CHECKING:
    from .problem import Problem


class KnownParts:
    """Known parts of a problem, each found when it is first needed."""

    @cached_property
    def by_region(self: Problem) -> Materials:  # type: ignore[misc]
        """The materials, as tensors at points."""
        return Materials(self)

    @cached_property
    def free(self: Problem) -> Problem:  # type: ignore[misc]
        """The problem without its obstacles, which questions of well-posedness are asked of."""
        if not self.obstacles:
            return self
        with warnings.catch_warnings():  # they are this problem's, too
            warnings.simplefilter("ignore")
            return replace(self, obstacles=())

    @cached_property
    def complementarity(self: Problem) -> Complementarity | None:  # type: ignore[misc]
        """Form of the equation with the obstacle; None without one."""
        return Complementarity.of(self, self.free) if self.obstacles else None

    @cached_property
    def singular(self: Problem) -> tuple[Singularity, ...]:  # type: ignore[misc]
        """Known parts of the only unknown, which kinks and jumps in the data start."""
        if self.sources:  # of which kinks in the data know nothing
            return tuple(known.part for known in self._known_sources)
        return singularities(
            self.domain,
            self.functions,
            self.equation_term.rows,
            self.equation_term.needs,
            lambda field, points: self.evaluate({self.unknown_names[0]: field}, points, {})[0],
            tuple(self.conditions),
            simple=not self.coefficients and not self.particular and self.companions.fold == 1,
        )

    @cached_property
    def _known_sources(self: Problem) -> list[KnownSource]:  # type: ignore[misc]
        return [known_of(self, source) for source in self.sources]

    @cached_property
    def features(self: Problem) -> tuple[Feature, ...]:  # type: ignore[misc]
        """Inputs of the network that conditions, sources and delays ask for."""
        of_conditions = [f for c in self.conditions for f in c.features(self.domain)]
        of_sources = [f for known in self._known_sources for f in known.features]
        return (*of_conditions, *of_sources, *self.companions.features)

    @cached_property
    def jumps(self: Problem) -> Jumps:  # type: ignore[misc]
        """Places where prescribed values jump, so that no solution is continuous."""
        return jumps(self)
