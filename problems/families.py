"""References of a family of problems, known at chosen values of its parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..errors import InputError
from .references import Array, Reference

ALIKE = 1e-9  # relative distance up to which a parameter has the chosen value


def family(name: str, member: Callable[[float], Reference], values: Sequence[float]) -> Reference:
    """Return the reference of a family that is known at chosen values of a parameter, NaN at others.

    Args:
        name: The parameter.
        member: Makes the reference at a value, in all coordinates but the parameter.
        values: The chosen values.  Pictures show both ends of the parameter and its middle (of the logarithm
            where that counts), and compare there if these are among them.

    Raises:
        InputError: No value is given.
    """
    if len(values) == 0:
        raise InputError(f"a family in {name} needs at least one value at which its reference is known")
    members = {float(value): member(float(value)) for value in values}

    def evaluate(points: Mapping[str, Array]) -> dict[str, Array]:
        columns = dict(zip(points, np.broadcast_arrays(*points.values()), strict=True))
        at = np.asarray(columns.pop(name), float)
        out: dict[str, Array] = {}
        for value, one in members.items():
            here = np.abs(at - value) <= ALIKE * abs(value)
            for unknown, found in one.evaluate({n: c[here] for n, c in columns.items()}).items():
                out.setdefault(unknown, np.full(at.shape, np.nan))[here] = found
        return out

    def test_points() -> dict[str, Array]:
        each = [one.test_points() for one in members.values()]
        sizes = [len(next(iter(points.values()))) for points in each]
        joined = {n: np.concatenate([points[n] for points in each]) for n in each[0]}
        return joined | {name: np.repeat(list(members), sizes)}

    first = next(iter(members.values()))
    return Reference(
        f"{first.source}, at {len(members)} values of {name}",
        max(one.accuracy for one in members.values()),
        evaluate,
        test_points,
    )
