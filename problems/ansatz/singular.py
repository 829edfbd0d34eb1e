"""The part of a solution that a kink or a jump in the data starts, in closed form.

Data on a flat face s = s_0 that jump at x = b in the derivative of order p, by J, are J e_p(x - b) plus
something smoother, with e_p(y) = sgn(y) y^p / (2 p!) (`closed_forms.py`).  What the principal part of the
equation makes of that is known (Carslaw and Jaeger, Conduction of Heat in Solids, 1959, for the first; the
others are textbook):

    u_t = k u_xx            the heat kernel's convolution with e_p: erf(y / sqrt(4 k t)) and a Gaussian; with
                            e_p continued periodically where x is a coordinate on a circle, whose seam counts
                            as a place, too
    k u_xx + u_ss = 0       Im((z^p / p!) (log z - H_p) / i^p) / pi, z = sqrt(k) s + i y, H_p = 1 + ... + 1/p
    u_tt = c^2 u_xx         (e_p(y - c t) + e_p(y + c t)) / 2;  of a velocity, the difference of the e_(p+1)
                            over 2 c; mirror images where the waves meet u = 0 or du/dn = 0
    u_t + c u_x = 0         e_p(y - c t)

It becomes a known part of the unknown, and what the network has to add is smooth.  The first two are smooth
inside the domain, so that the residual sees all that they leave out (other terms, varying coefficients); for
jumps those must be absent, as the residual would not be bounded.  The last two carry their kinks through the
domain, where a residual cannot see whether they are right: they are used for constant coefficients alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...geometry import Domain, Interval
from ..conditions.base import Condition, Prescribed, Value, value_at
from ..fields import Field, derivatives, parameter_names
from ..functions.given import Slice
from ..functions.smoothness import breaks, misses_derivatives
from ..unknowns import Unknown
from .closed_forms import diffused, diffused_on_circle, harmonic, step

Function = Callable[[Tensor], Tensor]

HIGHEST = 2  # order of a derivative whose jump is extracted
AROUND = 3  # the same on a circle, where an exact construction asks for one more than the equation
MOST = 16  # places
BESIDE = 1e-9  # of the extent: where one-sided limits are taken
ASIDE = 1e-300  # has a sign, which 0 has not
APART = 1e-5  # of the extent: closer places are one, and nothing so close to a corner is extracted
NOTHING = 1e-8  # a jump below this, relative to the function or its derivatives, is rounding
CONSTANT = 1e-9
SAMPLES = 64


@dataclass(frozen=True)
class Setting:
    """An equation of one unknown, with what completes it.

    Attributes:
        domain: The domain.
        unknown: Its name.
        equation: Gives the residual [N] from the unknown's field and points.
        needs: The derivatives that the equation reads.
        conditions: All conditions.
    """

    domain: Domain
    unknown: str
    equation: Callable[[Field, Tensor], Tensor]
    needs: tuple[MultiIndex, ...]
    conditions: tuple[Condition, ...]

    @cached_property
    def everywhere(self) -> dict[MultiIndex, float]:
        """The constant coefficients of the equation."""
        return self.constants({})

    def constants(self, pinned: Mapping[int, float]) -> dict[MultiIndex, float]:
        """Derivatives of the residual by its channels that are constant, whatever the channels' values are.

        Args:
            pinned: Coordinates, by position, that are held fixed.
        """
        points = self.domain.interior(SAMPLES, Generator().manual_seed(41))
        for axis, value in pinned.items():
            points[:, axis] = value
        first, second = (self._slopes(points, seed) for seed in (42, 43))
        out = {}
        for index, a in first.items():
            both = torch.cat([a, second[index]])
            if float(both.max() - both.min()) <= CONSTANT * float(both.abs().max()):
                out[index] = float(a[0])
        return out

    def _slopes(self, points: Tensor, seed: int) -> dict[MultiIndex, Tensor]:
        generator = Generator().manual_seed(seed)
        values = {
            index: (torch.rand(len(points), generator=generator, dtype=torch.float64) + 0.5).requires_grad_()
            for index in self.needs
        }
        with torch.enable_grad():
            row = self.equation(Field(self.unknown, self.domain.names, values.__getitem__), points)
        found = torch.autograd.grad(row.sum(), list(values.values()), materialize_grads=True)
        return dict(zip(values, found, strict=True))

    def mirror(self, face: str) -> float | None:
        """Sign of the continuation across a face: -1 for u = 0, 1 for du/dn = 0, None otherwise."""
        here = [
            c
            for c in self.conditions
            if (self.unknown in c.unknowns() or not c.unknowns()) and face in c.faces(self.domain)
        ]
        sign = here[0].mirror_sign() if len(here) == 1 else None
        return None if sign is None else float(sign)


@dataclass(frozen=True)
class Face:
    """A flat face s = start of a box, on which data depend on one coordinate x.

    Attributes:
        along: The interval of x.
        x, s: Positions of the coordinates.
        start: Value of s on the face.
        inward: 1 when s grows from there into the domain, else -1.
        depth: Length of the domain along s.
        closed: Whether x is a coordinate on a circle.
    """

    along: Interval
    x: int
    s: int
    start: float
    inward: float
    depth: float
    closed: bool

    def distance(self, points: Tensor) -> Tensor:
        """Distance of points [N, dim] from the face, [N]."""
        return self.inward * (points[:, self.s] - self.start)

    @property
    def length(self) -> float:
        """Length of the interval of x."""
        return self.along.upper - self.along.lower

    def beside(self, b: float) -> tuple[float, float]:
        """Two places next to x = b, on both sides of it; around the circle at its seam."""
        gap = BESIDE * self.length
        at_seam = self.closed and b == self.along.lower
        return (self.along.upper - gap if at_seam else b - gap), b + gap

    def offset(self, points: Tensor, b: float, speed: float = 0.0) -> Tensor:
        """Signed distance along x of points [N, dim] from a place, [N]; the shorter one on a circle.

        Args:
            points: The points.
            b: The place on the face.
            speed: Distance along x that it moves per distance from the face.
        """
        x, way = points[:, self.x], speed * self.distance(points)
        if not self.closed:
            return x - b - way
        lower, upper = self.along.lower, self.along.upper
        middle = (lower + upper) / 2
        # From the nearer end, so that both ends are the seam exactly, whatever the rounding of the length.
        y = torch.where(x < middle, x - lower, x - upper) - ((b - lower) + way)
        y = y - self.length * torch.round(y / self.length)
        return y + ASIDE * (torch.sign(middle - x) * (y == 0))


@dataclass(frozen=True)
class Singularity:
    """A known part of an unknown.

    Attributes:
        function: On points [N, dim] of the domain.
        note: Reason for the known part, in words.
    """

    function: Function
    note: str


def channels_of(
    parts: Sequence[Singularity], points: Tensor, indices: Sequence[MultiIndex]
) -> list[Tensor] | None:
    """Derivatives [N] of the sum of known parts at points [N, dim], one for each multi-index; None without.

    Kinks that solve the equation are no fault: what looks for kinks looks at the rest of the unknown.
    """
    if not parts:
        return None
    return derivatives(lambda x: torch.stack([part.function(x) for part in parts]).sum(0), points, indices)


def singularities(
    domain: Domain,
    unknowns: tuple[Unknown, ...],
    rows: int,
    needs: Mapping[str, tuple[MultiIndex, ...]],
    equation: Callable[[Field, Tensor], Tensor],
    conditions: tuple[Condition, ...],
    simple: bool,
) -> tuple[Singularity, ...]:
    """The known parts for all conditions of a problem; none where the problem is too rich for the forms here.

    Args:
        domain: The domain.
        unknowns: The unknowns; there has to be one, free in sign and of all coordinates.
        rows: Number of equations.
        needs: The derivatives that the equation reads, by unknown.
        equation: Gives the residual [N] from the unknown's field and points.
        conditions: All conditions.
        simple: Whether nothing else speaks against it, such as coefficients that are to be found.
    """
    alone = len(unknowns) == 1 and rows == 1 and not (unknowns[0].positive or unknowns[0].of)
    if not simple or not alone or any(c.surface(domain) is not None for c in conditions):
        return ()
    setting = Setting(domain, unknowns[0].name, equation, needs[unknowns[0].name], conditions)
    found = [
        singularity(setting, c, given)
        for c in conditions
        if (given := c.prescribed()) is not None
        and c.hard is not False
        and not set(c.asks_for()) - set(domain.names)
    ]
    return tuple(part for part in found if part is not None)


def singularity(setting: Setting, condition: Condition, prescribed: Prescribed) -> Singularity | None:
    """The known part for the kinks and jumps of a condition on a flat face; None where there are none.

    Args:
        setting: The equation; its coefficients are known numbers.
        condition: The condition.
        prescribed: Its value and rate.
    """
    face = _face(setting, condition, [v for v in prescribed.both if callable(v)])
    if face is None:
        return None
    parts: list[Function] = []
    places: list[float] = []
    for value, is_rate in zip(prescribed.both, (False, True), strict=True):
        found = _jumps(value, setting, face) if callable(value) else []
        if found is None:
            return None
        for b, p, size in found:
            part = _part(setting, face, b, p, is_rate)
            if part is None:
                return None
            parts.append(_scaled(size, part))
            places.append(b)
    if not parts:
        return None
    listed = [f"{face.along.names[0]}={b:.4g}" for b in sorted(set(places))]
    where = ", ".join(listed[:3]) + (" and elsewhere" if len(listed) > 3 else "")
    return Singularity(
        lambda points: torch.stack([part(points) for part in parts]).sum(0),
        f"{condition.describe(setting.domain)}: not smooth at {where}: what starts there is known in closed "
        "form and built in",
    )


def _face(setting: Setting, condition: Condition, given: Sequence[Callable[..., object]]) -> Face | None:
    domain, faces = setting.domain, condition.faces(setting.domain)
    asked = {name for value in given for name in parameter_names(value)}
    if len(faces) != 1 or len(asked) != 1:
        return None
    shapes = {shape.names[0]: shape for shape in domain.factors() if isinstance(shape, Interval)}
    along = shapes.get(next(iter(asked)))
    normal = next((shape for shape in shapes.values() if faces[0] in shape.faces), None)
    if along is None or normal is None or along is normal:
        return None
    circles = {c.circle() for c in setting.conditions}
    if normal.names[0] in circles:
        return None
    first = faces[0] == normal.faces[0]
    return Face(
        along,
        domain.names.index(along.names[0]),
        domain.names.index(normal.names[0]),
        normal.lower if first else normal.upper,
        1.0 if first else -1.0,
        normal.upper - normal.lower,
        along.names[0] in circles,
    )


def _scaled(factor: float, part: Function) -> Function:
    return lambda points: factor * part(points)


def _jumps(value: Value, setting: Setting, face: Face) -> list[tuple[float, int, float]] | None:
    """Places, orders and sizes of the jumps along a face; None where a function has worse, or too many."""
    domain = setting.domain
    order = min(max(index.count(face.x) for index in setting.needs), HIGHEST)
    order = AROUND if face.closed and order else order
    part = Slice(domain, (face.x,), ((face.s, face.start),))
    box = part.box({domain.names[face.x]: order})
    inner = part.restricted(lambda points: value_at(value, points, domain.names, "a given value"))
    if not order or misses_derivatives(inner, box):
        return None
    lower, upper, length = face.along.lower, face.along.upper, face.length
    places: list[float] = []
    for b in sorted(float(b.point[0]) for b in breaks(inner, box)):
        if not places or b - places[-1] > APART * length:
            places.append(b)
    if len(places) > MOST or any(min(b - lower, upper - b) < APART * length for b in places):
        return None
    if face.closed:
        places.append(lower)
    out = []
    indices = [(0,) * p for p in range(order + 1 + face.closed)]
    generator = Generator().manual_seed(45)
    spread = lower + length * torch.rand(SAMPLES, 1, generator=generator, dtype=torch.float64)
    sizes = [float(d.abs().max()) * length**p for p, d in enumerate(derivatives(inner, spread, indices))]
    for b in places:
        sides = torch.tensor(face.beside(b), dtype=torch.float64)[:, None]
        limits = derivatives(inner, sides, indices)
        for p, d in enumerate(limits[: order + 1]):
            size = float(d[1] - d[0])
            if p + 1 < len(limits):  # what is change, not jump
                size -= BESIDE * length * float(limits[p + 1].sum())
            if not math.isfinite(size):
                return None
            if abs(size) * length**p > NOTHING * max(sizes):
                out.append((b, p, size))
    return out


def _part(setting: Setting, face: Face, b: float, p: int, is_rate: bool) -> Function | None:
    """Solution that starts from e_p(x - b) as value, or as rate, on a face; None where it is not known."""
    x, s = face.x, face.s
    needs = set(setting.needs)
    own = {index for index in needs if {x, s} & set(index)}
    if any(len(index) > 2 for index in needs) or tuple(sorted((x, s))) in needs:
        return None
    everywhere, here = setting.everywhere, setting.constants({x: b, s: face.start})
    bare = own <= set(everywhere)  # constant coefficients, and nothing else but what the form below names

    def y(points: Tensor) -> Tensor:
        return face.offset(points, b)

    if face.closed and not (own >= {(x, x), (s,)} and (s, s) not in own):
        return None
    if own >= {(x, x), (s, s)}:
        a, c = here.get((x, x), 0.0), here.get((s, s), 0.0)
        bare = bare and own == {(x, x), (s, s)}
        if a * c > 0 and not is_rate and (bare or p > 0):
            root = math.sqrt(a / c)
            return lambda points: harmonic(y(points), root * face.distance(points), p)
        if a * c < 0 and bare and () not in needs:
            return _waves(setting, face, b, p, math.sqrt(-a / c), is_rate)
    elif own >= {(x, x), (s,)} and not is_rate:
        a, c = here.get((x, x), 0.0), face.inward * here.get((s,), 0.0)
        bare = bare and own == {(x, x), (s,)}
        if a * c < 0 and (bare or p > 0):
            kernel: Callable[[Tensor, Tensor], Tensor] = partial(diffused, p=p)
            if face.closed:
                around = diffused_on_circle(face.length, -a / c * face.depth, p)
                if around is None:
                    return None
                kernel = around
            speed = here.get((x,), 0.0) / c  # of what is carried along
            return lambda points: kernel(face.offset(points, b, speed), -a / c * face.distance(points))
    elif own == {(x,), (s,)} and bare and () not in needs and not is_rate:
        a, c = here[(x,)], face.inward * here[(s,)]
        return lambda points: step(y(points) - a / c * face.distance(points), p)
    return None


def _waves(setting: Setting, face: Face, b: float, p: int, speed: float, is_rate: bool) -> Function | None:
    """Two waves, and their images beyond the ends of the interval as far as they reach."""
    ends = (face.along.lower, face.along.upper)
    signs = [setting.mirror(tag) for tag in face.along.faces]
    order = p + 1 if is_rate else p
    images = [(b, 1.0)]
    for first in (0, 1):
        which, place, weight = first, b, 1.0
        while abs(place - ends[which]) < speed * face.depth:
            sign = signs[which]
            if sign is None:
                return None
            place, weight = 2 * ends[which] - place, weight * sign * (-1.0) ** (p + 1)
            images.append((place, weight))
            which = 1 - which

    def function(points: Tensor) -> Tensor:
        out, shift = torch.zeros_like(points[:, face.x]), speed * face.distance(points)
        for place, weight in images:
            ahead = step(points[:, face.x] - place + shift, order)
            behind = step(points[:, face.x] - place - shift, order)
            out = out + weight * ((ahead - behind) / (2 * speed) if is_rate else (ahead + behind) / 2)
        return out

    return function
