"""Unknowns of a problem that are known: given functions, or its reference by finite differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sapts_pinn.problems import Problem
from sapts_pinn.problems.fields import Field, derivatives


def fields_of(
    problem: Problem, functions: Mapping[str, Callable[[Tensor], Tensor]], points: Tensor
) -> dict[str, Field]:
    """The unknowns as given functions of points [N, dim], derivatives by autograd."""
    return {
        name: Field(name, problem.domain.names, lambda index, f=f: derivatives(f, points, [index])[0])
        for name, f in functions.items()
    }


def check_exact(problem: Problem, functions: Mapping[str, Callable[[Tensor], Tensor]]) -> None:
    """Equation and every condition hold to rounding, and the reference is the same function."""
    points = problem.domain.interior(300, torch.Generator().manual_seed(0))
    for row in problem.evaluate(fields_of(problem, functions, points), points, {}):
        assert row.abs().max() < 1e-10
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 100, torch.Generator().manual_seed(1), "uniform")
        fields = fields_of(problem, functions, sites.points)
        for row in condition.residual(fields, sites, problem.domain, {}):
            assert row.abs().max() < 1e-12
    values = problem.reference.evaluate({"x": points[:, 0].numpy(), "y": points[:, 1].numpy()})
    for unknown, f in functions.items():
        np.testing.assert_allclose(values[unknown], f(points), atol=1e-12)


class Sampled:
    """The reference of a problem at random points inside, with its derivatives by central differences.

    Args:
        problem: The problem.
        step: Distance of the nine samples along a coordinate, relative to its length.
        count: Number of points.
        kept: Which points to look at, by their coordinates; all without it.
    """

    def __init__(
        self,
        problem: Problem,
        step: float = 5e-3,
        count: int = 100,
        kept: Callable[..., Tensor] | None = None,
    ) -> None:
        self.problem, self.names = problem, problem.domain.names
        lower, upper = problem.domain.bounds
        self._step = step * (upper - lower)
        inner = problem.domain.interior(count, torch.Generator().manual_seed(0))
        self.points = lower + 4.5 * self._step + (1 - 9 * step) * (inner - lower)
        if kept is not None:
            self.points = self.points[kept(*self.points.unbind(1))]
            assert len(self.points) > 20

    def at(self, unknown: str, points: Tensor) -> Tensor:
        """The reference at points [N, dim]."""
        columns = {name: points[:, i].numpy() for i, name in enumerate(self.names)}
        return torch.as_tensor(self.problem.reference.evaluate(columns)[unknown])

    def __call__(self, unknown: str, *axes: str) -> Tensor:
        """A derivative, such as ("u", "x", "x"), to order 9 less its own."""
        orders = [axes.count(name) for name in self.names]
        return self._difference(unknown, self.points, orders)

    def _difference(self, unknown: str, points: Tensor, orders: list[int]) -> Tensor:
        axis = next((i for i, order in enumerate(orders) if order), None)
        if axis is None:
            return self.at(unknown, points)
        offsets, powers = np.arange(-4, 5), np.arange(9)
        order = orders[axis]
        right = np.where(powers == order, float(np.prod(np.arange(1, order + 1))), 0.0)
        weights = np.linalg.solve(offsets[None] ** powers[:, None].astype(float), right)
        shift = torch.zeros(len(self.names), dtype=torch.float64)
        shift[axis] = self._step[axis]
        others = [0 if i == axis else n for i, n in enumerate(orders)]
        total = sum(
            w * self._difference(unknown, points + k * shift, others)
            for w, k in zip(weights.tolist(), offsets.tolist(), strict=True)
            if w
        )
        return total / float(self._step[axis]) ** order

    @cached_property
    def _own(self) -> tuple[Tensor, ...]:
        return self.rows()

    def rows(self, known: Mapping[str, Tensor] | None = None) -> tuple[Tensor, ...]:
        """Residuals of the problem's own equation."""
        names = self.names
        fields = {
            u: Field(u, names, lambda index, u=u: self(u, *(names[i] for i in index)))
            for u in self.problem.unknown_names
        }
        return self.problem.evaluate(fields, self.points, known or {})

    def check(self, written: Tensor, size: Tensor, tolerance: float, row: int = 0) -> None:
        """The equation as written in a test vanishes, and the problem's own is the same up to sign."""
        limit = tolerance * float(size.abs().max())
        assert float(written.abs().max()) < limit
        own = self._own[row]
        assert min(float((own - written).abs().max()), float((own + written).abs().max())) < 1e-3 * limit
