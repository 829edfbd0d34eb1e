"""Functions with a kink or a jump, and what the heat and the Laplace equation make of them, in closed form.

e_p(y) = sgn(y) y^p / (2 p!) is the function whose derivative of order p jumps by one at 0 (`step`).  On a
circle of length L it has a periodic companion E_p(y) = -L^p B_(p+1)(y / L) / (p + 1)! on (0, L), with the
Bernoulli polynomials (Abramowitz and Stegun, Handbook of Mathematical Functions, 23.1), whose other
derivatives are continuous, E_p - e_p being a polynomial for |y| <= L / 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

CALM = 12.0  # in units of sqrt(tau): beyond it the heat kernel is below rounding
MOST_IMAGES = 8  # to either side of the circle


def step(y: Tensor, p: int) -> Tensor:
    """Function e_p(y), whose derivative of order p jumps by one at 0."""
    return torch.sign(y) * y**p / (2 * math.factorial(p))


def diffused(y: Tensor, tau: Tensor, p: int) -> Tensor:
    """The solution of u_tau = u_yy from e_p at tau = 0, for p up to 3."""
    positive = tau > 0
    safe = torch.where(positive, tau, 1.0)
    error = torch.erf(y / (2 * safe.sqrt()))
    bell = (safe / math.pi).sqrt() * torch.exp(-(y**2) / (4 * safe))
    if p == 0:
        value = error / 2
    elif p == 1:
        value = y * error / 2 + bell
    elif p == 2:
        value = ((y**2 / 2 + safe) * error + y * bell) / 2
    else:
        value = ((y**3 / 6 + y * safe) * error + (y**2 + 4 * safe) * bell / 3) / 2
    return torch.where(positive, value, step(y, p))


def harmonic(y: Tensor, s: Tensor, p: int) -> Tensor:
    """The harmonic function of the half plane s > 0 with the values e_p on s = 0, for p up to 2."""
    angle = torch.atan2(y, s)
    log = 0.5 * torch.log((y**2 + s**2).clamp_min(1e-300))
    if p == 0:
        return angle / math.pi
    if p == 1:
        return (y * angle - s * (log - 1)) / math.pi
    return ((y**2 - s**2) / 2 * angle - y * s * (log - 1.5)) / math.pi


def diffused_on_circle(length: float, longest: float, p: int) -> Callable[[Tensor, Tensor], Tensor] | None:
    """The solution of u_tau = u_yy from E_p on a circle; None where it has long been flat.

    Args:
        length: Of the circle.
        longest: The largest tau asked for.
        p: Order of the derivative that jumps at tau = 0, up to 3.

    Returns:
        Function of y in [-length / 2, length / 2] and tau >= 0, both [N]; smooth for tau > 0, also where
        y goes from one end to the other.  None where tau comes to half of the squared length.
    """
    images = math.ceil(max(CALM * math.sqrt(longest) / length - 0.5, 0.0))
    if images > MOST_IMAGES:
        return None
    own = [p - 2 * j for j in range((p + 1) // 2 + 1)]  # what tau^j / j! is a factor of
    near = [k for n in range(1, images + 1) for k in (-n, n)]

    def function(y: Tensor, tau: Tensor) -> Tensor:
        value = diffused(y, tau, p)
        for j, q in enumerate(own):
            value = value + tau**j / math.factorial(j) * _periodic_rest(y, length, q)
        for n in near:  # kinks of the neighbouring periods, less what they are far away
            z = y + n * length
            far = [tau**j / math.factorial(j) * step(z, q) for j, q in enumerate(own) if q >= 0]
            value = value + diffused(z, tau, p) - torch.stack(far).sum(0)
        return value

    return function


def _periodic_rest(y: Tensor, length: float, p: int) -> Tensor | float:
    """The polynomial E_p - e_p on |y| <= length / 2; e_(-1) is zero there."""
    if p == -1:
        return -1 / length
    if p == 0:
        return -y / length
    if p == 1:
        return -(y**2) / (2 * length) - length / 12
    if p == 2:
        return -(y**3) / (6 * length) - y * length / 12
    return -(y**4) / (24 * length) - y**2 * length / 24 + length**3 / 720
