"""The compiled kernels against the PyTorch path."""

import math
from itertools import combinations_with_replacement

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.derivatives.taylor import Channels, propagate
from sapts_pinn.kernels import CompiledNetwork, Layout, SinglePointSet, load
from sapts_pinn.networks.layout import layout_of
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP

compiled = pytest.mark.skipif(load() is None, reason="no C compiler on this machine")
BLOCK = 32  # points, in float64

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
@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 400])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_point_counts_and_threads(n, threads):
    compare(Case(MLP((2, 7, 5, 1)), [(0, 0), (1,)], n, threads))


@compiled
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_jacobian_column_by_column(activation):
    case = Case(MLP((2, 5, 3, 2), activation), CHANNELS["third"], BLOCK + 2)
    *_, jacobian = case.found()
    for point in (0, 5, BLOCK - 1, BLOCK, BLOCK + 1):
        only = torch.zeros_like(case.cotangent)
        only[:, :, point] = case.cotangent[:, :, point]
        out = propagate(case.net, case.inputs, case.channels).transpose(1, 2)
        grads = torch.autograd.grad((out * only).sum(), list(case.net.parameters()))
        assert_close(jacobian[:, point], torch.cat([g.reshape(-1) for g in grads]))


@compiled
@pytest.mark.parametrize("net", [MLP((1, 1)), MLP((2, 5, 3, 2)), ModifiedMLP((2, 4, 4, 4, 2))])
def test_chosen_rows_of_the_jacobian_are_those_of_all(net):
    case = Case(net, [(0, 0)], BLOCK + 2, threads=2)
    *_, jacobian = case.found()
    n, sizes = len(case.theta), [p.numel() for p in case.net.parameters()]
    first, last = sum(sizes[:2]), n - sum(sizes[-2:])
    middle = range(first, last)
    for indices in (
        range(n),
        range(first),
        middle,
        range(last, n),
        [n - 1],
        [n - 1, 0],
        [0],
        [],
        range(0, n, 2),
    ):
        chosen = torch.tensor([*indices], dtype=torch.long)
        found = case.points.jacobian(case.theta, case.cotangent, chosen)
        assert torch.equal(found, jacobian[chosen])
    gates = sum(sizes[:4])  # of the modified MLP
    for start in range(gates, n):
        chosen = torch.arange(start, n)
        assert torch.equal(case.points.jacobian(case.theta, case.cotangent, chosen), jacobian[start:])


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
def test_reverse_needs_a_tape_and_release_frees_it():
    case = Case(MLP((2, 3, 1)), [()], 10)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.points.reverse(case.theta, case.cotangent)
    case.points.forward(case.theta, keep=False)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.points.reverse(case.theta, case.cotangent)
    out = case.points.forward(case.theta)
    assert torch.equal(out, case.points.forward(case.theta, keep=False))
    case.points.release()
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.points.jacobian(case.theta, case.cotangent)


@compiled
def test_results_are_reproducible_and_not_overwritten():
    case = Case(MLP((2, 5, 1)), [(0, 0)], 300, threads=2)
    first = [t.clone() for t in case.found()]
    out = case.points.forward(case.theta)
    case.points.forward(2 * case.theta)
    assert torch.equal(out, first[0])
    for a, b in zip(first, case.found(), strict=True):
        assert torch.equal(a, b)


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
@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 400])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_point_counts_and_threads_with_gates(n, threads):
    compare(Case(ModifiedMLP((2, 7, 7, 1)), [(0, 0), (1,)], n, threads))


@compiled
def test_gates_column_by_column():
    case = Case(ModifiedMLP((2, 5, 5, 2), "sin"), CHANNELS["third"], BLOCK + 2)
    *_, jacobian = case.found()
    for point in (0, 5, BLOCK - 1, BLOCK, BLOCK + 1):
        only = torch.zeros_like(case.cotangent)
        only[:, :, point] = case.cotangent[:, :, point]
        out = propagate(case.net, case.inputs, case.channels).transpose(1, 2)
        grads = torch.autograd.grad((out * only).sum(), list(case.net.parameters()))
        assert_close(jacobian[:, point], torch.cat([g.reshape(-1) for g in grads]))


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_gates_in_single_precision(activation):
    compare(Case(ModifiedMLP((2, 6, 6, 1), activation), [(0, 0), (1,)], 100, dtype=torch.float32), 2e-5)


@compiled
def test_gates_need_no_tape_for_the_value():
    case = Case(ModifiedMLP((2, 5, 5, 1)), [(0, 0)], 70)
    out = case.points.forward(case.theta)
    assert torch.equal(out, case.points.forward(case.theta, keep=False))
    assert torch.equal(case.points.forward(case.theta), out)


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
