"""Search for the widths of random units, one for each coordinate, and for their number.

What decides is the residual that a solution leaves on points that it has not seen, never an error.  Few units
tell widths apart, and cost milliseconds: a grid of widths is tried with `FEWEST` of them, the best few again
with twice as many, and so on, with moves along the coordinates by factors of two around the best.  From
`FINE` units on the widths stay.  The number doubles until the residual no longer falls, which is where
rounding begins, or up to the most that are allowed.

The search is a coroutine: it yields what it wants to know, and is sent the answer.  Answers are all of its
state, so that a saved search is repeated from them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import product

FEWEST = 100  # units at the start
FINE = 800  # units up to which widths are searched for
GRID = (1.0, 4.0, 16.0, 64.0)
COARSE = (1.0, 4.0, 16.0)  # of three coordinates; with more, all widths are the same at first
KEPT = 8  # widths that are tried again with twice as many units
STEP = 2.0  # factor between neighbours
BETTER = 0.7  # share of the residual that a move leaves at most
WIDEST, NARROWEST = 600.0, 0.02
FALLS = 0.5  # share of the residual that twice as many units leave at most, for more of them to be tried
FINISHED = 1e-6  # relative residual above which the number grows in any case
ROUNDED = 1e-9  # and below which there is nothing to wish for


@dataclass(frozen=True)
class Trial:
    """Units that are to be drawn and solved for.

    Attributes:
        count: How many.
        widths: Typical slopes, by coordinate.
    """

    count: int
    widths: tuple[float, ...]


@dataclass(frozen=True)
class Adoption:
    """The best units of their number, which become the network.

    Attributes:
        trial: The units.
    """

    trial: Trial


Search = Generator[Trial | Adoption, float, bool]


def first_widths(coordinates: int) -> list[tuple[float, ...]]:
    """The grid of widths that a search begins with."""
    if coordinates > 3:
        return [(width,) * coordinates for width in GRID]
    return [*product(GRID if coordinates < 3 else COARSE, repeat=coordinates)]


def numbers(most: int) -> list[int]:
    """Numbers of units that are tried, each about twice the one before."""
    found = [most]
    while found[-1] > FEWEST:
        found.append(max(-(-found[-1] // 2), FEWEST))
    return found[::-1]


def search(coordinates: int, most: int) -> Search:
    """Search; a trial is answered by its relative residual on fresh points, and so is an adoption.

    Args:
        coordinates: How many widths there are.
        most: Units at most.

    Returns:
        Whether the residual no longer falls, or is near rounding: more units would not help.
    """
    candidates, last, keep = first_widths(coordinates), float("inf"), KEPT
    for stage, count in enumerate(numbers(most)):
        scores: dict[tuple[float, ...], float] = {}
        for widths in candidates if count <= FINE or not stage else candidates[:1]:
            scores[widths] = yield Trial(count, widths)
        best = min(scores, key=lambda widths: scores[widths])
        moved = count <= FINE and (stage > 0 or coordinates > 3 or count == most)
        while moved:
            moved = False
            for widths in neighbours(best):
                if widths not in scores:
                    scores[widths] = yield Trial(count, widths)
                if scores[widths] < BETTER * scores[best]:
                    best, moved = widths, True
                    break
        best = min(scores, key=lambda widths: scores[widths])
        left = yield Adoption(Trial(count, best))
        if last < FINISHED and left > FALLS * last:
            return True
        last = min(left, last)
        keep = max(keep // 2, 1) if stage else keep
        order = sorted(scores, key=lambda widths: scores[widths])
        candidates = [best, *(widths for widths in order if widths != best)][:keep]
    return last < ROUNDED


def neighbours(widths: Sequence[float]) -> list[tuple[float, ...]]:
    """Widths that differ in one coordinate, by `STEP`."""
    moved = [
        tuple(w * factor if j == i else w for j, w in enumerate(widths))
        for i in range(len(widths))
        for factor in (STEP, 1 / STEP)
    ]
    return [new for new in moved if all(NARROWEST <= w <= WIDEST for w in new)]
