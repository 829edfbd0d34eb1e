"""Equations that hide what they depend on."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Coefficient, Dirichlet, Problem
from sapts_pinn.problems.wellposed.sensitivity import hidden, refuse_random
from written_data import heat, opaque

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")

X = Interval(0, 1)


HIDDEN = {
    "detach": lambda u: u.xx.value.detach() + u,
    "small": lambda u: u.xx + 1e-4 * u.value.detach(),
    "numpy": lambda u: u.xx + torch.as_tensor(np.sin(u.value.detach().numpy())),
    "special": lambda u: u.xx + torch.special.bessel_j0(u.value),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_equations_that_hide_the_unknown_are_refused(name):
    with pytest.raises(ValueError, match="in a way that PyTorch does not differentiate"):
        Problem(X, "u", HIDDEN[name], [Dirichlet("u")])


def test_hidden_coefficients_are_refused_and_tables_of_coordinates_are_not():
    with pytest.raises(ValueError, match="the equation uses k in a way"):
        Problem(X, "u", lambda u, k: u.xx + k.detach() * u, [Dirichlet("u")], [Coefficient("k", init=2.0)])
    Problem(X, "u", lambda u, x: u.xx + opaque(np.sin)(x), [Dirichlet("u")])
    Problem(X, "u", lambda u: 1e9 * u.xx + torch.exp(30 * u.value) + u.value.abs(), [Dirichlet("u")])


def test_random_data_are_refused_as_random():
    with pytest.raises(ValueError, match="initial value of u gives other values every time it is called"):
        heat(lambda x: torch.sin(math.pi * x) + 0.1 * torch.rand_like(x), until=0.1)
    with pytest.raises(ValueError, match="the equation gives other values every time"):
        Problem(Interval(0, 1), "u", lambda u: u.xx + torch.randn_like(u.value), [Dirichlet("u", 0.0)])


def test_hidden_inputs_are_named_and_the_others_not():
    x = torch.linspace(0.5, 1.5, 7, dtype=torch.float64)
    inputs = {"seen": x, "part": x + 1, "none": x + 2}

    def rows(v):
        return v["seen"] ** 2 + v["part"] + v["part"].detach() ** 2, v["none"].detach() * v["seen"]

    assert hidden(rows, inputs) == ["part", "none"]
    assert hidden(lambda v: (v["seen"] * v["part"] + v["none"].exp(),), inputs) == []


def test_the_same_rows_twice_are_not_random():
    rows = (torch.tensor([1.0, float("nan")]),)
    refuse_random(rows, (rows[0].clone(),), "the equation")
    with pytest.raises(ValueError, match="the equation gives other values every time it is called"):
        refuse_random(rows, (rows[0] + 1e-7,), "the equation")
