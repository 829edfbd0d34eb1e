"""Which answer to the linearised equation F'(u) e = -F(u) counts, and how far it may be trusted.

What they leave, the share rho of |F(u)|, may hide an error, too.  Errors that the features see have the gain
g = |e| / |F'(u) e|, and what is left is taken to have as much:

    estimate = |e| + g rho |F(u)|.

Usually that is too much, as what features do not see is of short waves, and those have little gain.

Where features leave more than a little, the network's own tangent functions are tried, which are steep where
the solution is (`tangent.py`); the answer that leaves less counts, and the larger of two that leave about as
much.

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

Where neither features nor tangent functions explain half of a residual that is no small part of the
equation's terms, (1) says too little.  A jump between two solutions is such a case: its residual is a spike,
or little at all; and chaos, where errors grow from window to window.  The error is then at least a multiple
of what is not explained of the residual, over the terms, and is not reliable.  Where the residual is a
smaller part of the terms, the error is taken between that and what (1) says.

Around places where the prescribed values jump the linear problem has no smooth answer.  Its points keep away
from them, and the error there is taken over from the audit (`audit/jumps.py`).  Equation and conditions
without these places do not determine w, as any solution that is singular there may be added: it has no say.

Where the initial values meet a face, a residual may sit in a corner so small that no point falls into it;
what it has moved is taken over from the audit, too (`audit/rims.py`).

The linear problem may have no answer: where a feature can be added that neither equation nor conditions
notice, they do not determine the solution, and no estimate is reliable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .error_equation import Candidate, Estimator, Solved
from .seen import AMPLIFIED, Seen

HIDDEN = 0.8  # share of the residual that is not explained from which on the largest gain counts,
UNSURE = 0.5  # and from which on an estimate is not called reliable
CURVED = 0.5  # share of the residual beyond first order from which on a linearisation is not reliable
SURE = 10.0  # so many times nearer to each other than to u two independent solutions contradict it
KNOWN = 1e-2  # share of its right-hand side that such a solution leaves at most
LIKELY = 0.5  # share of the residual left by an answer that may be right
ALIKE = 1.5  # times as much of the residual leaves an answer at most that is about as good as another
VAGUE, BENT = 0.05, 0.05  # shares of the residual left, and beyond first order, where two ways may differ
WORSE = 10.0  # times the residual of u, which w leaves beyond first order, from which on w tells nothing
DARK, HIGH = (
    0.5,
    0.0125,
)  # share not explained, and residual over the terms, from which on (1) says too little
DARKEST = 0.1  # residual over the terms from which on it says nothing
LOWEST = 1 / 30  # of what the residual says: an estimate may not be further below an error
APART, SOME = 1.5, 0.5  # by so many times, and so much as the two solutions differ
UNBALANCED = 0.3  # residual over the terms from which on a linearisation that bends is not reliable
FREE = 2e3  # size of a function over what the equations notice of it, from which on they do not determine it


Field = Callable[[Tensor], Tensor]  # e [N, m] at points [N, dim]


@dataclass
class Verdict:
    """Error of a model, as far as it is known.

    Attributes:
        size: |e| at the test points, [N, m].
        field: e as a function.
        factor: By which |e| is multiplied, for what is not explained and beyond first order.
        unexplained: rho.
        curved: Share of the residual that is beyond first order.
        doubts: Sentences that say why the figures are not reliable.
    """

    size: Tensor
    field: Field
    factor: float
    unexplained: float
    curved: float
    doubts: list[str]

    def told(self, u: Tensor) -> Tensor:
        """The error of each unknown over its size, [m]; u are the values at the test points, [N, m]."""
        return self.factor * self.size.square().mean(0).sqrt() / _norms(u, self.size)


def judge(estimator: Estimator, solved: Sequence[Solved], tangent: Candidate | None, seen: Seen) -> Verdict:
    """Put the answers together.

    Args:
        estimator: The model at its points.
        solved: The answers of two kinds of features.
        tangent: That of the network's tangent functions; None where they explain nothing.
        seen: What an audit has seen of the model.
    """
    best, other = sorted(solved, key=lambda s: s.best.unexplained)
    verdict = _answer(estimator, best, other, tangent)
    _second_opinion(verdict, estimator, best, other, seen.broken, own=verdict.field is best.best.field)
    least = _by_residual(verdict, estimator.u, seen.residual).clamp_min(seen.hidden)
    usual = estimator.u.square().mean(0).sqrt() / verdict.factor
    verdict.size = torch.maximum(verdict.size, least * usual)
    # Near jumps of the prescribed values, which the points of the estimate keep away from.
    verdict.size = torch.hypot(verdict.size, seen.around_jumps * usual)
    if seen.at_rims > float(verdict.told(estimator.u).norm()):
        verdict.doubts.append("most of it begins where the initial values meet a face, and is a rough figure")
    verdict.size = torch.hypot(verdict.size, seen.at_rims * usual)
    if verdict.unexplained > UNSURE:
        verdict.doubts.append(
            f"{verdict.unexplained:.0%} of the residual is too fine for the features of the estimate"
        )
    if seen.residual > UNBALANCED and verdict.curved > BENT:
        verdict.doubts.append(
            f"the residual is {seen.residual:.0%} of the terms of a nonlinear equation: it is not solved yet"
        )
    if estimator.freedom() > FREE:
        verdict.doubts.append("the equation and the conditions do not determine the solution")
    return verdict


def _by_residual(verdict: Verdict, u: Tensor, residual: float) -> Tensor:
    """The relative error of each unknown by what is not explained of the residual over the terms, [m].

    It counts in full from a residual of `DARKEST` on, and fades in the logarithm down to `HIGH`.
    """
    told = verdict.told(u)
    if verdict.unexplained <= DARK or residual <= HIGH:
        return torch.zeros_like(told)
    whole = AMPLIFIED * verdict.unexplained * residual
    share = min(math.log(residual / HIGH) / math.log(DARKEST / HIGH), 1.0)
    between: Tensor = told.clamp(whole * LOWEST, whole) ** (1 - share) * whole**share
    return between


def _answer(estimator: Estimator, best: Solved, other: Solved, tangent: Candidate | None) -> Verdict:
    """The answer that leaves least of the residual, with what it leaves and what is beyond first order."""
    chosen, rho = best.best, best.best.unexplained
    near = [c for s in (best, other) for c in (s.direct, s.own) if c.unexplained < min(1.2 * rho + 0.01, 1.0)]
    e = torch.stack([c.values.abs() for c in near or [chosen]]).amax(0)
    if tangent is not None:
        features, worse = e, max(rho, tangent.unexplained)
        alike = worse < LIKELY and worse < ALIKE * min(rho, tangent.unexplained)
        if tangent.unexplained < rho:
            chosen, rho, e = tangent, tangent.unexplained, tangent.values.abs()
        if alike:  # two answers of which neither is the better one: the larger counts
            e = torch.maximum(features, tangent.values.abs())
    hidden = rho / math.sqrt(max(1 - rho * rho, 1e-4))  # g rho |F(u)| / |e|
    if rho > HIDDEN:
        e = torch.maximum(e, rho * best.bold / (1 + hidden))
    curved = estimator.curvature(chosen)
    if rho > VAGUE:  # another answer to nearly the same question may be one that no linearisation bears
        for c in (best.direct, best.own):
            bent = estimator.curvature(c) if c.unexplained < LIKELY else 0.0
            if bent > max(curved, CURVED):
                curved, e = bent, torch.maximum(e, c.values.abs())
    return Verdict(e, chosen.field, 1 + hidden + min(curved, 1.0), rho, curved, [])


def _second_opinion(
    verdict: Verdict, estimator: Estimator, best: Solved, other: Solved, broken: bool, own: bool
) -> None:
    """Let the independent solutions w have their say.

    Args:
        verdict: Is changed where they contradict it.
        estimator: The model at its points.
        best: The answers of the features that leave less.
        other: Those of the other features.
        broken: The derivatives of u are not those of its values.
        own: The verdict is by features, not by tangent functions.
    """
    apart = (best.own.values - other.own.values).square().mean(0)
    away = torch.minimum(best.own.values.abs(), other.own.values.abs()).square().mean(0)
    size = _norms(estimator.u, verdict.size).square()
    disagreement = float((away / size).sum().sqrt())
    doubt = float((apart / size).sum().sqrt())
    first = float(verdict.told(estimator.u).norm())
    if broken:
        verdict.size, verdict.field = torch.maximum(verdict.size, best.own.values.abs()), best.own.field
    elif len(estimator.problem.jumps.places) or estimator.problem.sources:  # no smooth w
        return
    elif disagreement > SURE * doubt and max(best.left, other.left) < KNOWN:
        if disagreement > SURE * first:
            verdict.doubts.append("an independent solution of the same problem disagrees with it")
            verdict.size, verdict.field = torch.maximum(verdict.size, best.own.values.abs()), best.own.field
    elif own and verdict.unexplained > VAGUE and disagreement > max(SOME * doubt, APART * first):
        if BENT < estimator.curvature(best.own) < WORSE:
            verdict.doubts.append(
                "two ways to solve the linearised equation disagree, as may be near an instability"
            )
            verdict.size = verdict.size * (disagreement / first)


def _norms(u: Tensor, e: Tensor) -> Tensor:
    """Sizes of the unknowns, never zero, [m]."""
    return (u.square().mean(0).sqrt() + e.square().mean(0).sqrt()).clamp_min(1e-300)
