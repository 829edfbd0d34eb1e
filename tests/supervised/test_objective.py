"""A network's loss on samples: sums over parts, the Gauss-Newton matrix, what is drawn on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, hessian, jacrev
from torch.utils.data import DataLoader, TensorDataset

from sapts_pinn.objectives.base import ResidualEvaluation
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.partition import data_parts
from sapts_pinn.optim import SAPTS, Sweep, TrustRegion
from sapts_pinn.supervised import Supervised
from sapts_pinn.supervised.models import GPT, SmallCNN

torch.manual_seed(0)


def perceptron(outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, outputs)).double()


def samples(count: int = 30, outputs: int = 3) -> tuple[Tensor, Tensor]:
    random = Generator().manual_seed(1)
    x = torch.randn(count, 4, generator=random, dtype=torch.float64)
    return x, torch.randint(outputs, (count,), generator=random)


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().mean()


def classes() -> Supervised:
    return Supervised(perceptron(), *samples())


def values() -> Supervised:
    x, _ = samples()
    return Supervised(perceptron(2), x, torch.sin(x[:, :2]), "mse")


def characters() -> Supervised:
    torch.manual_seed(0)
    net = GPT(characters=5, length=4, width=4, blocks=1, heads=2).double()
    text = torch.randint(5, (5, 5), generator=Generator().manual_seed(2))
    return Supervised(net, text[:, :-1], text[:, 1:])


KINDS = {"classes": classes, "values": values, "characters": characters}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [3, 1000])
def test_value_and_gradient_are_those_of_the_mean_loss(kind: str, chunk: int) -> None:
    objective = KINDS[kind]()
    objective.chunk = chunk
    loss = objective.loss(objective.module(objective.inputs), objective.targets)
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, objective.parameters)])
    value, gradient = objective.value_and_grad()
    assert value == pytest.approx(float(loss.detach()), rel=1e-13) == objective.value()
    assert torch.allclose(gradient, expected, rtol=1e-11, atol=1e-13)
    assert objective.last_terms == {"loss": value}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", [2, 3])
def test_parts_add_up(kind: str, parts: int) -> None:
    objective = KINDS[kind]()
    value, gradient = objective.value_and_grad()
    cut = data_parts(objective.sites, parts, "random", Generator().manual_seed(0), ()).owned
    pieces = [objective.restrict(part) for part in cut]
    found = [piece.value_and_grad() for piece in pieces]
    assert sum(v for v, _ in found) == pytest.approx(value, rel=1e-13)
    assert torch.allclose(torch.stack([g for _, g in found]).sum(0), gradient, rtol=1e-10, atol=1e-13)
    assert sum(piece.share for piece in pieces) == pytest.approx(1.0)
    # a sample of the samples estimates the whole, and so do parts of it, added up
    sample = objective.restrict(cut[0], estimate=True)
    direct = objective.loss(objective.module(sample.inputs[sample.index]), sample.targets[sample.index])
    assert sample.value() == pytest.approx(float(direct.detach()), rel=1e-13)
    again = data_parts(sample.sites, 2, "interleaved", Generator().manual_seed(0), ()).owned
    assert sum(sample.restrict(half).value() for half in again) == pytest.approx(sample.value(), rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [3, 1000])
def test_curvature_is_the_generalised_gauss_newton_matrix(kind: str, chunk: int) -> None:
    """Against J^T H J sample by sample, H by automatic differentiation of the loss."""
    objective = KINDS[kind]()
    objective.chunk = chunk
    names = [name for name, _ in objective.module.named_parameters()]
    weights = {name: p.detach() for name, p in objective.module.named_parameters()}
    size = gather(objective.parameters).numel()
    expected = torch.zeros(size, size, dtype=torch.float64)
    for x, y in zip(objective.inputs, objective.targets, strict=True):

        def output(weights: dict[str, Tensor], x: Tensor = x) -> Tensor:
            return functional_call(objective.module, weights, (x[None],)).reshape(-1)

        def loss(out: Tensor, y: Tensor = y) -> Tensor:
            shaped = out.view(1, *y.shape, -1) if objective.kind == "cross-entropy" else out.view(1, -1)
            return objective.loss(shaped, y[None])

        slopes = jacrev(output)(weights)
        J = torch.cat([slopes[name].reshape(len(output(weights)), -1) for name in names], 1)
        expected += J.T @ hessian(loss)(output(weights)) @ J / len(objective.inputs)
    evaluation = objective.evaluate()
    assert isinstance(evaluation, ResidualEvaluation)
    found = evaluation.jacobian()
    assert torch.allclose(found.T @ found, expected, rtol=1e-9, atol=1e-12)
    v = torch.randn(len(expected), generator=Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(evaluation.gram_product(v), expected @ v, rtol=1e-9, atol=1e-12)
    # also when the parameters have moved on
    scatter_(objective.parameters, gather(objective.parameters) + 1.0)
    assert torch.allclose(evaluation.gram_product(v), expected @ v, rtol=1e-9, atol=1e-12)


def test_a_loss_of_ones_own_has_no_such_curvature() -> None:
    x, _ = samples()
    objective = Supervised(perceptron(2), x, torch.sin(x[:, :2]), squares)
    assert not isinstance(objective.evaluate(), ResidualEvaluation)
    assert objective.value() == pytest.approx(values().value(), rel=1e-14)
    with pytest.raises(TypeError, match="Gauss-Newton needs a least-squares objective"):
        TrustRegion(objective.parameters, "gauss-newton").step(objective)


def test_dropout_draws_one_mask_for_a_step() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 20), nn.Dropout(0.5), nn.Linear(20, 3)).double()
    objective = Supervised(net, *samples())
    before = torch.get_rng_state()
    assert objective.value() == objective.value() == objective.evaluate().value
    assert torch.equal(torch.get_rng_state(), before)
    net.eval()
    assert objective.value() != Supervised(net.train(), *samples(), seed=1).value()


def test_a_rejected_step_leaves_the_running_means_alone() -> None:
    torch.manual_seed(0)
    net = SmallCNN(1, width=2).double()
    pictures = torch.randint(256, (12, 1, 8, 8), dtype=torch.uint8, generator=Generator().manual_seed(0))
    objective = Supervised(net, pictures, torch.arange(12) % 10)
    optimizer = TrustRegion(objective.parameters, "identity", radius=1e6)  # far too long
    before = gather(objective.parameters), [b.clone() for b in objective.buffers()]
    optimizer.step(objective)
    assert not optimizer.info["accepted"]
    assert torch.equal(gather(objective.parameters), before[0])
    for found, old in zip(objective.buffers(), before[1], strict=True):
        assert torch.equal(found, old)
    optimizer = TrustRegion(objective.parameters, "identity", radius=1e-3)
    optimizer.step(objective)
    assert optimizer.info["accepted"] and bool(
        (net[2].running_mean != 0).all()
    )  # and of one accepted they stay


@pytest.mark.parametrize(
    "make",
    [
        lambda p: TrustRegion(p, "gauss-newton"),
        lambda p: TrustRegion(p, "lsr1"),
        lambda p: SAPTS(p, "data", parts=2, curvature="lbfgs"),
        lambda p: SAPTS(p, "data", parts=2, curvature="gauss-newton", sweep=Sweep(local_steps=2)),
        lambda p: SAPTS(p, "parameters", parts=2, curvature="lbfgs"),
    ],
    ids=["gauss-newton", "lsr1", "sapts-d", "sapts-d-gauss-newton", "sapts-p"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_optimizers_train_it(kind: str, make: Callable[..., torch.optim.Optimizer]) -> None:
    objective = KINDS[kind]()
    optimizer, first = make(objective.parameters), objective.value()
    for _ in range(16):  # sweeps and plain steps are tried in turn
        optimizer.step(objective)
    assert objective.value() < 0.9 * first


def test_tied_weights_are_one_parameter() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)).double()
    net[2].weight = net[0].weight
    objective = Supervised(net, *samples())
    assert len(objective.parameters) == 3
    _, gradient = objective.value_and_grad()
    theta, h = gather(objective.parameters), 1e-6
    direction = torch.randn(len(theta), generator=Generator().manual_seed(0), dtype=torch.float64)
    ends = []
    for sign in (1, -1):
        scatter_(objective.parameters, theta + sign * h * direction)
        ends.append(objective.value())
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float(gradient @ direction), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"targets": torch.zeros(3)}, "30 samples and 3 targets"),
        ({"loss": "hinge"}, "unknown loss 'hinge'; choose one of cross-entropy, mse"),
        ({"chunk": 0}, "chunk must be at least 1, not 0"),
        ({"module": nn.Flatten()}, "Flatten has no parameters that require gradients"),
    ],
)
def test_wrong_input_is_one_sentence(options: dict[str, object], sentence: str) -> None:
    x, y = samples()
    with pytest.raises(ValueError, match=sentence):
        Supervised(**{"module": perceptron(), "inputs": x, "targets": y, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_of_a_loader(kind: str) -> None:
    """Whatever its batches; it is read once."""
    objective = KINDS[kind]()
    for batch in (1, 7, 100):
        loader = DataLoader(TensorDataset(objective.inputs, objective.targets), batch_size=batch)
        found = Supervised.of_loader(objective.module, loader, objective.kind or "", chunk=11, seed=3)
        assert torch.equal(found.inputs, objective.inputs) and torch.equal(found.targets, objective.targets)
        assert found.value() == pytest.approx(objective.value(), rel=1e-14)
        assert found.chunk == 11 and found.seed == 3 and found.kind == objective.kind
    once = iter(DataLoader(loader.dataset, 7, shuffle=True))
    shuffled = Supervised.of_loader(objective.module, once, objective.kind or "")
    assert not torch.equal(shuffled.inputs, objective.inputs)
    assert shuffled.value() == shuffled.value() == pytest.approx(objective.value(), rel=1e-12)


@pytest.mark.parametrize(
    "loader",
    [
        [],
        [(torch.zeros(2, 4),)],
        [(torch.zeros(2, 4), torch.zeros(2), torch.zeros(2))],
        [torch.zeros(2, 4)],  # two samples without targets
        [(torch.zeros(2, 4), torch.zeros(2)), torch.zeros(2, 4)],
        [{"inputs": torch.zeros(2, 4), "targets": torch.zeros(2)}],
    ],
    ids=["nothing", "one", "three", "samples", "mixed", "names"],
)
def test_a_loader_of_something_else_is_one_sentence(loader: list[object]) -> None:
    with pytest.raises(
        ValueError, match=r"^the loader must yield pairs of inputs and targets, at least one$"
    ):
        Supervised.of_loader(perceptron(), loader)  # type: ignore[arg-type]
