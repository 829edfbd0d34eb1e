"""Points laid out for the kernels: any number of them, chosen rows, tapes, several networks."""

import pytest
import torch

from draws import randn, rng
from kernel_cases import CHANNELS, Case, assert_close, compare, compiled
from sapts_pinn.derivatives.taylor import propagate
from sapts_pinn.kernels import JoinedPointSet
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
