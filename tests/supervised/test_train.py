"""`train` on small data in the shape of the real ones: methods, run folder, going on, wrong input."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.callbacks import Callback
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim import MiniBatchSAPTS
from sapts_pinn.supervised import Supervised, tasks
from sapts_pinn.supervised.datasets import Images, Text
from sapts_pinn.supervised.methods import METHODS, ON_MICRO_BATCHES
from sapts_pinn.supervised.models import MLP
from sapts_pinn.supervised.train import Trained, train
from sapts_pinn.training.trainer import Trainer

MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"


def digits() -> Images:
    """Bright on the left, or on the right."""
    random = Generator().manual_seed(0)
    labels = torch.randint(2, (160,), generator=random)
    pictures = torch.randint(100, (160, 1, 28, 28), generator=random)
    pictures[labels == 0, :, :, :14] += 100
    pictures[labels == 1, :, :, 14:] += 100
    bright = pictures.byte()
    return Images((bright[:120], labels[:120]), (bright[120:], labels[120:]), ("left", "right"))


def photographs() -> Images:
    random = Generator().manual_seed(0)
    pictures = torch.randint(256, (40, 3, 32, 32), generator=random).byte()
    labels = torch.arange(40) % 10
    return Images((pictures[:30], labels[:30]), (pictures[30:], labels[30:]), tuple("0123456789"))


class Interruption(Callback):
    """Ends a run before its budget does."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def on_step(self, trainer: Trainer) -> None:
        if trainer.iteration == self.iteration:
            trainer.stop("interrupted")


def run(method: str = "tr", budget: str = "12 iterations", **options: Any) -> Trained:
    return train("mnist", method, budget, data=digits(), **options)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns(method: str) -> None:
    few = {"batch": 40, "steps": 4} if method in ON_MICRO_BATCHES and "sapts" in method else {}
    budget = {"thesis": "25 iterations", "tr-gauss-newton": "2 iterations"}.get(
        method.partition("-sapts")[0], "12 iterations"
    )
    found = run(method, budget, options=few)
    first = found.history[0]
    assert found.result["loss"] < 0.8 * first["loss"] or found.result["loss"] < 1e-3
    assert found.result["test_error_rate"] < 0.3
    assert found.result["status"].startswith(("budget spent", "converged"))


@pytest.mark.parametrize(
    ("method", "parts"), [("sapts-d", 1), ("sapts-p", 2), ("sapts-ip", 4), ("thesis-sapts-p", 4)]
)
def test_parts_of_one_process_by_default(method: str, parts: int) -> None:
    """As many as cost nothing at equal work: further ones of samples and parameters pay on ranks only."""
    quick = {"batch": 16, "steps": 1} if method in ON_MICRO_BATCHES else {}
    assert run(method, "1 iterations", network="cnn", options=quick).result["parts"] == parts


def test_photographs_are_varied_and_texts_are_cut() -> None:
    found = train("cifar10", "adam", "6 iterations", network="resnet", data=photographs())
    assert found.result["parameters"] == 269722 and 0.0 <= found.result["test_error_rate"] <= 1.0
    text = torch.arange(65).repeat(12)
    found = train("tinyshakespeare", "tr", "4 iterations", data=Text(text, text[:200], "x" * 65))
    assert found.result["test_nats_per_character"] < 4.5 and found.result["samples"] == 12


@pytest.mark.parametrize("method", ["tr", "sapts-d", "sapts-p", "sapts-ip", "adam"])
@pytest.mark.parametrize("task", ["mnist", "cifar10"])
def test_a_run_that_goes_on_is_one_run(method: str, task: str, tmp_path: Path) -> None:
    data = digits() if task == "mnist" else photographs()

    quick = {"batch": 8, "steps": 2} if method.startswith("sapts") else {}

    def go(folder: str, **more: Any) -> Trained:
        out = tmp_path / folder
        return train(task, method, "6 iterations", data=data, out=out, dtype="float64", options=quick, **more)

    whole = go("whole")
    assert go("half", callbacks=[Interruption(4)]).result["iterations"] == 4
    rest = go("half", resume=tmp_path / "half")
    a, b = (gather(list(found.network.parameters())) for found in (whole, rest))
    assert torch.equal(a, b) and rest.result["iterations"] == 6
    for one, other in zip(whole.network.buffers(), rest.network.buffers(), strict=True):
        assert torch.equal(one, other)


def uphill(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss whose gradient points the wrong way."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return 2.0 * loss.detach() - loss


class Reversal(Callback):
    """Reverses the gradient after some steps, and keeps the best parameters."""

    def __init__(self, iteration: int) -> None:
        self.iteration, self.best, self.kept = iteration, math.inf, torch.empty(0)
        self.sweeps = 0

    def on_step(self, trainer: Trainer) -> None:
        optimizer, objective = trainer.optimizer, trainer.objective
        assert isinstance(optimizer, MiniBatchSAPTS) and isinstance(objective, Supervised)
        if optimizer.info.accepted and optimizer.acceptance.values[-1] < self.best:
            self.best, self.kept = optimizer.acceptance.values[-1], gather(objective.parameters)
        self.sweeps += 1
        if trainer.iteration == self.iteration:
            self.sweeps, objective.loss = 0, uphill


def test_a_run_with_a_wrong_gradient_ends_at_its_best(tmp_path: Path) -> None:
    """The folder holds the parameters of the best loss, and says what happened."""
    data, reversal = digits(), Reversal(3)
    wrong = torch.arange(120) % 4 == 0  # labels, so that the loss stays away from zero
    labels = torch.where(wrong, 1 - data.train[1], data.train[1])
    found = train(
        "mnist", "sapts-d", "30 iterations", data=Images((data.train[0], labels), data.test, data.classes),
        options={"batch": 16, "steps": 12}, callbacks=[reversal], out=tmp_path / "run",
    )  # fmt: skip
    assert found.result["status"].startswith("failed: the loss does not fall against its gradient")
    assert reversal.sweeps <= 2 and 0.01 < reversal.best < 2.3
    assert torch.equal(gather(list(found.network.parameters())), reversal.kept)
    assert torch.equal(gather(list(Trained.load(tmp_path / "run").network.parameters())), reversal.kept)


def test_noise_of_mini_batches_on_mnist() -> None:
    """Small batches and a constant radius: hardly a sweep is rejected, and the loss goes up and down."""
    if not MNIST.is_dir():
        pytest.skip(f"no data folder {MNIST}")
    images, labels = tasks.find("mnist").load(MNIST).train
    torch.manual_seed(0)
    objective = Supervised(MLP((784, 32, 10)), images[:6000], labels[:6000])
    optimizer = MiniBatchSAPTS(objective.parameters, "data", batch=32, steps=16)
    accepted = []
    for _ in range(60):
        optimizer.step(objective)
        accepted.append(bool(optimizer.info.accepted))
    rises = sum(b > a for a, b in pairwise(optimizer.acceptance.values))
    assert sum(accepted) >= 57 and rises >= 2  # which are noise
    assert optimizer.acceptance.best < 0.1 * optimizer.acceptance.first


def test_a_run_folder(tmp_path: Path) -> None:
    found = run(out=tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result == json.loads(json.dumps(found.result)) and result["iterations"] == 12
    assert json.loads((tmp_path / "run" / "config.json").read_text())["task"] == "mnist"
    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and float(rows[-1]["test_error_rate"]) == found.result["test_error_rate"]
    with pytest.raises(ValueError, match="already holds a run"):
        run(out=tmp_path / "run")
    with pytest.raises(ValueError, match="is of another run: its method is 'tr', not 'adam'"):
        run("adam", resume=tmp_path / "run")


def test_a_seed_fixes_a_run() -> None:
    a, b, c = (gather(list(run(seed=s).network.parameters())) for s in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "trr"}, "no method 'trr' for samples; did you mean 'tr'"),
        ({"budget": "soon"}, "cannot read the budget 'soon'"),
        ({"dtype": "float16"}, "dtype must be float64 or float32, not 'float16'"),
        ({"seed": -1}, "seed must be a non-negative integer, not -1"),
        ({"network": "cnnn"}, "no network 'cnnn' for this; choose one of mlp, cnn"),
        ({"options": {"speed": 1}}, "does not take the option 'speed'; drop it"),
        ({"method": "adam", "options": {"batch": 0}}, "batch must be at least 1, not 0"),
    ],
)
def test_wrong_input_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        run(**options)
