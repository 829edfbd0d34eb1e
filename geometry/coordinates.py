"""Coordinates that are more than intervals: parameters of a family, radius and angle of round bodies."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor

from ..errors import InputError
from .shapes import Interval

DECADE = 9.99  # ratio of the ends of a parameter from which on its logarithm counts
OFF = 1e-6  # of the radius: points of a body keep so far from its centre
AROUND = {"axis": 2, "point": 3}


class Parameter(Interval):
    """A parameter of the equation: one network solves the whole family, ``... * Parameter("nu", 0.01, 0.1)``.

    Equations and data ask for it by name, as for a coordinate; they differentiate by it nowhere, and nothing
    is prescribed at its ends.

    Args:
        name: the parameter.
        lower: least value.
        upper: largest value.
        log: whether it counts in decades; None: where both ends are positive and a decade apart.

    Raises:
        InputError: as `Interval`, or logarithms of values that are not positive.
    """

    is_parameter = True

    def __init__(self, name: str, lower: float, upper: float, log: bool | None = None) -> None:
        if not isinstance(name, str):
            raise InputError(f"a parameter begins with its name: Parameter('nu', 0.01, 0.1), not {name!r}")
        if log and not lower > 0:
            raise InputError(f"{name} from {lower:g} on has no logarithm: drop log=True")
        decades = log if log is not None else lower > 0 and upper >= DECADE * lower
        super().__init__(lower, upper, name, log=float(lower) if decades and upper - lower > lower else None)
        self.spatial_faces = ()

    def __repr__(self) -> str:
        log = "" if self.log is None else ", log=True"
        return f"Parameter({self.names[0]!r}, {self.lower:g}, {self.upper:g}{log})"


class Radius(Interval):
    """The distance from an axis, as in cylindrical coordinates, or from a point, as in spherical ones.

    ``Radius(0, 1) * Interval(0, 2, name="z")`` is an axisymmetric cylinder, ``Radius(0, 1, around="point")``
    a ball in which nothing depends on the direction, ``Radius(1, 2) * Angle()`` a ring.  The operators grad,
    div and laplace are those of these coordinates.  From 0 on, the centre is no boundary: unknowns are
    smooth there, which is built in, and nothing can be prescribed at it.

    Args:
        lower: inner radius, 0 for a body that holds its centre.
        upper: outer radius.
        name: the coordinate.
        around: "axis" or "point".

    Raises:
        InputError: as `Interval`, a negative radius, or another centre.
    """

    def __init__(
        self, lower: float, upper: float, name: str = "r", around: Literal["axis", "point"] = "axis"
    ) -> None:
        super().__init__(lower, upper, name)
        if self.lower < 0:
            raise InputError(f"a radius is not negative: {name} goes from {lower:g} on")
        if around not in AROUND:
            raise InputError(f"a radius is around an 'axis' or a 'point', not {around!r}")
        self.around, self.of_dim = around, AROUND[around]
        if self.lower == 0:
            self.centre = self.faces[0]
            self.spatial_faces = self.faces[1:]

    def from_unit(self, u: Tensor) -> Tensor:
        """Map [0, 1] onto the radii, but for the centre itself: any shape."""
        return super().from_unit(u).clamp_min(OFF * self.upper if self.centre is not None else self.lower)

    def flat_faces(self, name: str) -> tuple[str, ...]:
        """The ends that are boundaries."""
        return self.spatial_faces

    def __repr__(self) -> str:
        around = "" if self.around == "axis" else f", around={self.around!r}"
        return f"Radius({self.lower:g}, {self.upper:g}, name={self.names[0]!r}{around})"


class Angle(Interval):
    """The angle of polar and cylindrical coordinates, beside a `Radius`: the full circle, or a sector.

    A full circle has no ends, and needs ``Periodic("theta")``.

    Args:
        lower: first angle.
        upper: last angle, at most a full turn more.
        name: the coordinate.

    Raises:
        InputError: as `Interval`, or more than a full turn.
    """

    is_angle = True

    def __init__(self, lower: float = 0.0, upper: float = 2 * math.pi, name: str = "theta") -> None:
        super().__init__(lower, upper, name)
        if self.upper - self.lower > 2 * math.pi * (1 + 1e-12):
            raise InputError(f"{name} makes more than a full turn; end it at {self.lower + 2 * math.pi:g}")
        if self.upper - self.lower > 2 * math.pi * (1 - 1e-12):
            self.spatial_faces = ()
