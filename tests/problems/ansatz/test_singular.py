"""The part of a solution that a kink or a jump in the data starts."""

import pytest
import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem
from sapts_pinn.problems.ansatz.singular import diffused, harmonic, step
from sapts_pinn.problems.fields import derivatives
from written_data import hat, heat

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")

X = Interval(0, 1)


@pytest.mark.parametrize("p", [0, 1, 2])
def test_what_kinks_start_solves_the_equations(p):
    g = torch.Generator().manual_seed(0)
    points = torch.rand(50, 2, generator=g, dtype=torch.float64) + torch.tensor([-0.5, 0.01]).double()
    xx, t = derivatives(lambda q: diffused(q[:, 0], q[:, 1], p), points, [(0, 0), (1,)])
    assert torch.allclose(xx, t, rtol=1e-9, atol=1e-9)
    xx, ss = derivatives(lambda q: harmonic(q[:, 0], q[:, 1], p), points, [(0, 0), (1, 1)])
    assert torch.allclose(xx, -ss, rtol=1e-9, atol=1e-9)
    y, zero = points[:, 0], torch.zeros(50, dtype=torch.float64)
    for form in (diffused, harmonic):
        assert torch.allclose(form(y, zero, p), step(y, p), atol=1e-15)
        assert torch.allclose(form(y, zero + 1e-12, p), step(y, p), atol=1e-5)


def test_the_printout_says_what_happens_to_kinks():
    problem = heat(hat)
    assert "not smooth at x=0.3: what starts there is known in closed form" in str(problem)
    kinked = Problem(
        X * Time(0, 1),
        "u",
        lambda u, x: u.tt - (1 + x) * u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", hat, velocity=0.0)],
    )
    assert "its slope in x jumps at x=0.3: it is a weighted term" in str(kinked)
    assert kinked.conditions[1] not in kinked.ansatz.exact


@pytest.mark.parametrize(
    "initial",
    [
        lambda x: 4 * torch.remainder(x, 0.25) * (1 - x),
        lambda x: torch.linspace(0, 1, 6, dtype=torch.float64)[(5 * x).round().long()] * (1 - x),
    ],
)
def test_teeth_and_tables_with_a_slope_between_their_jumps_are_taken_out(initial):
    problem = heat(initial, until=0.1)
    assert problem.conditions[1] in problem.ansatz.exact
    assert "weighted term" not in str(problem)
