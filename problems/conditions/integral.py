r"""Integrals that are prescribed: a mass, a mean, a flow through a face.

    IntegralCondition(lambda p: p, 1.0)                            over the whole space, at all times
    IntegralCondition(lambda u: u.x, 0.0, on="x=1")                over a face
    IntegralCondition(lambda u, x: x * u, lambda t: t, over="x")   over a coordinate

The integral is a weighted sum over quadrature nodes, sum_q w_q f(x_q) - value.  All nodes of one integral are
sites of one residual, in the same way as the two ends of a periodic pair; where coordinates are left over,
such as time, there is one integral for each of a number of places.  Nodes are drawn anew, by chance, with
every set of points, so that the audit, which draws its own, sees an integrand that they do not resolve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from ...geometry.names import face_words
from ...geometry.quadrature import Rule
from ..fields import call_by_name, parameter_names
from .base import (
    NORMAL,
    Condition,
    Expressed,
    Fields,
    Known,
    Measurements,
    Sites,
    Value,
    as_column,
    is_finite,
    space_names,
    time_names,
    value_at,
)
from .boundary_equation import with_normals

NODES = {1: 64, 2: 32}  # along a coordinate, by the number of them that an integral has
SPATIAL = 16  # with three coordinates or more
SHARE = 32  # of the sites that a term asks for there is one integral, which has many nodes
FEWEST = 16  # integrals, where they depend on a coordinate


@dataclass(frozen=True)
class IntegralCondition(Condition):
    """A prescribed integral.

    Args:
        integrand: Function of unknowns, coordinates and coefficients, and on a face of components of the unit
            normal (n_x), all matched by parameter name.
        value: The integral: a number, or a function of the coordinates that are not integrated over and of
            coefficients.
        over: A coordinate, or several, that the integral is over; by default all of space, at all times.
        on: A face that the integral is over, in place of the domain, at all times.
        weight: Weight w of the term, a pure number beside 1 of the equation: the loss gets
            w mean (r / R)^2 / 2, r being the residual and R its natural size, both in the user's units;
            `print(problem)` shows R under "scales".  None balances w against the equation.
        nodes: Quadrature nodes along each coordinate; None for 64 over one coordinate, 32 over two, else 16;
            on meshes an eighth of that along each direction in a cell.
        noise: Standard deviation of the value where it is measured, as that of `Observations`: one integral,
            over all coordinates, whose value is a number.

    Raises:
        InputError: An argument is wrong.
    """

    integrates: ClassVar[bool] = True

    integrand: Callable[..., object]
    value: Value
    over: str | Iterable[str] | None = None
    on: str | None = None
    hard: bool | None = None
    weight: float | None = None
    nodes: int | None = None
    noise: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.integrand):
            raise InputError(
                "IntegralCondition needs a function of the unknowns such as lambda u: u, "
                f"not {self.integrand!r}"
            )
        if self.over is not None and not isinstance(self.over, str):
            object.__setattr__(self, "over", tuple(self.over))
        if self.over is not None and self.on is not None:
            raise InputError("IntegralCondition: give over= for coordinates or on= for a face, not both")
        if self.nodes is not None and not (isinstance(self.nodes, int) and self.nodes >= 2):
            raise InputError(f"IntegralCondition: nodes must be a number of at least 2, not {self.nodes!r}")
        self._check(value=self.value)
        if self.noise is None:
            return
        if not (is_finite(self.noise) and self.noise > 0) or callable(self.value):
            raise InputError(
                f"IntegralCondition: noise={self.noise!r} must be a positive standard deviation of a value "
                "that is a number; leave it out where the integral is known"
            )

    def measurements(self) -> Measurements | None:
        """Summary of the measured value, where its noise is given."""
        if self.noise is None:
            return None
        assert not callable(self.value)
        size = abs(self.value)
        return Measurements(1, None, self.noise, self.noise**-2, self.noise / size if size else 1.0)

    def unknowns(self) -> tuple[str, ...]:
        """No names: the integrand may contain any of the unknowns."""
        return ()

    def expressed(self) -> Expressed | None:
        """The integral, if it is over no face."""
        over = (self.over,) if isinstance(self.over, str) else tuple(self.over or ())
        return (
            Expressed(self.integrand, integrated=True, over=over, value=self.value)
            if self.on is None
            else None
        )

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """No faces: it is no requirement at points of one.  The names are checked here.

        Raises:
            InputError: There is no such coordinate or face; or only part of a shape is integrated over.
        """
        shares = self._shares(domain)
        if self.noise is not None and not all(inside for *_, inside in shares):
            left = ", ".join(n for shape, _, inside in shares if not inside for n in shape.names)
            raise InputError(
                f"IntegralCondition: a measured value, of noise {self.noise:g}, is one integral, and this is "
                f"one for each {left}; integrate over all coordinates, such as over={domain.names!r}, with a "
                "weight in the integrand for a shorter time"
            )
        return ()

    def _over(self, domain: Domain) -> tuple[str, ...]:
        """Coordinates of the integral."""
        if self.over is None:
            return space_names(domain)
        return (self.over,) if isinstance(self.over, str) else tuple(self.over)

    def _shares(self, domain: Domain) -> list[tuple[Domain, str | None, bool]]:
        """Factors of the domain, each with its face of the integral and whether the integral is over it."""
        over = self._over(domain)
        for name in over:
            if name not in domain.names:
                raise InputError(
                    f"IntegralCondition(over={self.over!r}): {name!r} is none of the coordinates "
                    f"{', '.join(domain.names)}"
                )
        if not over:
            raise InputError(
                "IntegralCondition: there is no space to integrate over; name a coordinate in over="
            )
        tags = () if self.on is None else domain.face_tags(self.on)
        if len(tags) > 1:
            raise InputError(
                f"IntegralCondition(on={self.on!r}) names {len(tags)} faces, {', '.join(tags)}; name one"
            )
        found: list[tuple[Domain, str | None, bool]] = []
        for shape in domain.factors():
            inside = [name in over for name in shape.names]
            if any(inside) and not all(inside):
                raise InputError(
                    f"IntegralCondition(over={self.over!r}): {shape!r} can be integrated over as a whole "
                    f"only; name all of {', '.join(shape.names)}"
                )
            face = next((tag for tag in tags if tag in shape.faces), None)
            if face is not None and shape.is_time:
                raise InputError(
                    f"IntegralCondition(on={self.on!r}): that is a time; integrate over space, with a "
                    "function of time as the value"
                )
            found.append((shape, face, all(inside)))
        if tags and all(face is None for _, face, _ in found):
            raise InputError(f"IntegralCondition(on={self.on!r}): there is no quadrature on that face")
        return found

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """Nodes of all integrals: the first nodes of all, then the second ones."""
        shares = self._shares(domain)
        count = sum(s.dim - (face is not None) for s, face, inside in shares if inside)
        rule = Rule(self.nodes or NODES.get(count, SPATIAL if count > 2 else NODES[1]), generator)
        many = max(n // SHARE, FEWEST) if not all(inside for *_, inside in shares) else 1
        return self._placed(domain, domain.interior(many, generator, sampler), rule)

    def _placed(self, domain: Domain, places: Tensor, rule: Rule) -> Sites:
        """Nodes of the integrals at places [many, dim], whose coordinates of the integral do not count."""
        many, shares = len(places), self._shares(domain)
        weights = torch.ones(1, dtype=torch.float64)
        points, normals, start = places[None], torch.zeros_like(places[None]), 0  # [Q, many, dim]
        for shape, face, inside in shares:
            columns = slice(start, start + shape.dim)
            start += shape.dim
            if not inside:
                continue
            if face is None:
                at, w = shape.quadrature(rule)
                normal = torch.zeros_like(at)
            else:
                at, normal, w = shape.face_quadrature(face, rule)
            q = len(points)
            points, normals = points.repeat_interleave(len(w), 0), normals.repeat_interleave(len(w), 0)
            points[..., columns] = at.repeat(q, 1)[:, None]
            normals[..., columns] = normal.repeat(q, 1)[:, None]
            weights = weights.repeat_interleave(len(w)) * w.repeat(q)
        values = weights[:, None].expand(len(weights), many).flatten()
        return Sites(points.flatten(0, 1), normals.flatten(0, 1), values.clone(), fold=len(weights))

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The integrals minus their values.

        Raises:
            InputError: The integrand uses no unknown, or the value asks for a coordinate of the integral.
        """
        assert sites.values is not None
        n = len(sites.points) // sites.fold
        total = (sites.values * self._integrand(fields, sites, domain, known)).view(sites.fold, n).sum(0)
        own = {name: value[:n] if value.ndim else value for name, value in known.items()}
        return (total - self._value(sites.points[:n], domain, own),)

    def density(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The integrand less the value over the measure, at single sites."""
        found = self._integrand(fields, sites, domain, known)
        return (found - self._value(sites.points, domain, known) / self._measure(domain),)

    def _measure(self, domain: Domain) -> float:
        one = domain.interior(1, Generator().manual_seed(1))
        values = self._placed(domain, one, Rule(2)).values
        assert values is not None
        return float(values.sum())

    def _integrand(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> Tensor:
        what = f"the integrand of the {self.describe(domain)}"
        arguments = with_normals(fields, sites, domain, known, what)
        if not any(name in fields for name in parameter_names(self.integrand, what)):
            raise InputError(f"{what} uses no unknown; name one ({', '.join(fields)}) as a parameter")
        found = call_by_name(self.integrand, arguments, what)
        return as_column(found, sites.points.shape[0], what, sites.points)

    def _value(self, points: Tensor, domain: Domain, known: Known) -> Tensor:
        what = f"the value of the {self.describe(domain)}"
        if callable(self.value):
            for name in parameter_names(self.value, what):
                if name in self._over(domain):
                    raise InputError(f"{what} asks for {name!r}, which is integrated over; drop it")
        return value_at(self.value, points, domain.names, what, known)

    def spans_time(self, domain: Domain) -> bool:
        """Test whether time is integrated over."""
        return any(name in time_names(domain) for name in self._over(domain))

    def describe(self, domain: Domain) -> str:
        """Short name such as `integral over x`."""
        place = ", ".join(self._over(domain)) if self.on is None else face_words(domain, self.on, 1)
        name = getattr(self.integrand, "__name__", "<lambda>")
        return f"integral over {place}" + ("" if name == "<lambda>" else f" of {name}")

    def asks_for(self) -> tuple[str, ...]:
        """Names that the integrand and the value ask for."""
        functions = [self.integrand, *([self.value] if callable(self.value) else [])]
        names = dict.fromkeys(name for f in functions for name in parameter_names(f))
        return tuple(name for name in names if not name.startswith(NORMAL))
