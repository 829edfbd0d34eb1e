"""The form of a solution that satisfies what can be satisfied exactly, and the parts it is made of.

For each unknown the ansatz is

    u(x) = g(x) + l(x) N(features(x)),       or init exp(N(features(x))) for a positive one,

where g satisfies the conditions, l vanishes wherever they fix u (to second order at the start of time when
the velocity is given too), and N is the network.  g is the boolean sum of the conditions' one-dimensional
interpolants (transfinite interpolation: Gordon 1971), coordinate after coordinate, time last:

    g_k = g_{k-1} + P_k (d_k - g_{k-1}),

with P_k the linear interpolant between the two ends of coordinate k (constant when one end is fixed, constant
plus t times the velocity for time).  Periodicity and symmetries enter through the features and through l:

    coordinate                      features                       l
    plain                           xi in [-1, 1]                  1 - xi^2, 1 + xi, 1 - xi or 1
    radius from 0 on                (r/R)^2                        1 - (r/R)^2 or 1, times r/R if odd
    in decades (`log`)              log(1 + (x - a)/s), scaled     the same
    mirror-symmetric about middle   xi^2                           the same, times xi if odd
    periodic                        cos, sin of 2 pi (x-a)/L       1
    periodic and symmetric          cos of 2 pi (x-c)/L            1, or sin 2 pi (x-c)/L if odd
    symmetric about both ends       cos phi, phi = pi (x-a)/L      sin phi if u = 0 at the ends, else 1
    ... and about the middle        cos 2 phi                      the same, times cos phi if odd
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...errors import InputError
from ...geometry import Interval
from ..conditions.base import Condition, Feature
from ..fields import slope
from ..symmetry.symmetry import Symmetry

Function = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Ansatz:
    """Form of the solution, u_j = extension_j + factor_j N_j(features); init_j exp(that) where u_j > 0.

    Attributes:
        network_inputs: Functions of points [N, dim] with values [N], with their names.
        inputs: For each unknown the positions of the features it depends on.
        positive: For each positive unknown its init_j.
        extension: For each unknown a function [N, dim] -> [N], or None for zero.
        factor: For each unknown a function [N, dim] -> [N], or None for one.
        exact: Conditions that hold by construction, by identity.
        messages: Decisions against the usual choice, with reasons.
        contradictions: The messages about conditions that no solution can satisfy.
    """

    network_inputs: tuple[Feature, ...]
    inputs: Mapping[str, tuple[int, ...]]
    positive: Mapping[str, float]
    extension: Mapping[str, Function | None]
    factor: Mapping[str, Function | None]
    exact: tuple[Condition, ...] = ()
    messages: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Function, ...]:
        """Functions [N, dim] -> [N] of the network's inputs."""
        return tuple(feature.function for feature in self.network_inputs)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the network's inputs, in words."""
        return tuple(feature.name for feature in self.network_inputs)

    def features(self, points: Tensor) -> Tensor:
        """The network's inputs [N, F] at points [N, dim]."""
        return torch.stack([column(points) for column in self.columns], 1)


def pinned(points: Tensor, axis: int, value: float) -> Tensor:
    """Move points [N, dim] to a face, the one where a coordinate has a given value."""
    column = torch.arange(points.shape[1], device=points.device) == axis
    return torch.where(column, torch.full_like(points, value), points)


@dataclass
class Coordinate:
    """Features and factor of one interval coordinate; `scale` is the half length of its feature, if given."""

    shape: Interval
    axis: int
    periodic: bool = False
    symmetry: Symmetry = field(default_factory=Symmetry)
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and (self.periodic or self.symmetry != Symmetry()):
            name, why = (
                self.shape.names[0],
                "periodic" if self.periodic else "symmetric (symmetry=False ends that)",
            )
            raise InputError(
                f"scales: the coordinate {name} is {why}, its feature has a fixed length; "
                f"drop {name!r} from scales"
            )

    def xi(self, points: Tensor) -> Tensor:
        """The coordinate scaled to [-1, 1], or its logarithm where that counts, [N]."""
        if self.shape.log is not None:
            return 2 * self.shape.to_unit(points[:, self.axis]) - 1
        lower, upper = self.shape.lower, self.shape.upper
        out: Tensor = (2 * points[:, self.axis] - (lower + upper)) / (upper - lower)
        return out

    def share(self, points: Tensor) -> Tensor:
        """The radius over the outer one, [N]."""
        return points[:, self.axis] / self.shape.upper

    def features(self) -> list[tuple[str, Function]]:
        """Network inputs for the coordinate: names in words, and functions [N, dim] -> [N]."""
        name, xi = self.shape.names[0], self.xi
        if self.shape.centre is not None:
            return [(f"square of {name}, smooth at the centre", lambda p: 2 * self.share(p) ** 2 - 1)]
        centred = self.symmetry.centre is not None
        if self.periodic:
            even = (f"cos of {name} over its period", lambda p: torch.cos(math.pi * xi(p)))
            odd = (f"sin of {name} over its period", lambda p: torch.sin(math.pi * xi(p)))
            return [even] if centred else [even, odd]
        if self.symmetry.ends is not None:
            if centred:
                return [
                    (f"cos of {name}, symmetric about ends and middle", lambda p: torch.cos(math.pi * xi(p)))
                ]
            return [(f"cos of {name}, symmetric about both ends", lambda p: torch.sin(0.5 * math.pi * xi(p)))]
        if centred:
            return [(f"square of {name}, symmetric about the middle", lambda p: 2 * xi(p) ** 2 - 1)]
        stretch = (
            1.0
            if self.scale is None
            else float(self.shape.bounds[1, 0] - self.shape.bounds[0, 0]) / (2 * self.scale)
        )
        words = name if self.shape.log is None else f"logarithm of {name}"
        return [(words, xi if stretch == 1 else lambda p: stretch * xi(p))]

    def factor(self, j: int, fixed: tuple[bool, bool]) -> Function | None:
        """Function that vanishes at the fixed ends and has the parity of unknown j; None stands for one."""
        xi, factors = self.xi, []
        if self.shape.centre is not None:
            return (lambda p: 1 - self.share(p) ** 2) if fixed[1] else None
        odd = self.symmetry.centre is not None and self.symmetry.centre[j] == -1
        if self.periodic:
            return (lambda p: torch.sin(math.pi * xi(p))) if odd else None
        if (
            self.symmetry.ends is not None
        ):  # phi = pi (xi + 1) / 2: sin phi = cos(pi xi / 2), cos phi = -sin(pi xi / 2)
            if self.symmetry.ends[j] == -1:
                factors.append(lambda p: torch.cos(0.5 * math.pi * xi(p)))
            if odd:
                factors.append(lambda p: torch.sin(0.5 * math.pi * xi(p)))
        else:
            if fixed == (True, True):
                factors.append(lambda p: 1 - xi(p) ** 2)
            elif fixed == (True, False):
                factors.append(lambda p: (1 + xi(p)) / 2)
            elif fixed == (False, True):
                factors.append(lambda p: (1 - xi(p)) / 2)
            if odd:
                factors.append(xi)
        return product(factors)


def product(factors: Sequence[Function]) -> Function | None:
    """Product of functions; None, which stands for one, where there are none."""
    if not factors:
        return None

    def product(points: Tensor) -> Tensor:
        out = factors[0](points)
        for f in factors[1:]:
            out = out * f(points)
        return out

    return product


def total(f: Function, g: Function | None) -> Function:
    """Sum f + g of two functions, where None stands for zero."""
    return f if g is None else lambda points: f(points) + g(points)


def interpolant(
    g: Function | None,
    coordinate: Coordinate,
    ends: tuple[Function | None, Function | None],
    odd: bool = False,
) -> Function | None:
    """Extend g to g + P (d - g) for the Dirichlet data d at the ends of one coordinate; odd in a radius."""
    lower, upper = coordinate.shape.bounds[:, 0].tolist()
    both = ends[0] is not None and ends[1] is not None

    def blended(points: Tensor) -> Tensor:
        xi = coordinate.xi(points)
        total = torch.zeros_like(xi) if g is None else g(points)
        for end, data, weight in ((lower, ends[0], (1 - xi) / 2), (upper, ends[1], (1 + xi) / 2)):
            if data is not None:
                face = pinned(points, coordinate.axis, end)
                gap = data(face) if g is None else data(face) - g(face)
                if odd:
                    gap = gap * coordinate.share(points)
                total = total + (weight * gap if both else gap)
        return total

    return None if ends == (None, None) else blended


def from_start(
    g: Function | None, axis: int, start: float, value: Function | None, velocity: Function | None
) -> Function:
    """Extend g to g + P (d - g) for initial data: value, and (t - start) times the velocity."""

    def blended(points: Tensor) -> Tensor:
        total = torch.zeros_like(points[:, 0]) if g is None else g(points)
        face = pinned(points, axis, start)
        if value is not None:
            total = total + (value(face) if g is None else value(face) - g(face))
        if velocity is not None:
            rate = velocity(face)
            if g is not None:
                rate = rate - slope(g, face, axis)
            total = total + (points[:, axis] - start) * rate
        return total

    return blended
