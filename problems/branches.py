"""Where a function of the coordinates branches: jumps, kinks and small supports, found without luck.

A function written in torch can only jump or kink where one of its branchings flips: a comparison, abs, sign,
clamp, maximum, floor, a search in a table.  Each compares two numbers; their difference is the *margin* of
the branching, a function of the coordinates as well, and the zero set of a margin is where the branching
flips.  Running the function under a `TorchFunctionMode` records the margins (control-flow instrumentation, as
in search-based test generation: Korel, IEEE Trans. Software Eng. 16(8), 1990).

A window |x - 0.3| < 1e-4 is hard to hit with points, but its margin |x - 0.3| - 1e-4 leads there: margins are
simple functions of x.  So the zero sets are searched for along lines, axis-parallel and oblique: sign changes
between samples, and local minima of |margin|, which are followed down until the sign changes or rounding ends
it; sections then narrow the place down to rounding.  Middles between neighbouring zeros of a line and minima
of |margin| start further lines in the other directions, so that after as many rounds as there are
coordinates the lines have been inside every cell that the zero sets cut out, however small.

What leaves torch (NumPy, SciPy) records nothing: there only values can tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode

Function = Callable[[Tensor], Tensor]

SAMPLES = 129  # on a line; on the only line of one dimension
SAMPLES_1D = 4097
RESOLVED = 1e-13  # width of a bracket, of the line: below that margins are rounding
HALVINGS = 60
ASIDE = (-1e-4, -1e-8, 1e-8, 1e-4)  # around the secant's zero, of the bracket
ASTRIDE = 1e-7  # of the box, for gradients of margins
SECTIONS = 8  # points inside a bracket that goes down
DESCENTS = 12  # (2/9)^12 is the precision that a quadratic minimum has
BRACKETS = 256  # followed at a time
COLUMNS = 16  # of one comparison with many numbers; more are merged
CELLS = 4  # representatives of a pattern of signs
SEEDS = 64  # lines start from so many points at most


class _Recorder(TorchFunctionMode):
    """Collects the margins of everything that branches while it is active."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n
        self.found: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        rule = RULES.get(getattr(func, "__name__", "").strip("_"))
        if rule is not None:
            try:
                found = rule(*args, **(kwargs or {}))
            except (TypeError, ValueError, RuntimeError, IndexError):
                found = []  # arguments of another kind than the rule knows; if they are wrong, func says so
            for margin in found:
                self.found += _columns(margin, self.n)
        return func(*args, **(kwargs or {}))


# What each function compares: rules take its arguments and give the margins, of any shapes.


def _difference(a: Any, b: Any = None, **_: Any) -> list[Tensor]:
    return [_real(a) - _real(b)] if isinstance(b, (int, float, Tensor)) else []


def _zero(a: Any, *_: Any, **__: Any) -> list[Tensor]:
    return [_real(a)]


def _condition(a: Any, *_: Any, **__: Any) -> list[Tensor]:
    return [_real(a)] if isinstance(a, Tensor) and a.dtype != torch.bool else []


def _power(a: Any, b: Any, **_: Any) -> list[Tensor]:
    return [_real(a)] if isinstance(b, float) and b % 1 else []


def _integer(a: Any, *_: Any, **__: Any) -> list[Tensor]:
    return [torch.sin(math.pi * _real(a))]


def _half(a: Any, *_: Any, **__: Any) -> list[Tensor]:
    return [torch.cos(math.pi * _real(a))]


def _cast(a: Any, *to: Any, dtype: Any = None, **_: Any) -> list[Tensor]:
    whole = isinstance(a, Tensor) and a.is_floating_point() and INTEGERS.intersection((*to[:1], dtype))
    return _integer(a) if whole else []


def _quotient(a: Any, b: Any, **_: Any) -> list[Tensor]:
    return [torch.sin(math.pi * _real(a) / _real(b))]


def _rounded(a: Any, b: Any, rounding_mode: Any = None, **_: Any) -> list[Tensor]:
    return _quotient(a, b) if rounding_mode else []


def _clamped(a: Any, low: Any = None, high: Any = None, **named: Any) -> list[Tensor]:
    bounds = (low, high, *(named.get(name) for name in ("min", "max", "min_val", "max_val")))
    return [_real(a) - _real(bound) for bound in bounds if isinstance(bound, (int, float, Tensor))]


def _shrunk(a: Any, limit: float = 0.5, **named: Any) -> list[Tensor]:
    limit = named.get("lambd", named.get("threshold", limit))
    return [_real(a) - limit, _real(a) + limit]


def _between(table: Any, points: Any, **_: Any) -> list[Tensor]:
    """Continuous, and zero exactly at the entries of a sorted table, with a sign that alternates."""
    table, points = _real(table), _real(points)
    if table.ndim != 1 or not len(table):
        return []
    place = torch.searchsorted(table, points.contiguous())
    below = (points - table[(place - 1).clamp_min(0)]).abs()
    above = (table[place.clamp_max(len(table) - 1)] - points).abs()
    return [torch.minimum(below, above) * (1 - 2 * (place % 2))]


def _lead(largest: bool) -> Callable[..., list[Tensor]]:
    def rule(a: Any, dim: Any = None, *_: Any, **__: Any) -> list[Tensor]:
        """By how much the extreme along a dimension leads; of two tensors, their difference."""
        if isinstance(dim, Tensor):
            return [_real(a) - _real(dim)]
        if not isinstance(dim, int) or a.shape[dim] < 2:
            return []
        first, second = _real(a).topk(2, dim=dim, largest=largest).values.unbind(dim)
        return [first - second]

    return rule


INTEGERS = {torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8}
COMPARISONS = "gt lt ge le eq ne greater less greater_equal less_equal not_equal"
RULES: dict[str, Callable[..., list[Tensor]]] = {
    **dict.fromkeys(f"{COMPARISONS} maximum minimum fmax fmin".split(), _difference),
    **dict.fromkeys(
        "abs absolute sign sgn heaviside relu leaky_relu elu selu celu prelu sqrt".split(), _zero
    ),
    **dict.fromkeys(["where", "bool", "logical_not"], _condition),
    "isclose": lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: [
        (_real(a) - _real(b)).abs() - atol - rtol * _real(b).abs()
    ],
    "pow": _power,
    **dict.fromkeys("floor ceil trunc fix frac long int".split(), _integer),
    "round": _half,
    **dict.fromkeys(["to", "type"], _cast),
    **dict.fromkeys("remainder fmod mod floor_divide floordiv".split(), _quotient),
    **dict.fromkeys(["div", "divide"], _rounded),
    **dict.fromkeys(["clamp", "clip"], _clamped),
    "clamp_min": lambda a, min: _clamped(a, min),
    "clamp_max": lambda a, max: _clamped(a, max),
    "hardtanh": lambda a, min_val=-1.0, max_val=1.0, inplace=False: _clamped(a, min_val, max_val),
    "relu6": lambda a, inplace=False: _clamped(a, 0.0, 6.0),
    **dict.fromkeys(["hardsigmoid", "hardswish"], lambda a, inplace=False: _clamped(a, -3.0, 3.0)),
    **dict.fromkeys(["softshrink", "hardshrink"], _shrunk),
    "threshold": lambda a, threshold, value=0.0, inplace=False: _clamped(a, threshold),
    "searchsorted": _between,
    "bucketize": lambda a, boundaries, **_: _between(boundaries, a),
    **dict.fromkeys(["max", "amax", "argmax"], _lead(True)),
    **dict.fromkeys(["min", "amin", "argmin"], _lead(False)),
}


def _real(value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.as_tensor(value, dtype=torch.float64)
    return (value.real if value.is_complex() else value).detach().double()


def _columns(margin: Tensor, n: int) -> list[Tensor]:
    """The margins [n] in a tensor that has the n points along one of its dimensions."""
    if margin.ndim == 0 or n not in margin.shape:
        return []
    table = margin.movedim(margin.shape.index(n), 0).reshape(n, -1)
    if table.shape[1] > COLUMNS:  # zero where one of them is, and changes its sign there
        return [table.sign().prod(1) * table.abs().amin(1)]
    return list(table.unbind(1))


def margins(function: Function, points: Tensor) -> list[Tensor]:
    """The margins of everything that branches in a function, in the order of execution.

    Args:
        function: Maps points [N, d] to values [N], point by point; written in torch.
        points: [N, d].

    Returns:
        Tensors [N], without a graph; a branching flips where its margin is zero.
    """
    with torch.no_grad(), _Recorder(len(points)) as recorder:
        function(points)
    found: list[Tensor] = recorder.found
    return found


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
    function: Function, lower: Tensor, upper: Tensor, generator: Generator, count: int = 8
) -> tuple[Tensor, Tensor]:
    """Break points as `break_points`, and points inside the cells between them; arguments as there.

    Returns:
        Break points [M, d], and points [K, d] well inside the cells that were found, a few for each pattern
        of signs of the margins, small supports included.
    """
    search = _Search(function, lower, upper, generator)
    dim = len(lower)
    starts = torch.rand(max(count, 1), dim, generator=generator, dtype=torch.float64)
    if not margins(function, lower + (upper - lower) * starts):
        return starts[:0], starts[:0]
    faces = starts.clone()
    which = torch.arange(len(faces)) % (2 * dim)
    faces[torch.arange(len(faces)), which // 2] = (which % 2).double()
    seeds = starts[:1] if dim == 1 else torch.cat([starts, faces])
    ends = torch.rand(len(seeds), dim, generator=generator, dtype=torch.float64)
    if dim > 1:
        search.along(seeds, ends - seeds)
    for _ in range(1 if dim == 1 else dim + 1):
        axes = torch.eye(dim, dtype=torch.float64)
        for axis in range(dim):
            search.along(seeds, axes[axis].expand_as(seeds))
        for walls in range(1, dim):
            search.along(seeds, search.tangents(seeds, walls))
        seeds = search.fresh()
        if not len(seeds):
            break
    unit = upper - lower
    return lower + unit * search.zeros(), lower + unit * search.inside()


class _Search:
    """The search along lines of the unit cube, and what it has found so far."""

    def __init__(self, function: Function, lower: Tensor, upper: Tensor, generator: Generator) -> None:
        self.function, self.lower, self.unit = function, lower, upper - lower
        self.generator = generator
        self.dim = len(lower)
        self.seeds: list[Tensor] = []
        self.minima: list[Tensor] = []
        self._zeros: list[Tensor] = []
        self._inside: list[Tensor] = []
        self._seen: dict[bytes, int] = {}

    def zeros(self) -> Tensor:
        """Points on zero sets, [M, d]."""
        return torch.cat([torch.zeros(0, self.dim, dtype=torch.float64), *self._zeros])

    def inside(self) -> Tensor:
        """Points in cells, [K, d]."""
        return torch.cat([torch.zeros(0, self.dim, dtype=torch.float64), *self._inside])

    def fresh(self) -> Tensor:
        """From where the next lines should go, [K, d]: middles before minima."""
        none = torch.zeros(0, self.dim, dtype=torch.float64)
        middles, minima = torch.cat([none, *self.seeds]), torch.cat([none, *self.minima])
        self.seeds, self.minima = [], []
        return torch.cat([self._some(middles, SEEDS), self._some(minima, SEEDS // 4)])

    def _some(self, rows: Tensor, most: int) -> Tensor:
        if len(rows) <= most:
            return rows
        return rows[torch.randperm(len(rows), generator=self.generator)[:most]]

    def _margins(self, points: Tensor) -> Tensor:
        """All margins [K, N] at points [N, d] of the unit cube."""
        found = margins(self.function, self.lower + self.unit * points)
        return torch.stack(found) if found else torch.zeros(0, len(points), dtype=torch.float64)

    def along(self, points: Tensor, directions: Tensor) -> None:
        """Search the lines through points [L, d], as far as they run in the unit cube."""
        start, end = _clipped(points, directions)
        samples = torch.linspace(0, 1, SAMPLES_1D if self.dim == 1 else SAMPLES, dtype=torch.float64)
        grid = start[:, None] + samples[:, None] * (end - start)[:, None]
        values = self._margins(grid.reshape(-1, self.dim)).reshape(-1, len(points), len(samples))
        flips = (values[..., 1:] > 0) != (values[..., :-1] > 0)
        flips &= torch.isfinite(values[..., 1:]) & torch.isfinite(values[..., :-1])
        rows = self._some(flips.nonzero(), BRACKETS)
        left, right = samples[rows[:, 2]], samples[rows[:, 2] + 1]
        dips, at, turned = self._descend(values, flips, samples, start, end)
        if len(dips):
            bottom = start[dips[:, 1]] + at[:, None] * (end - start)[dips[:, 1]]
            size = values[dips[:, 0], dips[:, 1]].abs().nan_to_num(0, 0, 0).amax(1)
            touches = ~turned & (self._own(bottom, dips[:, 0]).abs() <= 1e-12 * size)
            self._zeros.append(bottom[touches])
            self.minima.append(bottom[~turned])
            dips, at, step = dips[turned], at[turned], samples[1]
            rows = torch.cat([rows, dips, dips])
            left = torch.cat([left, (samples[dips[:, 2]] - step).clamp_min(0), at])
            right = torch.cat([right, at, (samples[dips[:, 2]] + step).clamp_max(1)])
        zeros = self._narrow(rows, left, right, start, end)
        self._zeros.append(start[rows[:, 1]] + zeros[:, None] * (end - start)[rows[:, 1]])
        self._keep_middles(rows[:, 1], zeros, start, end)

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
        basis = torch.linalg.qr(chosen + 1e-12 * torch.eye(self.dim, walls, dtype=torch.float64)).Q
        return direction - (basis @ (basis.transpose(1, 2) @ direction[..., None]))[..., 0]

    def _own(self, points: Tensor, which: Tensor) -> Tensor:
        """For each point [N, d] its own margin, by number, [N]."""
        found = self._margins(points)
        if found.shape[0] <= int(which.max()):  # the function took another way: nothing to compare with
            return torch.full((len(points),), math.nan, dtype=torch.float64)
        own: Tensor = found[which, torch.arange(len(points))]
        return own

    def _values(self, at: Tensor, rows: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Own margins at parameters [B, S] of the brackets' lines, [B, S]."""
        line = rows[:, 1]
        points = start[line, None] + at[..., None] * (end - start)[line, None]
        which = rows[:, 0, None].expand_as(at)
        return self._own(points.reshape(-1, self.dim), which.reshape(-1)).reshape(at.shape)

    def _narrow(self, rows: Tensor, left: Tensor, right: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Where in brackets [left, right] the margin changes its sign, [B].

        Every round tests the middle, so that brackets at least halve, and places around the zero of the
        secant, which are as good as exact where the margin is nearly linear.
        """
        first = torch.stack([left, right], 1)
        if not len(rows):
            return first[:, 0]
        ends = self._values(first, rows, start, end)
        for _ in range(HALVINGS):
            active = (first[:, 1] - first[:, 0] > RESOLVED).nonzero()[:, 0]
            if not len(active):
                break
            left, right, low, high = *first[active].unbind(1), *ends[active].unbind(1)
            middle, width = (left + right) / 2, right - left
            secant = torch.where(high != low, left - low * width / (high - low), middle)
            secant = torch.where(torch.isfinite(secant), secant, middle)
            near = [secant + share * width for share in ASIDE]
            at = torch.stack([left, right, middle, *near], 1)
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
        rows = self._some(lowest.nonzero(), BRACKETS)
        place, step = samples[rows[:, 2]], samples[1]
        left, right = (place - step).clamp_min(0), (place + step).clamp_max(1)
        sign = torch.where(values[rows[:, 0], rows[:, 1], rows[:, 2]] > 0, 1.0, -1.0)
        turned = torch.zeros(len(rows), dtype=torch.bool)
        weights = torch.linspace(0, 1, SECTIONS + 2, dtype=torch.float64)
        for _ in range(DESCENTS):
            active = (~turned).nonzero()[:, 0]
            if not len(active):
                break
            a, b = left[active, None], right[active, None]
            at = a + (b - a) * weights
            depth = (self._values(at, rows[active], start, end) * sign[active, None]).nan_to_num(math.inf)
            best = depth.argmin(1)[:, None]
            place[active] = at.gather(1, best)[:, 0]
            turned[active] = depth.gather(1, best)[:, 0] < 0
            left[active] = at.gather(1, (best - 1).clamp_min(0))[:, 0]
            right[active] = at.gather(1, (best + 1).clamp_max(SECTIONS + 1))[:, 0]
        return rows, place, turned

    def _keep_middles(self, lines: Tensor, zeros: Tensor, start: Tensor, end: Tensor) -> None:
        """Keep the middles between neighbouring zeros of a line, a few for each pattern of signs."""
        order = torch.argsort(zeros, stable=True)
        order = order[torch.argsort(lines[order], stable=True)]
        lines, zeros = lines[order], zeros[order]
        ends = torch.arange(len(start))
        lines = torch.cat([lines, ends, ends])
        zeros = torch.cat([zeros, torch.zeros(len(start)).double(), torch.ones(len(start)).double()])
        order = torch.argsort(zeros, stable=True)
        order = order[torch.argsort(lines[order], stable=True)]
        lines, zeros = lines[order], zeros[order]
        same = (lines[1:] == lines[:-1]) & (zeros[1:] > zeros[:-1])
        middle, line = ((zeros[1:] + zeros[:-1]) / 2)[same], lines[1:][same]
        points = start[line] + middle[:, None] * (end - start)[line]
        if not len(points):
            return
        patterns = (self._margins(points) > 0).T.to(torch.uint8).contiguous().numpy()
        kept = []
        for i, row in enumerate(patterns):
            key = row.tobytes()
            self._seen[key] = self._seen.get(key, 0) + 1
            if self._seen[key] <= CELLS:
                kept.append(i)
        self._inside.append(points[kept])
        self.seeds.append(points[kept])


def _clipped(points: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Both ends of the lines through points [L, d] of the unit cube, within it."""
    safe = torch.where(directions == 0, 1.0, directions)
    first, second = -points / safe, (1 - points) / safe
    none = directions == 0
    low = torch.where(none, -math.inf, torch.minimum(first, second)).amax(1, keepdim=True)
    high = torch.where(none, math.inf, torch.maximum(first, second)).amin(1, keepdim=True)
    return (points + low * directions).clamp(0, 1), (points + high * directions).clamp(0, 1)
