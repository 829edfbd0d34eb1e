"""Methods inside DeepXDE where it has made another device than the processor the default, as with a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import deepxde as dde
import pytest
import torch

from deepxde_runs import Build, compile_, train
from elsewhere import DEVICE, Elsewhere
from sapts_pinn.deepxde.placing import default_device, on_processor

METHODS = ("tr", "tr-gauss-newton", "tr-lbfgs", "sapts-d", "sapts-p", "sapts-ip")


GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))
DEVICES = pytest.mark.parametrize("device", [DEVICE, GPU])


@contextmanager
def by_default(device: str) -> Iterator[None]:
    """Make a device the default one, as DeepXDE does."""
    with Elsewhere() if device == DEVICE else nullcontext():
        torch.set_default_device(device)
        try:
            yield
        finally:
            torch.set_default_device(None)


def built(build: Build, kind: str) -> Any:
    """An untrained model on the default device."""
    dde.config.set_random_seed(0)
    model = build(kind)
    assert next(model.net.parameters()).device.type == torch.get_default_device().type
    return model


def descended(model: Any, method: str) -> list[float]:
    """Losses of a few iterations."""
    train(compile_(model, method), 4, display_every=1, verbose=0)
    return [float(sum(losses)) for losses in model.losshistory.loss_train]


def compared(build: Build, kind: str, method: str, device: str) -> None:
    here = built(build, kind)
    start = {name: p.detach().clone() for name, p in here.net.named_parameters()}
    wanted = descended(here, method)
    with by_default(device):
        there = built(build, kind)
        for name, p in there.net.named_parameters():  # a GPU draws other numbers from a seed
            p.data.copy_(start[name])
        assert descended(there, method) == pytest.approx(wanted, rel=1e-5)


@DEVICES
@pytest.mark.parametrize("method", METHODS)
def test_methods_take_the_steps_that_they_take_on_the_processor(
    method: str, device: str, build: Build
) -> None:
    compared(build, "burgers", method, device)


@DEVICES
@pytest.mark.parametrize("kind", ["every-condition", "inverse", "operator", "operator-product", "fitting"])
def test_models_of_other_kinds(kind: str, device: str, build: Build) -> None:
    compared(build, kind, "sapts-d", device)


@DEVICES
def test_a_function_runs_with_the_processor_as_the_default_device(device: str) -> None:
    def made() -> str:
        return torch.zeros(1).device.type

    with by_default(device):
        assert made() == device and on_processor(made)() == "cpu"
        with default_device(torch.device("cpu")), default_device(torch.device(device, 0)):
            assert made() == device
        assert made() == device
