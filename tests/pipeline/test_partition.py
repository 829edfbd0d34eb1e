"""Division of a network into stages: balanced, in order, and what cannot be cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from divided import embedded
from draws import randn
from sapts_pinn.derivatives.taylor import Channels, by_nested_jvp, propagate
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.partition import balance, most_stages, stage_chain
from sapts_pinn.pipeline.stages import StageChain
from sapts_pinn.supervised import models
from thread_ranks import on_ranks


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.data())
def test_balance_finds_the_least_largest_part(sizes: list[int], data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, len(sizes)))
    found = balance(sizes, parts)
    assert [i for part in found for i in part] == list(range(len(sizes))) and all(found)

    def every(start: int, left: int) -> Iterator[int]:
        if left == 1:
            yield sum(sizes[start:])
        for end in range(start + 1, len(sizes) - left + 2) if left > 1 else ():
            for rest in every(end, left - 1):
                yield max(sum(sizes[start:end]), rest)

    assert max(sum(sizes[i] for i in part) for part in found) == min(every(0, parts))


def test_stages_are_runs_of_layers_with_their_activations() -> None:
    stages = stage_chain(MLP((2, 8, 8, 8, 1)), 3)
    kinds = [[type(layer).__name__ for layer in stage] for stage in stages]
    assert kinds == [["Linear", "Tanh"], ["Linear", "Tanh"], ["Linear", "Tanh", "Linear"]]
    classifier = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.Sequential(nn.ReLU(), nn.BatchNorm1d(5)), nn.Linear(5, 3)
    )
    kinds = [[type(layer).__name__ for layer in stage] for stage in stage_chain(classifier, 2)]
    assert kinds == [["Flatten", "Linear", "ReLU"], ["BatchNorm1d", "Linear"]]


@pytest.mark.parametrize(
    "network",
    [MLP((2, 4, 3, 1)), ModifiedMLP((2, 4, 4, 4, 1)), embedded(2, 1)],
    ids=lambda n: type(n).__name__,
)
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_stages_one_after_the_other_are_the_network(network: nn.Module, parts: int) -> None:
    network.double()
    channels = Channels([(0, 0), (0, 1)])
    x, jet = randn(7, 2), randn(len(channels), 7, 2)
    stages = stage_chain(network, parts)
    y, out = x, jet
    for stage in stages:
        assert torch.allclose(
            propagate(stage, out, channels), by_nested_jvp(stage, out, channels), rtol=1e-12, atol=1e-14
        )
        y, out = stage(y), propagate(stage, out, channels)
    assert torch.equal(y, network(x)) and torch.equal(out, propagate(network, jet, channels))
    names = [id(p) for stage in stages for p in stage.parameters()]
    assert names == [id(p) for p in network.parameters()]


def test_what_cannot_be_cut_says_so() -> None:
    with pytest.raises(ValueError, match="MLP cannot be cut into 4 stages: it has 3 layers"):
        stage_chain(MLP((2, 4, 4, 1)), 4)

    class Custom(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1

    with pytest.raises(ValueError, match="Custom cannot be cut into 2 stages: it has 1 layers"):
        stage_chain(Custom(nn.Linear(2, 2), nn.Linear(2, 2)), 2)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    with pytest.raises(ValueError, match=r"stages 0 and 1 share a parameter of shape \(3, 3\)"):
        stage_chain(tied, 2)
    assert len(stage_chain(tied, 1)) == 1

    def too_few(communicator: Communicator) -> str:
        with pytest.raises(ValueError, match="too few") as error:
            StageChain(MLP((2, 4, 1)), 1, communicator)
        return str(error.value)

    assert set(on_ranks(2, too_few)) == {"1 stages are too few for 2 ranks; every rank needs one"}


# -- cutting ---------------------------------------------------------------------------------------------


class Doubled(nn.Module):
    """A network of one's own that says how to cut it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.body = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages():
            x = stage(x)
        return x

    def stages(self) -> list[nn.Module]:
        return [self.first, nn.Tanh(), self.body, self.last]


class Opaque(Doubled):
    stages = None  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body(self.first(x).tanh()))


class Forgetful(Doubled):
    def stages(self) -> list[nn.Module]:
        return [self.first, self.last]


class Foreign(Doubled):
    def stages(self) -> list[nn.Module]:
        extra = nn.Linear(4, 4)
        extra.weight = self.first.weight
        extra.bias = self.first.bias
        return [extra, self.body, self.last]


class Wrong(Doubled):
    def stages(self) -> list[nn.Module]:
        return [torch.tanh]  # type: ignore[list-item]


def test_a_module_says_by_stages_how_to_cut_it() -> None:
    net = nn.Sequential(Doubled(), nn.ReLU(), nn.Linear(3, 2)).double()
    assert most_stages(net) == 5 and most_stages(models.MLP()) == 2 and most_stages(Opaque()) == 1
    assert most_stages(models.ResNet()) == 12 and most_stages(models.GPT()) == 7
    x = torch.randn(7, 4, dtype=torch.float64)
    y = x
    for stage in stage_chain(net, 5):
        y = stage(y)
    assert torch.equal(y, net(x))
    with_hook = Doubled()
    with_hook.register_forward_hook(lambda module, inputs, output: output + 1)
    assert most_stages(with_hook) == 1  # which the stages would leave out


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Opaque, r"Opaque cannot be cut into 2 stages: it has 1 layers .* nn.Sequential, or .* stages\(\)"),
        (Forgetful, "the stages of Forgetful leave out its parameter body.0.weight; put it into a module"),
        (Foreign, "the stages of Foreign hold a Linear that is no part of it; make it an attribute of"),
        (Wrong, r"stages\(\) of Wrong must return modules that it consists of, not builtin_function"),
    ],
)
def test_what_cannot_be_cut_says_why(network: type[nn.Module], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        stage_chain(network(), 2)


def test_tied_weights_stay_in_one_stage() -> None:
    net = models.GPT(characters=5, length=4, width=4, blocks=2, heads=2)
    net[-1].weight = net[0].token.weight
    with pytest.raises(ValueError, match=r"stages 0 and 1 share a parameter of shape \(5, 4\) .* untie it"):
        stage_chain(net, 2)
    assert len(stage_chain(net, 1)) == 1
