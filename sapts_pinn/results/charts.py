"""Curves as a drawing in a page (SVG): a logarithmic axis, and the numbers for what the mouse points at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 34  # margins
MOST = 600  # points of a curve
MOST_TICKS = 7


@dataclass(frozen=True)
class Curve:
    """Values over a common axis.

    Attributes:
        name: Its name.
        x: Abscissas, increasing.
        y: Positive values; None and others are left out.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]

    @property
    def points(self) -> list[tuple[float, float]]:
        """The points that can be drawn, at most `MOST`, the last one among them."""
        known = [
            (a, b)
            for a, b in zip(self.x, self.y, strict=True)
            if b is not None and math.isfinite(a) and math.isfinite(b) and b > 0
        ]
        step = -(-len(known) // MOST) if known else 1
        return known[::step] + (known[-1:] if (len(known) - 1) % step else [])


@dataclass(frozen=True)
class Chart:
    """A drawing of curves with logarithmic values.

    Attributes:
        title: What is drawn.
        across: Name of the horizontal axis, with its unit.
        curves: The curves; those without points are left out.
    """

    title: str
    across: str
    curves: Sequence[Curve]
    width: int = field(default=WIDTH, init=False)
    height: int = field(default=HEIGHT, init=False)

    def __bool__(self) -> bool:
        return any(len(curve.points) > 1 for curve in self.curves)

    @property
    def drawn(self) -> list[Curve]:
        """Curves that have points."""
        return [curve for curve in self.curves if len(curve.points) > 1]

    @property
    def _limits(self) -> tuple[float, float, float, float]:
        """Left, right, and the decades below and above."""
        points = [point for curve in self.drawn for point in curve.points]
        xs, ys = [x for x, _ in points], [math.log10(y) for _, y in points]
        low, high = math.floor(10 * min(ys)) / 10, math.ceil(10 * max(ys)) / 10
        return min(xs), max(xs), low, high if high > low else low + 1

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Place of a point in the drawing, in its units."""
        left, right, low, high = self._limits
        across = (x - left) / ((right - left) or 1)
        up = (math.log10(y) - low) / (high - low)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Name and places of each curve, as `points` of a polyline."""
        return [(c.name, " ".join("{},{}".format(*self.place(*p)) for p in c.points)) for c in self.drawn]

    @property
    def data(self) -> list[dict[str, object]]:
        """For the mouse: of each curve the name, and [place across, place down, x, y] of every point."""
        return [
            {"name": c.name, "points": [[*self.place(x, y), _short(x), _short(y)] for x, y in c.points]}
            for c in self.drawn
        ]

    @property
    def rows(self) -> list[tuple[float, str]]:
        """Places and labels of the horizontal lines: powers of ten, or a few values within one."""
        left, _, low, high = self._limits
        powers = range(math.ceil(low), math.floor(high) + 1)
        if len(powers) >= 2:
            values = [10.0**n for n in powers[:: -(-len(powers) // MOST_TICKS)]]
        else:
            values = [10 ** (low + share * (high - low)) for share in (0.1, 0.5, 0.9)]
        return [
            (self.place(left, value)[1], f"{value:.0e}" if len(powers) >= 2 else f"{value:.1e}")
            for value in values
        ]

    @property
    def columns(self) -> list[tuple[float, str]]:
        """Places and labels of round numbers on the horizontal axis."""
        left, right, low, _ = self._limits
        span = (right - left) or 1
        unit = 10 ** math.floor(math.log10(span / 5))
        step = next(unit * n for n in (1, 2, 5, 10) if span / (unit * n) <= MOST_TICKS)
        first = math.ceil(left / step - 1e-9)
        return [
            (self.place(n * step, 10**low)[0], f"{n * step:.6g}")
            for n in range(first, math.floor(right / step + 1e-9) + 1)
        ]


def _short(value: float) -> str:
    return f"{value:.3g}"
