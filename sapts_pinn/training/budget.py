"""Budget of a run: seconds, iterations or evaluations, as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import InputError

_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
_COUNTS = {
    "it": "iterations", "iteration": "iterations", "iterations": "iterations", "steps": "iterations",
    "evaluation": "evaluations", "evaluations": "evaluations", "evals": "evaluations",
}  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """Limits of a run; whichever is reached first ends it.

    Attributes:
        seconds: Wall time.
        iterations: Optimizer steps.
        evaluations: Gradient evaluations on the full point set.
    """

    seconds: float = math.inf
    iterations: float = math.inf
    evaluations: float = math.inf

    @classmethod
    def parse(cls, text: str | float | Budget) -> Budget:
        """Read "2min", "90s", "1h30min", "500 iterations", "10000 evaluations", seconds, or a list of these.

        Raises:
            InputError: The text is none of these.
        """
        if isinstance(text, Budget):
            return text
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            text = f"{text}s"
        limits: dict[str, float] = {}
        wrong = InputError(
            f"cannot read the budget {text!r}; "
            "write for example '2min', '90s', '1h30min', '500 iterations' or '10000 evaluations'"
        )
        if not isinstance(text, str):
            raise wrong
        for part in text.split(","):
            pieces = re.findall(r"\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*([a-z]+)\s*", part.lower())
            if not pieces or "".join(a + b for a, b in pieces) != re.sub(r"\s+", "", part.lower()):
                raise wrong
            for number, unit in pieces:
                if unit in _UNITS:
                    limits["seconds"] = limits.get("seconds", 0.0) + float(number) * _UNITS[unit]
                elif unit in _COUNTS:
                    limits[_COUNTS[unit]] = float(number)
                else:
                    raise wrong
        if any(not limit > 0 for limit in limits.values()):
            raise wrong
        return cls(**limits)

    def __str__(self) -> str:
        parts = [f"{self.seconds:.15g}s"] if self.seconds < math.inf else []
        parts += [f"{self.iterations:.15g} iterations"] if self.iterations < math.inf else []
        parts += [f"{self.evaluations:.15g} evaluations"] if self.evaluations < math.inf else []
        return ", ".join(parts) or "unlimited"

    def used(self, seconds: float, iterations: float, evaluations: float) -> float:
        """The share that is spent, 1 when a limit is reached."""
        return max(seconds / self.seconds, iterations / self.iterations, evaluations / self.evaluations)
