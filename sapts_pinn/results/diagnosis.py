"""Diagnosis of the limit of a run, measured on the trained model.

The audit comes first (`audit/`): where it objects to the solution, the first of its objections is the answer
("derivative", "symmetry", "scale", "singular", "layer", ...), as the loss is then the loss of another
problem. Else seven answers are told apart, asked in this order, as each makes those after it meaningless:

- **sampling**: the residual of the equation is far larger on fresh points than where it was trained.
- **precision**: rounding makes up much of the residual, or in float32 no step was found that lowers the
  loss by more than that.  With parameters theta moved by +-d, where d is two units in the last place,
  r(theta + d) - 2 r(theta) + r(theta - d) is free of first-order effects; what is seen is rounding (as in
  More and Wild, SIAM J. Sci. Comput. 33 (2011), on the noise of a computed function).
- **scale**: an unknown has outgrown by far the natural size in which the network has it.
- **budget**: the loss was still falling.  The slope of log(loss) over the last quarter of the steps is the
  median of those between pairs of steps (Theil and Sen), which a resampling here and there does not bend.
- **data**: what is left of the loss is the misfit of observations.  Nothing is wrong where it is noise: as
  large as the noise that was given, or without structure, misfits of neighbours being independent.
- **conflict**: what is left are terms whose gradients cancel: one falls only if the others grow.
- **capacity**: none of these; the network itself is what could be better.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from ..audit import Finding
from ..networks.model import Model
from ..objectives.flat import gather
from ..objectives.least_squares import LeastSquares, residuals
from ..problems import Sites
from ..runs.content import DiagnosisContent, Row, cell

FRESH = 4_096  # points at which the equation is tested
EXACT = 1e3  # rounding errors, in the equation's natural units, below which nothing can be better
ROUNDED = 0.3  # share of rounding in the residual from which on precision is the limit
OVERFITTED = 2.0  # ratio of the residual on fresh points to that in training
FALLING = 0.1  # decades of loss in the last quarter of the steps
OPPOSED = -0.8  # cosine between the gradient of a term and that of all others
MATTERS = 0.05  # share of the loss
LEFT_TO_US = ("residual", "condition", "data")  # topics of the audit whose cause is looked for here
BY_SIZE = ("budget", "data", "conflict", "capacity")  # limits that a wrong natural size may cause
OUTGROWN = 8.0  # root mean square of a network's output, of order one where sizes are right
FITTED = 1.5  # chi^2 per observation that is no more than noise
FEW = 8  # recorded steps below which a trend is not one
RISEN = 0.1  # decades by which the loss at the end may lie above its least
MOST = 200  # recorded steps of which a trend is made


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Measurements on a trained model, by which its limit is told.

    Attributes:
        train_residual: Root mean square of the equation's residual, in natural units, where it was trained.
        test_residual: The same on fresh uniform points.
        rounding: Share of rounding in the residual of the loss, 0 to 1.
        trend: Decades by which the loss fell over the last quarter of the steps; None if there were too few.
        terms: Share of each term in the loss.
        opposed: The term whose gradient is most opposed to that of all others, and the cosine; None with one
            term.
    """

    train_residual: float
    test_residual: float
    rounding: float
    trend: float | None
    terms: dict[str, float]
    opposed: tuple[str, float] | None


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Measurements):
    """Limit of a run, with the measurements that tell it.

    Attributes:
        limit: "precision", "sampling", "scale", "budget", "data", "conflict", "capacity", or the topic of an
            objection of the audit.
        words: A sentence for people: what was seen, and what to do.
    """

    limit: str
    words: str

    def as_json(self) -> DiagnosisContent:
        """For result.json."""
        return {
            "limit": self.limit,
            "words": self.words,
            "train_residual": self.train_residual,
            "test_residual": self.test_residual,
            "rounding": self.rounding,
            "trend": self.trend,
            "terms": self.terms,
            "opposed": None if self.opposed is None else list(self.opposed),
        }


def diagnose(
    model: Model,
    sites: Mapping[str, Sites],
    history: Sequence[Row],
    threads: int | None = None,
    converged: bool = False,
    objections: Sequence[Finding] = (),
) -> Diagnosis | None:
    """Diagnose what limits a trained model.

    Args:
        model: The model.
        sites: The points it was trained on, by term.
        history: Rows with `iteration` and `loss`.
        threads: Of the compiled kernel.
        converged: Whether the run ended because no step lowered the loss.
        objections: Of the audit.

    Returns:
        None where nothing can be said: a loss of zero, or one that is not finite.
    """
    look = _Look(LeastSquares(model, sites, threads=threads))
    if not (0 < look.loss < math.inf):
        return None
    generator = torch.Generator().manual_seed(20_110)  # never the points of a run
    fresh = model.problem.domain.interior(FRESH, generator, "uniform")
    trained = sites["equation"].first
    term, at = model.problem.terms[0], model.problem.at
    test, train = (
        _rms(residuals(model, points) / term.units_at(at(points)).to(points))
        for points in (fresh.to(trained), trained)
    )
    shares = {name: value / look.loss for name, value in look.terms.items()}
    found = Measurements(
        train_residual=train,
        test_residual=test,
        rounding=look.rounding(),
        trend=trend(history),
        terms=shares,
        opposed=look.opposed(),
    )
    data = [t.name for t in model.problem.terms if t.fixed is not None]  # observations
    limit, words = _objection(objections) or _verdict(found, data, converged, look)
    if limit in BY_SIZE and (grown := _outgrown(model)):
        limit, words = "scale", grown
    return Diagnosis(limit=limit, words=words, **vars(found))


class _Look:
    """Residuals at the current parameters, and their change when these move by rounding errors."""

    def __init__(self, objective: LeastSquares) -> None:
        self.objective = objective
        self.theta = gather(objective.parameters)
        self.terms: dict[str, float] = {}
        self.gradients: dict[str, Tensor] = {}
        self._rounded = 0.0
        ulp = torch.nextafter(self.theta, torch.full_like(self.theta, math.inf)) - self.theta
        signs = torch.randint(0, 2, ulp.shape, generator=torch.Generator().manual_seed(0)).to(ulp) * 2 - 1
        move = 2 * ulp * signs
        for piece in objective.blocks:  # one after the other, so that memory is that of one
            name = piece.term.name
            r, stamp = piece.residual(self.theta)
            gradient = piece.vjp(self.theta, stamp, r)
            self.terms[name] = self.terms.get(name, 0.0) + 0.5 * float(r.square().sum())
            self.gradients[name] = self.gradients.get(name, torch.zeros_like(gradient)) + gradient
            ahead, behind = (piece.residual(self.theta + sign * move)[0] for sign in (1, -1))
            self._rounded += float((ahead - 2 * r + behind).square().sum()) / 6  # variances 1 + 4 + 1
            piece.release()
        self.loss = sum(self.terms.values())

    def rounding(self) -> float:
        """The share of rounding in the residual, as a ratio of norms."""
        return min(math.sqrt(self._rounded / (2 * self.loss)), 1.0)

    def opposed(self) -> tuple[str, float] | None:
        """Among terms that matter, the one that opposes the others most."""
        kept = [name for name, value in self.terms.items() if value > MATTERS * self.loss]
        whole = torch.stack([self.gradients[name] for name in kept]).sum(0)
        if len(kept) < 2:
            return None
        cosines = {
            name: float(cosine_similarity(self.gradients[name], whole - self.gradients[name], 0))
            for name in kept
        }
        return min(cosines.items(), key=lambda pair: pair[1])


def trend(history: Sequence[Row]) -> float | None:
    """Decades by which the loss fell over the last quarter of the steps; None with too few of them.

    Where the loss was lower on the way than it is at the end, as before points were drawn anew, such a step
    hides what a quarter shows: then the mean fall of the last half is taken.
    """
    if not history:
        return None
    last = _weights(history[-1])  # before a weight changed the loss was another function
    alike = [row for row in history if _weights(row) == last]
    rows = [(cell(row, "iteration"), cell(row, "loss")) for row in alike]
    end, span = rows[-1][0], rows[-1][0] / 4
    rows = [(i, math.log10(f)) for i, f in rows if i >= end - 2 * span and 0 < f < math.inf]
    quarter = [row for row in rows if row[0] >= end - span]
    if not quarter or quarter[-1][1] <= min(f for _, f in quarter) + RISEN:
        rows = quarter
    if len(rows) < FEW:
        return None
    rows = rows[:: -(-len(rows) // MOST)]
    slopes = [(f - e) / (j - i) for (i, e), (j, f) in itertools.combinations(rows, 2) if j > i]
    return -span * statistics.median(slopes) if slopes else None


def _weights(row: Row) -> Row:
    return {name: value for name, value in row.items() if name.startswith("weight_")}


def _objection(objections: Sequence[Finding]) -> tuple[str, str] | None:
    """Topic and words of the first objection of the audit whose cause the diagnosis does not look for."""
    return next(((f.topic, f.words) for f in objections if f.topic not in LEFT_TO_US), None)


def _noise(look: _Look, name: str) -> str:
    """Evidence that the misfit of observations is their noise; empty where it is more."""
    model = look.objective.model
    term = next(t for t in model.problem.terms if t.name == name)
    sites = look.objective.sites[name]
    piece = next(p for p in look.objective.blocks if p.term.name == name)
    misfit = (piece.residual(look.theta)[0] / piece.scale)[0].double().cpu()
    piece.release()
    if term.noise is not None:
        chi = float(misfit.square().mean() / term.noise**2)
        return f"chi^2 = {chi:.2f} per observation" if chi < FITTED else ""
    if len(misfit) < FEW:
        return ""
    from scipy.spatial import cKDTree  # slow to import

    lower, upper = model.problem.domain.bounds
    places = ((sites.points.cpu() - lower) / (upper - lower)).numpy()
    _, nearest = cKDTree(places).query(places, k=2)
    neighbour = torch.from_numpy(np.asarray(nearest)[:, 1])
    alike = float((misfit * misfit[neighbour]).mean() / misfit.square().mean())
    return f"neighbours agree to {alike:.2f}" if alike < 0.3 + 2 / math.sqrt(len(misfit)) else ""


def _verdict(found: Measurements, data: Sequence[str], converged: bool, look: _Look) -> tuple[str, str]:
    """The limit and its sentence."""
    model = look.objective.model
    precision = str(model.like.dtype).removeprefix("torch.")
    train, test, falling = found.train_residual, found.test_residual, found.trend
    least = EXACT * torch.finfo(model.like.dtype).eps
    if test > max(OVERFITTED * train, least):
        return "sampling", (
            f"the residual is {test:.1e} on fresh points, {_factor(test / train)} times as large as where it "
            "was trained: take more points"
        )
    if converged and precision == "float32":
        return "precision", "no step lowers the loss by more than rounding in float32: use dtype float64"
    exact = train < least
    if found.rounding > ROUNDED or exact:
        cure = (
            "use dtype float64"
            if precision == "float32"
            else "no setting changes that; another form of the equation may, with numbers nearer to one"
        )
        return (
            "precision",
            f"the residual is {train:.1e} of the equation's size, which is rounding in {precision}"
            if exact
            else f"rounding in {precision} makes up {found.rounding:.0%} of the residual: {cure}",
        )
    if falling is None and not converged:
        return "budget", "the run was too short to tell: give it more time"
    if falling is not None and falling > FALLING and not converged:
        return "budget", (
            f"the loss still fell, by a factor of {_factor(10**falling)} over the last quarter of the steps: "
            "more time makes it better"
        )
    size = sum(p.numel() for p in model.parameters())
    left = max(found.terms, key=lambda name: found.terms[name])
    share = found.terms[left]
    if left in data and share > 0.5:
        noise = _noise(look, left)
        if noise:
            return "data", (
                "the data are fitted to their noise, nothing is wrong: "
                f"{share:.0%} of the loss is the misfit of {left!r}, unstructured ({noise})"
            )
        return "data", (
            f"{share:.0%} of the loss is the misfit of {left!r} and falls no more: noise in "
            "these data, or an equation that does not hold for them"
        )
    if found.opposed is not None and found.opposed[1] < OPPOSED:
        name, cosine = found.opposed
        return "conflict", (
            f"{name!r} pulls against the other terms (cosine {cosine:.2f}) and the loss falls no more: "
            "give it another weight, build it in (hard=True), or take a larger network"
        )
    return "capacity", (
        f"the loss falls no more, on points that suffice: a network with more than {size:,} parameters, or "
        "an ansatz that knows more about the solution, could follow it more closely"
    )


def _outgrown(model: Model) -> str:
    """The unknown that is larger than its natural size by the most, in words; empty where none is by far."""
    generator, problem = torch.Generator().manual_seed(20_110), model.problem
    points = problem.domain.interior(FRESH, generator, "uniform").to(model.like)
    with torch.no_grad():
        outputs = model.network(problem.ansatz.features(points)).double().square().mean(0).sqrt().tolist()
    sizes = {
        n: v for n, v in zip(problem.unknown_names, outputs, strict=True) if n not in problem.ansatz.positive
    }
    name = max(sizes, key=lambda n: sizes[n], default="")
    if not name or sizes[name] < OUTGROWN:
        return ""
    assumed = problem.natural.unknowns[name]
    return (
        f"what the network adds to {name} has grown to {_factor(sizes[name])} times its assumed size "
        f"{assumed:.2g}, by which the loss is balanced: give scales={{{name!r}: {sizes[name] * assumed:.1g}}}"
    )


def _factor(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 1000 else f"{value:.0e}"


def _rms(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())
