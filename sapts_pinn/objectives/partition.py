"""Partition of residuals and parameters among the subdomains of SAPTS.

**Data.**  A part holds residuals of every term, and the objective restricted to it keeps the full counts, so
that over a partition sum_d f_d = f and sum_d grad f_d = grad f.  Regions (slabs, boxes) are cut through the
points of the equation; points of boundary and initial conditions join the region they lie in, so that a part
may lack a term altogether.  Scattered parts (interleaved, random) take their share of every term.  A residual
of a periodic pair belongs where its first point lies.

**Parameters.**  A part holds indices into the flat vector of `flat.gather`: whole layers in a row, whole
tensors, or neurons (a row of a weight matrix with its entry of the bias).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from torch import Generator, Tensor

from ..errors import InputError
from ..geometry import cut, interleaved, overlapping_anywhere, overlapping_nearby, shuffled
from ..problems import Sites

SCATTERED = ("interleaved", "random")
DATA_KINDS = (*SCATTERED, "bisection")  # and every coordinate


@dataclass(frozen=True)
class DataParts:
    """A decomposition of the residuals; every dict suits `LeastSquares.restrict`.

    Attributes:
        owned: For each part the indices of its residuals by term: a partition, so sums over it are the whole.
        local: The same with overlap, what a part's own objective looks at; the owned residuals come first.
    """

    owned: list[dict[str, Tensor]]
    local: list[dict[str, Tensor]]


def data_parts(
    sites: Mapping[str, Sites],
    parts: int,
    partition: str,
    generator: Generator,
    names: Sequence[str],
    overlap: float = 0.0,
) -> DataParts:
    """Give every residual to a part.

    Args:
        sites: The places of each term of a problem.
        parts: Number of parts.
        partition: "interleaved" (each part a thinned copy of the whole), "random", "bisection" (boxes of
            space-time), or the name of a coordinate (slabs along it).
        generator: Source of all randomness.
        names: Names of the coordinates.
        overlap: By how much of its size a part is enlarged, in [0, 1): by its neighbourhood where parts are
            regions, else by residuals drawn from the others.

    Returns:
        The parts; terms of which a part has no residual are left out of its dict.  Scattered parts differ by
        at most one residual in all, regions by at most one residual of the equation.

    Raises:
        InputError: The partition is unknown, a part would get no residual, or the overlap is not in [0, 1).
    """
    # Residual i of a term is at point i, and at i + N / fold, ...: the first of them decides.
    at = {name: s.points[: len(s.points) // s.fold] for name, s in sites.items() if len(s.points)}
    if partition in SCATTERED:
        by_term = _scattered(at, parts, partition, generator)
    elif partition == "bisection" or partition in names:
        by_term = _regions(at, parts, None if partition == "bisection" else names.index(partition))
    else:
        known = ", ".join(dict.fromkeys([*DATA_KINDS, *names]))
        raise InputError(f"unknown decomposition of the data {partition!r}; choose one of {known}")
    owned = _by_part(by_term, parts)
    if overlap == 0:
        return DataParts(owned, owned)
    wider = {
        name: overlapping_anywhere(own, overlap, generator)
        if partition in SCATTERED
        else overlapping_nearby(own, at[name], overlap)
        for name, own in by_term.items()
    }
    return DataParts(owned, _by_part(wider, parts))


def _scattered(
    at: Mapping[str, Tensor], parts: int, partition: str, generator: Generator
) -> dict[str, list[Tensor]]:
    """Divide the residuals of each term by itself, in interleaved or random parts."""
    total = sum(len(points) for points in at.values())
    if parts > total:
        raise InputError(
            f"part {total} of {parts} would get no residual, for there are only {total}: "
            "use fewer parts or more points"
        )
    divide = interleaved if partition == "interleaved" else shuffled
    load, by_term = [0] * parts, {}
    for name, points in at.items():
        shares = divide(points, min(parts, len(points)), generator)
        shares += [shares[0][:0]] * (parts - len(shares))
        by_term[name] = deal(shares, load)
    return by_term


def _regions(at: Mapping[str, Tensor], parts: int, axis: int | None) -> dict[str, list[Tensor]]:
    """Divide the equation's points in equal counts, and those of the other terms by the same cuts."""
    if "equation" not in at:
        raise InputError(
            f"regions are cut through the points of the term 'equation', which is none of {', '.join(at)}; "
            "use the partition 'interleaved' or 'random'"
        )
    own, cuts = cut(at["equation"], parts, axis)
    return {name: own if name == "equation" else cuts.assign(points) for name, points in at.items()}


def _by_part(by_term: Mapping[str, Sequence[Tensor]], parts: int) -> list[dict[str, Tensor]]:
    return [{name: own[d] for name, own in by_term.items() if len(own[d])} for d in range(parts)]


def cut_in_a_row(sizes: Sequence[int], parts: int) -> tuple[int, ...]:
    """Cut a row of units into parts so that the largest is as small as possible; return where they end.

    Dynamic programming: when the first j units make p parts, the last of these is units i ... j - 1, and the
    best is min over i of max(best of i units in p - 1 parts, size of the last).
    """
    total = [0, *accumulate(sizes)]
    best: dict[int, tuple[int, tuple[int, ...]]] = {j: (total[j], (j,)) for j in range(1, len(total))}
    for p in range(2, parts + 1):
        best = {
            j: min((max(best[i][0], total[j] - total[i]), (*best[i][1], j)) for i in range(p - 1, j))
            for j in range(p, len(total))
        }
    return best[len(sizes)][1]


def deal(shares: Sequence[Tensor], load: list[int]) -> list[Tensor]:
    """Deal a share to each part, the larger ones to the parts with the least so far; adds to their load.

    When the shares, of rows of one size, differ by at most one row, then loads never differ by more than the
    longest row there was: only who had less, or the same, gets more.
    """
    takers = sorted(range(len(load)), key=load.__getitem__)
    dealt = dict(zip(takers, sorted(shares, key=len, reverse=True), strict=True))
    for part, share in dealt.items():
        load[part] += share.numel()
    return [dealt[part] for part in range(len(load))]
