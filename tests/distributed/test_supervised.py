"""Property 4 on samples: N parts on N ranks take the steps of one process with N parts; `train` on ranks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.callbacks import Callback
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim import SAPTS, MiniBatchSAPTS, Sweep
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.supervised import StagedSupervised, Supervised
from sapts_pinn.supervised.datasets import Images
from sapts_pinn.supervised.models import GPT, MLP
from sapts_pinn.supervised.train import Trained, train
from sapts_pinn.training import clock
from sapts_pinn.training.trainer import Trainer

STEPS = 6


def digits(count: int = 200) -> Images:
    """Make pictures with nothing to see in them, so that the loss stays away from zero."""
    random = Generator().manual_seed(0)
    labels = torch.randint(10, (count,), generator=random)
    pictures, half = torch.randint(256, (count, 1, 28, 28), generator=random).byte(), count // 2
    return Images((pictures[:half], labels[:half]), (pictures[half:], labels[half:]), tuple("0123456789"))


def perceptron() -> Supervised:
    return Supervised(MLP((784, 16, 10)).double(), *digits(400).train)


def characters() -> Supervised:
    net = GPT(characters=11, length=8, width=8, blocks=2, heads=2).double()
    text = (torch.arange(150 * 9) ** 2 % 11).view(150, 9)
    return Supervised(net, text[:, :-1], text[:, 1:], chunk=70)


def noisy() -> Supervised:
    """Dropout on one rank, running means on the other."""
    net = nn.Sequential(
        nn.Linear(4, 12), nn.Dropout(0.3), nn.Linear(12, 12), nn.BatchNorm1d(12), nn.Linear(12, 3)
    ).double()
    x = torch.randn(200, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    return Supervised(net, x, (3 * x[:, 0].sigmoid()).long())


CASES = [
    (perceptron, "data"),
    (perceptron, "parameters"),
    (perceptron, "stages"),
    (characters, "data"),
    (characters, "parameters"),
    (characters, "stages"),
    (noisy, "stages"),
]


ON_MICRO_BATCHES = [*CASES, (noisy, "data"), (noisy, "parameters")]


def attempt(
    case: int, parts: int, ranks: Communicator, micro: bool = False
) -> list[tuple[float, list[Any], Tensor, Tensor]]:
    """After every step: loss, what was accepted, parameters, running means."""
    make, decomposition = (ON_MICRO_BATCHES if micro else CASES)[case]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        objective: Any = make()
    if decomposition == "stages":
        objective = StagedSupervised(objective, StageChain(objective.module, parts, ranks))
    optimizer: SAPTS | MiniBatchSAPTS
    if micro:
        optimizer = MiniBatchSAPTS(
            objective.parameters, decomposition, parts, batch=16, steps=3, local_steps=2, communicator=ranks
        )
    else:
        sweep = Sweep(
            "interleaved" if decomposition == "data" else "layers", local_steps=2, adaptive=False,
            order="additive", visits=0, global_steps=1,
        )  # fmt: skip
        optimizer = SAPTS(
            objective.parameters, decomposition, parts, "lbfgs", sweep=sweep, communicator=ranks, radius=0.3
        )
    found = []
    for k in range(STEPS):
        if isinstance(optimizer, MiniBatchSAPTS) and k >= STEPS - 2:
            optimizer.radius = 30.0 if k == STEPS - 2 else optimizer.most  # too far, and back
        loss = float(optimizer.step(objective))
        taken = [optimizer.info["accepted"], optimizer.info["sweep"]["accepted"]]
        means = [b for b in objective.buffers() if b.is_floating_point()]
        found.append((loss, taken, gather(objective.parameters), gather(means) if means else torch.empty(0)))
    return found


def deep() -> Supervised:
    """As `noisy`, with a layer for each of four stages.

    None has a bias before running means: its gradient is rounding, of which Adam would make steps.
    """
    first = [nn.Linear(4, 12), nn.Dropout(0.3), nn.Tanh()]
    second = [nn.Linear(12, 12, bias=False), nn.BatchNorm1d(12), nn.Tanh()]
    net = nn.Sequential(*first, *second, nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    x = torch.randn(200, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    return Supervised(net, x, (3 * x[:, 0].sigmoid()).long())


def reversed_slope(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss whose gradient points the wrong way."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return 2.0 * loss.detach() - loss


def as_it_comes(decomposition: str, parts: int, ranks: Communicator) -> list[tuple[float, bool, Tensor]]:
    """Mini-batches as the defaults have them: after every step loss, acceptance, parameters.

    One sweep is too long; at the end the gradient is reversed, which ends the run at its best parameters.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = deep()
    objective: Any = whole
    if decomposition == "stages":
        objective = StagedSupervised(whole, StageChain(whole.module, parts, ranks))
    optimizer = MiniBatchSAPTS(
        objective.parameters, decomposition, parts, batch=16, steps=4, communicator=ranks
    )
    found = []
    for k in range(STEPS):
        if k == STEPS - 2:
            optimizer.radius *= 1e4
        loss = float(optimizer.step(objective))
        found.append((loss, bool(optimizer.info["accepted"]), gather(objective.parameters)))
        if k == STEPS - 2:
            optimizer.radius = optimizer.most
    whole.loss = reversed_slope
    with pytest.raises(FloatingPointError, match="the loss does not fall against its gradient"):
        climb(optimizer, objective)
    return [*found, (0.0, False, gather(objective.parameters))]


def climb(optimizer: MiniBatchSAPTS, objective: Any) -> None:
    for _ in range(6):
        optimizer.step(objective)


# -- what a rank does ------------------------------------------------------------------------------------


def steps() -> dict[bool, list[Any]]:
    """Take the steps of every case, without and with micro-batches; in one go, for a start takes seconds."""
    ranks = connect()
    return {
        micro: [attempt(case, ranks.size, ranks, micro) for case in range(len(cases))]
        for micro, cases in ((False, CASES), (True, ON_MICRO_BATCHES))
    }


def defaults(parts: int) -> list[Any]:
    ranks = connect()
    return [as_it_comes(decomposition, parts, ranks) for decomposition in DECOMPOSITIONS]


def training(folder: Path) -> dict[str, Any]:
    """By name, with the folders of rank 0; sapts-ip also in two sessions."""
    found = {method: told(run(method, "4 iterations", folder / method)) for method in METHODS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "ASK_EVERY", 0.0)  # ranks agree on the end at every step, however fast steps are
        run("sapts-ip", "4 iterations", folder / "halves", callbacks=[Interruption()])
    found["halves"] = told(run("sapts-ip", "4 iterations", resume=folder / "halves"))
    with pytest.raises(ValueError, match="in one process") as error:
        run("adam", "2 iterations")
    found["refused"] = str(error.value)
    return found


class Interruption(Callback):
    """Ends a run after two of its steps."""

    def on_step(self, trainer: Trainer) -> None:
        if trainer.iteration == 2:
            trainer.stop("interrupted")


METHODS = ("sapts-d", "sapts-p", "sapts-ip", "tr")


def run(method: str, budget: str, out: Path | None = None, parts: int | None = None, **more: Any) -> Trained:
    options: dict[str, Any] = {"batch": 20, "steps": 3} if method.startswith("sapts") else {}
    if parts is not None:
        options["parts"] = parts
    return train("mnist", method, budget, data=digits(), dtype="float64", out=out, options=options, **more)


def told(trained: Trained) -> tuple[list[float], Tensor, dict[str, Any]]:
    """Losses, parameters, result."""
    return [row["loss"] for row in trained.history], gather([*trained.network.parameters()]), trained.result


# -- tests -----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """As on the ranks."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_ranks_take_the_steps_of_one_process(run_ranks: Callable[..., list[Any]]) -> None:
    results = run_ranks(steps, 2, timeout=200.0)
    for micro in (False, True):
        check(micro, [result[micro] for result in results])


def check(micro: bool, results: list[list[Any]]) -> None:
    for case, (make, decomposition) in enumerate(ON_MICRO_BATCHES if micro else CASES):
        alone, where = attempt(case, 2, SingleProcess(), micro), (make.__name__, decomposition)
        for k, (loss, taken, theta, means) in enumerate(alone):
            low, high = (result[case][k] for result in results)
            assert low[:2] == high[:2] and low[1] == taken, (*where, k)
            assert low[0] == pytest.approx(loss, rel=1e-12), (*where, k)
            if decomposition == "stages":
                found = torch.cat([low[2], high[2]])
                assert torch.allclose(torch.cat([low[3], high[3]]), means, rtol=1e-12, atol=1e-13)
            else:
                found = low[2]
                assert torch.equal(high[2], found) and torch.equal(high[3], low[3]), (*where, k)
                assert torch.allclose(low[3], means, rtol=1e-12, atol=1e-13), (*where, k)
            assert float((found - theta).abs().max()) <= 1e-12 * max(1.0, float(theta.abs().max())), where
        assert any(taken[1] for _, taken, *_ in alone), (*where, "no sweep was ever taken")
        assert not micro or not alone[-2][1][1], (*where, "a radius of 30 was taken")
        assert alone[-1][0] < alone[0][0]


@pytest.mark.parametrize(("ranks", "parts"), [(4, 4), (2, 4)])
def test_parts_are_ranks_as_they_come(run_ranks: Callable[..., list[Any]], ranks: int, parts: int) -> None:
    """Parts of one process, each on a rank, and two on each: accepted, rejected and ended alike."""
    results = run_ranks(defaults, ranks, parts, timeout=200.0)
    for number, decomposition in enumerate(DECOMPOSITIONS):
        alone = as_it_comes(decomposition, parts, SingleProcess())
        for k, (loss, accepted, theta) in enumerate(alone):
            told = [result[number][k] for result in results]
            assert {(mine[0], mine[1]) for mine in told} == {told[0][:2]}, (decomposition, k)
            assert told[0][0] == pytest.approx(loss, rel=1e-12) and told[0][1] == accepted, (decomposition, k)
            if decomposition == "stages":
                found = torch.cat([mine[2] for mine in told])
            else:
                found = told[0][2]
                assert all(torch.equal(mine[2], found) for mine in told), (decomposition, k)
            assert torch.allclose(found, theta, rtol=0, atol=1e-12), (decomposition, k)
        assert not alone[STEPS - 2][1] and sum(accepted for _, accepted, _ in alone) >= STEPS - 3
        assert any(torch.equal(alone[-1][2], theta) for *_, theta in alone[:-1])  # the best there was


def test_train_on_ranks(run_ranks: Callable[..., list[Any]], tmp_path: Path) -> None:
    low, high = run_ranks(training, 2, tmp_path, timeout=200.0)
    for method in METHODS:
        losses, theta, result = told(run(method, "4 iterations", parts=2))
        assert low[method][0] == high[method][0] == pytest.approx(losses, rel=1e-12), method
        assert torch.equal(low[method][1], high[method][1])
        assert torch.allclose(low[method][1], theta, rtol=0, atol=1e-12), method
        written = json.loads((tmp_path / method / "result.json").read_text())
        assert written == low[method][2] and written["world_size"] == 2 and written["parts"] == 2
        for name in ("parameters", "loss", "test_error_rate"):
            assert written[name] == pytest.approx(result[name], rel=1e-12), (method, name)
            assert high[method][2][name] == written[name]
        held = written["parameter_bytes"]
        assert held["all"] == 8 * 101770
        assert held["largest_rank"] == (8 * 100480 if method == "sapts-ip" else held["all"])
    whole = torch.load(tmp_path / "sapts-ip" / "model.pt", weights_only=True)["model"]
    assert torch.equal(gather([*whole.values()]), low["sapts-ip"][1])
    for rank in (low, high):
        assert torch.equal(rank["halves"][1], rank["sapts-ip"][1])  # k + m steps, bit for bit
        assert rank["refused"].startswith("method 'adam' trains in one process, not on 2 ranks; take tr,")
    alone = told(run("sapts-ip", "4 iterations", parts=2, out=tmp_path / "alone"))
    longer = [
        told(run("sapts-ip", "6 iterations", parts=2, resume=tmp_path / folder))
        for folder in ("halves", "alone")
    ]
    assert alone[0] == pytest.approx(low["sapts-ip"][0], rel=1e-12)
    assert longer[0][0] == pytest.approx(longer[1][0], rel=1e-9), "one process goes on with two ranks' stages"
