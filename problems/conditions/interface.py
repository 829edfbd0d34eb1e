"""Surfaces inside the domain across which a solution has a kink, as where a coefficient jumps.

    Interface(
        at=lambda x, y: x**2 + y**2 - 0.25,
        flux=lambda u, x, y, n_x, n_y: k(x, y) * (u.x * n_x + u.y * n_y),
    )

says that the solution is continuous where `at` is zero, and so is the flux, while the gradient may jump.  No
smooth network has a kink, and derivatives of a jumping k do not show in an equation that is tested at points.
So two things happen: |at| becomes one more input of the network, which bends it exactly there and leaves it
continuous, and the equality of the fluxes from both sides becomes a weighted term.
Source: Tseng, Lin, Hu and Lai, A cusp-capturing PINN for elliptic interface problems, arXiv:2210.08424.

The two sides of the surface are points at a distance of 1e-11 of the domain's extent from it, or as near
as coordinates can be told apart.  The term is wrong by as much, relatively, and so is the solution; nothing
has to know that the surface is special.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from ..fields import call_by_name, derivatives, parameter_names
from ..functions.given import OPAQUE, Slice, is_opaque
from .base import (
    Condition,
    Expressed,
    Feature,
    Fields,
    Known,
    Sites,
    Surface,
    as_column,
    space_names,
    value_at,
)
from .boundary_equation import with_normals

if TYPE_CHECKING:
    from ..complex_unknowns import Parts

ASIDE = 1e-11  # distance of the two sides from the surface, of the domain's extent
ROUNDINGS = 1e4  # or so many units of rounding of the coordinates, where that is more
NEWTON = 20  # steps from a point of the domain to the surface
CANDIDATES = 4  # starting points for each place that is wanted
ROUNDS = 8
HALVINGS = 30  # of segments in the search for kinks


@dataclass(frozen=True)
class Interface(Condition):
    """A surface inside the domain across which the unknowns are continuous and a flux is too.

    Args:
        at: Function of the coordinates that vanishes on the surface and changes its sign there; time may be
            one of them.  It has to be smooth, as the network is bent by its absolute value: a square is the
            two interfaces (x - 0.25) (x - 0.75) and (y - 0.25) (y - 0.75), which do no harm beyond its sides.
        flux: Function of unknowns, coordinates, coefficients and components of the unit normal (n_x for the
            coordinate x; it points to where `at` is positive), all matched by parameter name, which has the
            same value on both sides; or a tuple of such values.
        weight: Weight w of the term, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.

    Raises:
        InputError: `at` or `flux` is no function, or the weight is not positive.
    """

    at: Callable[..., Tensor]
    flux: Callable[..., object]
    hard: bool | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        for name, example in (("at", "lambda x: x - 0.5"), ("flux", "lambda u, x: k(x) * u.x")):
            if not callable(getattr(self, name)):
                raise InputError(
                    f"Interface: {name} must be a function such as {example}, not {getattr(self, name)!r}"
                )
        self._check()

    def unknowns(self) -> tuple[str, ...]:
        """No names: the flux may constrain any of the unknowns."""
        return ()

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """The fluxes of the parts of complex unknowns."""
        return (replace(self, flux=parts.written(self.flux)),) if parts.names else (self,)

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """No faces: the surface lies inside the domain.  The coordinates in `at` are checked here.

        Raises:
            InputError: `at` asks for something else than coordinates.
        """
        for name in self.coordinates():
            if name not in domain.names:
                raise InputError(
                    f"Interface: at= asks for {name!r}, which is none of the coordinates "
                    f"{', '.join(domain.names)}; rename the parameter"
                )
        return ()

    def coordinates(self) -> tuple[str, ...]:
        """The coordinates that the surface depends on."""
        return parameter_names(self.at, "at= of the interface")

    def level(self, domain: Domain) -> Callable[[Tensor], Tensor]:
        """Level function: `at` as a function of points [N, dim] with values [N]."""
        return lambda points: value_at(self.at, points, domain.names, "at= of the interface")

    def surface(self, domain: Domain) -> Surface:
        """Surface on which `at` vanishes."""
        return Surface(self.coordinates(), self.level(domain))

    def features(self, domain: Domain) -> tuple[Feature, ...]:
        """Network input |at|, scaled to at most about one, by which the solution has a kink on the surface.

        Raises:
            InputError: `at` has a kink of its own.
        """
        level = self.level(domain)
        points = domain.interior(1024, Generator().manual_seed(5))
        size = float(level(points).abs().max())
        kink = self._kink(domain, points)
        if kink is not None:
            pairs = zip(domain.names, kink.tolist(), strict=True)
            where = ", ".join(f"{name}={value:.3g}" for name, value in pairs)
            raise InputError(
                f"Interface: at= has a kink of its own near {where}, as would the solution; write a surface "
                "with edges as several interfaces, such as (x - 0.25) * (x - 0.75) for two sides"
            )
        return (
            Feature(
                "kink at the interface",
                lambda points: level(points).abs() / size,
                self.coordinates(),
                "Interface: at=",
            ),
        )

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Pairs of points on both sides: first all where `at` is negative, then their partners.

        Raises:
            InputError: `at` vanishes nowhere in the domain.
        """
        half, found = max(n // 2, 1), []
        for _ in range(ROUNDS):
            found.append(self._project(domain, domain.interior(CANDIDATES * half, generator, "uniform")))
            if sum(len(p) for p in found) >= half:
                break
        points = torch.cat(found)[:half]
        if not len(points):
            whole = Slice(domain, tuple(range(domain.dim)), ())
            if is_opaque(self.level(domain), whole, dict.fromkeys(domain.names, 1)):
                raise InputError(f"Interface: at= : {OPAQUE}; write it with torch functions")
            raise InputError(
                f"Interface: at= vanishes nowhere inside {domain!r}; it has to be zero on a surface in the "
                "domain and change its sign there"
            )
        normals = self._slopes(domain, points)
        normals = normals / normals.norm(dim=1, keepdim=True)
        step = aside(domain) * normals
        return Sites(torch.cat([points - step, points + step]), torch.cat([normals, normals]), fold=2)

    def _kink(self, domain: Domain, points: Tensor) -> Tensor | None:
        """A place where the gradient of `at` jumps, searched for on segments between points [N, dim]."""
        start, end = points[: len(points) // 2], points[len(points) // 2 :]
        span = domain.bounds[1] - domain.bounds[0]
        end = start + 0.1 * (end - start)  # short enough to stay where `at` makes sense
        first, last = self._slopes(domain, start), self._slopes(domain, end)
        size = float((first * span).norm(dim=1).max())
        for _ in range(HALVINGS):  # always the half in which the gradient changes more
            middle = (start + end) / 2
            slope = self._slopes(domain, middle)
            left = ((slope - first) * span).norm(dim=1) >= ((last - slope) * span).norm(dim=1)
            start, first = torch.where(left[:, None], start, middle), torch.where(left[:, None], first, slope)
            end, last = torch.where(left[:, None], middle, end), torch.where(left[:, None], slope, last)
        jump = ((last - first) * span).norm(dim=1)
        return start[jump.argmax()] if float(jump.max()) > 1e-3 * size else None

    def _slopes(self, domain: Domain, points: Tensor) -> Tensor:
        """The gradient of `at` in space, [N, dim]; zero in time."""
        axes = [domain.names.index(name) for name in space_names(domain)]
        out = torch.zeros_like(points)
        for i, slope in zip(axes, derivatives(self.level(domain), points, [(i,) for i in axes]), strict=True):
            out[:, i] = slope
        return out

    def _project(self, domain: Domain, points: Tensor) -> Tensor:
        """Project points onto the surface by Newton's method; those that do not arrive are dropped."""
        level = self.level(domain)
        for _ in range(NEWTON):
            slopes = self._slopes(domain, points)
            size = slopes.square().sum(1, keepdim=True)
            points = points - torch.where(size > 0, level(points)[:, None] * slopes / size, 0.0)
        slopes, near = self._slopes(domain, points).norm(dim=1), aside(domain)
        arrived = (slopes > 0) & (level(points).abs() <= 0.1 * near * slopes)
        return points[arrived & (domain.distance(points) < -2 * near)]

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The differences of the fluxes from the two sides.

        Raises:
            InputError: The flux is wrong, or uses no unknown.
        """
        what = "the flux of the interface"
        if not any(name in fields for name in parameter_names(self.flux, what)):
            raise InputError(f"{what} uses no unknown; name one ({', '.join(fields)}) as a parameter")
        result = call_by_name(self.flux, with_normals(fields, sites, domain, known, what), what)
        rows = result if isinstance(result, (tuple, list)) else (result,)
        out = []
        for row in rows:
            before, behind = as_column(row, sites.points.shape[0], what, sites.points).chunk(2)
            out.append(behind - before)
        return tuple(out)

    def expressed(self) -> Expressed:
        """The flux that is the same on both sides of the surface."""
        return Expressed(self.flux, self.at, jumps=True)

    def asks_for(self) -> tuple[str, ...]:
        """Names that the flux asks for; the surface depends on coordinates only."""
        return parameter_names(self.flux, "the flux of the interface")

    def describe(self, domain: Domain) -> str:
        """Name of the term in the loss."""
        return "flux across the interface"


def aside(domain: Domain) -> float:
    """Distance of the two sides from the surface."""
    low, high = domain.bounds
    furthest = float(torch.maximum(low.abs(), high.abs()).max())
    return max(ASIDE * float((high - low).max()), ROUNDINGS * torch.finfo(low.dtype).eps * furthest)
