"""Materials: coefficients with a value in every region of the domain, which the equation asks for by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ..errors import InputError
from .conditions.base import Value, is_finite, value_at
from .conditions.contact import regions_of

if TYPE_CHECKING:
    from .description import Description

Given = Mapping[str, Mapping[str, Value]]


class Materials:
    """Coefficients by region, as tensors at points.

    Args:
        problem: Its domain has regions, if it has materials.

    Raises:
        InputError: A region is unknown or has no value, a value is no number and no function, or no `Contact`
            says what is continuous between regions.
    """

    def __init__(self, problem: Description) -> None:
        self.given: Given = problem.materials
        self.domain = problem.domain
        # A run asks again and again at the same points, and to find the region of a point is dear.
        self._known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        for name, values in self.given.items():
            self._check(name, values)
        if self.given and not any(c.joins_regions for c in problem.conditions):
            raise InputError(
                f"materials: {', '.join(self.given)} jumps between regions, and nothing says which flux is "
                "continuous there; add Contact(flux=lambda u, k, n_x, n_y: k * (u.x * n_x + u.y * n_y))"
            )

    def _check(self, name: str, values: Mapping[str, Value]) -> None:
        regions = regions_of(self.domain, f"materials: {name}")
        if not isinstance(values, Mapping):
            raise InputError(f"materials: {name!r} is {values!r}; give a value for each region, by name")
        for label, value in values.items():
            if label not in regions.labels:
                near = get_close_matches(label, regions.labels, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(regions.labels)}"
                raise InputError(f"materials: {name}: there is no region {label!r}; {hint}")
            if not callable(value) and not is_finite(value):
                raise InputError(
                    f"materials: {name} in {label}: {value!r} is neither a finite number nor a function of "
                    "the coordinates"
                )
        for label in regions.labels:
            if label not in values:
                raise InputError(f"materials: {name} has no value in the region {label!r}; give one")

    def at(self, points: Tensor) -> dict[str, Tensor]:
        """Values [N] at points [N, dim], by name."""
        if not self.given:
            return {}
        version, found = self._known.get(points, (None, {}))
        if version != points._version:
            found = self._computed(points.detach())
            self._known[points] = points._version, found
        return dict(found)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_known": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _known=WeakTensorKeyDictionary())

    def _computed(self, points: Tensor) -> dict[str, Tensor]:
        regions = regions_of(self.domain, "materials")
        number = regions.of(self.domain, points)
        out = {}
        for name, values in self.given.items():
            column = torch.zeros_like(points[:, 0])
            for i, label in enumerate(regions.labels):
                what = f"the material {name} in {label}"
                column = torch.where(
                    number == i, value_at(values[label], points, self.domain.names, what), column
                )
            out[name] = column
        return out
