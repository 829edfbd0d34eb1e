"""Methods inside DeepXDE where it has made another device than the processor the default, as with a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import deepxde as dde
import pytest
import torch

from deepxde_runs import Build, compile_, train
from elsewhere import DEVICE, Elsewhere
from sapts_pinn.deepxde.placing import default_device, on_processor

METHODS = ("tr", "tr-gauss-newton", "tr-lbfgs", "sapts-d", "sapts-p", "sapts-ip")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with Elsewhere():
        torch.set_default_device(DEVICE)
        yield DEVICE
        torch.set_default_device(None)


def descended(build: Build, kind: str, method: str) -> list[float]:
    """Losses of a few iterations."""
    dde.config.set_random_seed(0)
    model = compile_(build(kind), method)
    weights = next(model.net.parameters()).device.type
    assert weights == torch.get_default_device().type
    train(model, 4, display_every=1, verbose=0)
    return [float(sum(losses)) for losses in model.losshistory.loss_train]


def compared(build: Build, kind: str, method: str, request: Any) -> None:
    here = descended(build, kind, method)
    request.getfixturevalue("elsewhere")
    assert descended(build, kind, method) == pytest.approx(here, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_methods_take_the_steps_that_they_take_on_the_processor(
    method: str, build: Build, request: pytest.FixtureRequest
) -> None:
    compared(build, "burgers", method, request)


@pytest.mark.parametrize("kind", ["every-condition", "inverse", "operator", "operator-product", "fitting"])
def test_models_of_other_kinds(kind: str, build: Build, request: pytest.FixtureRequest) -> None:
    compared(build, kind, "sapts-d", request)


def test_a_function_runs_with_the_processor_as_the_default_device(elsewhere: str) -> None:
    def made() -> str:
        return torch.zeros(1).device.type

    assert made() == DEVICE and on_processor(made)() == "cpu"
    with default_device(torch.device("cpu")), default_device(torch.device(DEVICE, 0)):
        assert made() == DEVICE
    assert made() == DEVICE
