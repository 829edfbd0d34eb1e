"""`eigenpairs`: eigenvalues and eigenfunctions of a linear problem, in random features.

The widths of the features are those whose pairs leave the smallest residual on fresh points, and their number
doubles.  The error of a value is estimated by what the last doubling, with other features at other points,
has changed: that is the error of the coarser one, and so larger than that of the value itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from ..derivatives.activations import ACTIVATIONS, Sine
from ..errors import InputError
from ..networks.build import network_of
from ..networks.model import Model
from ..networks.random_units import Units
from ..optim.features.pencil import Pairs, Pencil, pairs
from ..optim.features.sample import Function, Linear, Sample
from ..optim.features.search import first_widths, neighbours
from ..problems import Problem

FEWEST, MOST = 200, 800  # units
SETTLED = 1e-11  # relative change at which the number of units is enough
OVER, CHECKED, CONDITION = 3, 2, 1  # points for each unit: solved on, others, of a condition
BETTER = 0.5  # share of the residual that a move of the widths leaves at most
NEARLY = 1e-3  # of the size of A over that of B: the shift, aside of where eigenvalues are wanted
LINEAR = 1e-9
ROUNDING = 2e-14  # relative error of the values at least
POINTS = 2048  # for the normalisation


@dataclass(frozen=True)
class Eigenpairs:
    """Eigenvalues with their functions.

    Attributes:
        problem: The problem.
        values: [count], ascending.
        errors: [count], estimates of their errors.
        residuals: [count], of the equation and weighted conditions on fresh points, relative to its terms.
        functions: Models of the eigenfunctions, of mean square one.
    """

    problem: Problem
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    residuals: NDArray[np.float64]
    functions: tuple[Model, ...]

    def predict(self, number: int, points: dict[str, Any]) -> NDArray[np.float64]:
        """Values of an eigenfunction.

        Args:
            number: Of the pair, from 0.
            points: Arrays by coordinate, of one shape.

        Returns:
            Values of the shape of the points; for several unknowns with these last.
        """
        arrays = np.broadcast_arrays(*(np.asarray(points[name], float) for name in self.problem.domain.names))
        flat = torch.from_numpy(np.stack([a.ravel() for a in arrays], 1))
        with torch.no_grad():
            found = self.functions[number](flat).numpy()
        shape = arrays[0].shape
        return np.asarray(found[:, 0].reshape(shape) if found.shape[1] == 1 else found.reshape(*shape, -1))

    def __str__(self) -> str:
        name = self.problem.eigenvalue or ""
        lines = [f"{self.problem.name}: {len(self.values)} eigenvalues {name} by random features"]
        for value, error, residual in zip(self.values, self.errors, self.residuals, strict=True):
            digits = 15 if error == 0 else min(max(2 - math.floor(math.log10(error)), 0), 15)
            lines.append(f"  {value:.{digits}f} +- {error:.1e}   residual {residual:.1e}")
        return "\n".join(lines)


def eigenpairs(problem: Problem, count: int = 1, near: float = 0.0, seed: int = 0) -> Eigenpairs:
    """Find eigenvalues of a linear problem, the nearest ones to a number, with their functions.

    Args:
        problem: An equation that is linear in its unknowns, with zero right-hand sides, and an `Eigenvalue`
            among the coefficients, of degree one in the equation.
        count: How many, multiple ones as often as they are.
        near: Where they are looked for.
        seed: Of features and points.

    Raises:
        InputError: The problem is none of this kind, or one of the eigenvalues is complex.
    """
    if problem.eigenvalue is None:
        raise InputError("eigenpairs needs an Eigenvalue('lam') among the coefficients of the problem")
    if not isinstance(count, int) or not 1 <= count <= FEWEST // 4:
        raise InputError(f"count must be a number from 1 to {FEWEST // 4}, not {count!r}")
    return _Search(problem, count, float(near), seed).run()


class _Search:
    """Search for widths and number of the units."""

    def __init__(self, problem: Problem, count: int, near: float, seed: int) -> None:
        self.problem, self.count, self.near, self.seed = problem, count, near, seed
        self.groups: dict[tuple[str, ...], list[int]] = {}
        for i, feature in enumerate(problem.ansatz.network_inputs):
            self.groups.setdefault(feature.coordinates, []).append(i)
        self.model = self._model(4)
        self.shift = near
        self._pencils: dict[int, tuple[Pencil, Pencil]] = {}
        check, _ = self._pencil(FEWEST)
        m, b = check.rows(self._units(FEWEST, first_widths(len(self.groups))[0]))
        self.shift = near - NEARLY * float(m.norm() / b.norm().clamp_min(1e-300))
        self._pencils.clear()

    def run(self) -> Eigenpairs:
        """Search."""
        widths = min(first_widths(len(self.groups)), key=lambda w: self._score(FEWEST, w))
        number, before = FEWEST, self._pairs(FEWEST, widths)
        while True:
            number = min(2 * number, MOST)
            if number <= 4 * FEWEST:
                widths = self._moved(number, widths)
            found = self._pairs(number, widths)
            change = (found.values.sort().values - before.values.sort().values).abs()
            if number == MOST or float((change / found.values.abs().clamp_min(1e-300)).max()) < SETTLED:
                return self._result(found, change, number, widths)
            before = found

    def _moved(self, number: int, widths: tuple[float, ...]) -> tuple[float, ...]:
        best, moved = self._score(number, widths), True
        while moved:
            moved = False
            for other in neighbours(widths):
                if (score := self._score(number, other)) < BETTER * best:
                    widths, best, moved = other, score, True
                    break
        return widths

    def _score(self, number: int, widths: tuple[float, ...]) -> float:
        return float(self._pairs(number, widths).residuals.max())

    def _pairs(self, number: int, widths: tuple[float, ...]) -> Pairs:
        pencil, check = self._pencil(number)
        with torch.no_grad():
            return pairs(self._units(number, widths), pencil, check, self.shift, self.count)

    def _units(self, number: int, widths: tuple[float, ...]) -> Units:
        sizes = [0.0] * len(self.problem.ansatz.network_inputs)
        for group, width in zip(self.groups.values(), widths, strict=True):
            for i in group:
                sizes[i] = width / math.sqrt(len(sizes))
        return Units.draw(number, sizes, True, Generator().manual_seed(self.seed + number))

    def _pencil(self, number: int) -> tuple[Pencil, Pencil]:
        """The problem at points of the solution, and at others."""
        if number not in self._pencils:
            generator = Generator().manual_seed(self.seed + number + 1)
            first = self._sample(OVER * number, CONDITION * number, generator)
            second = self._sample(CHECKED * number, CONDITION * number, generator, dict(first.weights))
            self._pencils[number] = self._linear(first), self._linear(second)
        return self._pencils[number]

    def _sample(
        self, points: int, others: int, generator: Generator, weights: dict[str, Tensor] | None = None
    ) -> Sample:
        m = len(self.problem.unknown_names)
        sites = {
            term.name: term.sites(m * points if term.name == "equation" else others, generator, "sobol")
            for term in self.problem.terms
        }
        return Sample(self.model, sites, ACTIVATIONS[Sine], [], weights)

    def _linear(self, sample: Sample) -> Pencil:
        """The pencil, after a test that it is one.

        Raises:
            InputError: The equation or a condition is not linear, not homogeneous, or not of degree one in
                the eigenvalue.
        """
        zero = self._function(0.0, None)
        if float(sample.residual(zero(self.shift)).abs().max()) > 0:
            raise InputError(
                "eigenpairs needs an equation and conditions that hold for u = 0; drop sources and values"
            )
        some = self._function(1.0, Generator().manual_seed(5))
        at = [sample.linearised(zero(self.shift + step)) for step in (0.0, 1.0, 2.0)]
        there = sample.linearised(some(self.shift))
        if not _alike(at[0], there, at[0]):
            raise InputError("eigenpairs needs an equation and conditions that are linear in the unknowns")
        if not all(
            bool(((a.by_jet - 2 * b.by_jet + c.by_jet).abs() <= LINEAR * a.by_jet.abs().max()).all())
            for a, b, c in zip(*(x.slopes for x in at), strict=True)
        ):
            raise InputError(f"{self.problem.eigenvalue} must be of degree one in the equation")
        return Pencil(at[0], at[1])

    def _function(self, size: float, generator: Generator | None) -> Any:
        units = Units.draw(
            5, (1.0,) * len(self.problem.ansatz.network_inputs), True, Generator().manual_seed(2)
        )
        outer = torch.zeros(len(self.problem.unknown_names), 6, dtype=torch.float64)
        if generator is not None:
            outer = size * torch.randn(outer.shape, generator=generator, dtype=torch.float64)
        name = self.problem.eigenvalue
        (coefficient,) = (c for c in self.problem.coefficients if c.name == name)

        def at(value: float) -> Function:
            known = {**self.problem.initial_parameters}
            known[coefficient.name] = torch.tensor(coefficient.of(value), dtype=torch.float64)
            return Function(units, outer, known)

        return at

    def _model(self, number: int) -> Model:
        network = network_of(
            self.problem, (number,), Generator().manual_seed(self.seed), torch.float64, "sin"
        )
        return Model(self.problem, network)

    def _result(self, found: Pairs, change: Tensor, number: int, widths: tuple[float, ...]) -> Eigenpairs:
        if found.complex:
            raise InputError(
                f"one of the {self.count} eigenvalues nearest to {self.near:g} is complex, which eigenpairs "
                "does not give; take fewer, or another place by near="
            )
        order = found.values.argsort()
        units = self._units(number, widths)
        points = self.problem.domain.interior(POINTS, Generator().manual_seed(3), "sobol")
        functions = []
        for column in found.columns[:, order].unbind(1):
            model = self._model(number)
            layers = [layer for layer in model.network.children() if isinstance(layer, nn.Linear)]
            first, last = layers
            outer = column.view(len(self.problem.unknown_names), -1)
            with torch.no_grad():
                first.weight.copy_(units.weights), first.bias.copy_(units.shifts)
                last.weight.copy_(outer[:, :-1]), last.bias.copy_(outer[:, -1])
                values = model(points)
                size = values.square().sum(1).mean().sqrt() * (1 if values[:, 0].mean() >= 0 else -1)
                last.weight.div_(size), last.bias.div_(size)
            functions.append(model.requires_grad_(False))
        values, errors = found.values[order], change.clamp_min(ROUNDING * found.values.abs().max())
        return Eigenpairs(
            self.problem, values.numpy(), errors.numpy(), found.residuals[order].numpy(), tuple(functions)
        )


def _alike(first: Linear, second: Linear, size: Linear) -> bool:
    return all(
        bool(((a.by_jet - b.by_jet).abs() <= LINEAR * c.by_jet.abs().max()).all())
        for a, b, c in zip(first.slopes, second.slopes, size.slopes, strict=True)
    )
