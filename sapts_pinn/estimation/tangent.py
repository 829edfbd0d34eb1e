r"""The linearised equation for the error, solved in the network's own tangent functions du/dtheta_i.

Random features do not resolve the fine residual that a network leaves where its solution is steep.  The
tangent functions of the network are steep in the same places.  With r(theta) the weighted residuals at points
that the training has not seen and J = dr/dtheta, the error e = sum_i s_i du/dtheta_i solves F'(u) e = -F(u)
best where

    (J^T J + lambda^2 I) s = -J^T r,

lambda being the one of a few with which |r + J s| is smallest at other points.  This is a step of Levenberg
and Marquardt (Nocedal and Wright, Numerical Optimization, 2006, section 10.3) that is not taken: u(theta + s)
would be far from u + e where s is long.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Generator, Tensor

from ..derivatives.taylor import Channels
from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from ..objectives.flat import gather, scatter_
from ..objectives.least_squares import LeastSquares
from .linearised import fields_of

DAMPING = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)  # lambda over the root of the largest diagonal entry of J^T J
ALWAYS = 2500  # parameters: a dense J^T J takes a second or two
PER_CUBE = 1.5e-10  # seconds, about, of one core for n^3 = 1
ROWS = 2.0  # residuals for each parameter
FEWEST = 400  # points
APART = 1e-4  # |theta+ - theta-| / |theta| of the difference quotient
VALUES = Channels([()])


class TangentField:
    """The function e = sum_i s_i du/dtheta_i, by a central difference quotient in theta.

    Args:
        model: The model u.
        step: s, [n], for the parameters that are trained, in their order.
    """

    def __init__(self, model: Model, step: Tensor) -> None:
        theta = gather(_trained(model))
        self._half = 0.5 * APART * float(theta.norm()) / max(float(step.norm()), 1e-300)
        shared = {id(model.problem): model.problem}  # a mesh may be large
        self._ahead, self._behind = (copy.deepcopy(model, dict(shared)) for _ in range(2))
        scatter_(_trained(self._ahead), theta + self._half * step)
        scatter_(_trained(self._behind), theta - self._half * step)

    def __call__(self, points: Tensor) -> Tensor:
        """Values [N, m] at points [N, dim]."""
        return torch.cat([self.derivatives(part, VALUES)[:, 0].T for part in points.double().split(4096)])

    def derivatives(self, points: Tensor, channels: Channels) -> Tensor:
        """Derivatives [m, C, N]."""
        ahead, behind = (fields_of(model, points, channels) for model in (self._ahead, self._behind))
        return (ahead - behind) / (2 * self._half)

    @property
    def coefficients(self) -> Tensor:
        """Change of the parameters of the unknown coefficients, [p]."""
        pairs = zip(self._ahead.coefficients.values(), self._behind.coefficients.values(), strict=True)
        steps = [(a.detach() - b.detach()) / (2 * self._half) for a, b in pairs]
        return torch.stack(steps) if steps else torch.zeros(0, dtype=torch.float64)


def tangent_error(model: Model | WindowedModel, generator: Generator, seconds: float) -> TangentField | None:
    """The error of a model in its tangent space.

    Args:
        model: In float64 on the processor.
        generator: Draws the points.
        seconds: What it may take; a default network always may.

    Returns:
        None for several windows, for a network that is too large, and where no e makes the residual smaller.
    """
    if not isinstance(model, Model):
        return None
    n = sum(p.numel() for p in _trained(model))
    if n > ALWAYS and PER_CUBE * n**3 > seconds:
        return None
    points = max(FEWEST, math.ceil(ROWS * n / model.problem.equation_term.rows))
    found, other = (_objective(model, count, generator).evaluate() for count in (points, points // 2))
    J = found.jacobian()
    gram, slope, r = J.T @ J, J.T @ found.residual(), other.residual()
    top, best = float(gram.diagonal().max()), float(r.norm())
    if not (top > 0 and bool(torch.isfinite(slope).all()) and math.isfinite(best)):
        return None
    step = None
    for share in DAMPING:
        damped = gram + (share * share * top) * torch.eye(n, dtype=gram.dtype)
        factor, wrong = torch.linalg.cholesky_ex(damped)
        if int(wrong):
            break
        s = -torch.cholesky_solve(slope[:, None], factor)[:, 0]
        left = float((r + other.jvp(s)).norm())
        if left < best:
            best, step = left, s
    return None if step is None else TangentField(model, step)


def _trained(model: Model) -> list[Tensor]:
    return [p for p in model.parameters() if p.requires_grad]


def _objective(model: Model, points: int, generator: Generator) -> LeastSquares:
    """The terms of the loss at fresh points."""
    sites = {
        term.name: term.sites(
            points if term.name == "equation" else max(points // 4, 64), generator, "uniform"
        )
        for term in model.problem.terms
    }
    return LeastSquares(model, sites)
