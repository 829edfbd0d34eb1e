"""Acceptance of sweeps by the values v_j of the control, of which single ones may rise by noise.

With the last values v_1 ... v_W and the best and the first value v* and v_0, a sweep to v is accepted if

    v <= min( max_j v_j + a,  v* + CAP max(|v_0|, v_0 - v*) ).

The allowance a is the largest *fall* between neighbours among the last values: where the loss goes up and
down by noise only, it falls as far as it rises.  A rise never enlarges it, and it is at most what it was when
v* was found; while the loss is farther than that above v*, it can but shrink.  So a loss that climbs uses its
allowance up, and it stays below the second bound whatever falls lie in between (non-monotone trust regions:
arXiv:2605.14860, without allowance and second bound).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

WINDOW = 10  # values with which the next is compared
CAP = 0.1  # of the first value, or of the whole reduction so far: farther above the best no value is accepted
DOUBTFUL = 3  # sweeps in a row that raised the value, after which the gradient is examined


class Acceptance:
    """Memory of the control's values, and the rule by which a sweep is accepted.

    Attributes:
        values: The last accepted values, the newest at the end.
        first: The first value.
        best: The smallest accepted value.
        noise: The allowance when the best value was found.
        allowance: By how much a value may exceed the largest of the last ones.
        rises: Sweeps in a row that raised the value; one that was rejected counts as enough to doubt, but for
            those in which the radius is still searched for.
    """

    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=WINDOW)
        self.first = self.best = math.inf
        self.noise = self.allowance = 0.0
        self.rises = 0

    def begin(self, value: float) -> None:
        """Take the value where training begins."""
        self.values.append(value)
        self.first = self.best = value

    @property
    def began(self) -> bool:
        """True if there is a value."""
        return bool(self.values)

    @property
    def searches(self) -> bool:
        """True if nothing was accepted yet."""
        return len(self.values) == 1

    @property
    def highest(self) -> float:
        """The largest of the last values."""
        return max(self.values)

    @property
    def bound(self) -> float:
        """The largest value that is accepted next."""
        cap = self.best + CAP * max(abs(self.first), self.first - self.best)
        return min(self.highest + self.allowance, cap)

    @property
    def doubtful(self) -> bool:
        """True if a sweep, or several, went so wrong that the gradient should be examined."""
        return self.rises >= DOUBTFUL

    def judge(self, value: float) -> bool:
        """Say whether a sweep to this value is accepted, and remember it.

        Args:
            value: Of the control afterwards, possibly not finite.
        """
        accepted = math.isfinite(value) and value <= self.bound
        rise = 1 if accepted or self.searches else DOUBTFUL
        self.rises = 0 if accepted and value <= self.values[-1] else self.rises + rise
        if accepted:
            self.values.append(value)
            fall = max(0.0, *(a - b for a, b in pairwise(self.values)))
            if value < self.best:
                self.best, self.noise = value, fall
            before = self.noise if value <= self.best + self.noise else self.allowance
            self.allowance = min(before, fall)
        return accepted

    def trust(self) -> None:
        """Note that the gradient was found to be right."""
        self.rises = 0

    def return_to_best(self) -> None:
        """Note that the parameters are those of the best value again."""
        self.values.append(self.best)
        self.allowance, self.rises = 0.0, 0

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "values": list(self.values), "first": self.first, "best": self.best,
            "noise": self.noise, "allowance": self.allowance, "rises": self.rises,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a saved state; of an old one, which is the values alone, the last passes for the best."""
        self.values = deque(state["values"], maxlen=WINDOW)
        values = list(self.values) or [math.inf]
        self.first, self.best = state.get("first", max(values)), state.get("best", values[-1])
        self.noise = state.get("noise", max(values) - min(values))
        self.allowance, self.rises = state.get("allowance", self.noise), state.get("rises", 0)
