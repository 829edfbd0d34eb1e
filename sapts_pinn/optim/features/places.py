"""Points and units of a search: points of the loss, fresh ones, and layers that are drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, nn

from ...derivatives.activations import ACTIVATIONS, Sine
from ...errors import InputError
from ...networks.random_units import Units
from ...objectives.least_squares import LeastSquares, jacobian_cost
from ...problems import Sites
from .newton import norm
from .sample import Function, Sample
from .search import Trial

OVER = 4  # rows for each column
CHECKED = 2  # and on the fresh points
FEWEST = 64  # sites of a condition, for each of `OVER`


@dataclass(frozen=True)
class Points:
    """Points for some number of units.

    Attributes:
        count: The number of units.
        sample: The terms at points of the loss.
        check: The terms at fresh points.
        size: |F(0)| there, by which residuals are divided.
    """

    count: int
    sample: Sample
    check: Sample
    size: float


class Places:
    """Points of a loss, a generator's fresh ones, and units.

    Args:
        whole: The loss.
        seed: Of points and units.

    Raises:
        InputError: The network has not one hidden layer.
    """

    def __init__(self, whole: LeastSquares, seed: int) -> None:
        self.whole, self.model, self.seed = whole, whole.model, seed
        layers = [*self.model.network.children()]
        kinds = [type(layer) for layer in layers]
        if kinds[::2] != [nn.Linear, nn.Linear] or len(kinds) != 3 or kinds[1] not in ACTIVATIONS:
            raise InputError("features needs a network with one hidden layer: give network=(800,)")
        self.kind: type[nn.Module] = kinds[1]
        self.like = self.model.like
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, feature in enumerate(self.model.problem.ansatz.network_inputs):
            groups.setdefault(feature.coordinates, []).append(i)
        self.groups = [*groups.values()]
        self._points: Points | None = None

    @property
    def current(self) -> Points:
        """The points last asked for."""
        assert self._points is not None
        return self._points

    def points(self, count: int) -> Points:
        """Points for so many units; those of the number before are forgotten."""
        if self._points is None or self._points.count != count:
            problem = self.model.problem
            generator = Generator().manual_seed(self.seed + count + 1)
            columns = len(problem.unknown_names) * (count + 1)
            wanted = {term.name: max(count, FEWEST) for term in problem.terms}
            wanted["equation"] = -(-columns // problem.equation_term.rows)
            known = {name: _some(s, OVER * wanted[name], generator) for name, s in self.whole.sites.items()}
            fresh = {
                term.name: _some(term.sites(most, generator, "uniform"), most, generator)
                for term in problem.terms
                if (most := CHECKED * wanted[term.name])
            }
            slope, trained = ACTIVATIONS[self.kind], list(self.model.coefficients)
            sample = Sample(self.model, known, slope, trained)
            check = Sample(self.model, fresh, slope, trained, sample.weights)
            size = norm(check.residual(self.zero()))
            self._points = Points(count, sample, check, size if size > 0 else 1.0)
        return self._points

    def units(self, trial: Trial) -> Units:
        """Units of a trial; those of all trials with as many units differ in the widths alone."""
        sizes = [0.0] * self.like.shape[1]
        for group, width in zip(self.groups, trial.widths, strict=True):
            for i in group:
                sizes[i] = width / math.sqrt(len(sizes))
        generator = Generator().manual_seed(self.seed + trial.count)
        drawn = Units.draw(trial.count, sizes, self.kind is Sine, generator)
        return Units(drawn.weights.to(self.like), drawn.shifts.to(self.like))

    def zero(self) -> Function:
        """The network of zeros, with the coefficients as they are at the start."""
        units = Units(self.like.new_zeros(1, self.like.shape[1]), self.like.new_zeros(1))
        values = self.model.problem.initial_parameters
        initial = {name: values[name].to(self.like) for name in self.model.coefficients}
        return Function(units, self.like.new_zeros(len(self.model.problem.unknown_names), 2), initial)

    def columns(self, count: int) -> int:
        """Number of columns of so many units."""
        return len(self.model.problem.unknown_names) * (count + 1) + len(self.model.coefficients)

    def count_work(self) -> None:
        """Count a linear problem at the current points as its Jacobian."""
        sample = self.current.sample
        points = sum(len(s.points) for s in self.whole.sites.values())
        rows = sum(len(w) for w in sample.weights.values()) / len(sample.weights)
        self.whole.counters.gradients += sample.points / points * jacobian_cost(rows, 1.0)


def _some(sites: Sites, most: int, generator: Generator) -> Sites:
    """At most so many of the sites."""
    count = len(sites.points) // sites.fold
    return sites if count <= most else sites.of(torch.randperm(count, generator=generator)[:most])
