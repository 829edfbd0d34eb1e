"""Tasks by name: samples, metrics and networks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sapts_pinn.objectives.flat import gather
from sapts_pinn.supervised import tasks
from sapts_pinn.supervised.datasets import Images, Text


def test_pieces_of_a_text_and_what_comes_next() -> None:
    numbers = torch.arange(200)
    inputs, targets = tasks.samples(Text(numbers, numbers[:130], "x"), train=True)
    assert inputs.shape == targets.shape == (3, tasks.LENGTH)
    assert torch.equal(targets, inputs + 1) and torch.equal(inputs.flatten(), numbers[:192])
    assert len(tasks.samples(Text(numbers, numbers[:130], "x"), train=False)[0]) == 2
    with pytest.raises(ValueError, match="64 characters is too short for pieces of 64"):
        tasks.samples(Text(numbers[:64], numbers, "x"), train=True)


def test_metrics_by_hand() -> None:
    class Known(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert not self.training
            return torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 0.0]])[x]

    net = Known()
    assert tasks.error_rate(net, torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 0, 1])) == 0.5
    found = tasks.nats(net, torch.tensor([[0, 3]]), torch.tensor([[1, 0]]))
    assert found == pytest.approx((math.log(1 + math.exp(2.0)) + math.log(2.0)) / 2, rel=1e-7)
    assert tasks.bits(math.log(2.0)) == 1.0 and net.training


@pytest.mark.parametrize(("name", "network"), [(n, k) for n, t in tasks.TASKS.items() for k in t.networks])
def test_networks_are_fixed_by_their_seed(name: str, network: str) -> None:
    task, state = tasks.find(name), torch.get_rng_state()
    a, b, c = (gather(list(tasks.build(task, network, seed).parameters())) for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c) and torch.equal(torch.get_rng_state(), state)
    picture = torch.zeros(2, 1 if name == "mnist" else 3, *([28, 28] if name == "mnist" else [32, 32]))
    inputs = torch.zeros(2, 5, dtype=torch.long) if name == "tinyshakespeare" else picture.byte()
    assert tasks.build(task, network, 0)(inputs).shape[-1] in (10, 65)


def test_images_are_taken_as_they_are() -> None:
    split = torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)
    assert tasks.samples(Images(split, split, ("a",)), train=True) is split


def test_wrong_names() -> None:
    with pytest.raises(ValueError, match="no data set 'mnits'; did you mean 'mnist'"):
        tasks.find("mnits")
    with pytest.raises(ValueError, match="no network 'vgg' for this; choose one of cnn, resnet"):
        tasks.build(tasks.find("cifar10"), "vgg", 0)
