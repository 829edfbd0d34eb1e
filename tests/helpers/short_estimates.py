"""Error estimates of a tenth of a second, for runs of `solve` in tests that are not about the estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def shorten(assign: Callable[[Any, str, Any], None] = setattr) -> None:
    """Make the first, cheapest estimate the last one; a user's takes seconds, after three steps as well.

    Args:
        assign: Sets an attribute of a module, such as a MonkeyPatch's `setattr`, which can be undone.
    """
    from sapts_pinn.estimation import error_estimate, tangent

    assign(error_estimate, "LEAST", 0.0)  # seconds that every estimate may take
    assign(error_estimate, "SHARE", 0.0)  # of the run's seconds, which are many on a busy machine
    assign(tangent, "ALWAYS", 0)  # parameters of the largest network for which the seconds do not count
    assign(tangent, "PER_CUBE", math.inf)  # nor is there time for any other
