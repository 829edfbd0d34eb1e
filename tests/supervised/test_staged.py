"""Networks cut into stages: the undivided loss, what is drawn and kept on the way, batches, how to cut."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim import SAPTS, Sweep, TrustRegion
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.supervised import StagedSupervised, Supervised
from sapts_pinn.supervised.augmentation import CropAndFlip
from sapts_pinn.supervised.models import GPT, MLP, ResNet, SmallCNN


def pictures(channels: int, side: int, count: int = 10) -> tuple[Tensor, Tensor]:
    random = Generator().manual_seed(1)
    shape = (count, channels, side, side)
    return torch.randint(256, shape, generator=random).byte(), torch.arange(count) % 10


def perceptron() -> Supervised:
    return Supervised(MLP((784, 9, 8, 7, 10)).double(), *pictures(1, 28))


def convolutions() -> Supervised:
    return Supervised(SmallCNN(1, width=2).double(), *pictures(1, 8))


def residual() -> Supervised:
    varied = CropAndFlip(10, Generator().manual_seed(3), shift=2)
    return Supervised(ResNet(blocks=1, width=3).double(), *pictures(3, 8), vary=varied)


def characters() -> Supervised:
    net = GPT(characters=5, length=4, width=4, blocks=2, heads=2).double()
    text = torch.randint(5, (10, 5), generator=Generator().manual_seed(2))
    return Supervised(net, text[:, :-1], text[:, 1:])


def dropping() -> Supervised:
    """With everything that a look draws or changes."""
    net = nn.Sequential(
        nn.Linear(4, 20),
        nn.Dropout(0.5),
        nn.Linear(20, 6),
        nn.BatchNorm1d(6),
        nn.Dropout(0.2),
        nn.Linear(6, 3),
    ).double()
    x = torch.randn(10, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    return Supervised(net, x, torch.arange(10) % 3)


KINDS = {"mlp": perceptron, "cnn": convolutions, "resnet": residual, "gpt": characters}


def make(kind: str | Callable[[], Supervised]) -> Supervised:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return KINDS[kind]() if isinstance(kind, str) else kind()


def staged(objective: Supervised, parts: int) -> StagedSupervised:
    return StagedSupervised(objective, StageChain(objective.module, parts))


def close(a: Tensor, b: Tensor) -> bool:
    return float((a - b).norm()) <= 1e-12 * float(b.norm())


# -- the loss --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", [1, 2, 4])
@pytest.mark.parametrize("chunk", [4, 100])
def test_stages_are_the_undivided_loss(kind: str, parts: int, chunk: int) -> None:
    whole, objective = make(kind), make(kind)
    whole.chunk = objective.chunk = chunk
    divided = staged(objective, parts)
    assert torch.equal(gather(divided.parameters), gather(whole.parameters))
    expected, found = whole.evaluate(), divided.evaluate()
    assert found.value == pytest.approx(expected.value, rel=1e-13)
    assert found.terms == divided.last_terms == {"loss": found.value}
    gradient = found.gradient()
    assert close(gradient, expected.gradient())
    assert len(divided.buffers()) == len(whole.buffers())
    for mine, other in zip(divided.buffers(), whole.buffers(), strict=True):
        assert torch.allclose(mine, other, rtol=1e-13)  # moved by one look, also where chunks look twice
    local = [found.local(s).evaluate().gradient() for s in range(parts)]
    assert close(torch.cat(local), gradient)
    assert divided.counters.gradients == pytest.approx(2.0)
    assert divided.counters.functions == pytest.approx(2.0 if chunk == 100 else 4.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("estimate", [False, True])
def test_a_subset_is_that_of_the_undivided_loss(kind: str, estimate: bool) -> None:
    whole, divided = make(kind), staged(make(kind), 3)
    part = {"samples": torch.tensor([7, 1, 4])}
    mine, other = divided.restrict(part, estimate), whole.restrict(part, estimate)
    assert mine.value_and_grad()[0] == pytest.approx(other.value_and_grad()[0], rel=1e-13)
    assert close(mine.value_and_grad()[1], other.value_and_grad()[1])
    assert mine.share == pytest.approx(0.3) and torch.equal(
        mine.sites["samples"].points, torch.tensor([[7.0], [1.0], [4.0]], dtype=torch.float64)
    )
    mine.evaluate().gradient()
    assert divided.counters.gradients == pytest.approx(3 * 0.3)


@pytest.mark.parametrize("loss", ["mse", lambda outputs, targets: (outputs - targets).abs().mean()])
def test_any_loss(loss: str | Callable[[Tensor, Tensor], Tensor]) -> None:
    def regression() -> Supervised:
        x = torch.randn(9, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
        net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).double()
        return Supervised(net, x, x[:, :2].sin(), loss)

    value, gradient = staged(make(regression), 2).value_and_grad()
    expected = make(regression).value_and_grad()
    assert value == pytest.approx(expected[0], rel=1e-14) and close(gradient, expected[1])


@pytest.mark.parametrize("chunk", [4, 100])
def test_what_is_drawn_is_the_same_at_every_look(chunk: int) -> None:
    objective = make(dropping)
    objective.chunk = chunk
    divided = staged(objective, 3)
    before = torch.get_rng_state()
    evaluation = divided.evaluate()
    gradient = evaluation.gradient()
    assert divided.value() == evaluation.value
    locals_ = [evaluation.local(s).value_and_grad() for s in range(3)]
    assert close(torch.cat([g for _, g in locals_]), gradient)
    assert locals_[-1][0] == pytest.approx(evaluation.value, rel=1e-13)  # the last stage's is the true loss
    assert torch.equal(torch.get_rng_state(), before)
    objective.seed = 1
    assert divided.copy().value() != evaluation.value  # others are drawn
    objective.module.eval()
    assert divided.value() not in (divided.copy().value(), evaluation.value)  # and in training only


# -- training --------------------------------------------------------------------------------------------


def test_a_rejected_step_leaves_no_trace() -> None:
    divided = staged(make(dropping), 3)
    sweep = Sweep("layers", local_steps=2, adaptive=False, order="additive", visits=0)
    optimizer = SAPTS(divided.parameters, "stages", 3, "identity", radius=1e6, sweep=sweep)
    theta = gather(divided.parameters)
    buffers, random = [b.clone() for b in divided.buffers()], torch.get_rng_state()
    optimizer.step(divided)
    assert not optimizer.info["accepted"] and not optimizer.info["sweep"]["accepted"]
    assert any(record["steps"] for record in optimizer.info["parts"])
    assert torch.equal(gather(divided.parameters), theta) and torch.equal(torch.get_rng_state(), random)
    for buffer, value in zip(divided.buffers(), buffers, strict=True):
        assert torch.equal(buffer, value)
    small = SAPTS(divided.parameters, "stages", 3, "identity", radius=1e-3, sweep=sweep)
    small.step(divided)
    assert small.info["accepted"] and not torch.equal(divided.buffers()[0], buffers[0])  # accepted: they stay


def test_batches_follow_one_another() -> None:
    x = torch.randn(4000, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    net = make(lambda: Supervised(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double(), x, x))
    objective = Supervised(net.module, x, (x[:, 0] > 0).long())
    divided, first = staged(objective, 2), objective.value()
    sweep = Sweep("layers", batch=0.1, order="additive", visits=0)
    optimizer = SAPTS(divided.parameters, "stages", 2, "lbfgs", sweep=sweep)
    seen = set()
    for _ in range(25):
        optimizer.step(divided)
        division = optimizer.divider.division
        assert division is not None and isinstance(division.objective, StagedSupervised)
        seen.add(tuple(division.objective.whole.index.tolist()))
    assert len(seen) >= 3 and all(len(batch) < 4000 for batch in seen)
    assert objective.value() < 0.5 * first


@pytest.mark.parametrize("kind", [*KINDS, dropping])
def test_steps_that_were_saved_go_on(kind: str | Callable[[], Supervised]) -> None:
    def start() -> tuple[StagedSupervised, SAPTS]:
        divided = staged(make(kind), 3)
        sweep = Sweep("layers", order="additive", visits=0, global_steps=1)
        return divided, SAPTS(divided.parameters, "stages", 3, "lbfgs", sweep=sweep)

    divided, optimizer = start()
    for k in range(6):
        if k == 3:
            state = deepcopy((divided.chain.state_dict(), optimizer.state_dict()))
        optimizer.step(divided)
    again, other = start()
    again.chain.load_state_dict(state[0])
    other.load_state_dict(state[1])
    for _ in range(3):
        other.step(again)
    assert torch.equal(gather(again.parameters), gather(divided.parameters))
    for a, b in zip(again.buffers(), divided.buffers(), strict=True):
        assert torch.equal(a, b)


def test_a_plain_trust_region_takes_the_same_steps() -> None:
    ends = []
    for objective in (make(characters), staged(make(characters), 3)):
        optimizer = TrustRegion(objective.parameters, "lsr1", radius=0.1)
        for _ in range(10):
            optimizer.step(objective)
        ends.append(gather(objective.parameters))
    assert torch.allclose(*ends, rtol=0, atol=1e-10)


# -- cutting ---------------------------------------------------------------------------------------------


def test_the_chain_is_of_the_network() -> None:
    with pytest.raises(ValueError, match="the chain is of a MLP other than the objective's network"):
        StagedSupervised(make("mlp"), StageChain(MLP(), 2))


def test_a_stage_moves_alone() -> None:
    divided = staged(make("gpt"), 3)
    evaluation = divided.evaluate()
    evaluation.gradient()
    local, theta = evaluation.local(1), gather(divided.parameters)
    scatter_(local.parameters, gather(local.parameters) + 1.0)
    moved = (gather(divided.parameters) != theta).split(divided.chain.sizes)
    assert [bool(part.any()) for part in moved] == [False, True, False]
