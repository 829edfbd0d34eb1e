"""Derivatives s, s', s'', ... of the activation functions, to any order."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

Derivatives = Callable[[Tensor, int], list[Tensor]]


# -- activations: s, s', s'', ... at z -------------------------------------------------------------------


def _tanh(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of tanh: a' = 1 - a^2, and by Leibniz a^(n+1) = -sum_k C(n, k) a^(k) a^(n-k)."""
    a = torch.tanh(z)
    out = [a, 1 - a * a]
    for n in range(1, order):
        out.append(-_leibniz_square(out, n))
    return out


def _leibniz_square(d: list[Tensor], n: int) -> Tensor:
    """Compute the n-th derivative of the square of a function with derivatives d."""
    total = torch.zeros_like(d[0])
    for k in range(n // 2 + 1):
        factor = math.comb(n, k) * (1 if 2 * k == n else 2)
        total = total + factor * (d[k] * d[n - k])
    return total


def _sigmoid(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of the sigmoid by s' = s - s^2."""
    out = [torch.sigmoid(z)]
    for n in range(order):
        out.append(out[n] - _leibniz_square(out, n))
    return out


def _times_argument(z: Tensor, s: list[Tensor], order: int) -> list[Tensor]:
    """Derivatives of z s(z): z s^(n) + n s^(n-1)."""
    return [z * s[0]] + [z * s[n] + n * s[n - 1] for n in range(1, order + 1)]


def _silu(z: Tensor, order: int) -> list[Tensor]:
    return _times_argument(z, _sigmoid(z, order), order)


def _softplus(z: Tensor, order: int) -> list[Tensor]:
    # Without the threshold of nn.Softplus, 2e-9 off beyond it: a value must fit its derivatives.
    return [torch.logaddexp(z, torch.zeros_like(z)), *_sigmoid(z, max(order - 1, 0))][: order + 1]


def _gelu(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of GELU, z Phi(z), by Phi' = phi and phi^(n+1) = -z phi^(n) - n phi^(n-1)."""
    gauss = [0.5 * (1 + torch.erf(z / math.sqrt(2))), torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)]
    for n in range(1, order):
        gauss.append(-z * gauss[n] - ((n - 1) * gauss[n - 1] if n > 1 else 0))
    return _times_argument(z, gauss, order)


def sine(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of sin(z) up to an order."""
    s, c = torch.sin(z), torch.cos(z)
    return [(s, c, -s, -c)[n % 4] for n in range(order + 1)]


def cosine(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of cos(z) up to an order."""
    return [*sine(z, order + 1)[1:]]


def exponential(z: Tensor, order: int) -> list[Tensor]:
    """Derivatives of exp(z) up to an order."""
    return [torch.exp(z)] * (order + 1)


class Sine(nn.Module):
    """sin(z), elementwise."""

    def forward(self, z: Tensor) -> Tensor:
        """Apply to any shape."""
        return torch.sin(z)


ACTIVATIONS: dict[type[nn.Module], Derivatives] = {
    nn.Tanh: _tanh,
    Sine: sine,
    nn.SiLU: _silu,
    nn.GELU: _gelu,
    nn.Softplus: _softplus,
    nn.Sigmoid: _sigmoid,
}
