r"""Stateless solvers of the trust-region subproblem, one function for each kind of model.

Minimise ``m(s) = g.s + s.B s / 2`` over ``||s|| <= radius``. A step is a global minimiser exactly when
some ``lambda >= 0`` satisfies (Moré and Sorensen 1983; Conn, Gould and Toint 2000, theorem 7.2.1)

    (B + lambda I) s = -g,    B + lambda I >= 0,    lambda (radius - ||s||) = 0.                    (1)

From (1), ``-m(s) = (-g.s + lambda s.s) / 2``, a sum of positive terms, free of cancellation. The solvers:

`cauchy`: the minimiser along ``-g``; what every other step has to match. Needs one product ``B g``.

`dogleg` (Powell 1970): along ``-g`` to the unconstrained minimiser ``u = -(g.g / g.B g) g``, from there
towards the Newton step. On the second leg the model is minimised exactly rather than followed to the end,
which changes nothing for an exact Newton step of a positive definite ``B`` (the model falls all along the
path) and keeps any other step as good as the Cauchy point.

`steihaug` (Steihaug 1983; Toint 1981): conjugate gradients on ``B s = -g`` from ``s = 0``. The iterates
grow in norm, so the first to leave the ball, or the first direction of negative curvature, ends on the
boundary.

`secular`, `secular_many`: exact, from ``B = V diag(e) V^T``. With ``shift = min(e_1, 0)``,
``d = e - shift`` and ``mu = lambda + shift >= 0``, (1) reads ``s_i = -g_i / (d_i + mu)``, and ``mu`` solves
the secular equation ``1 / ||s(mu)|| = 1 / radius``. Its left side is increasing and concave, so Newton's
method from the left of the root stays there and converges monotonically; ``max_i (|g_i| / radius - d_i)``
lies to the left, and the norm there is at most ``sqrt(n)`` times the radius. Bisection takes over should
rounding lead Newton astray. In the hard case there is no root, because ``g`` has nothing in the lowest
eigenspace; the step is then filled up to the boundary along that space. Working with ``mu`` instead of
``lambda`` keeps full accuracy however near the hard case is. One deviation from the textbook: eigenvalues
that are negative by rounding alone (``n eps max |e|``) count as zero, and so do components of ``g`` at
rounding level over such eigenvalues. Otherwise a singular Gauss-Newton matrix would send every step to the
boundary along noise.

`scaled`: exact for the ellipsoid ``||s||_B <= radius`` of a positive definite ``B`` known by its inverse
``H``: the minimiser is a multiple of the Newton step, because (1) with ``lambda B`` for ``lambda I`` is
``(1 + lambda) B s = -g``.

A model given in compact form has its solver in `compact`.

Vectors may be shards of longer ones. Except in `secular`, which holds its eigenvectors whole, sums over
entries go through ``dot``, and every branch depends on such sums alone, so that all ranks branch alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import NamedTuple

import torch
from torch import Tensor

Dot = Callable[[Tensor, Tensor], float]
"""The inner product of two vectors, summed over all ranks that hold a shard of them."""

MatVec = Callable[[Tensor], Tensor]
"""A symmetric linear map from [n] to [n]."""


@dataclass(frozen=True)
class Step:
    """A trial step and what the model promises for it.

    Attributes:
        s: the step, [n], of the gradient's type and device.
        predicted: ``-m(s)``, the reduction the model expects. It is 0 (with ``s = 0``) for a zero gradient
            and NaN (with ``s = 0``) when the gradient, the radius or the model was not finite; callers
            accept only ``predicted > 0``, which is false for both.
        on_boundary: the radius is what limited the step, so a larger one would have given another.
        length: the norm of ``s``, in the norm that the radius is measured in.
    """

    s: Tensor
    predicted: float
    on_boundary: bool
    length: float


class InnerProducts(ABC):
    """An inner product that costs a round of communication, whatever the number of products in it."""

    @abstractmethod
    def gram(self, rows: Tensor, others: Tensor) -> Tensor:
        """The products of rows [r, n] with others [k, n], [r, k], in float64 on the CPU."""

    def __call__(self, a: Tensor, b: Tensor) -> float:
        """One product."""
        return float(self.gram(a.unsqueeze(0), b.unsqueeze(0)))


def plain_dot(a: Tensor, b: Tensor) -> float:
    """Return the inner product of two whole vectors."""
    return float(torch.dot(a, b))


def _zero(g: Tensor) -> Step:
    return Step(torch.zeros_like(g), 0.0, False, 0.0)


def _refused(g: Tensor) -> Step:
    return Step(torch.zeros_like(g), float("nan"), False, 0.0)


def _step(s: Tensor, predicted: float, on_boundary: bool, length: float) -> Step:
    if isfinite(predicted) and isfinite(length):
        return Step(s, predicted, on_boundary, length)
    return _refused(s)


def cauchy(g: Tensor, mv: MatVec, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the minimiser of the model along ``-g``.

    Args:
        g: the gradient, [n].
        mv: the product with ``B``.
        radius: the trust-region radius.
        dot: the inner product.
    """
    gg = dot(g, g)
    if gg == 0:
        return _zero(g)
    if not (isfinite(gg) and isfinite(radius)):
        return _refused(g)
    norm = sqrt(gg)
    gBg = dot(g, mv(g))
    on_boundary = gBg * radius <= gg * norm
    t = radius / norm if on_boundary else gg / gBg
    return _step(-t * g, t * gg - t * t * gBg / 2, on_boundary, t * norm)


def dogleg(g: Tensor, newton: Tensor, mv: MatVec, radius: float, dot: Dot = plain_dot) -> Step:
    """Return Powell's dogleg step, or the Cauchy point where the curvature along ``g`` is not positive.

    Args:
        g: the gradient, [n].
        newton: a solution of ``B newton = -g``, exact or not, [n].
        mv: the product with ``B``; used twice.
        radius: the trust-region radius.
        dot: the inner product.
    """
    gg = dot(g, g)
    if gg == 0:
        return _zero(g)
    Bg = mv(g)
    gBg = dot(g, Bg)
    first = cauchy(g, lambda _: Bg, radius, dot)
    if first.on_boundary or not isfinite(first.predicted):
        return first
    u = first.s
    leg = newton - u
    along, square = dot(u, leg), dot(leg, leg)
    if not isfinite(square):
        return _refused(g)
    if square == 0:
        return first
    to_boundary = _root(square, along, first.length, radius)
    slope = dot(g, leg) - (gg / gBg) * dot(Bg, leg)
    curvature = dot(leg, mv(leg))
    end = min(1.0, to_boundary)
    if curvature > 0:
        t = min(max(-slope / curvature, 0.0), end)
    else:
        t = end if slope + curvature * end / 2 < 0 else 0.0
    s = u + t * leg
    on_boundary = t == to_boundary
    length = radius if on_boundary else sqrt(dot(s, s))
    return _step(s, first.predicted - t * (slope + t * curvature / 2), on_boundary, length)


def _root(square: float, along: float, length: float, radius: float) -> float:
    """Return ``t >= 0`` with ``||z + t p|| = radius``, given ``p.p``, ``z.p`` and ``||z|| <= radius``."""
    gap = max((radius - length) * (radius + length), 0.0)
    root = sqrt(along * along + square * gap)
    # Of the two forms of the solution, the one without cancellation.
    return gap / (along + root) if along > 0 else (root - along) / square


def steihaug(
    g: Tensor,
    mv: MatVec,
    radius: float,
    dot: Dot = plain_dot,
    tolerance: float = 1e-2,
    max_iterations: int = 100,
) -> Step:
    """Return a step by conjugate gradients, stopped at the boundary or by negative curvature.

    Args:
        g: the gradient, [n].
        mv: the product with ``B``; used once an iteration.
        radius: the trust-region radius.
        dot: the inner product.
        tolerance: stop when ``||B s + g|| <= tolerance ||g||``.
        max_iterations: stop after so many products.
    """
    rr = dot(g, g)
    if rr == 0:
        return _zero(g)
    if not isfinite(rr) or not isfinite(radius):
        return _refused(g)
    enough = tolerance * tolerance * rr
    z, r, p = torch.zeros_like(g), g, -g
    length, predicted = 0.0, 0.0
    for _ in range(max_iterations):
        Bp = mv(p)
        pBp = dot(p, Bp)
        if not isfinite(pBp):
            return _refused(g)
        if pBp > 0:
            alpha = rr / pBp
            ahead = z + alpha * p
            length_ahead = sqrt(dot(ahead, ahead))
        if pBp <= 0 or length_ahead >= radius:
            t = _root(dot(p, p), dot(z, p), length, radius)
            return _step(z + t * p, predicted + t * rr - t * t * pBp / 2, True, radius)
        z, length = ahead, length_ahead
        predicted += alpha * rr / 2
        r = r + alpha * Bp
        rr, before = dot(r, r), rr
        if rr <= enough:
            break
        p = (rr / before) * p - r
    return _step(z, predicted, False, length)


def scaled(g: Tensor, newton: Tensor, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the minimiser over the ellipsoid ``sqrt(s.B s) <= radius`` for a positive definite model.

    Args:
        g: the gradient, [n].
        newton: ``-H g`` with ``H`` the inverse of ``B``, [n].
        radius: the radius, in the norm ``sqrt(s.B s)``; `Step.length` is in that norm too.
        dot: the inner product.

    Returns:
        The step; it predicts NaN also where ``g.H g <= 0``, which a positive definite ``H`` excludes.
    """
    gHg = -dot(g, newton)
    if gHg == 0 and dot(g, g) == 0:
        return _zero(g)
    if not (gHg > 0 and isfinite(gHg) and isfinite(radius)):
        return _refused(g)
    norm = sqrt(gHg)
    t = min(1.0, radius / norm)
    return _step(t * newton, t * (1 - t / 2) * gHg, t < 1, t * norm)


class SecularSteps(NamedTuple):
    """Exact steps for ``k`` radii, in the eigenbasis of the model.

    Attributes:
        steps: [k, n]; the step itself is ``eigenvectors @ steps[j]``.
        lambdas: the multipliers, [k]: positive exactly where the step is limited by the radius.
        predicted: the reductions ``-m(s)`` of the model, [k].
    """

    steps: Tensor
    lambdas: Tensor
    predicted: Tensor


def secular_many(gt: Tensor, eigenvalues: Tensor, radii: Tensor) -> SecularSteps:
    """Solve the subproblem exactly for many radii at once, in some ten Newton iterations on arrays [k, n].

    Args:
        gt: the gradient in the eigenbasis, ``eigenvectors.T @ g``, [n].
        eigenvalues: of the model, in any order and of any sign, [n].
        radii: the trust-region radii, [k].

    Returns:
        The steps; where the numbers are not finite they are 0 with NaN predicted.
    """
    eps = torch.finfo(gt.dtype).eps
    radii = radii.to(gt)
    size = gt.abs().amax()
    if size == 0:
        return SecularSteps(
            gt.new_zeros(len(radii), len(gt)), torch.zeros_like(radii), torch.zeros_like(radii)
        )

    noise = (len(gt) + 10) * eps
    floor = noise * eigenvalues.abs().amax()
    lowest = eigenvalues.amin()
    shift = torch.where(lowest < -floor, lowest, torch.zeros_like(lowest))
    d = (eigenvalues - shift).clamp(min=0)
    # In units of size for the gradient and of the radius for the step, so that nothing under- or overflows.
    G = gt.abs() / size
    negligible = torch.where((shift == 0) & (d <= floor), noise * G.norm(), eps**4)
    G = torch.where(negligible >= G, torch.zeros_like(G), G)
    D = d * (radii / size)[:, None]

    def step(mu: Tensor) -> Tensor:
        return torch.where(G == 0, 0.0, G / (D + mu[:, None]))

    s = step(torch.zeros_like(radii))
    norm = s.norm(dim=1)
    inside = norm <= 1
    # The component that fills a hard case is zero here: it is in the lowest eigenspace, where d = 0.
    fill = torch.where(inside & (shift < 0), ((1 - norm) * (1 + norm)).clamp(min=0).sqrt(), 0.0)
    mu = torch.where(inside, 0.0, (G - D).amax(dim=1).clamp(min=0))
    low, high = mu, G.norm().expand_as(mu)
    finite = torch.isfinite(D).all(dim=1) & torch.isfinite(floor) & torch.isfinite(size)
    done = inside | ~finite
    for _ in range(200):
        if bool(done.all()):
            break
        w = step(mu)
        norm = w.norm(dim=1)
        low = torch.where(norm > 1, mu, low)
        high = torch.where(norm < 1, mu, high)
        slope = torch.where(G == 0, 0.0, w * w / (D + mu[:, None])).sum(dim=1)
        newton = mu + (norm - 1) * norm * norm / slope
        middle = torch.where(low > 0, (low * high).sqrt(), high / 2)
        done = done | ((norm - 1).abs() <= 4 * eps) | ((newton - mu).abs() <= 2 * eps * mu)
        following = torch.where((newton >= low) & (newton <= high), newton, middle)
        mu = torch.where(done, mu, following)
    s = torch.where(inside[:, None], s, step(mu))
    s = s / s.norm(dim=1, keepdim=True).clamp(min=1)  # the last rounding error

    lambdas = mu * (size / radii) - shift
    multiplier = lambdas * radii / size
    predicted = radii * size * ((G * s).sum(dim=1) + multiplier * ((s * s).sum(dim=1) + fill * fill)) / 2
    steps = -torch.sign(gt) * s
    steps[:, eigenvalues.argmin()] += fill
    steps = steps * radii[:, None]
    good = finite & torch.isfinite(predicted) & torch.isfinite(steps).all(dim=1)
    steps = torch.where(good[:, None], steps, 0.0)
    return SecularSteps(steps, lambdas, torch.where(good, predicted, float("nan")))


def secular(g: Tensor, eigenvalues: Tensor, eigenvectors: Tensor, radius: float) -> Step:
    """Return the exact step for a dense model, given its eigendecomposition.

    Args:
        g: the gradient, [n], whole.
        eigenvalues: of ``B``, [n].
        eigenvectors: of ``B``, in columns, [n, n].
        radius: the trust-region radius.
    """
    steps, lambdas, predicted = secular_many(eigenvectors.T @ g, eigenvalues, g.new_tensor([radius]))
    s = eigenvectors @ steps[0]
    return _step(s, float(predicted[0]), bool(lambdas[0] > 0), float(steps[0].norm()))
