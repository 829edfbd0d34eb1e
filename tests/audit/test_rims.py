"""Errors that begin in a corner of initial values and a face, smaller than the distance between points."""

import math

import pytest
import torch
from torch import Tensor

from sapts_pinn.audit import residuals, rims
from sapts_pinn.audit.state import State
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import Initial, Neumann, Problem
from wrong_solutions import estimated, given, soft, unit, zero_on

RATE, SWELL, HEIGHT = 0.01, 1e-4, 1e-4


def insulated() -> Problem:
    """Heat between insulated walls: cos(pi x) fades."""
    return soft(
        Interval(0, 1, name="x") * Time(0, 1),
        lambda u: u.t - RATE * u.xx,
        Neumann("u", 0.0, on="x", hard=False),
        Initial("u", lambda x: torch.cos(math.pi * x), hard=False),
    )


def fading(x: Tensor, t: Tensor) -> Tensor:
    return torch.cos(math.pi * x) * torch.exp(-RATE * math.pi**2 * t)


def spread(x: Tensor, t: Tensor, age: float) -> Tensor:
    """Heat of a narrow source at the wall x = 0 that swells up within `SWELL`: a residual for that long."""
    kernel = torch.sqrt(age / (t + age)) * torch.exp(-(x**2) / (4 * RATE * (t + age)))
    return HEIGHT * kernel * -torch.expm1(-t / SWELL)


@pytest.mark.parametrize("age", [1e-2, 1e-3])
def test_an_error_from_a_corner_is_told_about_right(age: float) -> None:
    x, t = (torch.rand(400_000, generator=torch.Generator().manual_seed(k)).double() for k in (1, 2))
    true = float((spread(x, t, age).square().sum() / fading(x, t).square().sum()).sqrt())
    found = estimated(insulated(), lambda x, t: fading(unit(x), unit(t)) + spread(unit(x), unit(t), age))
    assert 1 / 3 < found.relative / true < 10
    assert not found.reliable and "where the initial values meet a face" in found.words


def test_a_solution_that_fits_at_the_corner_is_told_nothing_of_it() -> None:
    found = estimated(insulated(), lambda x, t: fading(unit(x), unit(t)) * (1 + 1e-3 * unit(t) ** 2))
    assert found.reliable
    exact = State(given(insulated(), lambda x, t: fading(unit(x), unit(t))))
    assert rims.check(exact)["at_rims"] < 1e-12


def test_the_figure_is_of_no_unit() -> None:
    """The same error in milliseconds, millimetres and another unit of u, the equation times a number."""
    problem = soft(
        Interval(0, 1e3, name="x") * Time(0, 1e3),
        lambda u: 1e5 * (u.t - 1e3 * RATE * u.xx),
        Neumann("u", 0.0, on="x", hard=False),
        Initial("u", lambda x: 1e-6 * torch.cos(math.pi * x / 1e3), hard=False),
    )

    def found(problem: Problem, size: float) -> float:
        def function(x: Tensor, t: Tensor) -> Tensor:
            return size * (fading(unit(x), unit(t)) + spread(unit(x), unit(t), 1e-3))

        return rims.check(State(given(problem, function)))["at_rims"]

    assert found(problem, 1e-6) == pytest.approx(found(insulated(), 1.0), rel=1e-6)


def test_a_steady_problem_has_no_rim_and_a_wave_only_a_velocity_there() -> None:
    steady = soft(Box((0, 0), (1, 1)), lambda u: u.xx + u.yy - 1, zero_on("x"), zero_on("y"))
    assert rims.check(State(given(steady, lambda x, y: x * y))) == {}
    wave = soft(
        Interval(0, 1, name="x") * Time(0, 1),
        lambda u: u.tt - u.xx,
        zero_on("x"),
        Initial("u", lambda x: torch.sin(math.pi * x), velocity=0.0, hard=False),
    )
    string = State(given(wave, lambda x, t: torch.sin(math.pi * unit(x)) * torch.cos(math.pi * unit(t))))
    assert rims.check(string) == {"at_rims": 0.0}


def test_a_spike_in_the_corner_is_told_by_what_it_has_moved() -> None:
    """A residual of a hundred times the terms: a spike elsewhere would be told as an error of order one."""

    def high(x: Tensor, t: Tensor) -> Tensor:
        return fading(unit(x), unit(t)) + 100 * spread(unit(x), unit(t), 1e-2)

    x, t = (torch.rand(400_000, generator=torch.Generator().manual_seed(k)).double() for k in (1, 2))
    true = 100 * float((spread(x, t, 1e-2).square().sum() / fading(x, t).square().sum()).sqrt())
    state = State(given(insulated(), high))
    assert 1 / 3 < rims.check(state)["at_rims"] / true < 10
    (found,) = residuals.check(state, state.interior)[0]
    assert "a spike of the residual" in found.words and found.figures["spike"] == 0


def test_points_that_are_covered() -> None:
    state = State(given(insulated(), lambda x, t: fading(unit(x), unit(t))))
    covered = {
        (x, t): rims.covers(state, torch.tensor([x, t]).double())
        for x in (0.01, 0.5, 0.99)
        for t in (0.01, 0.5)
    }
    assert covered == {(x, t): x != 0.5 and t < 0.1 for x, t in covered}
