"""Parts, model and points of a run."""

import pytest
import torch

from sapts_pinn.optim.methods import method
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving.making import _default_parts, _fixed_global_seed, made
from sapts_pinn.solving.own_points import OwnCollocation
from sapts_pinn.solving.settings import RunSettings


@pytest.mark.parametrize(
    ("name", "ranks", "network", "parts"),
    [
        ("sapts-d", 1, (8,), 2),
        ("sapts-d", 3, (8,), 3),
        ("sapts-p", 1, (8,), 2),  # hidden and output layer
        ("sapts-p", 1, (8,) * 9, 4),
        ("sapts-p", 1, None, 4),
    ],
)
def test_parts_are_the_ranks_or_as_many_as_there_are_layers(name, ranks, network, parts):
    assert _default_parts(method(name).decomposition, ranks, network) == parts


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    with _fixed_global_seed(3):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with _fixed_global_seed(3):
        assert torch.equal(torch.rand(3), first)


def test_given_points_are_those_of_the_equation():
    own = torch.rand(9, 1, dtype=torch.float64)
    settings = RunSettings(network=(4,), points=9, condition_points=5, method="tr")
    _, points = made(build("poisson-1d"), settings, SingleProcess(), own)
    assert isinstance(points, OwnCollocation) and torch.equal(points.draw()["equation"].points, own)
    assert not isinstance(made(build("poisson-1d"), settings, SingleProcess())[1], OwnCollocation)
