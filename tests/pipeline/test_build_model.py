"""Whole and divided models behind one interface."""

from dataclasses import dataclass

import pytest
import torch

from draws import rng
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Counters
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.pipeline.build_model import build_model
from sapts_pinn.problems import build


@dataclass(frozen=True)
class Settings:
    network: tuple[int, ...] = (7, 6)
    activation: str = "tanh"
    dtype: str = "float64"
    device: str = "cpu"


@pytest.mark.parametrize("name", ["burgers", "burgers-inverse"])
def test_whole_and_divided_models_are_the_same_function(name):
    problem = build(name)
    whole, divided = (
        build_model(problem, Settings(), rng(), SingleProcess(), stages) for stages in (None, 3)
    )
    x = problem.domain.interior(30, rng(1))
    torch.testing.assert_close(whole(x), divided(x), rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(whole.residuals(x), divided.residuals(x), rtol=1e-10, atol=1e-10)
    assert whole.values() == pytest.approx(divided.values())
    sites = {term.name: term.sites(20, rng(2), "uniform") for term in problem.terms}
    value, other = (model.objective(sites, Counters(), 1) for model in (whole, divided))
    assert value.value() == pytest.approx(other.value(), rel=1e-12)
    assert (value.collective, other.collective) == (False, True)
    assert value.separable() is not None and other.separable() is None
    for model in (whole, divided):
        assembled = model.assemble()
        assert isinstance(assembled, Model)
        torch.testing.assert_close(assembled(x), whole(x), rtol=1e-13, atol=1e-13)


def test_a_divided_model_cannot_be_freed():
    divided = build_model(build("burgers"), Settings(), rng(), SingleProcess(), 2)
    assert not divided.can_be_freed
    with pytest.raises(ValueError, match="a network in stages cannot go on without; give symmetry=False"):
        divided.free()


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="device 'tpu9' is not available here; use 'cpu'"):
        build_model(build("burgers"), Settings(device="tpu9"), rng(), SingleProcess())
