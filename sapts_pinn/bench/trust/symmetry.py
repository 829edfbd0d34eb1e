"""Are symmetries claimed only where they are?  Random problems whose symmetries are known by construction.

A problem is an equation on a box, with or without time, whose data (source, coefficients, initial values,
data on walls) are sums of pieces: windows coded in every way people code them, narrow peaks, bursts in time,
smooth waves, tables.  A piece is made even or odd in a coordinate by adding its mirror image.  To some
problems one more piece is added as it is, of a size down to 1e-6 of its neighbours, or walls differ by as
little; these are not symmetric in that coordinate.  All units are scaled by random powers of ten.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...geometry import Domain, Interval, Time
from ...problems import BoundaryEquation, Condition, Dirichlet, Initial, Neumann, Problem, Robin
from ...problems.conditions.base import Value
from ...problems.fields import Field
from ..harness.report import Row
from .pieces import Piece, random_piece, symmetrised
from .signatures import with_parameters

FAINTEST = 1e-6  # of what is not symmetric


@dataclass
class Truth:
    """Symmetries that a problem has by construction.

    Attributes:
        even: Coordinates in which the solution is even about the middle.
        odd: Coordinates in which it is odd.
        ends: Coordinates about whose ends it may be continued.
        kind: What the problem consists of, in words.
    """

    even: set[str] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    ends: set[str] = field(default_factory=set)
    kind: str = ""


class _Maker:
    """Draws one problem."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        draw = self.draw
        space, timed = 1 + int(draw.random() < 0.25), bool(draw.random() < 0.3)
        self.names = [*("x", "y")[:space], *(["t"] if timed else [])]
        self.space, self.timed, self.dim = space, timed, space + timed
        powers = draw.uniform(-9, 9, self.dim + 3) if draw.random() < 0.5 else np.zeros(self.dim + 3)
        self.lengths = 10 ** powers[: self.dim]
        self.unit, self.row, self.load = (float(10**p) for p in powers[self.dim :])
        start = draw.choice([0.0, -0.5, -1.0, 1.5], self.dim)
        self.start = start * self.lengths
        factors: list[Domain] = [
            Interval(a, a + length, name=name)
            for name, a, length in zip(self.names[:space], self.start, self.lengths, strict=False)
        ]
        if timed:
            factors.append(Time(self.start[-1], self.start[-1] + self.lengths[-1]))
        self.domain: Domain = factors[0]
        for factor in factors[1:]:
            self.domain = self.domain * factor
        self.parity = [int(s) for s in draw.choice([1, -1], space, p=[0.7, 0.3])]
        self.broken: set[int] = set()
        self.kinds: list[str] = []
        self.smooth = True

    def units(self, *columns: Tensor) -> Tensor:
        """Unit coordinates [N, dim]."""
        start, lengths = torch.from_numpy(self.start), torch.from_numpy(self.lengths)
        return (torch.stack(columns, 1) - start) / lengths

    def data(
        self, what: str, parity: Sequence[int], fixed: Sequence[int] = (), broken: bool = False
    ) -> Piece:
        """Some data with a parity in each space coordinate, unless it is what breaks one.

        Args:
            what: Its name.
            parity: For each space coordinate.
            fixed: Coordinates that do not matter (the wall's own, time in initial values).
            broken: Whether it gets a piece without its mirror image.
        """
        draw = self.draw
        signs = [*parity, *([None] if self.timed else [])]
        free = [i for i in range(self.dim) if i not in fixed]
        if not free:
            return lambda p: torch.ones_like(p[:, 0])
        signs = [signs[i] for i in free]
        pieces = []
        for _ in range(1 + (draw.random() < 0.3)):
            kind, plain = random_piece(draw, len(free))
            self.kinds.append(f"{what}: {kind}")
            pieces.append((float(draw.uniform(0.5, 2)), symmetrised(plain, signs)))
        across = [i for i in range(self.space) if i in free]
        if broken and across:
            kind, plain = random_piece(draw, len(free))
            axis = int(draw.choice(across))
            mine = [None if i == axis else sign for i, sign in zip(free, signs, strict=True)]
            faint = 10 ** draw.uniform(math.log10(FAINTEST), 0)
            self.kinds.append(f"{what}: {kind} x {faint:.1e} breaks {self.names[axis]}")
            self.broken.add(axis)
            pieces.append((faint, symmetrised(plain, mine)))
        return lambda p: torch.stack([a * f(p[:, free]) for a, f in pieces]).sum(0)

    def value(self, piece: Piece, scale: float) -> Callable[..., Tensor]:
        """Data as a function of the coordinates by name, in its unit."""
        return with_parameters(self.names, lambda *columns: scale * piece(self.units(*columns)))

    def problem(self) -> tuple[Problem, Truth]:
        """The problem and its truth."""
        draw, space = self.draw, self.space
        even = [1] * space
        places = ["source", "coefficient", "reaction", "wall"]
        places += ["initial", "velocity"] if self.timed else []
        used = {place for place in places if draw.random() < 0.3} or {"source"}
        breaker = str(draw.choice(sorted(used))) if draw.random() < 0.6 else ""
        parity, cubic = self.parity, draw.random() < 0.2
        parts = {
            "source": self.data("source", parity, broken=breaker == "source") if "source" in used else None,
            "coefficient": self.data("coefficient", even, broken=breaker == "coefficient")
            if "coefficient" in used
            else None,
            "reaction": self.data("reaction", even, broken=breaker == "reaction")
            if "reaction" in used
            else None,
        }
        order = 2 if "velocity" in used else 1
        lengths, unit, row, load = self.lengths, self.unit, self.row, self.load
        names = self.names

        def equation(u: Field, *columns: Tensor) -> Tensor:
            p = self.units(*columns)
            k = 1.0 if parts["coefficient"] is None else 5 + parts["coefficient"](p)
            terms = [k * float(lengths[i] ** 2) * u.d(n, n).value for i, n in enumerate(names[:space])]
            out: Tensor = sum(terms[1:], terms[0])
            if self.timed:
                out = out - float(lengths[-1] ** order) * u.d(*["t"] * order).value
            if parts["reaction"] is not None:
                out = out + parts["reaction"](p) * u.value
            if cubic:
                out = out - u.value**3 / unit**2
            if parts["source"] is not None:
                out = out + load * unit * parts["source"](p)
            return row / unit * out

        conditions = self._walls(used, breaker)
        if self.timed:
            conditions.append(self._start(used, breaker))
        problem = Problem(self.domain, "u", with_parameters(["u", *names], equation), conditions)
        truth = Truth(kind="; ".join([" x ".join(names), *self.kinds]))
        homogeneous = not (used - {"coefficient", "reaction"})
        for i, name in enumerate(names[:space]):
            if i not in self.broken:
                if parity[i] == 1 or homogeneous:
                    truth.even.add(name)
                if parity[i] == -1 or homogeneous:
                    truth.odd.add(name)
        if not self.kinds:
            truth.ends.update(names[:space])
        return problem, truth

    def _start(self, used: set[str], breaker: str) -> Condition:
        """Initial values, and velocities where they are drawn."""
        value: Value = 0.0
        velocity: Value | None = None
        fixed = (self.dim - 1,)
        if "initial" in used:
            start = self.data("initial", self.parity, fixed, breaker == "initial")
            value = self.value(start, self.unit)
        if "velocity" in used:
            rate = self.data("velocity", self.parity, fixed, breaker == "velocity")
            velocity = self.value(rate, self.unit / float(self.lengths[-1]))
        return Initial("u", value, velocity, hard=None if value == 0.0 else False)

    def _walls(self, used: set[str], breaker: str) -> list[Condition]:
        """Conditions on the walls: zero values, and data on one pair of them."""
        draw, space, names = self.draw, self.space, self.names
        pair = int(draw.integers(space))
        out: list[Condition] = []
        for i in range(space):
            if "wall" not in used or i != pair:
                out.append(Dirichlet("u", 0.0, on=names[i]))
                continue
            broken = breaker == "wall"
            lower, upper = self.domain.faces[2 * i], self.domain.faces[2 * i + 1]
            across = broken and (space == 1 or draw.random() < 0.3)  # the two walls differ
            piece = self.data("wall", self.parity, (i,), broken and not across)
            way, flux = int(draw.integers(4)), self.unit / float(self.lengths[i])
            ratio = 1.0
            if across:
                ratio = 1 + 10 ** draw.uniform(math.log10(FAINTEST) + 1, 0)
                self.kinds.append(f"walls of {names[i]} differ by {ratio - 1:.1e}")
                self.broken.add(i)
            for face, factor in ((lower, float(self.parity[i])), (upper, ratio)):
                scale = factor * (self.unit if way in (0, 2) else flux)
                value = self.value(piece, scale)
                if way == 0:
                    out.append(Dirichlet("u", value, on=face, hard=False))
                elif way == 1:
                    out.append(Neumann("u", value, on=face, hard=False))
                elif way == 2:
                    out.append(Robin("u", value, on=face, beta=float(self.lengths[i])))
                else:
                    out.append(self._traction(piece, scale, i, face))
        return out

    def _traction(self, piece: Piece, scale: float, axis: int, face: str) -> BoundaryEquation:
        name = self.names[axis]

        def traction(u: Field, normal: Tensor, *columns: Tensor) -> Tensor:
            flux: Tensor = u.d(name).value * normal - scale * piece(self.units(*columns))
            return flux

        return BoundaryEquation(with_parameters(["u", f"n_{name}", *self.names], traction), on=face)


def random_problem(seed: int) -> tuple[Problem, Truth]:
    """A random problem and what holds of it by construction."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Maker(seed).problem()


def wrong_claims(problem: Problem, truth: Truth) -> list[str]:
    """Symmetries that were claimed though they are not there."""
    out = []
    for name, symmetry in problem.symmetries.items():
        if symmetry.centre is not None and name not in (truth.even if symmetry.centre[0] == 1 else truth.odd):
            out.append(f"{name} about the middle {symmetry.centre}")
        if symmetry.ends is not None and name not in truth.ends:
            out.append(f"{name} about the ends {symmetry.ends}")
    return out


def run(count: int, start: int = 0) -> Row:
    """Try many random problems.

    Returns:
        `problems`, `seconds`; `symmetric` and `found`: coordinates that have a symmetry, and those of them
        where it was found; `not_symmetric` and `false_claims`, the latter with seeds.
    """
    begin, symmetric, found, plain, false = time.monotonic(), 0, 0, 0, []
    missed = []
    for seed in range(start, start + count):
        problem, truth = random_problem(seed)
        false += [f"seed {seed}: {claim} ({truth.kind})" for claim in wrong_claims(problem, truth)]
        for name in problem.domain.names[: len(problem.domain.names) - ("t" in problem.domain.names)]:
            if name in truth.even | truth.odd:
                symmetric += 1
                if problem.symmetries.get(name) is not None and problem.symmetries[name].centre is not None:
                    found += 1
                else:
                    missed.append(seed)
            else:
                plain += 1
    return {
        "problems": count,
        "seconds": round(time.monotonic() - begin, 1),
        "symmetric": symmetric,
        "found": found,
        "missed": missed[:50],
        "not_symmetric": plain,
        "false_claims": false,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: how many problems, and from which seed."""
    parser = argparse.ArgumentParser(prog="python -m sapts_pinn.bench.trust.symmetry", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    chosen = parser.parse_args(argv)
    result = run(chosen.count, chosen.start)
    print(json.dumps(result, indent=2))
    return 1 if result["false_claims"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
