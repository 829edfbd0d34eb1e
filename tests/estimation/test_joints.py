"""Continuity between windows in time, in the error equation."""

import math

import pytest
import torch
from torch import Generator, Tensor

from sapts_pinn.estimation.error_estimate import CHEAP, estimate_error
from sapts_pinn.estimation.joints import continuity, window_number
from sapts_pinn.estimation.linearised import linearised
from sapts_pinn.geometry import Time
from sapts_pinn.networks.time_windows import WindowedModel, window
from sapts_pinn.problems import Dirichlet, Initial
from wrong_solutions import PI, X, given, soft, unit, zero_on

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_a_jump_between_windows_is_an_error_from_there_on() -> None:
    """Heat whose second window starts a tenth too high, and satisfies everything but the continuity."""
    start = Initial("u", lambda x: torch.sin(PI * x), hard=False)
    problem = soft(X * Time(0, 0.1), lambda u: u.t - u.xx, zero_on("x"), start)

    def heat(x: Tensor, t: Tensor) -> Tensor:
        return torch.sin(PI * unit(x)) * torch.exp(-(PI**2) * t)

    first = given(window(problem, [0.05], 0, None), lambda x, t: heat(x, 0.05 * unit(t)))
    second = given(window(problem, [0.05], 1, first), lambda x, t: 1.1 * heat(x, 0.05 + 0.05 * unit(t)))
    found = estimate_error(WindowedModel(problem, [first, second], [0.05]), (CHEAP,))[0]
    a = math.exp(-(PI**2) * 0.1)  # integrals of exp(-2 pi^2 t) over the windows
    assert found.reliable
    assert found.relative == pytest.approx(0.1 * math.sqrt((a - a * a) / (1 - a * a)), rel=0.2)


def windowed(velocity=None) -> WindowedModel:
    """u = x in the first window and x + 0.25 t in the second, which begins at t = 2."""
    start = Initial("u", lambda x: x, velocity, hard=False)
    equation = (lambda u: u.tt - u.xx) if velocity is not None else (lambda u: u.t - u.xx)
    problem = soft(X * Time(0, 4), equation, Dirichlet("u", 0.0, on="x=0", hard=False), start)
    functions = lambda x, t: unit(x), lambda x, t: unit(x) + 0.25 * (2 + 2 * unit(t))
    first = given(window(problem, [2.0], 0, None), functions[0])
    return WindowedModel(problem, [first, given(window(problem, [2.0], 1, first), functions[1])], [2.0])


def test_a_term_for_every_edge_is_the_jump_there():
    model = windowed()
    (term,) = continuity(model)
    sites = term.sites(5, Generator().manual_seed(0), "uniform")
    before, after = sites.points.chunk(2)
    assert sites.fold == 2 and (before[:, 1] == 2).all() and (after[:, 1] > 2).all()
    assert torch.equal(before[:, 0], after[:, 0]) and term.name == "continuity at t=2"
    found = linearised(model, term, sites)
    torch.testing.assert_close(found.values, torch.full((1, 5), 0.5, dtype=torch.float64))
    value = found.channels.position[()]
    assert found.slopes[0, 0, value].tolist() == [-1.0] * 5 + [1.0] * 5


def test_where_a_velocity_starts_the_velocity_is_continuous_too():
    model = windowed(velocity=0.0)
    (term,) = continuity(model)
    assert term.rows == 2
    found = linearised(model, term, term.sites(3, Generator().manual_seed(0), "uniform"))
    expected = torch.tensor([[0.5], [0.25]], dtype=torch.float64).expand(2, 3)
    torch.testing.assert_close(found.values, expected)


def test_the_number_of_a_window_is_a_flat_input():
    column = window_number(windowed())
    x = torch.tensor([[0.3, 0.0], [0.3, 2.0], [0.3, 2.1]], dtype=torch.float64, requires_grad=True)
    assert column(x).tolist() == [-1, -1, 1]
    (slope,) = torch.autograd.grad(column(x).sum(), x)
    assert not slope.any()
