"""Error estimates of a tenth of a second, for runs of `solve` in tests that are not about the estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def shorten(assign: Callable[[Any, str, Any], None] = setattr) -> None:
    """Make a small estimate the only one; a user's takes seconds, after three steps as well.

    Args:
        assign: Sets an attribute of a module, such as a MonkeyPatch's `setattr`, which can be undone.
    """
    from sapts_pinn.estimation import tangent
    from sapts_pinn.estimation.error_equation import Effort
    from sapts_pinn.results import solution

    assign(solution, "EFFORTS", (Effort(features=60, points=200, search=0, tries=0),))
    assign(tangent, "ALWAYS", 0)  # parameters of the largest network for which the seconds do not count
    assign(tangent, "PER_CUBE", math.inf)  # nor is there time for any other
