"""The trained function as the audit sees it."""

import math

import pytest
import torch

from audited_models import untrained
from sapts_pinn.audit.state import State, rms, times
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem


@pytest.fixture
def state() -> State:
    """u = sin(pi x) with a network of zero, in u_t + u u_x - 0.1 u_xx = x."""
    start = Initial("u", lambda x: torch.sin(math.pi * x))
    equation = lambda u, x: u.t + u * u.x - 0.1 * u.xx - x
    domain = Interval(0, 1) * Time(0, 2)
    problem = Problem(domain, "u", equation, [Dirichlet("u", 0.0), start], symmetry=False)
    return State(untrained(problem)[0])


def test_the_equation_is_taken_apart(state):
    x = state.interior[:, 0]
    u, u_x = torch.sin(math.pi * x), math.pi * torch.cos(math.pi * x)
    u_xx = -(math.pi**2) * u
    found, columns = state.terms, {index: c for c, (_, index) in enumerate(state.needs)}
    assert torch.allclose(found.residual[0], u * u_x - 0.1 * u_xx - x)
    assert torch.allclose(found.source[0], -x)
    for index, slope, value in (((), u_x, u), ((0,), u, u_x), ((0, 0), torch.full_like(x, -0.1), u_xx)):
        assert torch.allclose(found.slopes[0, columns[index]], slope)
        assert torch.allclose(found.parts[0, columns[index]], slope * value)
    largest = torch.stack([x, (u * u_x).abs(), (0.1 * u_xx).abs()]).amax(0)
    assert torch.allclose(found.largest[0], largest)


def test_sizes_and_reach(state):
    assert state.sizes["u"] == pytest.approx(0.5**0.5, rel=0.05) and state.extent.tolist() == [1, 2]
    reach = dict(zip((index for _, index in state.needs), state.reach.tolist(), strict=True))
    assert reach[1,] == pytest.approx(state.sizes["u"] / 2) and reach[0, 0] == pytest.approx(state.sizes["u"])
    assert state.where(torch.tensor([0.1234, 2.0])) == "x=0.123, t=2"


def test_points_are_never_those_of_a_run_and_the_same_again(state):
    again = State(state.model)
    assert torch.equal(state.interior, again.interior)
    drawn = state.problem.domain.interior(len(state.interior), torch.Generator().manual_seed(0))
    assert not torch.equal(state.interior, drawn)


def test_root_mean_square_leaves_out_what_is_not_finite():
    values = torch.tensor([[3.0, math.nan, 4.0], [math.inf, 0.0, 0.0]], dtype=torch.float64)
    assert rms(values).tolist() == [12.5**0.5, 0]
    assert (times(2.345), times(123.4), times(2.5e6)) == ("2.3", "123", "2e+06")
