"""The terms of a loss at some points, in terms of the outer layer of a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...derivatives.activations import Derivatives
from ...networks.model import Model
from ...networks.random_units import Units
from ...objectives.outer_layer import OuterTerm, Slopes
from ...objectives.tall import Spectrum, triangle
from ...problems import Sites

HELD = 10.0  # weight of a condition's rows against those of the equation, all of size one
CUTOFFS = tuple(10.0 ** (-k / 2) for k in range(8, 33))  # singular values over the largest
CANCELLED = 1e-11  # share of its parts that rounding leaves of an integral which vanishes by symmetry
SIMPLER = 0.9  # share of the residual that a higher rank leaves at most


@dataclass(frozen=True)
class Function:
    """A function that a network of one hidden layer is, with the unknown coefficients.

    Attributes:
        units: The hidden layer.
        outer: The outer layer, [m, K + 1], the constants last.
        known: Parameters of the coefficients, by name.
    """

    units: Units
    outer: Tensor
    known: Mapping[str, Tensor]

    def moved(self, by: Tensor, trained: Sequence[str]) -> Function:
        """Function whose outer layer and trained coefficients are changed by [m (K + 1) + p]."""
        size = self.outer.numel()
        known = dict(self.known)
        for name, step in zip(trained, by[size:], strict=True):
            known[name] = known[name] + step
        return Function(self.units, self.outer + by[:size].view_as(self.outer), known)


class Sample:
    """The terms of a loss at some points.

    A condition whose weight is to be balanced gets rows of ten times the size of the equation's; other terms
    have their own weight.

    Args:
        model: The model; its parameters do not count.
        sites: Places of every term.
        derivatives: Of the units' function.
        trained: Names of the coefficients that are sought.
        weights: Of the terms' rows, as another sample has them; None finds them.
    """

    def __init__(
        self,
        model: Model,
        sites: Mapping[str, Sites],
        derivatives: Derivatives,
        trained: Sequence[str],
        weights: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.terms = [
            OuterTerm(model, term, sites[term.name], derivatives)
            for term in model.problem.terms
            if len(sites[term.name].points)
        ]
        self.trained = list(trained)
        self.points = sum(len(term.sites.points) for term in self.terms)
        self.weights = dict(weights) if weights is not None else self._weights(model)

    def _weights(self, model: Model) -> dict[str, Tensor]:
        """Factor [rows, 1] of each term."""
        like = model.like
        generator = torch.Generator().manual_seed(0)
        drawn = Units.draw(50, (2.0,) * self.terms[0].location.inputs.shape[2], True, generator)
        units = Units(drawn.weights.to(like), drawn.shifts.to(like))
        known = {name: value.detach() for name, value in model.coefficients.items()}
        sizes, out = {}, {}
        for term in self.terms:
            slopes = term.linearised(term.rest(), known, self.trained)
            block = term.matrix(slopes, units).view(len(slopes.values), -1) * math.sqrt(term.n)
            size = block.square().mean(1).sqrt().unsqueeze(1)
            parts = slopes.by_jet.abs().sum((1, 2)).mean(1, keepdim=True) * term.sites.fold
            sizes[term.term.name] = torch.where(size > CANCELLED * parts, size, 0.0)  # else it always holds
        main = self.terms[0].term
        whole = sizes[main.name].square().mean().sqrt()
        for term in self.terms:
            size = sizes[term.term.name]
            own = math.sqrt(term.term.weight / main.weight)
            if term.term.balanced:
                out[term.term.name] = torch.where(size > 0, HELD * whole / size.clamp_min(1e-300), 1.0)
            else:
                out[term.term.name] = torch.full_like(size, own)
        return out

    def residual(self, function: Function) -> Tensor:
        """Weighted residuals, all terms one after the other."""
        return self.weighted([t.values(self._jet(t, function), function.known) for t in self.terms])

    def weighted(self, values: Sequence[Tensor]) -> Tensor:
        """All rows [rows n] of all terms one after the other."""
        pairs = zip(self.terms, values, strict=True)
        return torch.cat([(self.weights[t.term.name] * v).reshape(-1) for t, v in pairs])

    def linearised(self, function: Function) -> Linear:
        """Linearise at a function."""
        jets = [self._jet(term, function) for term in self.terms]
        slopes = [
            term.linearised(jet, function.known, self.trained)
            for term, jet in zip(self.terms, jets, strict=True)
        ]
        own = [s.along(jet, t.sites.fold) for t, s, jet in zip(self.terms, slopes, jets, strict=True)]
        return Linear(self, slopes, self.weighted([s.values for s in slopes]), self.weighted(own))

    def length(self, units: Units, by: Tensor) -> float:
        """Root mean square of a change [m (K + 1) + p] of the network's values, at the equation's points."""
        m = self.terms[0].unknowns
        outer = by[: m * (units.count + 1)].view(m, -1)
        x = self.terms[0].location.inputs[0]
        s = self.terms[0].derivatives(torch.addmm(units.shifts, x, units.weights.T), 0)[0]
        return float((s @ outer[:, :-1].T + outer[:, -1]).square().mean().sqrt())

    def _jet(self, term: OuterTerm, function: Function) -> Tensor:
        return term.jet(function.units, function.outer) if function.outer.any() else term.rest()


@dataclass(frozen=True)
class Linear:
    """A sample linearised at a function u.

    Attributes:
        sample: The sample.
        slopes: By term.
        residual: F(u), weighted.
        own: F'(u) u, weighted; of the network alone.
    """

    sample: Sample
    slopes: Sequence[Slopes]
    residual: Tensor
    own: Tensor

    def rows(self, units: Units, targets: Tensor) -> Tensor:
        """[A b] with the columns of units and targets b [rows, p]."""
        blocks, start = [], 0
        for term, slopes in zip(self.sample.terms, self.slopes, strict=True):
            a = term.matrix(slopes, units).unflatten(0, (len(slopes.values), -1))
            a = (self.sample.weights[term.term.name].unsqueeze(2) * a).flatten(0, 1)
            blocks.append(torch.cat([a, targets[start : start + len(a)]], 1))
            start += len(a)
        return torch.cat(blocks)

    def change(self, units: Units, by: Tensor) -> Tensor:
        """F'(u) applied to a change [m (K + 1) + p] of outer layer and coefficients, weighted."""
        m = self.sample.terms[0].unknowns
        size = m * (units.count + 1)
        outer, steps = by[:size].view(m, -1), by[size:]
        values = []
        for term, slopes in zip(self.sample.terms, self.slopes, strict=True):
            moved = slopes.along(term.jet(units, outer), term.sites.fold)
            by_step = (slopes.by_coefficient * steps[:, None]).sum(1)
            values.append(moved + by_step.unflatten(-1, (term.sites.fold, -1)).sum(-2))
        return self.sample.weighted(values)


@dataclass(frozen=True)
class Solved:
    """Solutions of a linear problem in some units.

    Attributes:
        columns: [K', p], outer layer and coefficients for each target.
        left: |A c - b| on the check for the first target.
    """

    columns: Tensor
    left: float


def solved(units: Units, linear: Linear, check: Linear, targets: Tensor, on_check: Tensor) -> Solved:
    """Solve by least squares with the rank that does best on other points.

    Args:
        units: The units.
        linear: The problem at the points of the solution.
        check: It at others.
        targets: [rows, p], of the points of the solution.
        on_check: [rows, p], of the others.
    """
    rows = linear.rows(units, targets)
    columns = rows.shape[1] - targets.shape[1]
    found = Spectrum.of(triangle(rows.split(max(8192, 4 * columns))), columns)
    ranks = sorted({found.rank(cutoff) for cutoff in CUTOFFS})
    sizes = found.left(check.rows(units, on_check)[:, :columns], on_check, ranks)
    sizes = torch.where(torch.isfinite(sizes), sizes, torch.inf)
    chosen, left = [], 0.0
    for p, column in enumerate(sizes.unbind(1)):
        best = int(column.argmin())
        enough = next(i for i, v in enumerate(column.tolist()) if SIMPLER * v <= float(column[best]))
        chosen.append(ranks[enough])
        left = float(column[enough]) if p == 0 else left
    return Solved(found.coefficients(torch.tensor(chosen, device=rows.device)), left)
