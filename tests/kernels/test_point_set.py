"""Points laid out for the kernels: any number of them, chosen rows, tapes, several networks."""

import copy
from itertools import accumulate, pairwise

import pytest
import torch
from torch import nn

from draws import randn, rng
from kernel_cases import CHANNELS, Case, assert_close, compare, compiled
from sapts_pinn.derivatives.taylor import propagate
from sapts_pinn.kernels import CompiledNetwork, JoinedPointSet
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP

BLOCK = 32  # points, in float64


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
def test_gates_need_no_tape_for_the_value():
    case = Case(ModifiedMLP((2, 5, 5, 1)), [(0, 0)], 70)
    out = case.points.forward(case.theta)
    assert torch.equal(out, case.points.forward(case.theta, keep=False))
    assert torch.equal(case.points.forward(case.theta), out)


@compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_networks_side_by_side_are_the_networks_one_by_one(threads):
    """Outputs in an order of their own; the parameters follow each other."""
    cases = [Case(net, [(0, 0), (1,)], BLOCK + 5, threads) for net in (MLP((2, 5, 2)), MLP((2, 4, 3, 1)))]
    order = [2, 0, 1]
    joined = JoinedPointSet([case.points for case in cases], order)
    theta = torch.cat([case.theta for case in cases])
    coefficient = torch.ones(1, dtype=theta.dtype)  # behind the networks' own parameters: not theirs
    outs = torch.cat([case.points.forward(case.theta) for case in cases], 1)
    assert torch.equal(joined.forward(torch.cat([theta, coefficient])), outs[:, order])
    bar = randn(*outs.shape, seed=3)
    back = torch.empty_like(bar)
    back[:, order] = bar
    bars = [back[:, :2].contiguous(), back[:, 2:].contiguous()]
    pairs = list(zip(cases, bars, strict=True))
    assert torch.equal(
        joined.reverse(theta, bar), torch.cat([c.points.reverse(c.theta, b) for c, b in pairs])
    )
    J = torch.cat([c.points.jacobian(c.theta, b) for c, b in pairs])
    assert torch.equal(joined.jacobian(theta, bar), J)
    chosen = torch.randperm(len(theta), generator=rng())[:9]
    assert torch.equal(joined.jacobian(theta, bar, chosen), J[chosen])
    joined.release()
    with pytest.raises(RuntimeError, match="without a forward pass"):
        joined.reverse(theta, bar)


def stages_of(net, wanted, n, counts, dtype=torch.float64, threads=1):
    """A case, what PyTorch finds between the stages of its network, and the points of the stages."""
    case = Case(net, wanted, n, threads, dtype)
    layers = [layer for layer in net if not isinstance(layer, nn.Identity)]
    jets, jet, taken = [], case.inputs, 0
    places = [*accumulate(counts)][:-1]
    stages, own = [], []
    for i, layer in enumerate(layers):
        own.append(layer)
        taken += isinstance(layer, nn.Linear)
        ends = i + 1 < len(layers) and isinstance(layers[i + 1], nn.Linear) and taken in places
        if ends or i + 1 == len(layers):
            jet = propagate(nn.Sequential(*own), jet, case.channels)
            jets.append(jet)
            stages.append(own)
            own = []
    bars = torch.autograd.grad((jet.transpose(1, 2) * case.cotangent).sum(), jets[:-1])
    layout = case.points.kernel.layout
    kernels = [CompiledNetwork(part, case.channels, dtype, threads) for part in layout.stages(counts)]
    return case, stages, [jet.detach() for jet in jets], bars, places, kernels


def unpacked(laid_out, n):
    """[blocks, C, W, block] as [C, n, W]."""
    return laid_out.permute(1, 0, 3, 2).flatten(1, 2)[:, :n]


@compiled
@pytest.mark.parametrize("name", ["value", "heat", "fourth"])
@pytest.mark.parametrize("counts", [(1, 1, 1, 1), (2, 2), (1, 3), (3, 1)])
@pytest.mark.parametrize(("n", "threads"), [(BLOCK + 3, 1), (10 * BLOCK, 2)])
def test_what_goes_through_a_network_is_that_of_autograd(name, counts, n, threads):
    activations = nn.Tanh(), nn.GELU(), nn.Identity()
    widths = (2, 7, 5, 4, 2)
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    net = nn.Sequential(*(x for pair in zip(layers, activations, strict=False) for x in pair), layers[-1])
    case, stages, jets, bars, places, kernels = stages_of(net, CHANNELS[name], n, counts, threads=threads)
    case.points.forward(case.theta)
    cuts = case.points.cut(case.theta, case.cotangent, places)
    for cut, jet, bar in zip(cuts, jets, bars, strict=False):
        assert_close(unpacked(cut.jets, n), jet)
        assert_close(unpacked(cut.cotangents, n), bar)
        assert_close(cut.products[:n], (jet * bar).sum((0, 2)))
    around, start = [None, *cuts, None], 0
    for s, (kernel, own) in enumerate(zip(kernels, stages, strict=True)):
        part = case.points.part(kernel, around[s], around[s + 1])
        theta = case.theta[start : start + kernel.parameters] * 1.1
        start += kernel.parameters
        moved = drawn_at(own, theta)
        out = propagate(moved, case.inputs if s == 0 else jets[s - 1], case.channels)
        found = part.forward(theta)
        if s == len(kernels) - 1:
            assert_close(found, out.detach().transpose(1, 2))
            weights, scalar = case.cotangent, (out.transpose(1, 2) * case.cotangent).sum()
        else:
            weights, products = randn(n, seed=5), (out * bars[s]).sum((0, 2))
            assert_close(found, products.detach())
            scalar = (products * weights).sum()
        exact = torch.cat([g.reshape(-1) for g in torch.autograd.grad(scalar, [*moved.parameters()])])
        assert_close(part.reverse(theta, weights), exact)
        assert_close(part.jacobian(theta, weights).sum(1), exact)


def drawn_at(layers, theta):
    """Copies of layers with parameters theta."""
    moved = copy.deepcopy(nn.Sequential(*layers))
    nn.utils.vector_to_parameters(theta, moved.parameters())
    return moved


@compiled
def test_cuts_use_their_memory_again_and_need_a_tape():
    case = Case(MLP((2, 5, 3, 2)), [(0, 0)], BLOCK)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.points.cut(case.theta, case.cotangent, [1])
    case.points.forward(case.theta)
    (first,) = case.points.cut(case.theta, case.cotangent, [1])
    before = first.cotangents.clone()
    one, two = case.points.cut(case.theta, 2 * case.cotangent, [1, 2])
    assert one is first and torch.equal(one.cotangents, 2 * before)
    assert two.jets.shape[2] == 3


@compiled
def test_networks_without_cuts_refuse_them():
    gated = Case(ModifiedMLP((2, 4, 4, 2)), [(0, 0)], BLOCK)
    gated.points.forward(gated.theta)
    joined = JoinedPointSet([gated.points], [0, 1])
    for points, reason in ((gated.points, "gates"), (joined, "side by side")):
        with pytest.raises(ValueError, match=reason):
            points.cut(gated.theta, gated.cotangent, [1])
    with pytest.raises(ValueError, match="side by side"):
        joined.part(gated.points.kernel, None, None)
