"""Nested reverse-mode differentiation, an oracle for Taylor propagation."""

import torch
from torch import Tensor, nn

from sapts_pinn.derivatives.taylor import Channels


def nested(function, x: Tensor, index: tuple[int, ...]) -> Tensor:
    """The oracle: one reverse pass after the other, [N] or [N, m]."""
    x = x.clone().requires_grad_()
    columns = function(x)
    columns = [columns] if columns.ndim == 1 else list(columns.unbind(1))
    for axis in index:
        columns = [
            torch.autograd.grad(c.sum(), x, create_graph=True, materialize_grads=True)[0][:, axis]
            if c.requires_grad
            else torch.zeros_like(c)
            for c in columns
        ]
    return torch.stack(columns, 1)


def seed(x: Tensor, channels: Channels) -> Tensor:
    """The jet of the coordinates themselves."""
    jet = x.new_zeros(len(channels), *x.shape)
    jet[0] = x
    for axis in range(x.shape[1]):
        if (axis,) in channels.position:
            jet[channels.position[axis,], :, axis] = 1
    return jet


def randomise(module: nn.Module, seed: int = 1) -> nn.Module:
    """Weights of order 1, biases included: all orders of all channels matter."""
    module = module.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(0.7 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return module


def assert_close(found: Tensor, exact: Tensor, tolerance: float = 1e-12) -> None:
    assert found.shape == exact.shape
    found, exact = found.detach(), exact.detach()
    assert float((found - exact).abs().max()) <= tolerance * max(1.0, float(exact.abs().max()))
