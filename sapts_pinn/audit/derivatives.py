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
its one-sided limits do not exist.  What kinks in the data start, built in in closed form
(`problems/singular.py`), solves the equation and is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..derivatives.multi_index import MultiIndex
from ..problems.ansatz.singular import channels_of
from ..problems.fields import spell
from .findings import Finding
from .state import Channels, State, times

LINES = 36  # along all coordinates together
PIECES = 48  # intervals of a line
PLACES = 144  # of short intervals, along each coordinate
GAUSS = (0.069431844202973712, 0.330009478207571868, 0.669990521792428132, 0.930568155797026288)
WEIGHTS = (0.173927422568726929, 0.326072577431273071, 0.326072577431273071, 0.173927422568726929)
SUSPECT = 1e-6  # of the size of v_k: what is left of (1) on an interval to look into
FOLLOWED = 3  # such intervals for each channel
PARTS, DIVISIONS = 16, 6  # each time into so many parts
JUMP = 1e-3  # of the size of v_k: what is left of (1) where it jumps
AROUND = 1e-4  # of the extent: an interval around a place where what is built in branches
APART = 1000.0  # lengths of the last interval to where the one-sided limits are looked at
WRONG = 1e-2  # relative error of a derivative
SHORT = (2.0**-9, 2.0**-15)  # lengths of short intervals, of the extent
NOISE = 10.0  # usual rounding errors that the two sides of (1) may differ by
FEW = 3  # places where a derivative is wrong
TINY = 1e-300


@dataclass(frozen=True)
class Pair:
    """A channel and its derivative along a coordinate."""

    unknown: str
    lower: MultiIndex
    upper: MultiIndex


@dataclass(frozen=True)
class Sides:
    """The two sides of (1), of P pairs on M intervals.

    Attributes:
        ends: v_k at both ends, [P, M, 2].
        integral: [P, M].
        valid: Which intervals lie in the domain, with finite values, [P, M].
        size: The largest |v_k|, known singular parts included, [P, M].
        rough: What v_k has beside a cubic polynomial, [P, M]: on short intervals its rounding errors.
    """

    ends: Tensor
    integral: Tensor
    valid: Tensor
    size: Tensor
    rough: Tensor

    @property
    def left(self) -> Tensor:
        """Remainder of (1), [P, M]; zero where an interval is not valid."""
        return torch.where(self.valid, (self.ends[..., 1] - self.ends[..., 0] - self.integral).abs(), 0.0)


def check(state: State) -> list[Finding]:
    """Judge the derivatives."""
    found = []
    for axis in range(len(state.extent)):
        pairs = _pairs(state, axis)
        if pairs:
            wrong = _wrong(state, pairs, axis)
            found += [*wrong.values()]
            found += _jumps(state, [p for p in pairs if p not in wrong], axis)
    return found


def _pairs(state: State, axis: int) -> list[Pair]:
    """The derivatives along a coordinate on the way from the values to what the equation reads."""
    pairs: dict[Pair, None] = {}
    for name, index in state.needs:
        for k in range(len(index)):
            if index[k] == axis:
                pairs[Pair(name, index[:k], index[: k + 1])] = None
    return list(pairs)


def _sides(state: State, pairs: list[Pair], axis: int, start: Tensor, length: Tensor) -> Sides:
    """Both sides of (1) on intervals from `start` [M, dim] of some `length` [M] along the axis."""
    nodes = torch.tensor([0.0, 1.0, *GAUSS], dtype=torch.float64)
    points = start[:, None].repeat(1, len(nodes), 1)
    points[:, :, axis] += nodes * length[:, None]
    flat = points.reshape(-1, points.shape[2])
    inside = state.problem.domain.inside(flat)
    keys = list(dict.fromkeys((p.unknown, index) for p in pairs for index in (p.lower, p.upper)))
    values = {key: torch.zeros(len(flat), dtype=torch.float64) for key in keys}
    sizes = dict(values)
    if inside.any():
        known = channels_of(state.problem.singular, flat[inside], [index for _, index in keys])
        for i, (key, found) in enumerate(state.channels(flat[inside], keys).items()):
            values[key] = values[key].masked_scatter(inside, found if known is None else found - known[i])
            sizes[key] = sizes[key].masked_scatter(inside, found.abs())

    def gathered(of: Channels, indices: list[tuple[str, MultiIndex]]) -> Tensor:
        return torch.stack([of[key] for key in indices]).reshape(len(pairs), len(start), -1)

    lower = [(p.unknown, p.lower) for p in pairs]
    low, high = gathered(values, lower), gathered(values, [(p.unknown, p.upper) for p in pairs])
    valid = torch.isfinite(low).all(2) & torch.isfinite(high).all(2)
    size = torch.nan_to_num(gathered(sizes, lower)).amax(2)
    low, high = torch.nan_to_num(low), torch.nan_to_num(high)
    integral = length * (high[..., 2:] @ torch.tensor(WEIGHTS, dtype=torch.float64))
    whole = inside.reshape(len(start), -1).all(1)
    powers = nodes[:, None] ** torch.arange(4)
    rough = (low - low @ (powers @ torch.linalg.pinv(powers)).T).abs().amax(2)
    return Sides(low[..., :2], integral, valid & whole, size, rough)


def _starts(state: State, count: int) -> Tensor:
    """Points of the domain, a third of them on its faces."""
    domain, generator = state.problem.domain, state.generator
    on_faces = domain.boundary(max(count // 3, 1), generator, on=domain.faces).points
    return torch.cat([domain.interior(max(count - len(on_faces), 1), generator), on_faces])


def _wrong(state: State, pairs: list[Pair], axis: int) -> dict[Pair, Finding]:
    """Derivatives that are not the slopes of the values, on short intervals anywhere."""
    starts, extent = _starts(state, PLACES), float(state.extent[axis])
    bad = torch.ones(len(pairs), len(starts), dtype=torch.bool)
    for share in SHORT:
        length = torch.full((len(starts),), share * extent, dtype=torch.float64)
        moved = starts.clone()
        beyond = starts[:, axis] + length > state.lower[axis] + extent
        moved[:, axis] -= torch.where(beyond, length, 0.0)
        sides = _sides(state, pairs, axis, moved, length)
        change = (sides.ends[..., 1] - sides.ends[..., 0]).abs()
        slope = (sides.integral.abs() / length).median(1, keepdim=True).values
        largest = torch.maximum(change, sides.integral.abs()) + 0.01 * slope * length
        rounding = 1e-11 * sides.size.amax(1, keepdim=True)
        if share == min(SHORT):  # features whose coefficients are large round more than a trained network
            usual = sides.rough.median(1, keepdim=True).values
            rounding = torch.maximum(rounding, NOISE * torch.maximum(usual, sides.rough))
        off = (sides.left - rounding).clamp(min=0) / largest.clamp(min=TINY)
        bad &= off > WRONG
    found = {}
    for pair, at, share_off in zip(pairs, bad, off, strict=True):
        if int(at.sum()) < FEW:
            continue
        worst = float(share_off[at].median())
        what = f"{pair.unknown}.{spell(pair.upper, state.problem.domain.names)}"
        found[pair] = Finding(
            "derivative",
            f"{what}, as the equation sees it, is not the slope of the values ({times(worst)} of it is "
            f"missing, as at {state.where(starts[at][0])}): a function that is built in has derivatives that "
            "PyTorch does not see (NumPy, detach, a special function); write it with torch functions, or "
            "give its condition hard=False",
            {"relative": worst, "places": float(at.sum())},
        )
    return found


def _jumps(state: State, pairs: list[Pair], axis: int) -> list[Finding]:
    """Channels that jump where their derivative does not know: halve the intervals that contain the jumps."""
    if not pairs:
        return []
    starts = _starts(state, max(LINES // len(state.extent), 6))
    extent = float(state.extent[axis])
    start = starts[:, None].repeat(1, PIECES, 1)
    start[:, :, axis] = state.lower[axis] + extent / PIECES * torch.arange(PIECES, dtype=torch.float64)
    found = _suspected(state, pairs, axis, start.reshape(-1, starts.shape[1]), extent / PIECES)
    if not found and len(state.built):  # small supports, which lie between the nodes of all intervals
        start = state.built.clone()
        start[:, axis] -= AROUND * extent / 3
        found = _suspected(state, pairs, axis, start, AROUND * extent)
    return found


def _suspected(state: State, pairs: list[Pair], axis: int, start: Tensor, piece: float) -> list[Finding]:
    """Jumps of derivatives inside intervals from `start` [M, dim] of length `piece`."""
    first = _sides(state, pairs, axis, start, torch.full((len(start),), piece, dtype=torch.float64))
    if not first.valid.any():
        return []
    none = first.size.new_tensor(0.0)
    scale = torch.stack(
        [size[ok].median() if ok.any() else none for size, ok in zip(first.size, first.valid, strict=True)]
    )
    left, chosen = first.left.topk(min(FOLLOWED, len(start)), 1)
    suspect = left > SUSPECT * scale[:, None]
    which = suspect.nonzero()[:, 0]  # the pair of each suspect
    if not len(which):
        return []
    size = torch.maximum(scale[which], 1e-3 * first.size.gather(1, chosen)[suspect]).clamp(min=TINY)
    return _followed(state, pairs, which, axis, start[chosen[suspect]], piece, size)


def _followed(
    state: State, pairs: list[Pair], which: Tensor, axis: int, start: Tensor, piece: float, size: Tensor
) -> list[Finding]:
    """Divide intervals, each of a pair, keeping the part that contradicts (1) most, until it is a point."""
    length = piece
    for _ in range(DIVISIONS):
        length /= PARTS
        parts = start[:, None].repeat(1, PARTS, 1)
        parts[:, :, axis] += length * torch.arange(PARTS, dtype=torch.float64)
        flat = parts.reshape(-1, parts.shape[2])
        sides = _sides(state, pairs, axis, flat, torch.full((len(flat),), length, dtype=torch.float64))
        left, part = sides.left.reshape(len(pairs), -1, PARTS).max(2)
        rows = torch.arange(len(which))
        start = parts[rows, part[which, rows]]
        kept = left[which, rows] > 1e-2 * JUMP * size
        start, which, size = start[kept], which[kept], size[kept]
        if not len(which):
            return []
    rows = torch.arange(len(which))
    last = _sides(state, pairs, axis, start, torch.full((len(start),), length, dtype=torch.float64))
    wide = start.clone()
    wide[:, axis] -= APART * length / 2
    around = _sides(state, pairs, axis, wide, torch.full((len(start),), APART * length, dtype=torch.float64))
    ends, left = last.ends[which, rows], last.left[which, rows]
    jump = (ends[:, 1] - ends[:, 0]).abs()
    moved = (around.ends[which, rows] - ends).abs().amax(1)
    real = last.valid[which, rows] & around.valid[which, rows] & (left > JUMP * size) & (left > 0.5 * jump)
    real &= (moved < 0.1 * jump) & ~_meant(state, start)  # beside a jump the values stay what they are
    found: dict[Pair, Finding] = {}
    for k in torch.where(real, left / size, 0.0).argsort(descending=True).tolist():
        if real[k]:
            pair = pairs[int(which[k])]
            found.setdefault(pair, _told(state, pair, start[k], float(jump[k]), float(size[k])))
    return [*found.values()]


def _told(state: State, pair: Pair, at: Tensor, jump: float, size: float) -> Finding:
    names = state.problem.domain.names
    what = f"{pair.unknown}.{spell(pair.lower, names)}" if pair.lower else pair.unknown
    return Finding(
        "derivative",
        f"{what} jumps by {times(jump)} at {state.where(at)}: the data that are built in have a "
        f"{'kink' if pair.lower else 'jump'} there, which {pair.unknown}.{spell(pair.upper, names)} in the "
        "equation does not see, so that the solution stays as it is; give the condition hard=False",
        {"jump": jump, "relative": jump / size},
    )


def _meant(state: State, points: Tensor) -> Tensor:
    """Which points lie on an interface, where a kink is meant to be, [M]."""
    out = torch.zeros(len(points), dtype=torch.bool)
    for condition in state.problem.conditions:
        if (surface := condition.surface(state.problem.domain)) is not None:
            level = surface.level
            out |= level(points).abs() < 1e-4 * level(state.interior).abs().median()
    return out
