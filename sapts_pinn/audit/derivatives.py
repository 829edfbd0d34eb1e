r"""Are the derivatives that the equation reads those of the trained values?

The equation reads channels v_k (k a multi-index) that were computed by differentiating the ansatz.  On every
interval [a, b] of a line along coordinate i they must satisfy

    v_k(b) - v_k(a) = integral of v_{k + e_i} from a to b,                                   (1)

whose right-hand side Gauss' rule of four points gives to order 8.  Starting from the values, k = 0, (1) for
all k up to those that the equation reads says that every derivative is one in the weak sense.  Two faults
break it, told apart by what is left of (1), delta(h), as the interval shrinks:

- a derivative that PyTorch does not see (NumPy, `detach`, a special function without a rule) is zero or too
  small: delta = O(h), almost everywhere;
- a kink or a jump that was built in: its derivative is a delta function, which no collocation point sees, and
  the equation is satisfied beside it by a solution that stays frozen: delta tends to the jump.

The network is smooth: on intervals that are short enough (1) holds to rounding.  A kink that is meant to be
there, at an `Interface`, is passed over, and so are points where a derivative is infinite, as at a corner:
its one-sided limits do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..problems import Interface
from ..problems.fields import MultiIndex, spell
from .findings import Finding
from .state import State, times

LINES = 36  # along all coordinates together
PLACES = 192  # of short intervals, along each coordinate
PIECES = 48  # intervals of a line
GAUSS = (0.069431844202973712, 0.330009478207571868, 0.669990521792428132, 0.930568155797026288)
WEIGHTS = (0.173927422568726929, 0.326072577431273071, 0.326072577431273071, 0.173927422568726929)
SUSPECT = 1e-6  # of the size of v_k: an interval to look into
FOLLOWED = 6  # such intervals for each channel
HALVINGS = 26
JUMP = 1e-3  # of the size of v_k: what is left of (1) where it jumps
APART = 1000.0  # lengths of the last interval to where the one-sided limits are looked at
WRONG = 1e-2  # relative error of a derivative
SHORT = (2.0**-9, 2.0**-15)  # lengths of short intervals, of the extent
FEW = 3  # places where a derivative is wrong


@dataclass(frozen=True)
class Pair:
    """A channel and its derivative along a coordinate."""

    unknown: str
    lower: MultiIndex
    upper: MultiIndex
    axis: int


def check(state: State) -> list[Finding]:
    """Judge the derivatives."""
    found: list[Finding] = []
    for pair in _pairs(state):
        finding = _wrong(state, pair) or _jump(state, pair)
        if finding is not None:
            found.append(finding)
    return found


def _pairs(state: State) -> list[Pair]:
    """Every derivative that the equation reads, traced back to the values."""
    pairs: dict[Pair, None] = {}
    for name, index in state.needs:
        for k in range(1, len(index) + 1):
            pairs[Pair(name, index[: k - 1], index[:k], index[k - 1])] = None
    return list(pairs)


def _intervals(
    state: State, pair: Pair, start: Tensor, length: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two sides of (1) on intervals from `start` [M, dim] of some `length` [M] along the axis.

    Returns:
        v_k at both ends, [M, 2], and the integral, [M]; which intervals lie in the domain, [M]; |v_k| [M].
    """
    nodes = torch.tensor([0.0, 1.0, *GAUSS], dtype=torch.float64)
    points = start[:, None].repeat(1, len(nodes), 1)
    points[:, :, pair.axis] += nodes * length[:, None]
    flat = points.reshape(-1, points.shape[2])
    inside = state.problem.domain.inside(flat).reshape(len(start), -1).all(1)
    keys = [(pair.unknown, pair.lower), (pair.unknown, pair.upper)]
    values = state.channels(flat, keys)
    low, high = (values[key].reshape(len(start), -1) for key in keys)
    integral = length * (high[:, 2:] @ torch.tensor(WEIGHTS, dtype=torch.float64))
    ends = low[:, :2]
    finite = torch.isfinite(ends).all(1) & torch.isfinite(integral)
    return ends, torch.nan_to_num(integral), inside & finite, low.abs().amax(1)


def _starts(state: State, axis: int, count: int) -> Tensor:
    """Points of the domain, a third of them on its faces."""
    domain, generator = state.problem.domain, state.generator
    on_faces = domain.boundary(max(count // 3, 1), generator, on=domain.faces).points
    return torch.cat([domain.interior(max(count - len(on_faces), 1), generator), on_faces])


def _wrong(state: State, pair: Pair) -> Finding | None:
    """A derivative that is not the slope of the values, on short intervals anywhere."""
    starts = _starts(state, pair.axis, PLACES)
    extent = float(state.extent[pair.axis])
    scale = float(
        state.channels(starts, [(pair.unknown, pair.upper)])[pair.unknown, pair.upper].abs().median()
    )
    bad: Tensor | None = None
    worst, at = 0.0, starts[0]
    for share in SHORT:
        length = torch.full((len(starts),), share * extent, dtype=torch.float64)
        moved = starts.clone()
        moved[:, pair.axis] -= torch.where(
            starts[:, pair.axis] + length > state.lower[pair.axis] + extent, length, 0.0
        )
        ends, integral, inside, size = _intervals(state, pair, moved, length)
        change = ends[:, 1] - ends[:, 0]
        rounding = 1e-11 * size.max()
        largest = torch.maximum(change.abs(), integral.abs()) + 0.01 * scale * length
        off = torch.where(
            inside, ((change - integral).abs() - rounding).clamp(min=0) / largest.clamp(min=1e-300), 0
        )
        here = off > WRONG
        bad = here if bad is None else bad & here
        if bad.any():
            worst, at = float(off[bad].median()), starts[bad][0]
    if bad is None or int(bad.sum()) < FEW:
        return None
    what = f"{pair.unknown}.{spell(pair.upper, state.problem.domain.names)}"
    return Finding(
        "derivative",
        f"{what}, as the equation sees it, is not the slope of the values ({times(worst)} of it is missing, "
        f"as at {state.where(at)}): a function that is built in has derivatives that PyTorch does not see "
        "(NumPy, detach, a special function); write it with torch functions, or give its condition "
        "hard=False",
        {"relative": worst, "places": float(bad.sum())},
    )


def _jump(state: State, pair: Pair) -> Finding | None:
    """A channel that jumps where its derivative does not know: halve the interval that contains it."""
    names = state.problem.domain.names
    starts = _starts(state, pair.axis, max(LINES // len(names), 6))
    extent = float(state.extent[pair.axis])
    piece = extent / PIECES
    start = starts[:, None].repeat(1, PIECES, 1)
    start[:, :, pair.axis] = state.lower[pair.axis] + piece * torch.arange(PIECES, dtype=torch.float64)
    start = start.reshape(-1, len(names))
    length = torch.full((len(start),), piece, dtype=torch.float64)
    ends, integral, inside, size = _intervals(state, pair, start, length)
    if not inside.any():
        return None
    scale = float(size[inside].median())
    left = torch.where(inside, (ends[:, 1] - ends[:, 0] - integral).abs(), 0.0)
    chosen = left.argsort(descending=True)[:FOLLOWED]
    chosen = chosen[left[chosen] > SUSPECT * scale]
    if not len(chosen):
        return None
    start, length, scale = start[chosen], length[chosen], max(scale, float(size[chosen].median()) * 1e-3)
    left = left[chosen]
    for _ in range(HALVINGS):
        length = length / 2
        middle = start.clone()
        middle[:, pair.axis] += length
        both = torch.cat([start, middle])
        ends, integral, inside, _ = _intervals(state, pair, both, length.repeat(2))
        delta = torch.where(inside, (ends[:, 1] - ends[:, 0] - integral).abs(), 0.0).reshape(2, -1)
        left, side = delta.max(0)
        start = torch.where((side == 1)[:, None], middle, start)
    ends, integral, inside, _ = _intervals(state, pair, start, length)
    wide = start.clone()
    wide[:, pair.axis] -= APART * length / 2
    far, _, there, _ = _intervals(state, pair, wide, APART * length)
    jump = (ends[:, 1] - ends[:, 0]).abs()
    limits = (far - ends).abs().amax(1) < 0.1 * jump  # the values beside the jump stay what they are
    real = (
        inside & there & limits & (left > JUMP * scale) & (left > 0.5 * jump) & ~_meant(state, start, length)
    )
    if not real.any():
        return None
    k = int(torch.where(real, left, 0.0).argmax())
    what = f"{pair.unknown}.{spell(pair.lower, names)}" if pair.lower else pair.unknown
    next_ = f"{pair.unknown}.{spell(pair.upper, names)}"
    return Finding(
        "derivative",
        f"{what} jumps by {times(float(jump[k]))} at {state.where(start[k])}: the data that are built in "
        f"have a {'kink' if pair.lower else 'jump'} there, which {next_} in the equation does not see, so "
        "that the solution stays as it is; give the condition hard=False",
        {"jump": float(jump[k]), "relative": float(jump[k]) / scale if scale else float("inf")},
    )


def _meant(state: State, start: Tensor, length: Tensor) -> Tensor:
    """Which places lie on an interface, where a kink is meant to be, [M]."""
    out = torch.zeros(len(start), dtype=torch.bool)
    for condition in state.problem.conditions:
        if isinstance(condition, Interface):
            level = condition.level(state.problem.domain)
            size = level(state.interior).abs().median()
            out |= level(start).abs() < 1e-4 * size
    return out
