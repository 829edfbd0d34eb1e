"""The comparisons by name: a data set, networks for it, and what is measured on the test data."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..catalogue import DATA_SETS
from ..errors import InputError
from .datasets import Images, Split, Text, cifar10, mnist, tinyshakespeare
from .models import GPT, MLP, ResNet, SmallCNN
from .objective import SAMPLES_AT_ONCE, classification

LENGTH = 64  # of the pieces of a text


@dataclass(frozen=True)
class Task:
    """A comparison.

    Attributes:
        summary: One line for the list.
        load: Reads its data from a folder.
        networks: By name, the first of them by default.
        metric: Of a network on inputs and targets; smaller is better.
        metric_name: What it is called.
        also: Another number that says the same, by name.
        augmented: Whether pictures are shifted and mirrored in training.
        batch: Samples in a mini-batch.
    """

    summary: str
    load: Callable[[Path | str | None], Images | Text]
    networks: dict[str, Callable[[], nn.Module]]
    metric: Callable[[nn.Module, Tensor, Tensor], float]
    metric_name: str
    also: tuple[str, Callable[[float], float]]
    augmented: bool = False
    batch: int = 128

    @property
    def column(self) -> str:
        """The metric's name in history.csv and result.json."""
        return "test_" + self.metric_name.replace(" ", "_")


def samples(data: Images | Text, train: bool) -> Split:
    """Inputs and targets of the training or the test data.

    A text comes in pieces, whose targets are one further on.

    Raises:
        InputError: It is too short.
    """
    if isinstance(data, Images):
        return data.train if train else data.test
    text = data.train if train else data.test
    count = (len(text) - 1) // LENGTH
    if not count:
        raise InputError(f"a text of {len(text)} characters is too short for pieces of {LENGTH}")
    return text[: count * LENGTH].view(count, LENGTH), text[1 : count * LENGTH + 1].view(count, LENGTH)


@torch.no_grad()
def outputs(module: nn.Module, inputs: Tensor) -> Tensor:
    """[N, ..., classes] of a network as it is used: without dropout, with the means of all batches."""
    training = module.training
    module.eval()
    try:
        return torch.cat([module(piece) for piece in inputs.split(SAMPLES_AT_ONCE)])
    finally:
        module.train(training)


def error_rate(module: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Share of the samples [N, ...] whose largest output is of another class."""
    return float((outputs(module, inputs).argmax(-1) != targets).double().mean())


def nats(module: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    """Mean cross-entropy of the next characters [N, T]; divided by log 2 it is bits per character."""
    return float(classification(outputs(module, inputs).double(), targets))


def bits(value: float) -> float:
    """Convert nats to bits."""
    return value / math.log(2.0)


def measured(task: Task, value: float | None) -> dict[str, float | None]:
    """The test metric under all its names; None where it has not been measured."""
    name, convert = task.also
    return {task.column: value, name: None if value is None else convert(value)}


def accuracy(rate: float) -> float:
    """Convert an error rate to an accuracy."""
    return 1.0 - rate


ERROR_RATE = (error_rate, "error rate", ("test_accuracy", accuracy))

TASKS = {
    "mnist": Task(DATA_SETS["mnist"].summary, mnist, {"mlp": MLP, "cnn": lambda: SmallCNN(1)}, *ERROR_RATE),
    "cifar10": Task(
        DATA_SETS["cifar10"].summary,
        cifar10,
        {"cnn": SmallCNN, "resnet": ResNet},
        *ERROR_RATE,
        augmented=True,
    ),
    "tinyshakespeare": Task(
        DATA_SETS["tinyshakespeare"].summary,
        tinyshakespeare,
        {"gpt": GPT},
        nats,
        "nats per character",
        ("test_bits_per_character", bits),
        batch=32,
    ),
}


def find(name: str) -> Task:
    """A task by name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(TASKS)}"
        raise InputError(f"there is no data set {name!r}; {hint}")
    return TASKS[name]


def build(task: Task, network: str | None, seed: int) -> nn.Module:
    """A network for a task, its weights drawn from a seed.

    Raises:
        InputError: The task has no such network.
    """
    if network is not None and network not in task.networks:
        raise InputError(
            f"there is no network {network!r} for this; choose one of {', '.join(task.networks)}"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return task.networks[network or next(iter(task.networks))]()
