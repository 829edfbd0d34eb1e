"""How wrong a trained solution may be, without a reference: the error solves the linearised equation.

With F(u) the residuals of equation and conditions, the solution u* = u + e has F(u + e) = 0, to first order

    F'(u) e = -F(u).                                                                                     (1)

(1) is linear whatever F is.  It is solved by least squares over random features (`random_features.py`) on
points that the training has not seen, with all conditions as the user gave them (`linearised.py`).  Features
of several kinds and widths are tried on other points still: those are used that explain most of F(u) there.

What they leave, the share rho of |F(u)|, may hide an error, too.  Errors that the features see have the gain
g = |e| / |F'(u) e|, and what is left is taken to have as much:

    estimate = |e| + g rho |F(u)|.

Usually that is too much, as what features do not see is of short waves, and those have little gain.

A second opinion uses no derivative of u where it matters.  The same matrix with F'(u) u - F(u) on the right
is Newton's step to a solution w of its own: for a linear equation u drops out of it altogether.  Where u is
frozen by a kink that no point of the equation sees, (1) is satisfied by e = 0, and w is far from u.  It is
where the derivatives of u are not those of its values (`consistency.py`), and where it is known so well that
it can contradict: two sets of features agree on it far better than with u.

The linear problem may have no answer: where a feature can be added that neither equation nor conditions
notice, they do not determine the solution, and no estimate is reliable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from .consistency import Defect, worst_defect
from .linearised import Sample, draw, in_double, scales_of
from .model import Model
from .problems import Interface, Problem
from .problems.base import Term
from .random_features import Column, Features, Fit, inputs_of, solve_on_check, triangle
from .taylor import Channels
from .windows import Joined

TEST = 2048  # points at which norms are taken
HIDDEN = 0.8  # share of the residual that features do not explain from which on nothing is certain
CURVED = 0.5  # share of the residual beyond first order, likewise
SURE = 10.0  # so many times nearer to each other than to u two independent solutions contradict it
FREE = 2e3  # size of a function over what the equations notice of it, from which on they do not determine it
STARTS = (2.0, 6.0, 20.0)  # widths
_VALUES = Channels([()])


@dataclass(frozen=True)
class Effort:
    """What an estimate may cost.

    Attributes:
        features: Of all unknowns together.
        points: Of the equation.
        search: Features in the search for widths; 0 for none.
        seconds: After which the search ends.
    """

    features: int
    points: int
    search: int
    seconds: float


CHEAP = Effort(150, 500, 0, 0.3)
MIDDLE = Effort(300, 1200, 100, 1.0)
FULL = Effort(800, 3000, 150, 4.0)


def effort_for(seconds: float) -> Effort:
    """What a run that took so long can afford: about a tenth."""
    return FULL if seconds >= 50 else MIDDLE if seconds >= 10 else CHEAP


@dataclass(frozen=True)
class ErrorEstimate:
    """How wrong a solution may be.

    Attributes:
        relative: Relative L2 error of all unknowns together, as `Solution.error` measures it.
        l2: Root mean square of the error over the domain, by unknown, in its units.
        max: Largest error, by unknown, in its units.
        relative_l2: `l2` over the root mean square of the unknown.
        relative_max: `max` over the largest value of the unknown.
        reliable: Whether the figures mean what they say; if not, `words` tells why.
        words: How it was found, or why it is not reliable.
        unexplained: Share of the residual that the features could not explain, rho.
        seconds: Time taken.
    """

    relative: float
    l2: dict[str, float]
    max: dict[str, float]
    relative_l2: dict[str, float]
    relative_max: dict[str, float]
    reliable: bool
    words: str
    unexplained: float
    seconds: float

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> ErrorEstimate:
        """What `as_json` has made."""

        def plain(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {name: plain(v) for name, v in value.items()}
            return math.inf if value is None else value

        return cls(**{name: plain(value) for name, value in found.items()})

    def __str__(self) -> str:
        start = f"{self.relative:.1e}" if math.isfinite(self.relative) else "unknown"
        return f"{start}   ({'' if self.reliable else 'not reliable: '}{self.words})"

    def as_json(self) -> dict[str, Any]:
        """For result.json; infinity, which JSON has not got, is None."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: plain(v) for name, v in value.items()}
            return None if isinstance(value, float) and not math.isfinite(value) else value

        return {name: plain(value) for name, value in asdict(self).items()}


class ErrorField:
    """The estimated error e as a function: u + e is the better solution.

    Args:
        problem: The problem.
        columns: Inputs of the features.
        features: By unknown.
        coefficients: [sum of their numbers], in the unknowns' units.
        less: A model that is subtracted, where the features give a solution of its own; None where they give
        e.
    """

    def __init__(
        self,
        problem: Problem,
        columns: Sequence[Column],
        features: Sequence[Features],
        coefficients: Tensor,
        less: Model | Joined | None = None,
    ) -> None:
        self.problem, self.columns, self.features, self.less = problem, columns, features, less
        self.coefficients = coefficients.split([f.count for f in features])

    def __call__(self, points: Tensor) -> Tensor:
        """Values [N, m] at points [N, dim]."""
        return torch.cat([self._at(chunk) for chunk in points.to(torch.float64).split(4096)])

    def derivatives(self, points: Tensor, channels: Channels) -> Tensor:
        """Derivatives [m, C, N] of what the features give."""
        inputs = inputs_of(self.columns, points, channels)
        pairs = zip(self.features, self.coefficients, strict=True)
        return torch.stack([f.bundle(inputs, channels) @ c for f, c in pairs])

    def _at(self, points: Tensor) -> Tensor:
        out = self.derivatives(points, Channels([()]))[:, 0].T
        if self.less is not None:
            with torch.no_grad():
                out = out - self.less(points)
        return out


@dataclass
class _Solved:
    """The linear problem solved with one set of features."""

    features: list[Features]
    fit: Fit
    error: ErrorField
    own: ErrorField
    error_values: Tensor  # [N, m] at the test points
    own_values: Tensor
    step: Tensor  # of the coefficients
    bold: Tensor  # [m], the largest |e| for |F'(u) e| = |F(u)| among functions that the features have


class _Estimator:
    """One model at one set of points."""

    def __init__(self, model: Model | Joined, effort: Effort, seed: int) -> None:
        self.begin = time.monotonic()
        self.model, self.problem, self.effort = in_double(model), model.problem, effort
        self.generator = Generator().manual_seed(seed)
        self.columns, self.reads = _columns(self.problem)
        others = max(64, effort.points // 4)
        self.sample = draw(self.model, self.columns, effort.points, others, self.generator)
        self.check = draw(self.model, self.columns, effort.points // 2, others // 2, self.generator)
        self.scales = scales_of(self.sample, self._draw(100, (4.0,) * len(self.columns), "tanh"))
        self.test = self.problem.domain.interior(TEST, self.generator, "sobol")
        self.value_inputs = inputs_of(self.columns, self.test, _VALUES)
        with torch.no_grad():
            self.u = self.model(self.test)

    def _draw(self, count: int, widths: Sequence[float], kind: str) -> list[Features]:
        share = max(count // len(self.problem.functions), 20)
        return [Features.draw(share, widths, kind, self.generator, r) for r in self.reads]

    def _targets(self, sample: Sample) -> Tensor:
        """-F(u) and F'(u) u - F(u), [rows, 2]."""
        forced = [_forced(rows.term, rows.values) for rows in sample.rows]
        own = [rows.linear(rows.fields) - rows.values for rows in sample.rows]
        both = [sample.target(values, self.scales) for values in ([-f for f in forced], own)]
        return torch.stack(both, 1)

    def _fit(self, features: Sequence[Features]) -> tuple[Fit, Tensor]:
        a = self.sample.matrix(features, self.scales)
        check = self.check.matrix(features, self.scales)
        r = triangle([torch.cat([a, self._targets(self.sample)], 1)])
        return solve_on_check(r, a.shape[1], check, self._targets(self.check)), check

    def unexplained(self, widths: Sequence[float], kind: str) -> float:
        """The share rho that a few features of such widths leave."""
        fit, _ = self._fit(self._draw(self.effort.search, widths, kind))
        return float(fit.unexplained[0])

    def widths(self, kind: str, seconds: float) -> tuple[float, ...]:
        """A search along the inputs, one after the other, by factors of 2.5."""
        count = len(self.columns)
        if not self.effort.search:
            return (6.0,) * count
        until = time.monotonic() + seconds
        seen: dict[tuple[float, ...], float] = {}

        def found(at: tuple[float, ...]) -> float:
            if at not in seen:
                seen[at] = self.unexplained(at, kind)
            return seen[at]

        best = min(((w,) * count for w in STARTS), key=found)
        moved = True
        while moved and time.monotonic() < until:
            moved = False
            for i in range(count):
                for factor in (2.5, 0.4):
                    new = tuple(w * factor if j == i else w for j, w in enumerate(best))
                    if time.monotonic() < until and 0.3 < new[i] < 300 and found(new) < 0.93 * found(best):
                        best, moved = new, True
                        break
        return best

    def solve(self, kind: str) -> _Solved:
        """The linear problem with features of a kind."""
        features = self._draw(self.effort.features, self.widths(kind, self.effort.seconds / 2), kind)
        fit, check = self._fit(features)
        sizes = [f.count for f in features]
        total, scale = sum(sizes), torch.repeat_interleave(self.scales.columns, torch.tensor(sizes))
        error, own = (fit.coefficients[:total] * scale[:, None]).unbind(1)
        e = ErrorField(self.problem, self.columns, features, error)
        w = ErrorField(self.problem, self.columns, features, own, self.model)
        # All functions [N, m, 5] at the test points from one bundle of the features.
        every = (torch.cat([fit.coefficients, fit.bold], 1)[:total] * scale[:, None]).split(sizes)
        at = torch.stack(
            [f.bundle(self.value_inputs, _VALUES)[0] @ c for f, c in zip(features, every, strict=True)], 1
        )
        gains = _rms(at[..., 2:]).T
        seen = (check @ fit.bold).norm(dim=0).clamp_min(1e-30)
        forcing = self._targets(self.check)[:, 0].norm()
        bold = (gains * (forcing / seen)[:, None]).amax(0)
        bold = torch.where(fit.bold.any(), bold, math.inf)  # what was not seen in solving has no gain
        step = fit.coefficients[total:, 0]
        return _Solved(features, fit, e, w, at[..., 0], at[..., 1] - self.u, step, bold)

    def curvature(self, solved: _Solved) -> float:
        """|F(u + e) - F(u) - F'(u) e| / |F(u)| on the check: what (1) leaves out."""
        beyond = [
            rows.beyond(self.model, solved.error.derivatives(rows.sites.points, rows.channels), solved.step)
            for rows in self.check.rows
        ]
        above = self.check.target(beyond, self.scales).norm()
        below = self._targets(self.check)[:, 0].norm()
        return float(above / below) if below > 0 else 0.0

    def freedom(self) -> float:
        """The largest function, in the unknowns' scales, over what the equations notice of it."""
        features = self._draw(min(self.effort.features, 200), (2.0,) * len(self.columns), "tanh")
        a = self.sample.matrix(features, self.scales)
        size = a.norm(dim=0)
        size = torch.where(size > 0, size, torch.ones_like(size))
        _, s, vh = torch.linalg.svd(triangle([a / size]), full_matrices=False)
        bundles = [f.bundle(self.value_inputs, _VALUES)[0] for f in features]
        worst, start = 0.0, 0
        for bundle in bundles:
            part = vh[:, start : start + bundle.shape[1]] / size[start : start + bundle.shape[1]]
            seen = (bundle @ part.T).norm(dim=0) / math.sqrt(len(bundle))
            worst = max(worst, float((seen / s.clamp_min(1e-15 * s[0])).max()))
            start += bundle.shape[1]
        return worst


def _forced(term: Term, values: Tensor) -> Tensor:
    """The residuals that an error has to explain: noise of observations is none of it."""
    if term.noise is not None and float(values.square().mean().sqrt()) < 2 * term.noise:
        return torch.zeros_like(values)
    return values


def _columns(problem: Problem) -> tuple[list[Column], list[list[bool]]]:
    """Inputs of the features, and for each unknown which it may depend on."""
    domain = problem.domain
    lower, upper = domain.bounds

    def scaled(axis: int) -> Column:
        a, b = float(lower[axis]), float(upper[axis])
        return lambda points: (2 * points[:, axis] - (a + b)) / (b - a)

    columns = [scaled(axis) for axis in range(domain.dim)]
    of: list[tuple[str, ...]] = [(name,) for name in domain.names]
    for condition in problem.conditions:
        if isinstance(condition, Interface):
            _, column, names = condition.feature(domain)
            columns.append(column)
            of.append(names)
    return columns, [[function.reads(names) for names in of] for function in problem.functions]


def estimate_error(
    model: Model | Joined,
    effort: Effort = FULL,
    counted: Sequence[str] | None = None,
    noise: Callable[[Tensor], Tensor] | None = None,
    seed: int = 7_031,
) -> tuple[ErrorEstimate, ErrorField]:
    """How wrong a model is, and the error as a function.

    Args:
        model: The trained model; it is not changed.
        effort: What it may cost.
        counted: The unknowns that make up `relative`; None: all.
        noise: Standard errors [N, m] at points [N, dim] by noise of the data, see `uncertainty`; None: none.
        seed: Of points and features.
    """
    estimator = _Estimator(model, effort, seed)
    solved = sorted((estimator.solve(kind) for kind in ("tanh", "sin")), key=lambda s: s.fit.unexplained[0])
    best, other = solved
    defect = None
    if not any(isinstance(c, Interface) for c in model.problem.conditions):
        defect = worst_defect(estimator.model, estimator.generator)
    besides = torch.zeros_like(estimator.u) if noise is None else noise(estimator.test).to(estimator.u)
    noisy = noise is None and any(term.noise is not None for term in model.problem.terms)
    doubts = ["noise of the data is not in it, which only the run itself knows"] if noisy else []
    return _judged(estimator, best, other, defect, counted, besides, doubts)


def _judged(
    estimator: _Estimator,
    best: _Solved,
    other: _Solved,
    defect: Defect | None,
    counted: Sequence[str] | None,
    besides: Tensor,
    doubts: list[str],
) -> tuple[ErrorEstimate, ErrorField]:
    """Put together what was found."""
    rho = float(best.fit.unexplained[0])
    near = [s for s in (best, other) if float(s.fit.unexplained[0]) < min(1.2 * rho + 0.01, 1.0)] or [best]
    e, field = torch.stack([s.error_values.abs() for s in near]).amax(0), best.error
    hidden = rho / math.sqrt(max(1 - rho * rho, 1e-4))  # g rho |F(u)| / |e|
    if rho > HIDDEN:
        e = torch.maximum(e, rho * best.bold / (1 + hidden))
    curved = estimator.curvature(best)
    # The second opinion.
    apart = (best.own_values - other.own_values).square().mean(0)
    away = torch.minimum(best.own_values.abs(), other.own_values.abs()).square().mean(0)
    size = _norms(estimator.u, e)
    disagreement = float((away / size.square()).sum().sqrt())
    doubt = float((apart / size.square()).sum().sqrt())
    known = float(max(best.fit.unexplained[1], other.fit.unexplained[1]))
    factor = 1 + hidden + min(curved, 1.0)
    if defect is not None:
        doubts.append(defect.words)
        e, field = torch.maximum(e, best.own_values.abs()), best.own
    elif disagreement > SURE * doubt and known < 1e-2:
        first = float((e.square().mean(0) / size.square()).sum().sqrt())
        if disagreement > SURE * factor * first:
            doubts.append("an independent solution of the same problem disagrees with it")
            e, field = torch.maximum(e, best.own_values.abs()), best.own
    if rho > HIDDEN:
        doubts.append(f"{rho:.0%} of the residual is too fine for the features of the estimate")
    free = estimator.freedom()
    if free > FREE:
        doubts.append("the equation and the conditions do not determine the solution")
    names = estimator.problem.unknown_names
    better = estimator.u + field(estimator.test)
    l2 = torch.hypot(factor * _rms(e), _rms(besides))
    most = torch.hypot(factor * e.abs().amax(0), besides.abs().amax(0))
    # Relative to the better solution, and no error is told as more than ten times that.
    scale = torch.stack([_rms(better), 0.1 * _rms(estimator.u), 0.1 * l2]).amax(0)
    top = torch.stack([better.abs().amax(0), 0.1 * estimator.u.abs().amax(0), 0.1 * most]).amax(0)
    chosen = torch.tensor([counted is None or name in counted for name in names])
    whole = float((l2 * chosen).norm() / (scale * chosen).norm().clamp_min(1e-300))
    if curved > CURVED and whole > 0.01:
        doubts.append(
            f"the error is too large for a linearisation ({curved:.0%} of the residual is beyond it)"
        )
    words = "; ".join(doubts) or "the linearised equation solved for the error"

    def by_name(values: Tensor) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    def over(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(a == 0, torch.zeros_like(a), a / b.clamp_min(1e-300))

    estimate = ErrorEstimate(
        whole if math.isfinite(whole) else math.inf,
        by_name(l2),
        by_name(most),
        by_name(over(l2, scale)),
        by_name(over(most, top)),
        not doubts,
        words,
        rho,
        time.monotonic() - estimator.begin,
    )
    return estimate, field


def _rms(values: Tensor) -> Tensor:
    return values.square().mean(0).sqrt()


def _norms(u: Tensor, e: Tensor) -> Tensor:
    """Sizes of the unknowns, never zero."""
    return (u.square().mean(0).sqrt() + e.square().mean(0).sqrt()).clamp_min(1e-300)


__all__ = ["CHEAP", "FULL", "MIDDLE", "Effort", "ErrorEstimate", "ErrorField", "effort_for", "estimate_error"]
