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

Where features leave more than a little, the network's own tangent functions are tried, which are steep where
the solution is (`tangent.py`); the answer that leaves less counts.

A second opinion uses no derivative of u where it matters.  The same matrix with F'(u) u - F(u) on the right
is Newton's step to a solution w of its own: for a linear equation u drops out of it altogether.  w is smooth
where a network's residual is rough, so that w - u often leaves less of F(u) than e: of all candidates, the
one counts that leaves least.  Where u is frozen by a kink that no point of the equation sees, (1) is
satisfied by e = 0, and w is far from u.  It is believed where the derivatives of u are not those of its
values (`audit/derivatives.py`), and where it is known so well that it can contradict: two sets of features
agree on it far better than with u.  In between, for a nonlinear equation whose residual is not quite
explained, an unstable solution can be much farther away than e tells: the estimate is then the larger of
both, and not reliable.  A w that satisfies the equation far worse than u does, as where features cannot
follow a shock, tells nothing.

The linear problem may have no answer: where a feature can be added that neither equation nor conditions
notice, they do not determine the solution, and no estimate is reliable.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ..audit import derivatives
from ..audit.state import State
from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from .error_equation import Candidate, Effort, ErrorField, Estimator, Solved, rms
from .random_features import KINDS
from .tangent import TangentField, tangent_error

HIDDEN = 0.8  # share of the residual that is not explained from which on the largest gain counts,
UNSURE = 0.5  # and from which on an estimate is not called reliable
CURVED = 0.5  # share of the residual beyond first order, likewise
SURE = 10.0  # so many times nearer to each other than to u two independent solutions contradict it
LIKELY = 0.5  # share of the residual left by an answer that may be right
VAGUE, BENT = 0.05, 0.05  # shares of the residual left, and beyond first order, where two ways may differ
WORSE = 30.0  # times the residual of u, which w leaves beyond first order, from which on w tells nothing
APART, SOME = 1.5, 0.5  # by so many times, and so much as the two solutions differ
FREE = 2e3  # size of a function over what the equations notice of it, from which on they do not determine it

CHEAP = Effort(150, 500, 0, 0.3)
MIDDLE = Effort(300, 1200, 100, 1.0)
FULL = Effort(800, 3000, 150, 4.0)
EFFORTS = (CHEAP, MIDDLE, FULL)
ENOUGH = 0.3  # share of the residual that is not explained with which one is content
SHARE, LEAST = 0.1, 3.0  # of the run's seconds, and seconds, that an estimate may take
DEARER = 4.0  # times as long takes the next effort, about


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


def estimate_error(
    model: Model | WindowedModel,
    efforts: Sequence[Effort] = EFFORTS,
    counted: Sequence[str] | None = None,
    noise: Callable[[Tensor], Tensor] | None = None,
    seed: int = 7_031,
    seconds: float = math.inf,
    jumps: Sequence[str] | None = None,
) -> tuple[ErrorEstimate, ErrorField | TangentField]:
    """How wrong a model is, and the error as a function.

    Args:
        model: The trained model; it is not changed.
        efforts: One after the other until one explains enough, or the next would take too long.
        counted: The unknowns that make up `relative`; None: all.
        noise: Standard errors [N, m] at points [N, dim] by noise of the data, see `uncertainty`; None: none.
        seed: Of points and features.
        seconds: What the run took; a tenth of that is a reasonable time for its estimate.
        jumps: What the audit says of derivatives that are not those of the values; None: it is looked for.
    """
    begin, first, until = time.monotonic(), time.thread_time(), max(LEAST, SHARE * seconds)
    widths: dict[str, tuple[float, ...]] = {}
    field: TangentField | None = None
    tried = 0.0  # seconds, once, beside those of the features
    for effort in efforts:
        start = time.thread_time()  # of this thread: whatever else the machine does
        estimator = Estimator(model, effort, seed)
        solved = {kind: estimator.solve(kind, widths.get(kind)) for kind in KINDS}
        if effort.search:
            widths = {kind: found.widths for kind, found in solved.items()}
        now = time.thread_time()
        rho = min(found.best.unexplained for found in solved.values())
        if rho > VAGUE and not tried:
            field = tangent_error(estimator.model, estimator.generator, until)
            tried = time.thread_time() - now
        tangent = None if field is None else estimator.explained(field)
        enough = min(rho, 1.0 if tangent is None else tangent.unexplained) < ENOUGH
        if enough or now - first - tried + DEARER * (now - start) > until:
            break
    if jumps is None:
        jumps = broken(estimator.model)
    besides = torch.zeros_like(estimator.u) if noise is None else noise(estimator.test).to(estimator.u)
    noisy = noise is None and any(term.noise is not None for term in model.problem.terms)
    doubts = [*jumps, *(["noise of the data is not in it, which only the run itself knows"] if noisy else ())]
    best, other = sorted(solved.values(), key=lambda s: s.best.unexplained)
    return _judged(estimator, best, other, tangent, bool(jumps), counted, besides, doubts, begin)


def broken(model: Model | WindowedModel) -> list[str]:
    """Sentences about derivatives of a model that are not those of its values, see `audit/derivatives.py`."""
    parts = model.models if isinstance(model, WindowedModel) else [model]
    with warnings.catch_warnings():  # of the user's functions, which have warned before
        warnings.simplefilter("ignore")
        return [f.words for part in parts for f in derivatives.check(State(part))]  # type: ignore[arg-type]


def _judged(
    estimator: Estimator,
    best: Solved,
    other: Solved,
    tangent: Candidate | None,
    broken: bool,
    counted: Sequence[str] | None,
    besides: Tensor,
    doubts: list[str],
    begin: float,
) -> tuple[ErrorEstimate, ErrorField | TangentField]:
    """Put together what was found."""
    rho = best.best.unexplained
    near = [c for s in (best, other) for c in (s.direct, s.own) if c.unexplained < min(1.2 * rho + 0.01, 1.0)]
    e, field = torch.stack([c.values.abs() for c in near or [best.best]]).amax(0), best.best.field
    solved = tangent is not None and tangent.unexplained < rho
    if tangent is not None and solved:
        rho, e, field = tangent.unexplained, tangent.values.abs(), tangent.field
    hidden = rho / math.sqrt(max(1 - rho * rho, 1e-4))  # g rho |F(u)| / |e|
    if rho > HIDDEN:
        e = torch.maximum(e, rho * best.bold / (1 + hidden))
    curved = estimator.curvature(tangent if tangent is not None and solved else best.best)
    if rho > VAGUE:  # another answer to nearly the same question may be one that no linearisation bears
        for c in (best.direct, best.own):
            bent = estimator.curvature(c) if c.unexplained < LIKELY else 0.0
            if bent > max(curved, CURVED):
                curved, e = bent, torch.maximum(e, c.values.abs())
    # The second opinion.
    apart = (best.own.values - other.own.values).square().mean(0)
    away = torch.minimum(best.own.values.abs(), other.own.values.abs()).square().mean(0)
    size = _norms(estimator.u, e)
    disagreement = float((away / size.square()).sum().sqrt())
    doubt = float((apart / size.square()).sum().sqrt())
    known = max(best.left, other.left)
    factor = 1 + hidden + min(curved, 1.0)
    if broken:
        e, field = torch.maximum(e, best.own.values.abs()), best.own.field
    elif disagreement > SURE * doubt and known < 1e-2:
        first = float((e.square().mean(0) / size.square()).sum().sqrt())
        if disagreement > SURE * factor * first:
            doubts.append("an independent solution of the same problem disagrees with it")
            e, field = torch.maximum(e, best.own.values.abs()), best.own.field
    elif (
        rho > VAGUE
        and not solved
        and disagreement > SOME * doubt
        and BENT < estimator.curvature(best.own) < WORSE
    ):
        first = float((e.square().mean(0) / size.square()).sum().sqrt())
        if disagreement > APART * factor * first:
            doubts.append("two ways to solve the linearised equation disagree, as may be near an instability")
            e = e * (disagreement / (factor * first))
    if rho > UNSURE:
        doubts.append(f"{rho:.0%} of the residual is too fine for the features of the estimate")
    free = estimator.freedom()
    if free > FREE:
        doubts.append("the equation and the conditions do not determine the solution")
    names = estimator.problem.unknown_names
    better = estimator.u + field(estimator.test)
    l2 = torch.hypot(factor * rms(e), rms(besides))
    most = torch.hypot(factor * e.abs().amax(0), besides.abs().amax(0))
    # Relative to the better solution, and no error is told as more than ten times that.
    scale = torch.stack([rms(better), 0.1 * rms(estimator.u), 0.1 * l2]).amax(0)
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
        time.monotonic() - begin,
    )
    return estimate, field


def _norms(u: Tensor, e: Tensor) -> Tensor:
    """Sizes of the unknowns, never zero."""
    return (u.square().mean(0).sqrt() + e.square().mean(0).sqrt()).clamp_min(1e-300)


__all__ = ["CHEAP", "EFFORTS", "Effort", "ErrorEstimate", "ErrorField", "estimate_error"]
