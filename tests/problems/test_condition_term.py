"""Conditions as terms of the loss: their weights and the treatment of these in training."""

import pytest

from sapts_pinn import Coefficient, Dirichlet, Initial, Neumann, Observations, Problem
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.condition_term import NOISY_WEIGHT, SOFT_WEIGHT, weighted_by_noise
from sapts_pinn.problems.term import Balance

POINTS = {"x": [0.2, 0.4, 0.6, 0.8], "t": [0.1, 0.2, 0.3, 0.4]}


def terms(*conditions):
    rod = Interval(0, 1) * Time(0, 1)
    problem = Problem(
        rod, "u", lambda u, k: u.t - k * u.xx - 1, [*conditions], coefficients=[Coefficient("k", init=1.0)]
    )
    return problem.condition_terms


def test_values_on_faces_are_held_tightly_and_a_given_weight_stays():
    found = terms(
        Dirichlet("u", 0.0, on="x=0"),
        Neumann("u", 0.0, on="x=1"),
        Initial("u", 0.0, weight=3.0),
        Observations("u", POINTS, [1.0, 2.0, 3.0, 4.0]),
    )
    assert [t.balance for t in found] == [Balance.TIGHT, Balance.BALANCED, Balance.FIXED, Balance.FIXED]
    assert [t.weight for t in found] == [SOFT_WEIGHT, SOFT_WEIGHT, 3.0, SOFT_WEIGHT]
    assert [t.fixed for t in found] == [None, None, None, 4]


def test_observations_count_by_the_information_in_them():
    values = [1.0, 2.0, 3.0, 4.0]
    fine, coarse = (Observations("u", POINTS, values, noise=sigma) for sigma in (0.1, 0.2))
    best, other = terms(Dirichlet("u", 0.0), Initial("u", 0.0), fine, coarse)[2:]
    relative = 0.1 / 7.5**0.5
    assert best.weight == pytest.approx(NOISY_WEIGHT / relative) and best.noise == pytest.approx(0.1)
    assert other.weight == pytest.approx(best.weight / 4)


def test_only_a_known_noise_without_a_weight_gives_one():
    values = [1.0, 2.0, 3.0, 4.0]
    assert weighted_by_noise(Observations("u", POINTS, values, noise=0.1)) is not None
    assert weighted_by_noise(Observations("u", POINTS, values, noise=0.1, weight=2.0)) is None
    assert weighted_by_noise(Observations("u", POINTS, values)) is weighted_by_noise(Dirichlet("u")) is None
