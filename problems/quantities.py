"""Quantities of interest of a solution: a drag, a stress concentration, a flow rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, SupportsFloat

from ..errors import InputError
from .answers import Solved
from .mistakes import mistake


@dataclass(frozen=True)
class Quantity:
    """Number computed from a solution, with its reference value where that is known.

        Quantity(lambda solution: solution.evaluate(lambda u: u.x, {"x": 1.0}), value=-0.5, source="theory")

    Args:
        function: Takes the `Solution` and returns one number; `solution.predict`, `.derivative` and
            `.evaluate` give values and derivatives at points.
        value: The published or exact number, or None.
        source: Where that comes from, in a few words.

    Raises:
        InputError: `function` is no function, or `value` not finite.
    """

    function: Callable[[Any], SupportsFloat]
    value: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InputError(f"a quantity needs a function of the solution, not {self.function!r}")
        if self.value is not None and not (
            isinstance(self.value, (int, float)) and math.isfinite(self.value)
        ):
            raise InputError(f"the value of a quantity must be a finite number or None, not {self.value!r}")

    def of(self, solution: Solved, name: str) -> dict[str, float | None]:
        """Value of the quantity in a solution.

        Returns:
            `value`, `reference` and `relative_error`: |value - reference| / |reference|; the last two are
            None where nothing is known to compare with (or it is zero).

        Raises:
            InputError: The function failed or returned no number.
        """
        what = f"the quantity {name!r}"
        try:
            result = self.function(solution)
        except Exception as error:
            raise mistake(what, error) from error
        try:
            found = float(result)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(f"{what} returned {type(result).__name__}; return one number") from None
        off = abs(found - self.value) / abs(self.value) if self.value else None
        return {"value": found, "reference": self.value, "relative_error": off}
