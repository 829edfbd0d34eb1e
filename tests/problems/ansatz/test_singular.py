"""The part of a solution that a kink or a jump in the data starts."""

import math

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Periodic, Problem, build
from sapts_pinn.problems.fields import derivatives
from written_data import hat, heat

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")

X = Interval(0, 1)


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


ODD = torch.arange(1, 4001, 2, dtype=torch.float64)
RING = Interval(-1, 1, name="x") * Time(0, 1)
CLOSED = [Periodic("x"), Initial("u", lambda x: x.abs())]


def triangle(x, t, k=0.01):
    """The Fourier series of the heat equation from |x| with period 2."""
    decay = torch.exp(-k * (math.pi * ODD) ** 2 * t[:, None])
    return 0.5 - (4 / math.pi**2) * (torch.cos(math.pi * x[:, None] * ODD) / ODD**2 * decay).sum(1)


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_kinks_on_a_circle_and_at_its_seam_are_taken_out_and_carried_along(speed):
    problem = Problem(
        RING,
        "u",
        lambda u: u.t - 0.01 * u.xx + speed * u.x,
        CLOSED,
        reference=lambda x, t: triangle(torch.remainder(x - speed * t + 1, 2) - 1, t),
    )
    assert problem.conditions[1] in problem.ansatz.exact
    assert problem.symmetries.keys() == (set() if speed else {"x"})
    ends = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [-1.0, 0.3], [1.0, 0.3]], dtype=torch.float64)
    value, slope, curved = derivatives(problem.ansatz.extension["u"], ends, [(), (0,), (0, 0)])
    assert value[:2].tolist() == pytest.approx([1.0, 1.0]) and slope[:2].tolist() == pytest.approx([-1, 1])
    for of in (value, slope, curved):
        assert float(of[2]) == pytest.approx(float(of[3]), abs=1e-8)
    found = solve(problem, method="tr", network=(12, 12), points=512, budget="150 iterations", threads=1)
    assert found.error() < 1e-4, "which a network alone does not reach"


@pytest.mark.parametrize("bounds", [(0.0, 0.4), (0.1, 0.8), (-0.3, 0.3)])
@pytest.mark.parametrize("speed", [0.0, 0.013])
def test_both_ends_are_the_seam_where_the_length_is_rounded(bounds, speed):
    equation = lambda u: u.t - 1e-3 * u.xx + speed * u.x
    start = Initial("u", lambda x: 293.0 + 500 * (x - bounds[0]) * (bounds[1] - x))
    problem = Problem(Interval(*bounds, name="x") * Time(0, 6), "u", equation, [Periodic("x"), start])
    assert start in problem.ansatz.exact
    ends = torch.tensor([[x, t] for t in (0.3, 2.7, 6.0) for x in bounds], dtype=torch.float64)
    for of, size in zip(
        derivatives(problem.ansatz.extension["u"], ends, [(), (0,)]), (100, 500), strict=True
    ):
        left, right = of.reshape(-1, 2).unbind(1)
        assert (left - right).abs().max() < 1e-7 * size


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_the_seam_of_a_periodic_start_is_built_in_where_the_equation_forgets_it():
    problem = build("allen-cahn")
    assert problem.conditions[1] in problem.ansatz.exact and "u even" in str(problem)
    for equation, rate in (
        (lambda u: u.t + u * u.x + 0.01 * u.xxx, None),  # not of second order
        (lambda u: u.tt - u.xx, 0.0),  # which carries the kink for ever
        (lambda u: u.t + u.x, None),
        (lambda u: u.t + 0.01 * u.xx, None),  # backwards in time
    ):
        start = Initial("u", lambda x: x**2 * torch.cos(math.pi * x), velocity=rate)
        other = Problem(RING, "u", equation, [Periodic("x"), start])
        assert start not in other.ansatz.exact and "not smooth across the seam" in str(other)
