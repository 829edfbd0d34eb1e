"""Error estimate of a trained solution without a reference: the error solves the linearised equation.

With F(u) the residuals of equation and conditions, the solution u* = u + e has F(u + e) = 0, to first order

    F'(u) e = -F(u).                                                                                     (1)

(1) is linear whatever F is.  It is solved by least squares over random features (`random_features.py`) on
points that the training has not seen, with all conditions as the user gave them (`linearised.py`).  Features
of several kinds and widths are tried on other points still: those are used that explain most of F(u) there.

Of windows of ordinary differential equations (1) is one, too, and is solved along the time (`carried.py`).

What the answers are worth, and which of them counts, is decided in `judgement.py`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from ..runs.content import AuditContent, EstimateContent
from .carried import Carried, CarriedField, carries
from .error_equation import Effort, ErrorField, Estimator, rms
from .judgement import CURVED, VAGUE, Field, Verdict, judge
from .random_features import KINDS
from .rounding import rounding
from .seen import Seen
from .tangent import TangentField, tangent_error

CHEAP = Effort(150, 500, 0, 0)
MIDDLE = Effort(300, 1200, 100, 12)
FULL = Effort(800, 3000, 300, 12)
EFFORTS = (CHEAP, MIDDLE, FULL)
ENOUGH = 0.3  # share of the residual that is not explained with which one is content
AT_ROUNDING = 1e-13  # residual over the terms, in which the network's tangent space finds nothing
SHARE, LEAST = 0.1, 3.0  # of the run's seconds, and seconds, that an estimate may take
MANY = 10.0  # times the residual: a figure that says nothing more
DEARER = 4.0  # times as long takes the next effort, about


@dataclass(frozen=True)
class ErrorEstimate:
    """Estimated error of a solution.

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
    def from_json(cls, found: EstimateContent) -> ErrorEstimate:
        """Read an estimate that `as_json` has made."""

        def known(value: float | None) -> float:
            return math.inf if value is None else value

        def by_name(values: Mapping[str, float | None]) -> dict[str, float]:
            return {name: known(value) for name, value in values.items()}

        return cls(
            relative=known(found["relative"]),
            l2=by_name(found["l2"]),
            max=by_name(found["max"]),
            relative_l2=by_name(found["relative_l2"]),
            relative_max=by_name(found["relative_max"]),
            reliable=found["reliable"],
            words=found["words"],
            unexplained=known(found["unexplained"]),
            seconds=found["seconds"],
        )

    def __str__(self) -> str:
        start = f"{self.relative:.1e}" if math.isfinite(self.relative) else "unknown"
        return f"{start}   ({'' if self.reliable else 'not reliable: '}{self.words})"

    def as_json(self) -> EstimateContent:
        """For result.json; infinity, which JSON has not got, is None."""

        def finite(value: float) -> float | None:
            return value if math.isfinite(value) else None

        def by_name(values: Mapping[str, float]) -> dict[str, float | None]:
            return {name: finite(value) for name, value in values.items()}

        return {
            "relative": finite(self.relative),
            "l2": by_name(self.l2),
            "max": by_name(self.max),
            "relative_l2": by_name(self.relative_l2),
            "relative_max": by_name(self.relative_max),
            "reliable": self.reliable,
            "words": self.words,
            "unexplained": finite(self.unexplained),
            "seconds": self.seconds,
        }


def estimate_error(
    model: Model | WindowedModel,
    efforts: Sequence[Effort] = EFFORTS,
    counted: Sequence[str] | None = None,
    noise: Callable[[Tensor], Tensor] | None = None,
    seed: int = 7_031,
    seconds: float = math.inf,
    audit: AuditContent | None = None,
) -> tuple[ErrorEstimate, Field]:
    """Estimate the error of a model, as figures and as a function.

    Args:
        model: The trained model; it is not changed.
        efforts: One after the other until one explains enough, or the next would take too long.
        counted: The unknowns that make up `relative`; None: all.
        noise: Standard errors [N, m] at points [N, dim] by noise of the data, see `uncertainty`; None: none.
        seed: Of points and features.
        seconds: What the run took; a tenth of that is a reasonable time for its estimate.
        audit: What the audit of the run has found; None: its parts that matter here are repeated.
    """
    if carries(model):
        return _carried(model, counted, seed, audit)
    begin, first, until = time.monotonic(), time.thread_time(), max(LEAST, SHARE * seconds)
    widths: dict[str, tuple[float, ...]] = {}
    field: TangentField | None = None
    seen: Seen | None = None
    tried = 0.0  # seconds, once, beside those of the features
    for effort in efforts:
        start = time.thread_time()  # of this thread: whatever else the machine does
        estimator = Estimator(model, effort, seed)
        solved = {kind: estimator.solve(kind, widths.get(kind)) for kind in KINDS}
        if effort.search:
            widths = {kind: found.widths for kind, found in solved.items()}
        now = time.thread_time()
        rho = min(found.best.unexplained for found in solved.values())
        if seen is None:
            seen = Seen.measured(estimator.model) if audit is None else Seen.of(audit)
            first += time.thread_time() - now  # an audit is no effort of the estimate
            now = time.thread_time()
        if rho > VAGUE and not tried and not 0 < seen.residual < AT_ROUNDING:
            field = tangent_error(estimator.model, estimator.generator, until)
            tried = time.thread_time() - now
        tangent = None if field is None else estimator.explained(field)
        enough = min(rho, 1.0 if tangent is None else tangent.unexplained) < ENOUGH
        if enough or now - first - tried + DEARER * (now - start) > until:
            break
    besides = torch.zeros_like(estimator.u) if noise is None else noise(estimator.test).to(estimator.u)
    noisy = noise is None and any(term.noise is not None for term in model.problem.terms)
    assert seen is not None
    verdict = judge(estimator, list(solved.values()), tangent, seen)
    verdict.doubts[:0] = [
        *seen.words,
        *(["noise of the data is not in it, which only the run itself knows"] if noisy else ()),
    ]
    return _figures(verdict, estimator, counted, besides, begin), verdict.field


def _carried(
    model: Model | WindowedModel, counted: Sequence[str] | None, seed: int, audit: AuditContent | None
) -> tuple[ErrorEstimate, CarriedField]:
    """The error of windows of ordinary differential equations, from one to the next."""
    begin = time.monotonic()
    assert isinstance(model, WindowedModel)
    carried = Carried(model, seed)
    seen = Seen.measured(carried.model) if audit is None else Seen.of(audit)
    verdict = carried.verdict(seen)
    verdict.doubts[:0] = seen.words
    return _figures(verdict, carried, counted, torch.zeros_like(carried.u), begin), carried.field


def _figures(
    verdict: Verdict,
    estimator: Estimator | Carried,
    counted: Sequence[str] | None,
    besides: Tensor,
    begin: float,
) -> ErrorEstimate:
    """Norms of an error, absolute and relative to the better solution u + e.

    Args:
        verdict: What is known of the error.
        estimator: The model at its points.
        counted: The unknowns that make up the relative error; None: all.
        besides: Standard errors by noise at the test points, [N, m].
        begin: `time.monotonic()` when the estimate began.
    """
    names, e, u = estimator.problem.unknown_names, verdict.factor * verdict.size, estimator.u
    better = u + verdict.field(estimator.test)
    rounded = rounding(estimator.model, estimator.test, estimator.generator)
    l2 = torch.hypot(torch.hypot(rms(e), rms(besides)), rms(rounded))
    most = torch.hypot(torch.maximum(e.abs().amax(0), estimator.missed()), besides.abs().amax(0))
    most = torch.maximum(most, rounded.amax(0))
    # Where values jump, every continuous function misses one of them by half of the jump.
    jumps = estimator.problem.jumps.sizes
    most = torch.maximum(most, torch.tensor([0.5 * jumps.get(name, 0.0) for name in names]).to(most))
    # No error is told as more than ten times the solution.
    scale = torch.stack([rms(better), 0.1 * rms(u), 0.1 * l2]).amax(0)
    top = torch.stack([better.abs().amax(0), 0.1 * u.abs().amax(0), 0.1 * most]).amax(0)
    chosen = torch.tensor([counted is None or name in counted for name in names])
    whole = float((l2 * chosen).norm() / (scale * chosen).norm().clamp_min(1e-300))
    doubts = list(verdict.doubts)
    if verdict.curved > CURVED and whole > 0.01:
        share = f"{verdict.curved:.0%}" if verdict.curved < MANY else "all"
        doubts.append(f"the error is too large for a linearisation ({share} of the residual is beyond it)")

    def by_name(values: Tensor) -> dict[str, float]:
        return dict(zip(names, values.tolist(), strict=True))

    def over(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(a == 0, torch.zeros_like(a), a / b.clamp_min(1e-300))

    return ErrorEstimate(
        relative=whole if math.isfinite(whole) else math.inf,
        l2=by_name(l2),
        max=by_name(most),
        relative_l2=by_name(over(l2, scale)),
        relative_max=by_name(over(most, top)),
        reliable=not doubts,
        words="; ".join(doubts) or "the linearised equation solved for the error",
        unexplained=verdict.unexplained,
        seconds=time.monotonic() - begin,
    )


__all__ = ["CHEAP", "EFFORTS", "Effort", "ErrorEstimate", "ErrorField", "Field", "estimate_error"]
