"""Unknown functions of an equation, and unknown numbers in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..errors import InputError
from .conditions.base import is_finite


@dataclass(frozen=True)
class Unknown:
    """An unknown function of which more is known than its name.

    Args:
        name: By this name the equation asks for it.
        of: The coordinates it depends on; None: all of them.  `Unknown("k", of="x")` is a field k(x) in an
            equation in x and t, with a small network of its own.
        positive: Whether it is positive everywhere: it is `init` times the exponential of a network then.
        init: Where the search for a positive one starts.
        odd: A radius from 0 on in which it is odd, as the radial and the azimuthal component of a vector are;
            other unknowns are even in it.
        part_of: The complex unknown that it is the real or the imaginary part of; `Complex` sets it.

    Raises:
        InputError: `init` is not a positive number, or is given for an unknown of either sign.
    """

    name: str
    of: str | Sequence[str] | None = None
    positive: bool = False
    init: float = 1.0
    part_of: str | None = None
    odd: str | None = None

    def __post_init__(self) -> None:
        if self.of is not None:
            object.__setattr__(self, "of", (self.of,) if isinstance(self.of, str) else tuple(self.of))
        if not (is_finite(self.init) and self.init > 0):
            raise InputError(f"Unknown({self.name!r}): init must be a positive number, not {self.init!r}")
        if self.init != 1.0 and not self.positive:
            raise InputError(
                f"Unknown({self.name!r}): init={self.init:g} is for positive=True; "
                "other unknowns start from the network's initial values"
            )

    def reads(self, coordinates: Sequence[str]) -> bool:
        """Test whether the unknown may depend on all of some coordinates."""
        return self.of is None or set(coordinates) <= set(self.of)

    def __str__(self) -> str:
        of = "" if self.of is None else f"({', '.join(self.of)})"
        odd = "" if self.odd is None else f", odd in {self.odd}"
        positive = f", positive, starting from {self.init:g}" if self.positive else ""
        return f"{self.name}{of}{positive}{odd}"


def listed(unknowns: Any) -> tuple[Any, ...]:
    """Tuple of the unknowns of a problem, of which there may be one by itself."""
    alone = isinstance(unknowns, str) or not isinstance(unknowns, Iterable)
    return (unknowns,) if alone else tuple(unknowns)


@dataclass(frozen=True)
class Coefficient:
    """An unknown number in the equation or in a condition, found together with the solution.

    Args:
        name: By this name equations and conditions ask for it.
        init: Where the search starts.
        positive: Whether it is positive: its logarithm is trained then, so that it stays so and that factors
            of ten are steps of equal size.

    Raises:
        InputError: `init` is not a finite number, or not positive where it has to be.
    """

    is_eigenvalue: ClassVar[bool] = False

    name: str
    init: float = 1.0
    positive: bool = False

    def __post_init__(self) -> None:
        if not is_finite(self.init):
            raise InputError(f"Coefficient({self.name!r}): init must be a finite number, not {self.init!r}")
        if self.positive and self.init <= 0:
            raise InputError(
                f"Coefficient({self.name!r}, positive=True): init must be positive, not {self.init:g}"
            )

    @property
    def parameter(self) -> float:
        """Initial value of the trained parameter."""
        return self.of(float(self.init))

    @property
    def scale(self) -> float:
        """Unit of the trained parameter of a coefficient of either sign, so that steps are of its order."""
        return abs(float(self.init)) or 1.0

    def of(self, value: float) -> float:
        """Trained parameter of a value."""
        return math.log(value) if self.positive else value / self.scale

    def value(self, parameter: Tensor) -> Tensor:
        """Coefficient from its trained parameter, of any shape."""
        return torch.exp(parameter) if self.positive else self.scale * parameter

    def __str__(self) -> str:
        return f"{self.name}{', positive' if self.positive else ''}, starting from {self.init:g}"


@dataclass(frozen=True)
class Eigenvalue(Coefficient):
    """The number lambda of a linear problem for which it has solutions beside zero, see `eigenpairs`.

    Args:
        name: By this name the equation asks for it; it is of degree one there.
    """

    is_eigenvalue: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"{self.name}, an eigenvalue"
