"""The estimated error in pictures, where there is no reference to compare with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .fields import Array
from .view import View


def estimated_error(
    solution: View, points: Mapping[str, Array], inside: NDArray[np.bool_]
) -> dict[str, Array] | None:
    """The absolute estimated error by unknown; None with a reference, or where no error field is known.

    Args:
        solution: The solution.
        points: Coordinates of one shape.
        inside: Which of them lie in the domain; the others get NaN.
    """
    if solution.problem.reference is not None or not solution.result.get("error_estimate"):
        return None
    found = solution.error_field({name: column[inside] for name, column in points.items()})
    names = solution.problem.unknown_names
    out = {name: np.full(inside.shape, np.nan) for name in names}
    for name in names:
        out[name][inside] = np.abs(found[name] if isinstance(found, dict) else found)
    # Zero everywhere where no function explains anything of the residual: only a bound of its size is known.
    return out if any(error[inside].any() for error in out.values()) else None


def words(solution: View) -> str:
    """Such as "estimated error 1.2e-03", for titles; empty where there is none, or a reference."""
    found = solution.result.get("error_estimate")
    if not found or found["relative"] is None or solution.result.get("relative_l2_error") is not None:
        return ""
    doubt = "" if found["reliable"] else " (not reliable)"
    return f"estimated error {found['relative']:.1e}{doubt}"
