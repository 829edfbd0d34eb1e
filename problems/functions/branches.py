"""Search for the places where a function of the coordinates branches: jumps, kinks and small supports.

A window |x - 0.3| < 1e-4 is hard to hit with points, but its margin |x - 0.3| - 1e-4 leads there: what a
function compares (`margins.py`) is mostly simple in x.  So zero sets of margins are searched for along lines,
axis-parallel and oblique: sign changes between samples, and local minima of |margin|, which are followed down
until the sign changes or rounding ends it; sections then narrow the place down to rounding.  Middles between
neighbouring zeros of a line and minima of |margin| start further lines, in the other directions and along the
zero sets, so that after as many rounds as there are coordinates the lines have been inside every cell that
the zero sets cut out, however small.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from .margins import LAYER, PEAK, RATIO, Function, margins, recorded

SAMPLES = 65  # on a line; on the only line of one dimension
SAMPLES_1D = 4097
RESOLVED = 1e-13  # width of a bracket, of the line: below that margins are rounding
ROUNDS = 16  # 9^-16 is below rounding
ASIDE = (-1e-4, -1e-8, 1e-8, 1e-4)  # around the secant's zero, of the bracket
ASTRIDE = 1e-7  # of the box, for gradients of margins
SECTIONS = 8  # points inside a bracket that goes down
DESCENTS = 12  # (2/9)^12 is the precision that a quadratic minimum has
STALLED = 0.9  # a minimum that falls by less is not on its way to zero
BRACKETS = 64  # of each margin, followed at a time
PROBES = 256  # points that tell whether something is steep
STEEP = {PEAK: 200.0, LAYER: 100.0, RATIO: 1e4}  # change over the box from which points could miss it
CELLS = 4  # representatives of a pattern of signs
LOWEST = 3  # minima of each margin, and cells beside its zero set, that are followed
SLANTED = 16  # of them also along the nearest zero sets
SEEDS = 128  # lines start from so many points at most


def break_points(
    function: Function, lower: Tensor, upper: Tensor, generator: Generator, count: int = 8
) -> Tensor:
    """Points where a function branches, within rounding of the zero sets of its margins.

    Args:
        function: Maps points [N, d] to values [N], point by point; written in torch.
        lower: [d], lower corner of the box that is searched; its faces belong to it.
        upper: [d], upper corner.
        generator: Draws the lines of the search.
        count: Starting points of lines.

    Returns:
        [M, d]; M = 0 when the function does not branch.
    """
    return explore(function, lower, upper, generator, count)[0]


def explore(
    function: Function,
    lower: Tensor,
    upper: Tensor,
    generator: Generator,
    count: int = 8,
    steep: bool = False,
) -> tuple[Tensor, Tensor]:
    """Break points as `break_points`, and points inside the cells between them.

    Args:
        function: Maps points [N, d] to values [N]; this and the next four as of `break_points`.
        lower: [d].
        upper: [d].
        generator: Draws.
        count: Starting points of lines.
        steep: Look for narrow peaks, layers and poles of smooth functions as well.

    Returns:
        Break points [M, d], and points [K, d] well inside the cells that were found, a few for each pattern
        of signs of the margins, small supports included, and where margins are least.
    """
    search = _Search(function, lower, upper, generator, steep)
    dim = len(lower)
    starts = torch.rand(max(count, 1), dim, generator=generator, dtype=torch.float64)
    if not search.any:
        return starts[:0], starts[:0]
    faces = starts.clone()
    which = torch.arange(len(faces)) % (2 * dim)
    faces[torch.arange(len(faces)), which // 2] = (which % 2).double()
    seeds = starts[:1] if dim == 1 else torch.cat([starts, faces])
    axes = torch.eye(dim, dtype=torch.float64)
    for round_ in range(1 if dim == 1 else dim + 1):
        directions = [axis.expand_as(seeds) for axis in axes]
        if round_ == 0 and dim > 1:
            directions.append(torch.rand(seeds.shape, generator=generator, dtype=torch.float64) - seeds)
        elif dim > 1:
            directions += [search.tangents(seeds[:SLANTED], walls) for walls in range(1, dim)]
        ranks = search.ranks if len(search.ranks) else torch.zeros(len(seeds), dtype=torch.float64)
        points, ranks = (torch.cat([x[: len(d)] for d in directions]) for x in (seeds, ranks))
        search.along(points, torch.cat(directions), ranks)
        seeds = search.fresh()
        if not len(seeds):
            break
    unit = upper - lower
    return lower + unit * search.zeros(), lower + unit * search.inside()


class _Search:
    """The search along lines of the unit cube, and what it has found so far."""

    def __init__(
        self, function: Function, lower: Tensor, upper: Tensor, generator: Generator, steep: bool
    ) -> None:
        self.function, self.lower, self.unit = function, lower, upper - lower
        self.generator = generator
        self.dim = len(lower)
        self.seeds: list[Tensor] = []
        self.minima: list[tuple[Tensor, Tensor, Tensor]] = []
        self._opened: set[int] = set()
        self._rank: list[Tensor] = []
        self._walls: list[Tensor] = []
        self._ranks = torch.zeros(0, dtype=torch.float64)
        self.ranks = torch.zeros(0, dtype=torch.float64)
        self._zeros: list[Tensor] = []
        self._inside: list[Tensor] = []
        self._seen: dict[bytes, int] = {}
        self._steep: list[int] = []
        places = torch.rand(PROBES, self.dim, generator=generator, dtype=torch.float64)
        found = recorded(function, lower + self.unit * places)
        if steep:
            self._steep = [i for i, (kind, x) in enumerate(found.steep) if _change(kind, x) > STEEP[kind]]
        self.any = bool(found.margins or self._steep)

    def zeros(self) -> Tensor:
        """Points on zero sets, [M, d]."""
        return torch.cat([torch.zeros(0, self.dim, dtype=torch.float64), *self._zeros])

    def inside(self) -> Tensor:
        """Points in cells, [K, d]."""
        return torch.cat([torch.zeros(0, self.dim, dtype=torch.float64), *self._inside])

    def fresh(self) -> Tensor:
        """Starting points [K, d] of the next lines: middles of cells, then minima.

        Smaller cells come first, a few for each margin at whose zero set they lie.  The rank of a middle is
        minus the logarithm of what the zero sets leave of the lines that led there, roughly of the volume.
        """
        none = torch.zeros(0, self.dim, dtype=torch.float64)
        middles, minima = torch.cat([none, *self.seeds]), self._lowest(none)
        rank = torch.cat([torch.zeros(0, dtype=torch.float64), *self._rank])
        walls = torch.cat([torch.zeros(0, 2, dtype=torch.long), *self._walls]).tolist()
        self.seeds, self.minima, self._rank, self._walls = [], [], [], []
        self._inside.append(minima)
        count: dict[int, int] = {}
        order: list[int] = []
        for i in rank.argsort(descending=True).tolist():
            if any(count.get(wall, 0) < LOWEST for wall in walls[i]) and len(order) < SEEDS:
                order.append(i)
                count.update({wall: count.get(wall, 0) + 1 for wall in walls[i]})
        self.ranks = torch.cat([rank[order], torch.zeros(len(minima), dtype=torch.float64)])
        return torch.cat([middles[order], minima])

    def _lowest(self, none: Tensor) -> Tensor:
        """The lowest minima of each margin, first of those whose zero set has not been met: [K, d]."""
        if not self.minima:
            return none
        points, which, depth = (torch.cat(parts) for parts in zip(*self.minima, strict=True))
        order = depth.argsort()
        kept: dict[int, list[int]] = {}
        for place, margin in zip(order.tolist(), which[order].tolist(), strict=True):
            if len(kept.setdefault(margin, [])) < LOWEST:
                kept[margin].append(place)
        shut = [i for margin, places in kept.items() if margin not in self._opened for i in places]
        rest = [i for margin, places in kept.items() if margin in self._opened for i in places]
        return points[[*shut, *rest[: SEEDS // 8]][:SEEDS]]

    def _some(self, rows: Tensor, most: int) -> Tensor:
        if len(rows) <= most:
            return rows
        return rows[torch.randperm(len(rows), generator=self.generator)[:most]]

    def _fair(self, rows: Tensor) -> Tensor:
        """Select some brackets (margin, line, sample) [B, 3] of each margin."""
        rows = rows[torch.randperm(len(rows), generator=self.generator)]
        rows = rows[rows[:, 0].argsort(stable=True)]
        first = torch.searchsorted(rows[:, 0].contiguous(), rows[:, 0].contiguous())
        return rows[torch.arange(len(rows)) - first < BRACKETS]

    def _margins(self, points: Tensor) -> Tensor:
        """Margins [K, N] of the function at points [N, d] of the unit cube."""
        record = recorded(self.function, self.lower + self.unit * points)
        found = record.margins + [record.steep[i][1] for i in self._steep if i < len(record.steep)]
        return torch.stack(found) if found else torch.zeros(0, len(points), dtype=torch.float64)

    def along(self, points: Tensor, directions: Tensor, ranks: Tensor) -> None:
        """Search the lines through points [L, d] of some ranks [L], as far as they run in the unit cube."""
        self._ranks = ranks
        start, end = _clipped(points, directions)
        samples = torch.linspace(0, 1, SAMPLES_1D if self.dim == 1 else SAMPLES, dtype=torch.float64)
        grid = start[:, None] + samples[:, None] * (end - start)[:, None]
        values = self._margins(grid.reshape(-1, self.dim)).reshape(-1, len(points), len(samples))
        flips = (values[..., 1:] > 0) != (values[..., :-1] > 0)
        flips &= torch.isfinite(values[..., 1:]) & torch.isfinite(values[..., :-1])
        self._opened |= set(flips.any(2).any(1).nonzero()[:, 0].tolist())
        rows = self._fair(flips.nonzero())
        left, right = samples[rows[:, 2]], samples[rows[:, 2] + 1]
        dips, at, turned = self._descend(values, flips, samples, start, end)
        if len(dips):
            bottom = start[dips[:, 1]] + at[:, None] * (end - start)[dips[:, 1]]
            size = values[dips[:, 0], dips[:, 1]].abs().nan_to_num(0, 0, 0).amax(1)
            depth = self._own(bottom, dips[:, 0]).abs()
            touches = ~turned & (depth <= 1e-12 * size)
            self._zeros.append(bottom[touches])
            self.minima.append((bottom[~turned], dips[~turned, 0], (depth / size)[~turned]))
            dips, at, step = dips[turned], at[turned], samples[1]
            self._opened |= set(dips[:, 0].tolist())
            rows = torch.cat([rows, dips, dips])
            left = torch.cat([left, (samples[dips[:, 2]] - step).clamp_min(0), at])
            right = torch.cat([right, at, (samples[dips[:, 2]] + step).clamp_max(1)])
        zeros = self._narrow(rows, left, right, start, end)
        self._zeros.append(start[rows[:, 1]] + zeros[:, None] * (end - start)[rows[:, 1]])
        self._keep_middles(rows, zeros, start, end)

    def tangents(self, points: Tensor, walls: int) -> Tensor:
        """Random directions [N, d] along the nearest zero sets, as many as `walls`, of points [N, d].

        They stay inside a thin slanted strip, on the way to what else bounds a small support in it.
        """
        normals = torch.stack(
            [
                (self._margins(points + step) - self._margins(points - step)) / (2 * ASTRIDE)
                for step in ASTRIDE * torch.eye(self.dim, dtype=torch.float64)
            ],
            -1,
        ).nan_to_num(0, 0, 0)
        size = normals.norm(dim=-1)
        distance = torch.where(size > 0, self._margins(points).abs() / size, math.inf)
        direction = torch.randn(points.shape, generator=self.generator, dtype=torch.float64)
        nearest = distance.argsort(0)[:walls]
        chosen = normals.gather(0, nearest[..., None].expand(-1, -1, self.dim)).permute(1, 2, 0)
        basis: Tensor = torch.linalg.qr(chosen + 1e-12 * torch.eye(self.dim, walls, dtype=torch.float64)).Q
        return direction - (basis @ (basis.transpose(1, 2) @ direction[..., None]))[..., 0]

    def _own(self, points: Tensor, which: Tensor) -> Tensor:
        """Value [N] of one margin at each point [N, d], chosen by its number."""
        found = self._margins(points)
        if found.shape[0] <= int(which.max()):  # the function took another way: nothing to compare with
            return torch.full((len(points),), math.nan, dtype=torch.float64)
        return found[which, torch.arange(len(points))]

    def _values(self, at: Tensor, rows: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Own margins at parameters [B, S] of the brackets' lines, [B, S]."""
        line = rows[:, 1]
        points = start[line, None] + at[..., None] * (end - start)[line, None]
        which = rows[:, 0, None].expand_as(at)
        return self._own(points.reshape(-1, self.dim), which.reshape(-1)).reshape(at.shape)

    def _narrow(self, rows: Tensor, left: Tensor, right: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Zeros [B] of the margins in brackets [left, right] with a change of sign.

        Every round divides the brackets evenly, and around the zero of the secant, which is as good as exact
        where the margin is nearly linear.
        """
        first = torch.stack([left, right], 1)
        if not len(rows):
            return first[:, 0]
        ends = self._values(first, rows, start, end)
        weights = torch.linspace(0, 1, SECTIONS + 2, dtype=torch.float64)
        aside = torch.tensor(ASIDE, dtype=torch.float64)
        for _ in range(ROUNDS):
            active = (first[:, 1] - first[:, 0] > RESOLVED).nonzero()[:, 0]
            if not len(active):
                break
            left, right, low, high = *first[active].unbind(1), *ends[active].unbind(1)
            width = right - left
            secant = torch.where(high != low, left - low * width / (high - low), (left + right) / 2)
            near = secant.nan_to_num(0.5)[:, None] + width[:, None] * aside
            at = torch.cat([left[:, None] + width[:, None] * weights, near], 1)
            at = at.clamp(left[:, None], right[:, None]).sort(1).values
            found = self._values(at, rows[active], start, end)
            change = ((found[:, 1:] > 0) != (found[:, :-1] > 0)).double().argmax(1)[:, None]
            change = torch.cat([change, change + 1], 1)
            first[active], ends[active] = at.gather(1, change), found.gather(1, change)
        return first.mean(1)

    def _descend(
        self, values: Tensor, flips: Tensor, samples: Tensor, start: Tensor, end: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Follow local minima of |margin| between samples until the sign changes.

        Returns:
            Numbers (margin, line, sample) of the minima [B, 3], where on the line they lie [B], and whether
            the margin has another sign there than at the samples [B].
        """
        size = values.abs().nan_to_num(math.inf)
        wall = torch.full_like(size[..., :1], math.inf)
        before, after = torch.cat([wall, size[..., :-1]], -1), torch.cat([size[..., 1:], wall], -1)
        none = torch.zeros_like(flips[..., :1])
        near = torch.cat([none, flips], -1) | torch.cat([flips, none], -1)
        varies = (size.amax(-1) - size.amin(-1) > 1e-12 * size.amax(-1))[..., None]
        lowest = (size <= before) & (size <= after) & ((size < before) | (size < after)) & ~near & varies
        rows = self._fair(lowest.nonzero())
        place, step = samples[rows[:, 2]], samples[1]
        left, right = (place - step).clamp_min(0), (place + step).clamp_max(1)
        sign = torch.where(values[rows[:, 0], rows[:, 1], rows[:, 2]] > 0, 1.0, -1.0)
        turned = torch.zeros(len(rows), dtype=torch.bool)
        falls, level = torch.ones_like(turned), torch.full_like(place, math.inf)
        weights = torch.linspace(0, 1, SECTIONS + 2, dtype=torch.float64)
        for _ in range(DESCENTS):
            active = (~turned & falls).nonzero()[:, 0]
            if not len(active):
                break
            a, b = left[active, None], right[active, None]
            at = a + (b - a) * weights
            depth = (self._values(at, rows[active], start, end) * sign[active, None]).nan_to_num(math.inf)
            best = depth.argmin(1)[:, None]
            place[active] = at.gather(1, best)[:, 0]
            reached = depth.gather(1, best)[:, 0]
            turned[active], falls[active] = reached < 0, reached < STALLED * level[active]
            level[active] = reached
            left[active] = at.gather(1, (best - 1).clamp_min(0))[:, 0]
            right[active] = at.gather(1, (best + 1).clamp_max(SECTIONS + 1))[:, 0]
        return rows, place, turned

    def _keep_middles(self, rows: Tensor, zeros: Tensor, start: Tensor, end: Tensor) -> None:
        """Keep the middles between neighbouring zeros of a line, a few for each pattern of signs."""
        ends = torch.arange(len(start))
        owners = torch.cat([rows[:, 0], torch.full((2 * len(ends),), -1)])
        lines = torch.cat([rows[:, 1], ends, ends])
        zeros = torch.cat([zeros, torch.zeros(len(start)).double(), torch.ones(len(start)).double()])
        order = torch.argsort(zeros, stable=True)
        order = order[torch.argsort(lines[order], stable=True)]
        lines, zeros, owners = lines[order], zeros[order], owners[order]
        same = (lines[1:] == lines[:-1]) & (zeros[1:] > zeros[:-1])
        middle, line = ((zeros[1:] + zeros[:-1]) / 2)[same], lines[1:][same]
        length, walls = (zeros[1:] - zeros[:-1])[same], torch.stack([owners[1:], owners[:-1]], 1)[same]
        points = start[line] + middle[:, None] * (end - start)[line]
        if not len(points):
            return
        signs = self._margins(points) > 0
        kept, new = [], []
        for i, row in enumerate(signs.T.to(torch.uint8).contiguous().numpy()):
            key = row.tobytes()
            count = self._seen[key] = self._seen.get(key, 0) + 1
            if count <= CELLS:
                kept.append(i)
            if count == 1 or len(start) == 1:
                new.append(i)
        self._inside.append(points[kept])
        self.seeds.append(points[new])
        small = -length.clamp_min(1e-9).log2()
        self._rank.append((self._ranks[line] + small)[new])
        self._walls.append(walls[new])


def _clipped(points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """End points, in the unit cube, of the lines through points [L, d]."""
    safe = torch.where(directions == 0, 1.0, directions)
    first, second = -points / safe, (1 - points) / safe
    none = directions == 0
    low = torch.where(none, -math.inf, torch.minimum(first, second)).amax(1, keepdim=True)
    high = torch.where(none, math.inf, torch.maximum(first, second)).amin(1, keepdim=True)
    return (points + low * directions).clamp(0, 1), (points + high * directions).clamp(0, 1)


def _change(kind: str, values: Tensor) -> float:
    """Change of an argument over the points: the difference of its extremes; of a denominator their ratio."""
    known = values[torch.isfinite(values)]
    if not len(known):
        return 0.0
    if kind == RATIO:
        return float(known.abs().amax() / known.abs().amin().clamp_min(1e-300))
    return float(known.amax() - known.amin())


__all__ = ["break_points", "explore", "margins"]
