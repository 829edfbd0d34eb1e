"""Inputs of the network with the kinks that delays make."""

from __future__ import annotations

import pytest
import torch

from sapts_pinn import Dirichlet, Initial, Problem
from sapts_pinn.geometry import Interval, Time


def kinks(equation, *conditions, domain=None):
    made = Problem(domain or Time(0, 3.5), "u", equation, list(conditions))
    return [(f.name, f.function) for f in made.companions.features]


def power(function, at):
    """Order of the zero behind a kink."""
    step = torch.tensor([[at + 1e-3], [at + 2e-3]], dtype=torch.float64)
    near, far = function(step).tolist()
    assert float(function(torch.tensor([[at - 1e-3]], dtype=torch.float64))) == 0
    return round(torch.log2(torch.tensor(far / near)).item())


def test_a_constant_delay():
    found = kinks(lambda u, t: u.t + u.at(t=t - 1), Initial("u", 1.0, history=1.0))
    assert [name for name, _ in found] == ["kink at t=1", "kink at t=2", "kink at t=3"]
    assert [power(f, at) for at, (_, f) in enumerate(found, 1)] == [2, 3, 4]


def test_a_history_that_jumps():
    found = kinks(lambda u, t: u.t + u.at(t=t - 1), Initial("u", 1.0, history=0.0))
    assert [power(f, at) for at, (_, f) in enumerate(found, 1)] == [1, 2, 3]


def test_an_equation_of_second_order():
    found = kinks(lambda u, t: u.tt + u.at(t=t - 2), Initial("u", 1.0, velocity=0.0, history=0.0))
    assert [name for name, _ in found] == ["kink at t=2"]
    assert power(found[0][1], 2) == 2


def test_a_delay_that_grows():
    found = kinks(lambda u, t: u.t + u.at(t=t / 2 - 0.5), Initial("u", 1.0, history=1.0))
    assert [name for name, _ in found] == ["kink at t=1", "kink at t=3"]


def test_none_without_a_history():
    assert kinks(lambda u, t: u.t + u.at(t=t / 2), Initial("u", 1.0)) == []


@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_delays_that_vary_in_space_have_none(factor):
    found = kinks(
        lambda u, x, t: u.t - u.xx + u.at(t=t - 1 - factor * x),
        Initial("u", lambda x: x * (1 - x), history=lambda x: x * (1 - x)),
        Dirichlet("u", 0.0),
        domain=Interval(0, 1) * Time(0, 1.5),
    )
    assert len(found) == (1 if factor == 0 else 0)
