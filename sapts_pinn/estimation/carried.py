r"""The linearised equation for the error of windows in time, where time is the only coordinate.

Windows of a stiff system span decades, which no features over all of the time resolve.  But there the
equation for the error is one of ordinary differential equations itself,

    sum_c A_c(t) D^c e = -F(u),    e = what is missed of the prescribed values at the start,

with A_c = dF/dq_c along u.  It is solved from one end to the other: each window is cut into `PIECES`, and on
each e is a polynomial in the basis of Chebyshev, by least squares at more points than it has coefficients,
and continues the piece before in all that the problem prescribes at its start.  So an error is carried
through the later windows, and grows or dies away there as the equation has it.  Collocation by pieces:
Ascher, Mattheij and Russell, Numerical Solution of Boundary Value Problems for ODEs, 1995, chapter 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Generator, Tensor

from ..geometry import Time
from ..networks.model import Model
from ..networks.time_windows import WindowedModel, time_of
from ..problems import Problem, Sites
from .judgement import UNSURE, Verdict
from .linearised import in_double, linearised
from .seen import AMPLIFIED, Seen

TEST = 2048  # points at which norms are taken
PIECES = 8  # of a window
DEGREE = 10  # of the polynomials
OVER = 2  # points for each coefficient
ROUNDED = 1e-11  # residual over the terms, of which rounding is a large part


@dataclass
class CarriedField:
    """An error e(t) of m unknowns, by polynomials on pieces of the time.

    Attributes:
        ends: Where the pieces meet, and both ends, [P + 1].
        coefficients: In the basis of Chebyshev, each [m, DEGREE + 1], P of them.
    """

    ends: list[float]
    coefficients: list[Tensor] = field(default_factory=list)

    def __call__(self, points: Tensor) -> Tensor:
        """Values [N, m] at points [N, 1]."""
        t = points[:, 0].detach().cpu().double()
        number = torch.bucketize(t, torch.tensor(self.ends[1:-1], dtype=torch.float64))
        out = torch.zeros(len(t), len(self.coefficients[0]), dtype=torch.float64)
        for k, c in enumerate(self.coefficients):
            chosen = (number == k).nonzero().flatten()
            if len(chosen):
                low, high = self.ends[k], self.ends[k + 1]
                out[chosen] = _basis(2 * (t[chosen] - low) / (high - low) - 1, 0) @ c.T
        return out


class Carried:
    """The error of windows in time, carried from each to the next.

    Args:
        model: Of windows of ordinary differential equations.
        seed: Of the points at which norms are taken.
    """

    def __init__(self, model: WindowedModel, seed: int) -> None:
        double = in_double(model)
        assert isinstance(double, WindowedModel)
        self.model, self.problem = double, model.problem
        self.generator = Generator().manual_seed(seed)
        self.test = self.problem.domain.interior(TEST, self.generator, "sobol")
        with torch.no_grad():
            self.u = self.model(self.test)
        self.field = CarriedField([float(time_of(self.problem).bounds[0])])
        self._squares = torch.zeros(3, dtype=torch.float64)  # of F(u), of what is left of it, and beyond (1)
        self._orders = _prescribed(self.problem)
        values = _missed(self.model)
        for part in self.model.windows:
            values = self._through(part, values)

    def missed(self) -> Tensor:
        """Largest difference from a prescribed value, by unknown, [m]."""
        out = torch.zeros(len(self.problem.functions), dtype=torch.float64)
        for (j, order), value in _missed(self.model).items():
            out[j] = max(float(out[j]), abs(value)) if order == 0 else out[j]
        return out

    def verdict(self, seen: Seen) -> Verdict:
        """The error, with what has been seen of the model by an audit."""
        whole, left, beyond = self._squares.sqrt().tolist()
        rho = min(left / whole, 1.0) if whole > 0 else 0.0
        factor = 1 + rho / math.sqrt(max(1 - rho * rho, 1e-4))
        usual = self.u.square().mean(0).sqrt() / factor
        # Rounding of the residual is not what the polynomials follow: it counts by its size.
        least = max(seen.hidden, AMPLIFIED * rho * seen.residual)
        size = torch.maximum(self.field(self.test).abs(), least * usual)
        doubts = []
        if rho > UNSURE and seen.residual > ROUNDED:
            doubts = [f"{rho:.0%} of the residual is too fine for the polynomials of the estimate"]
        return Verdict(size, self.field, factor, rho, beyond / whole if whole > 0 else 0.0, doubts)

    def _through(self, model: Model, start: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
        """Carry the error through a window: its prescribed values and rates at the end, from the start."""
        time = time_of(model.problem)
        ends = time.from_unit(torch.linspace(0, 1, PIECES + 1, dtype=torch.float64)).tolist()
        for low, high in pairwise(ends):
            start = self._piece(model, low, high, start)
        return start

    def _piece(
        self, model: Model, low: float, high: float, start: dict[tuple[int, int], float]
    ) -> dict[tuple[int, int], float]:
        count, half = OVER * (DEGREE + 1), (high - low) / 2
        x = torch.from_numpy(np.polynomial.legendre.leggauss(count)[0])
        points = (low + half * (x + 1))[:, None].clamp(low, high)
        rows = linearised(model, model.problem.equation_term, Sites(points))
        k, m, _, n = rows.slopes.shape
        orders = [len(index) for index in rows.channels.indices]
        bases = torch.stack([_basis(x, order) / half**order for order in orders])  # [C, n, K]
        a = torch.einsum("kmcn,cnb->knmb", rows.slopes, bases).reshape(k, n, -1)
        weight = a.square().mean((1, 2)).sqrt()
        weight = torch.where(weight > 0, 1 / weight.clamp_min(1e-300), 0.0)[:, None]
        b = -weight * rows.values
        at_ends = {key: torch.zeros(2, m, DEGREE + 1, dtype=torch.float64) for key in self._orders}
        ends = torch.tensor([-1.0, 1.0], dtype=torch.float64)
        for j, order in self._orders:
            at_ends[j, order][:, j] = _basis(ends, order) / half**order
        held = [at_ends[key][0].reshape(-1) * half ** key[1] for key in self._orders]
        wanted = [start[key] * half ** key[1] for key in self._orders]
        c = _constrained(
            (weight[:, :, None] * a).reshape(k * n, -1),
            b.reshape(-1),
            torch.stack(held),
            torch.tensor(wanted),
        )
        left = b.reshape(-1) - (weight[:, :, None] * a).reshape(k * n, -1) @ c
        c = c.view(m, -1)
        moved = torch.einsum("cnb,mb->mcn", bases, c)
        beyond = weight * rows.beyond(model, moved, torch.zeros(0, dtype=torch.float64))
        self._squares += torch.stack([v.square().sum() / n for v in (b, left, beyond)])
        self.field.ends.append(high)
        self.field.coefficients.append(c)
        return {key: float((at_ends[key][1] * c).sum()) for key in self._orders}


def carries(model: Model | WindowedModel) -> bool:
    """Test for windows of ordinary differential equations that begin with prescribed values."""
    domain = model.problem.domain
    return (
        isinstance(model, WindowedModel)
        and all(isinstance(factor, Time) for factor in domain.factors())
        and model.problem.companions.fold == 1
        and bool(_prescribed(model.problem))
    )


def _missed(model: WindowedModel) -> dict[tuple[int, int], float]:
    """Negative misses of the prescribed values at the start, by number of the unknown and order."""
    problem, first = model.problem, model.windows[0]
    missed: dict[tuple[int, int], float] = {}
    for condition, term in zip(problem.conditions, problem.condition_terms, strict=True):
        given = condition.prescribed()
        if given is None or not given.start:
            continue
        found = linearised(first, term, term.sites(1, Generator().manual_seed(0), "uniform")).values[:, 0]
        orders = [order for order, value in enumerate((given.value, given.rate)) if value is not None]
        for order, value in zip(orders, found.tolist(), strict=True):
            missed[problem.unknown_names.index(given.unknown), order] = -value
    return missed


def _prescribed(problem: Problem) -> list[tuple[int, int]]:
    """Unknowns, by number, and orders of their derivative that are prescribed at the start."""
    given = [p for c in problem.conditions if (p := c.prescribed()) is not None and p.start]
    known = {(p.unknown, 0) for p in given if p.value is not None}
    known |= {(p.unknown, 1) for p in given if p.rate is not None}
    return sorted((problem.unknown_names.index(name), order) for name, order in known)


def _basis(x: Tensor, order: int) -> Tensor:
    """Derivatives of the polynomials of Chebyshev at points [n] of [-1, 1], [n, DEGREE + 1]."""
    columns = [chebyshev.chebval(x.numpy(), chebyshev.chebder(row, order)) for row in np.eye(DEGREE + 1)]
    return torch.from_numpy(np.stack([np.broadcast_to(c, x.shape) for c in columns], 1).copy())


def _constrained(a: Tensor, b: Tensor, held: Tensor, wanted: Tensor) -> Tensor:
    """The c with the least |a c - b| among those with held c = wanted."""
    size = a.norm(dim=0)
    size = torch.where(size > 0, size, 1.0)
    a, held = a / size, held / size
    q, r = torch.linalg.qr(held.T, mode="complete")
    p = len(held)
    first = torch.linalg.solve_triangular(r[:p].T, wanted.double()[:, None], upper=False)[:, 0]
    known = q[:, :p] @ first
    free = torch.linalg.lstsq(a @ q[:, p:], (b - a @ known)[:, None], driver="gelsd").solution[:, 0]
    found: Tensor = (known + q[:, p:] @ free) / size
    return found
