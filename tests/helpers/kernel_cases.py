"""Networks with random weights, and both ways to differentiate them: compiled and in PyTorch."""

from itertools import combinations_with_replacement

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.derivatives.taylor import Channels, propagate
from sapts_pinn.kernels import CompiledNetwork, SinglePointSet, load
from sapts_pinn.networks.layout import layout_of

compiled = pytest.mark.skipif(load() is None, reason="no C compiler on this machine")

ALL = [i for k in range(5) for i in combinations_with_replacement(range(2), k)]
CHANNELS = {
    "value": [()],
    "gradient": [(0,), (1,)],
    "heat": [(0, 0), (1,)],
    "mixed": [(0, 1), (2, 2)],
    "third": [(0, 0, 1), (1, 1, 1)],
    "fourth": [(0, 0, 1, 1)],
    "all": ALL,
}


def drawn(net: nn.Module, scale: float = 0.6) -> nn.Module:
    """The network with random parameters in double precision."""
    net = net.double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(scale * randn(*p.shape, seed=i))
    return net


class Case:
    """A network, its inputs and cotangents, and both ways to differentiate it."""

    def __init__(self, net, wanted, n, threads=1, dtype=torch.float64) -> None:
        self.net = drawn(net)
        layout = layout_of(self.net)
        self.channels = Channels(wanted)
        inputs = randn(len(self.channels), n, layout.widths[0], seed=77)  # any jet, no mere coordinates
        self.inputs = inputs
        self.cotangent = randn(len(self.channels), layout.widths[-1], n, seed=78)
        self.theta = torch.cat([p.detach().reshape(-1) for p in self.net.parameters()]).to(dtype)
        self.points = SinglePointSet(CompiledNetwork(layout, self.channels, dtype, threads), inputs)

    def exact(self) -> tuple[Tensor, Tensor]:
        out = propagate(self.net, self.inputs, self.channels).transpose(1, 2)
        grads = torch.autograd.grad((out * self.cotangent).sum(), list(self.net.parameters()))
        return out.detach(), torch.cat([g.reshape(-1) for g in grads])

    def found(self) -> tuple[Tensor, Tensor, Tensor]:
        out = self.points.forward(self.theta)
        cotangent = self.cotangent.to(out)
        return out, self.points.reverse(self.theta, cotangent), self.points.jacobian(self.theta, cotangent)


def assert_close(found: Tensor, exact: Tensor, tolerance: float = 1e-12) -> None:
    assert found.shape == exact.shape
    assert float((found.double() - exact).abs().max()) <= tolerance * max(1.0, float(exact.abs().max()))


def compare(case: Case, tolerance: float = 1e-12) -> None:
    out, gradient = case.exact()
    value, reverse, jacobian = case.found()
    assert_close(value, out, tolerance)
    assert_close(reverse, gradient, tolerance)
    assert_close(jacobian.sum(1), gradient, tolerance)
