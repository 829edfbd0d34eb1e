"""The compiled kernels against the PyTorch path."""

import math

import pytest
import torch
from torch import nn

from kernel_cases import CHANNELS, Case, compare, compiled
from sapts_pinn.derivatives.taylor import Channels, propagate
from sapts_pinn.kernels import CompiledNetwork, Layout, SinglePointSet
from sapts_pinn.networks.layout import layout_of
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("wanted", CHANNELS)
def test_every_activation_and_channel_set(activation, wanted):
    dimensions = 1 + max((i for index in CHANNELS[wanted] for i in index), default=0)
    compare(Case(MLP((dimensions, 6, 5, 2), activation), CHANNELS[wanted], 40))


@compiled
@pytest.mark.parametrize(
    "widths",
    [
        (1, 1),
        (2, 3),
        (1, 1, 1),
        (2, 3, 1),
        (3, 5, 5, 2),
        (2, 17, 1),
        (1, 17, 3, 5, 1),
        (5, 4, 8, 12, 4),
        (9, 2, 9),
    ],
)
def test_widths(widths):
    compare(Case(MLP(widths), [(0, 0)], 45))


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_single_precision(activation):
    case = Case(MLP((2, 6, 5, 1), activation), [(0, 0), (1,)], 100, dtype=torch.float32)
    assert case.points.kernel.dtype == torch.float32
    compare(case, 2e-5)


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [0, 4, 8, -1])
def test_what_is_not_finite_stays_so(activation, bad, where):
    """Wherever PyTorch's result is not finite, the kernel's is not; a NaN always shows."""
    case = Case(MLP((2, 3, 3, 1), activation), [(0, 0)], 40)
    case.theta[where] = bad
    at = 0
    with torch.no_grad():
        for p in case.net.parameters():
            p.copy_(case.theta[at : at + p.numel()].view_as(p))
            at += p.numel()
    out = propagate(case.net, case.inputs, case.channels).transpose(1, 2)
    found = case.points.forward(case.theta)
    assert bool(torch.isfinite(found).all()) == bool(torch.isfinite(out).all())
    if math.isnan(bad):
        assert not torch.isfinite(found[0]).any()


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_saturated_units_stay_finite(activation, dtype):
    case = Case(MLP((1, 4, 1), activation), [(0, 0, 0, 0)], 64, dtype=dtype)
    jet = torch.zeros(5, 64, 1, dtype=torch.float64)
    jet[0, :, 0] = torch.linspace(-1, 1, 64, dtype=torch.float64)
    jet[1] = 1
    case.inputs, case.points = jet, SinglePointSet(case.points.kernel, jet)
    with torch.no_grad():
        case.net[0].weight.fill_(1e3)
        case.net[0].bias.zero_()
    case.theta[:4], case.theta[4:8] = 1e3, 0.0
    for found in case.found():
        assert torch.isfinite(found).all()
    if dtype == torch.float64:
        for order, (found, exact) in enumerate(zip(case.found()[0], case.exact()[0], strict=True)):
            assert float((found - exact).abs().max()) <= 1e-14 * 1e3 ** max(order, 1)


@compiled
def test_what_the_kernel_cannot_do_is_refused():
    layout, channels = Layout((1, 2, 1), ("tanh",)), Channels([(0,) * 5])
    assert CompiledNetwork.refusal(layout, 4, torch.float64) is None
    assert "activation relu" in (
        CompiledNetwork.refusal(Layout((1, 2, 1), ("relu",)), 2, torch.float64) or ""
    )
    assert "up to order 4, not 5" in (CompiledNetwork.refusal(layout, 5, torch.float64) or "")
    assert "not bfloat16" in (CompiledNetwork.refusal(layout, 2, torch.bfloat16) or "")
    with pytest.raises(ValueError, match="not available: the kernel has derivatives up to order 4, not 5"):
        CompiledNetwork(layout, channels, torch.float64, 1)


# -- other architectures -----------------------------------------------------------------------------------


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("wanted", CHANNELS)
def test_gates_with_every_activation_and_channel_set(activation, wanted):
    dimensions = 1 + max((i for index in CHANNELS[wanted] for i in index), default=0)
    compare(Case(ModifiedMLP((dimensions, 5, 5, 5, 2), activation), CHANNELS[wanted], 40))


@compiled
@pytest.mark.parametrize(
    "widths", [(1, 1, 1), (2, 3, 1), (3, 17, 17, 2), (2, 4, 4, 4, 4, 4), (9, 2, 9), (1, 8, 8, 8, 8, 1)]
)
def test_widths_between_gates(widths):
    compare(Case(ModifiedMLP(widths), [(0, 0)], 45))


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_gates_in_single_precision(activation):
    compare(Case(ModifiedMLP((2, 6, 6, 1), activation), [(0, 0), (1,)], 100, dtype=torch.float32), 2e-5)


@compiled
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [0, 9, 20, -1])
def test_what_is_not_finite_stays_so_through_gates(bad, where):
    case = Case(ModifiedMLP((2, 3, 3, 1)), [(0, 0)], 40)
    case.theta[where] = bad
    torch.nn.utils.vector_to_parameters(case.theta, case.net.parameters())
    out = propagate(case.net, case.inputs, case.channels)
    found = case.points.forward(case.theta)
    assert bool(torch.isfinite(found).all()) == bool(torch.isfinite(out).all())


SEQUENTIALS = {
    "plain": lambda: nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(2, 5), nn.SiLU()), nn.Sequential(nn.Sequential(nn.Linear(5, 4), nn.SiLU())),
        nn.Linear(4, 3),
    ),
    "several activations": lambda: nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 5), nn.GELU(), nn.Identity(), nn.Linear(5, 2)
    ),
    "no activation": lambda: nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 6), nn.Softplus(), nn.Linear(6, 2)),
    "affine": lambda: nn.Linear(2, 3),
}  # fmt: skip


@compiled
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", SEQUENTIALS)
def test_sequentials(name, threads):
    compare(Case(SEQUENTIALS[name](), CHANNELS["heat"], 300, threads))


@compiled
def test_one_activation_in_several_places():
    tanh = nn.Tanh()
    net = nn.Sequential(nn.Linear(2, 4), tanh, nn.Linear(4, 4), tanh, nn.Linear(4, 1))
    assert layout_of(net) == Layout((2, 4, 4, 1), ("tanh", "tanh"))
    compare(Case(net, CHANNELS["third"], 33))
