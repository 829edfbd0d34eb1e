"""The linear problem for the error of a trained model, solved with one set of random features at a time.

What it means is told in `error_estimate.py`, which asks the questions and puts the answers together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..derivatives.taylor import Channels
from ..geometry import Interval
from ..networks.model import Model
from ..networks.time_windows import WindowedModel, time_of
from ..objectives.tall import triangle
from ..problems import Problem
from ..problems.curvilinear import centres
from ..problems.term import Term
from .joints import window_number
from .linearised import Sample, draw, fields_of, in_double, scales_of
from .random_features import Column, Features, Fit, inputs_of, solve_on_check
from .tangent import TangentField

TEST = 2048  # points at which norms are taken
STARTS = (2.0, 6.0, 20.0)  # widths
SOME = 0.9  # share of the residual that few features leave when they explain some of it
_VALUES = Channels([()])


@dataclass(frozen=True)
class Effort:
    """Cost that an estimate may have.

    Attributes:
        features: Of all unknowns together.
        points: Of the equation.
        search: Features in the search for widths; 0 for none.
        tries: Widths that are tried for each kind of features.
    """

    features: int
    points: int
    search: int
    tries: int


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
        less: Model | WindowedModel | None = None,
    ) -> None:
        self.problem, self.columns, self.features, self.less = problem, columns, features, less
        self.coefficients = coefficients.split([f.count for f in features])

    def __call__(self, points: Tensor) -> Tensor:
        """Values [N, m] at points [N, dim]."""
        return torch.cat([self._at(chunk) for chunk in points.to(torch.float64).split(4096)])

    def derivatives(self, points: Tensor, channels: Channels) -> Tensor:
        """Derivatives [m, C, N]."""
        inputs = inputs_of(self.columns, points, channels)
        pairs = zip(self.features, self.coefficients, strict=True)
        out = torch.stack([f.bundle(inputs, channels) @ c for f, c in pairs])
        return out if self.less is None else out - fields_of(self.less, points, channels)

    def _at(self, points: Tensor) -> Tensor:
        return self.derivatives(points, _VALUES)[:, 0].T


@dataclass(frozen=True)
class Candidate:
    """Function that solves the linear problem.

    Attributes:
        unexplained: |F(u) + F'(u) e| / |F(u)| on the rows of the check, at most 1.
        field: e.
        values: e at the test points, [N, m].
        step: Of the coefficients.
    """

    unexplained: float
    field: ErrorField | TangentField
    values: Tensor
    step: Tensor


@dataclass(frozen=True)
class Solved:
    """The linear problem solved with one set of features.

    Attributes:
        direct: e itself, sought in the features.
        own: w - u, where w is a solution that is sought in them.
        left: |F'(u) w - F'(u) u + F(u)| / |F'(u) u - F(u)| on the check: how well w is known.
        bold: [m], the largest |e| that a residual too fine for the features may have: the geometric mean of
            that of the fit to it, which sees the share of noise that so many features have in so many rows,
            and that of a residual which the features have altogether, |F'(u) e| = |F(u)|.
        widths: Of the features.
    """

    direct: Candidate
    own: Candidate
    left: float
    bold: Tensor
    widths: tuple[float, ...]

    @property
    def best(self) -> Candidate:
        """The one that leaves less."""
        return min(self.direct, self.own, key=lambda c: c.unexplained)


class Estimator:
    """Model at one set of points, and its linear problems."""

    def __init__(self, model: Model | WindowedModel, effort: Effort, seed: int) -> None:
        self.model, self.problem, self.effort = in_double(model), model.problem, effort
        self.generator = Generator().manual_seed(seed)
        self.columns, self.reads = _columns(self.problem)
        if isinstance(model, WindowedModel):
            names = time_of(self.problem).names
            self.columns.append(window_number(model))
            self.reads = [
                [*r, f.reads(names)] for r, f in zip(self.reads, self.problem.functions, strict=True)
            ]
        others = max(64, effort.points // 4)
        self.sample = draw(self.model, self.columns, effort.points, others, self.generator)
        self.check = draw(self.model, self.columns, effort.points // 2, others // 2, self.generator)
        self.scales = scales_of(self.sample, self._draw(100, (4.0,) * len(self.columns), "tanh"))
        self.test = self.problem.domain.interior(TEST, self.generator, "sobol")
        self.value_inputs = inputs_of(self.columns, self.test, _VALUES)
        # A w would fit the noise, or be a solution without the sources.
        self.noisy = any(r.term.noise is not None for r in self.sample.rows) or bool(self.problem.sources)
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
        """The share rho that a few features of such widths leave, by e or by w, whichever leaves less.

        Few features may explain nothing of a fine residual.  What they leave by w tells widths apart even
        then: it may be many times the residual.
        """
        fit, _ = self._fit(self._draw(self.effort.search, widths, kind))
        rho, left = fit.unexplained.tolist()
        forcing, data = self._targets(self.check).norm(dim=0).tolist()
        if forcing == 0 or self.noisy:
            return float(rho)
        return float(min(rho if rho < SOME else math.inf, left * data / forcing))

    def widths(self, kind: str, first: tuple[float, ...] | None = None) -> tuple[float, ...]:
        """A search along the inputs, one after the other, by factors of 2.5.

        Args:
            kind: Of the features.
            first: Widths to begin with; None for the best of a few.
        """
        count = len(self.columns)
        if not self.effort.search:
            return first or (6.0,) * count
        seen: dict[tuple[float, ...], float] = {}
        tries = self.effort.tries

        def found(at: tuple[float, ...]) -> float:
            if at not in seen:
                seen[at] = self.unexplained(at, kind)
            return seen[at]

        starts = [(w,) * count for w in STARTS]
        best = min([*([] if first is None else [first]), *starts], key=found)
        moved = True
        while moved and len(seen) < tries:
            moved = False
            for i in range(count):
                for factor in (2.5, 0.4):
                    new = tuple(w * factor if j == i else w for j, w in enumerate(best))
                    if len(seen) < tries and 0.3 < new[i] < 300 and found(new) < 0.93 * found(best):
                        best, moved = new, True
                        break
        return best

    def solve(self, kind: str, first: tuple[float, ...] | None = None) -> Solved:
        """The linear problem with features of a kind, of the widths that are found, from the `first` on."""
        widths = self.widths(kind, first)
        features = self._draw(self.effort.features, widths, kind)
        fit, check = self._fit(features)
        sizes = [f.count for f in features]
        total, scale = sum(sizes), torch.repeat_interleave(self.scales.columns, torch.tensor(sizes))
        error, own = (fit.coefficients[:total] * scale[:, None]).unbind(1)
        # All functions [N, m, 5] at the test points from one bundle of the features.
        every = (torch.cat([fit.coefficients, fit.bold], 1)[:total] * scale[:, None]).split(sizes)
        at = torch.stack(
            [f.bundle(self.value_inputs, _VALUES)[0] @ c for f, c in zip(features, every, strict=True)], 1
        )
        gains = rms(at[..., 2:]).T
        seen = (check @ fit.bold).norm(dim=0).clamp_min(1e-30)
        forcing, data = self._targets(self.check).norm(dim=0).tolist()
        bold = (gains * (forcing / seen).sqrt()[:, None]).amax(0)
        bold = torch.where(fit.bold.any(), bold, math.inf)  # what was not seen in solving has no gain
        rho, left = fit.unexplained.tolist()
        e = ErrorField(self.problem, self.columns, features, error)
        w = ErrorField(self.problem, self.columns, features, own, self.model)
        share = min(left * data / forcing, 1.0) if forcing > 0 and not self.noisy else 1.0
        direct, second = fit.coefficients[total:].unbind(1)
        return Solved(
            Candidate(rho, e, at[..., 0], direct),
            Candidate(share, w, at[..., 1] - self.u, second),
            left,
            bold,
            widths,
        )

    def explained(self, field: TangentField) -> Candidate | None:
        """A function as a solution of the linear problem; None where it explains nothing."""
        target = self._targets(self.check)[:, 0]
        if not target.norm() > 0:
            return None
        step = field.coefficients
        found = [
            rows.linear(field.derivatives(rows.sites.points, rows.channels))
            + (rows.by_coefficient * step[None, :, None]).sum(1)
            for rows in self.check.rows
        ]
        left = float((self.check.target(found, self.scales) - target).norm() / target.norm())
        return Candidate(left, field, field(self.test), step) if left < 1 else None

    def curvature(self, found: Candidate) -> float:
        """|F(u + e) - F(u) - F'(u) e| / |F(u)| on the check: what (1) leaves out."""
        beyond = [
            rows.beyond(self.model, found.field.derivatives(rows.sites.points, rows.channels), found.step)
            for rows in self.check.rows
        ]
        above = self.check.target(beyond, self.scales).norm()
        below = self._targets(self.check)[:, 0].norm()
        return float(above / below) if below > 0 else 0.0

    def missed(self) -> Tensor:
        """Largest difference from a prescribed value on the faces, which is an error, by unknown, [m]."""
        out = torch.zeros(len(self.problem.functions), dtype=torch.float64)
        for sample in (self.sample, self.check):
            for condition, rows in zip(self.problem.conditions, sample.rows[1:], strict=False):
                given = condition.prescribed()
                if given is not None and given.value is not None:
                    j = self.problem.unknown_names.index(given.unknown)
                    out[j] = torch.maximum(out[j], rows.values[0].abs().max())
        return out

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
    decades = {f.names[0]: f for f in domain.factors() if isinstance(f, Interval) and f.log is not None}
    centred = centres(domain)

    def scaled(axis: int) -> Column:
        if domain.names[axis] in centred:
            return lambda points: 2 * (points[:, axis] / upper[axis]) ** 2 - 1
        if (shape := decades.get(domain.names[axis])) is not None:
            return lambda points: 2 * shape.to_unit(points[:, axis]) - 1
        a, b = float(lower[axis]), float(upper[axis])
        return lambda points: (2 * points[:, axis] - (a + b)) / (b - a)

    columns = [scaled(axis) for axis in range(domain.dim)]
    of: list[tuple[str, ...]] = [(name,) for name in domain.names]
    for feature in problem.features:
        columns.append(feature.function)
        of.append(feature.coordinates)
    return columns, [[function.reads(names) for names in of] for function in problem.functions]


def rms(values: Tensor) -> Tensor:
    """Root mean squares over the points, [m]."""
    return values.square().mean(0).sqrt()
