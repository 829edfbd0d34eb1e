"""Samples as the training loop wants them: varied from round to round, the same after a saved state."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from draws import randn, rng
from sapts_pinn.objectives.base import Counters
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.supervised import StagedSupervised, Supervised
from sapts_pinn.supervised.augmentation import CropAndFlip
from sapts_pinn.supervised.samples import Samples
from sapts_pinn.supervised.staged import ShardedNetwork

LABELS = torch.arange(12) % 3


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 9), nn.Dropout(0.4), nn.Linear(9, 3)).double()


def pictures(**given: object) -> Samples:
    found = Samples(randn(12, 1, 4, 4), LABELS, **given)  # type: ignore[arg-type]
    found.draw()
    return found


def loss(of: Samples, net: nn.Module) -> float:
    return of.objective(net, Counters(), 1).value()


def test_the_objective_is_the_loss_of_the_network_on_all_of_them() -> None:
    data, net, counters = pictures(chunk=5), network(), Counters()
    objective = data.objective(net, counters, 1)
    assert isinstance(objective, Supervised) and objective.counters is counters and objective.chunk == 5
    assert objective.value() == Supervised(net, data.inputs, LABELS, chunk=5).value()
    assert data.sites["samples"].points[:, 0].tolist() == list(range(12))
    assert not data.balance(net, SingleProcess()), "weights of terms are of problems"


def test_of_a_network_in_stages_it_is_the_divided_loss() -> None:
    data = pictures()
    data.round = 3
    sharded = ShardedNetwork(network, 2, SingleProcess())
    objective = data.objective(sharded, Counters(), 1)
    assert isinstance(objective, StagedSupervised) and objective.chain is sharded.chain
    assert objective.whole.seed == 3 * 12


def test_a_round_has_masks_and_variations_of_its_own() -> None:
    net = network()
    plain, varied = pictures(), pictures(augmentation=CropAndFlip(12, rng(), shift=1))
    seen: dict[str, list[float]] = {"plain": [], "varied": []}
    for _ in range(3):
        for name, data in (("plain", plain), ("varied", varied)):
            assert loss(data, net) == loss(data, net), "and keeps them"
            seen[name].append(loss(data, net))
            data.redraw(net)
    assert all(len(set(losses)) == 3 for losses in seen.values())
    assert not set(seen["plain"]) & set(seen["varied"])


def test_samples_go_on_from_a_saved_state() -> None:
    net = network()

    def make(seed: int) -> Samples:
        return pictures(augmentation=CropAndFlip(12, Generator().manual_seed(seed), shift=1))

    data, other = make(1), make(2)
    data.redraw(net)
    state = data.state_dict()
    later: list[float] = []
    for _ in range(2):
        later.append(loss(data, net))
        data.redraw(net)
    other.load_state_dict(state)
    found: list[float] = []
    for _ in range(2):
        found.append(loss(other, net))
        other.redraw(net)
    assert found == later and other.round == data.round == 3


def test_the_inputs_stay_as_they_were() -> None:
    data = pictures(augmentation=CropAndFlip(12, rng(), shift=1))
    before: Tensor = data.inputs.clone()
    loss(data, network())
    data.redraw(network())
    assert torch.equal(data.inputs, before)
