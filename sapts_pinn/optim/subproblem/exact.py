"""The exact trust-region step from an eigendecomposition, by the secular equation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .step import Step, _step


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
