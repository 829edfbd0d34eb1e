"""Cases that were once wrong in silence."""

import math

import numpy as np
import pytest

from sapts_pinn.bench.suites.trust import measure
from sapts_pinn.bench.trust import written
from sapts_pinn.bench.trust.written import CASES
from sapts_pinn.problems.wellposed.findings import IllPosed

RIGHT = [name for name, case in CASES.items() if case.answer is not None]


@pytest.mark.slow
@pytest.mark.measured
@pytest.mark.parametrize("name", RIGHT)
def test_right_or_said(name):
    found = measure(name, "30s", 1)
    assert found["outcome"] in ("right", "refused", "told"), found


@pytest.mark.parametrize("name", [name for name in CASES if name not in RIGHT])
def test_without_a_right_answer_there_is_a_word(name):
    with pytest.warns(IllPosed):
        CASES[name].build()


H = 1e-3


def second(f, x: float) -> float:
    return (f(x + H) - 2 * f(x) + f(x - H)) / H**2


@pytest.mark.parametrize(
    ("series", "x", "t"),
    [(written.switched_wall_series, 0.3, 0.6), (written.flux_pulse_series, 0.8, 0.26)],
)
def test_series_of_heat_satisfy_the_equation(series, x, t):
    rate = (series(x, t + 1e-5) - series(x, t - 1e-5)) / 2e-5
    assert rate == pytest.approx(second(lambda s: series(s, t), x), rel=1e-3)


def test_ends_of_the_series_of_heat():
    assert written.switched_wall_series(0.0, 0.5) == 1 and written.switched_wall_series(0.5, 9.0) == 0.5
    flux = written.flux_pulse_series
    assert abs(flux(0.0, 0.3)) < 1e-12 and abs(flux(1.0, 0.3) - flux(1.0 - 1e-4, 0.3)) < 1e-5
    total = np.mean([flux(x, 0.2201) for x in np.linspace(0, 1, 2001)])
    assert total == pytest.approx(0.2, rel=0.02), "what has entered is 10 for 0.02"


def test_a_spot_in_space_and_time_spreads():
    f = written.spot_series
    x, y, t = 0.35, 0.55, 0.13
    rate = (f(x, y, t + 1e-5) - f(x, y, t - 1e-5)) / 2e-5
    assert rate == pytest.approx(second(lambda s: f(s, y, t), x) + second(lambda s: f(x, s, t), y), rel=1e-3)


def test_the_half_open_wall_is_harmonic_and_exchanges_heat_above():
    f = written.half_open_series
    assert abs(second(lambda x: f(x, 0.4), 0.6) + second(lambda y: f(0.6, y), 0.4)) < 1e-4
    for y, rule in ((0.8, 1.0), (0.2, 0.0)):
        slope = (f(1.0, y) - f(1.0 - 1e-4, y)) / 1e-4
        assert slope + f(1.0, y) == pytest.approx(rule, abs=0.02)


def test_the_disc_is_the_mean_of_its_circle():
    angle = np.linspace(0, 2 * math.pi, 100_000, endpoint=False)
    poisson = (1 - 0.25) / (1 - 2 * 0.5 * np.cos(angle) + 0.25)
    assert written.disc_series(0.5) == pytest.approx(np.mean(poisson * np.abs(np.sin(angle))), rel=1e-6)


def test_the_shock_satisfies_burgers_equation():
    f, x, t = written.burgers_step_exact, 0.3, 0.5
    rate, slope = (f(x, t + 1e-4) - f(x, t - 1e-4)) / 2e-4, (f(x + H, t) - f(x - H, t)) / (2 * H)
    assert rate + f(x, t) * slope - 0.05 * second(lambda s: f(s, t), x) == pytest.approx(0, abs=1e-4)
    assert f(-2.0, 0.5) == pytest.approx(1) and abs(f(3.0, 0.5)) < 1e-6


def test_the_epidemic_keeps_its_people():
    early, later = written.epidemic_by_scipy(1.0), written.epidemic_by_scipy(2.0)
    assert early == pytest.approx(1000 * math.exp(0.2), rel=1e-3), "growth at 0.3 - 0.1"
    assert later / early == pytest.approx(math.exp(0.2), rel=1e-3)
