"""Conditions that contradict each other where they meet: on a common face, and in corners.

Of two conditions whose values differ there, one at most can be built in.  Values at the very corner do not
decide, as those of x % 1 show: the limits along the two faces are compared as well.  Values that differ by
the rounding of a constant, as those of sin(3.14159 x) at x = 1, are both built in, with a note.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from .ansatz import Function
from .candidates import Candidate, Candidates
from .data import RATE, VALUE, PrescribedData

COMPATIBLE = 1e-9  # a relative difference below this between two conditions is rounding,
TOLERABLE = 1e-5  # and below this that of numbers with a few digits, such as 3.14159: it is only noted
CLOSE = (1e-9, 1e-12)  # distances from a corner, of the way there, at which two conditions are compared
STAYS = 0.5  # what is left at the second of a difference that is one in the limit, at least

Jump = tuple[float, float, str]  # the difference, the size of the values, and the quantity that differs


class Compatibility:
    """Comparison of all pairs of conditions on the same unknown.

    Args:
        candidates: The conditions.
        data: Their data.
    """

    def __init__(self, candidates: Candidates, data: PrescribedData) -> None:
        self.candidates, self.data, self.domain = candidates, data, candidates.domain
        self.outline = candidates.outline
        self.shapes = self.outline.shapes

    def refuse_contradictions(self) -> None:
        """Report values that disagree where two conditions meet, and refuse one of the two conditions."""
        given = [(c, p) for c, p in self.candidates.prescribing() if self.data.is_fixed(c)]
        for first, second in itertools.combinations(given, 2):
            if first[1].unknown != second[1].unknown:
                continue
            if first[1].unknown in self.data.particular:
                continue  # it may jump where faces meet, which is what it is for
            self._compare(first, second)

    def _compare(self, first: Candidate, second: Candidate) -> None:
        (c1, p1), (c2, p2) = first, second
        worst = (0.0, 0.0, "", "", "")
        for f1, f2 in itertools.product(c1.faces(self.domain), c2.faces(self.domain)):
            jump, size, of = self._jump(first, f1, second, f2)
            if jump > COMPATIBLE * size:
                worst = max(worst, (jump / size, jump, f1, f2, of))
        relative, jump, f1, f2, of = worst
        if not relative:
            return
        where = f"on {f1} and on {f2} differ by {jump:.3g} where they meet"
        if f1 == f2:
            where = f"is prescribed twice on {f1}, the values differ by {jump:.3g}"
        possible = self.candidates.possible(c1, p1) and self.candidates.possible(c2, p2)
        if relative <= TOLERABLE:
            effect = ", so that the solution is off by as much there" if possible else ""
            self.candidates.messages.append(
                f"{of}{p1.unknown} {where}, {relative:.1g} of the values{effect}; write numbers such as "
                "math.pi with all their digits"
            )
            return
        message = f"contradictory conditions: {of}{p1.unknown} {where}"
        # What happens on a face in space lasts; the start is forgotten.
        candidates = sorted((second, first), key=lambda pair: not pair[1].start)
        weaker = next((c for c, _ in candidates if c.hard is None), None)
        if weaker is not None and possible:
            message += f"; {weaker.describe(self.domain)} is a weighted term"
            self.candidates.refuse(weaker, message)
        else:
            self.candidates.messages.append(message)
        self.candidates.contradictions.append(message)

    def _jump(self, first: Candidate, f1: str, second: Candidate, f2: str) -> Jump:
        """Largest difference of two conditions where their faces meet, with the size of the values."""
        k1, k2 = (next(k for k, shape in enumerate(self.shapes) if f in shape.faces) for f in (f1, f2))
        # A hole touches nothing else where it is built in.
        a_hole = max(k1, k2) >= len(self.outline.factors)
        timed = self.shapes[k1].is_time or self.shapes[k2].is_time
        if f1 != f2 and (k1 == k2 or (a_hole and not timed)):
            # Opposite ends; at the corners of a polygon a jump is common and nothing is built in.
            return 0.0, 1.0, ""
        inner = self.domain.interior(64, torch.Generator().manual_seed(11))
        names = self.domain.names
        on1, on2 = self.outline.drawn_on(inner, names, k1, f1), self.outline.drawn_on(inner, names, k2, f2)
        corner = self.outline.drawn_on(on1, names, k2, f2)
        differences, sizes, kinds = [], [], []
        for which, kind in ((VALUE, ""), (RATE, "the velocity of ")):
            at = self._comparable(first, second, which, k1 != k2)
            if len(at) < 2:
                continue
            kinds.append(kind)
            differences.append(
                max((at[0](corner) - at[1](corner)).abs().max(), _limit(at, (on1, on2), corner))
            )
            sizes.append(max(f(points).abs().max() for f, points in zip(at, (on1, on2), strict=True)))
        if not differences:
            return 0.0, 1.0, ""
        relative = [float(d / s) if s > 0 else 0.0 for d, s in zip(differences, sizes, strict=True)]
        worst = relative.index(max(relative))
        return float(differences[worst]), float(sizes[worst]) or 1.0, kinds[worst]

    def _comparable(self, first: Candidate, second: Candidate, which: int, apart: bool) -> list[Function]:
        """Values, or rates, of two conditions as functions of points, as far as they have any.

        Args:
            first: A condition.
            second: Another one.
            which: VALUE or RATE.
            apart: Whether they hold on faces of different factors of the domain.
        """
        if first[1].both[which] is None and second[1].both[which] is None:
            return []
        at: list[Function] = []
        for condition, prescribed in (first, second):
            if prescribed.both[which] is not None:
                at.append(self.data.of(condition, which))
            elif not prescribed.start and apart:  # its rate of change meets the other's velocity
                at.append(self.data.rate(self.data.of(condition)))
        return at


def _limit(at: list[Function], on: tuple[Tensor, Tensor], corner: Tensor) -> Tensor:
    """Difference between the limits of two functions towards a corner, each along its own face.

    A function may take a value of its own at the very corner, as x % 1 does.  A difference of limits stays
    as the distance shrinks from 1e-9 to 1e-12 of the face; what is steep and continuous falls.
    """
    far, near = (
        (at[0](torch.lerp(on[0], corner, 1 - s)) - at[1](torch.lerp(on[1], corner, 1 - s))).abs().max()
        for s in CLOSE
    )
    return near if near > STAYS * far else torch.zeros_like(near)
