"""Points around a domain, and the gradient of its distance, for every test of geometry."""

from __future__ import annotations

import torch
from torch import Tensor

from draws import rng
from sapts_pinn.geometry import Domain


def around(domain: Domain, n: int, seed: int = 0) -> Tensor:
    """Points in a box somewhat larger than the domain."""
    lower, upper = domain.bounds
    u = torch.rand(n, domain.dim, generator=rng(seed), dtype=torch.float64)
    return lower + (upper - lower) * (1.6 * u - 0.3)


def gradient(domain: Domain, points: Tensor) -> Tensor:
    """Gradient of the distance, by autograd."""
    x = points.clone().requires_grad_()
    (g,) = torch.autograd.grad(domain.distance(x).sum(), x)
    return g
