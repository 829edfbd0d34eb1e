"""The trace of a function: what it reads, and what is refused."""

import pytest
import torch

from sapts_pinn import Dirichlet, Initial, Problem
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Sites
from sapts_pinn.problems.trace import trace

PROBLEM = Problem(
    Interval(0, 1) * Time(0, 1),
    ("u", "v"),
    lambda u, v: (u.t - u.xx - 1, v.xx - u),
    [Dirichlet("u"), Dirichlet("v"), Initial("u", 0.0)],
    symmetry=False,
)
SITES = Sites(torch.rand(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


def test_rows_and_derivatives_are_found():
    rows, needs = trace(
        PROBLEM, lambda f, s, k: (f["u"].d("x", "t").value * f["v"].value, f["u"].value), SITES, "it"
    )
    assert rows == 2 and needs == {"u": ((), (0, 1)), "v": ((),)}


@pytest.mark.parametrize(
    ("residual", "message"),
    [
        (lambda f, s, k: (), "it returned nothing"),
        (lambda f, s, k: (f["u"].value / 0,), "it gives NaN or infinity"),
        (lambda f, s, k: (f["u"].value - f["u"].value.mean(),), "depends on the other points"),
        (lambda f, s, k: (f["u"].value * torch.rand(()),), "other values every time"),
    ],
)
def test_functions_that_cannot_be_trained_are_refused(residual, message):
    with pytest.raises(InputError, match=message):
        trace(PROBLEM, residual, SITES, "it")
