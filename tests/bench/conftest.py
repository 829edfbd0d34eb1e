"""Measurements in this process, and small data sets."""

import sys

import pytest
import torch

from benched import in_this_process
from sapts_pinn.bench.suites import (
    ablation,
    accuracy,
    closure,
    first_step,
    in_deepxde,
    memory,
    pinnacle,
    points,
    radius,
    scaling,
    trust,
    zoo,
)
from small_data_sets import made_data, small_data  # noqa: F401  (fixtures)


@pytest.fixture
def here(monkeypatch):
    """Measure in this process, which has loaded PyTorch already."""
    for suite in (ablation, accuracy, closure, in_deepxde, memory, pinnacle, points, radius, trust, zoo):
        monkeypatch.setattr(suite, "in_child", in_this_process)
    monkeypatch.setattr(scaling, "launch", lambda ranks, **a: in_this_process(scaling.measure, **a))
    monkeypatch.setenv("DDE_BACKEND", "pytorch")  # as children have it
    times = {"from_outside": 2.0, "seconds_to_first_step": 1.9, "until_started": 0.1, "whole": 9.0}
    monkeypatch.setattr(first_step, "measure", lambda problem, seed, cache: times)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    if "deepxde" in sys.modules:  # whose precision is global
        sys.modules["deepxde"].config.set_default_float("float32")
