"""Errors carried through windows in time, against errors that are known."""

import math

import pytest
import torch

from sapts_pinn.estimation.carried import DEGREE, Carried, _basis, _constrained, carries
from sapts_pinn.estimation.error_estimate import estimate_error
from sapts_pinn.estimation.seen import Seen
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.time_windows import WindowedModel, window
from sapts_pinn.problems import Dirichlet, Initial, Problem
from wrong_solutions import given, unit

NOTHING_SEEN = Seen((), False, 0.0, 0.0)


def solved(part: Problem, wanted) -> Model:
    """A model that is a wanted function of the time, whatever is built in."""
    low, high = part.domain.bounds[:, 0].tolist()
    g, factor = part.ansatz.extension["u"], part.ansatz.factor["u"]

    def values(s):
        t = low + (high - low) * unit(s)
        points = t.reshape(-1, 1)
        less = wanted(t) if g is None else wanted(t) - g(points).reshape(t.shape)
        return less if factor is None else less / factor(points).reshape(t.shape)

    return given(part, values)


def windows(problem: Problem, meet: float, *wanted) -> WindowedModel:
    first = solved(window(problem, [meet], 0, None), wanted[0])
    return WindowedModel(problem, [first, solved(window(problem, [meet], 1, first), wanted[1])], [meet])


def cosine(rate: float, wrong) -> WindowedModel:
    """u' = rate (cos t - u) - sin t, solved by cos t, with what is `wrong` added."""
    problem = Problem(
        Time(0, 4), "u", lambda u, t: u.t - rate * (torch.cos(t) - u) + torch.sin(t), [Initial("u", 1.0)]
    )
    return windows(problem, 1.0, *[lambda t: torch.cos(t) + wrong(t)] * 2)


@pytest.mark.parametrize("rate", [0.5, 1e4])
def test_an_error_is_found_where_it_is(rate):
    model = cosine(rate, lambda t: 1e-3 * torch.sin(2 * t))
    t = torch.linspace(0, 4, 101, dtype=torch.float64)[:, None]
    found = Carried(model, 0).field(t)[:, 0]
    torch.testing.assert_close(found, -1e-3 * torch.sin(2 * t[:, 0]), atol=1e-6, rtol=0)


def test_an_error_of_the_first_window_grows_in_the_second():
    """u' = u is held by c e^t with another c from t = 1 on: no residual shows it there."""
    problem = Problem(Time(0, 2), "u", lambda u: u.t - u, [Initial("u", 1.0)])
    model = windows(problem, 1.0, lambda t: torch.exp(t) * (1 + 1e-3 * t**2), lambda t: 1.001 * torch.exp(t))
    found, field = estimate_error(model)
    at = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    torch.testing.assert_close(
        field(at)[:, 0],
        torch.tensor([-1e-3 * math.e, -1e-3 * math.e**2], dtype=torch.float64),
        rtol=1e-3,
        atol=0,
    )
    assert found.reliable and 7e-4 < found.relative < 2e-3


def test_a_value_that_is_missed_at_the_start_is_an_error():
    problem = Problem(Time(0, 2), "u", lambda u: u.t + u, [Initial("u", 1.0, hard=False)])
    carried = Carried(windows(problem, 1.0, *[lambda t: 1.01 * torch.exp(-t)] * 2), 0)
    at = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    expected = -0.01 * torch.exp(-at[:, 0])
    torch.testing.assert_close(carried.field(at)[:, 0], expected, rtol=1e-6, atol=0)
    assert carried.missed().tolist() == pytest.approx([0.01])


def test_what_is_too_fine_makes_it_doubtful():
    model = cosine(0.5, lambda t: 1e-3 * torch.sin(400 * t))
    verdict = Carried(model, 0).verdict(Seen((), False, 1e-3, 0.0))
    assert any("too fine" in doubt for doubt in verdict.doubts)


def test_what_an_audit_has_seen_counts():
    verdict = Carried(cosine(0.5, lambda t: 0 * t), 0).verdict(Seen((), False, 0.0, 0.25))
    assert float(verdict.told(torch.ones(1, 1))) > 0.1


def test_of_which_models_it_is():
    ode = cosine(0.5, lambda t: 0 * t)
    assert carries(ode) and not carries(ode.windows[0])
    heat = Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0), Initial("u", lambda x: x * (1 - x))],
    )
    assert not carries(WindowedModel(heat, [], []))


def test_the_basis_has_its_derivatives():
    x = torch.linspace(-1, 1, 7, dtype=torch.float64)
    expected = torch.cos(3 * torch.arccos(x)), 12 * x**2 - 3
    for order, column in enumerate(expected):
        torch.testing.assert_close(_basis(x, order)[:, 3], column)
    assert _basis(x, 0).shape == (7, DEGREE + 1)


def test_least_squares_keep_what_is_held():
    draw = torch.Generator().manual_seed(0)
    a, b, held = (torch.randn(*n, generator=draw, dtype=torch.float64) for n in ((20, 6), (20,), (2, 6)))
    wanted = torch.tensor([1.0, -2.0], dtype=torch.float64)
    c = _constrained(a, b, held, wanted)
    torch.testing.assert_close(held @ c, wanted)
    kernel = torch.linalg.svd(held)[2][2:]  # moves that keep it
    torch.testing.assert_close(kernel @ a.T @ (a @ c - b), torch.zeros(4, dtype=torch.float64))
