"""Problems with kinks and jumps, with their solutions."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.bench.trust import rough_data as rough

X, T, H = 0.37, 0.05, 1e-3


def second(f, x: float, h: float = H) -> float:
    return (f(x + h) - 2 * f(x) + f(x - h)) / h**2


def test_heat_from_a_hat_satisfies_the_equation_and_starts_from_it():
    rate = (rough.hat_heat(X, T + 1e-5) - rough.hat_heat(X, T - 1e-5)) / 2e-5
    assert rate == pytest.approx(second(lambda x: rough.hat_heat(x, T), X), rel=1e-4)
    for x in (0.1, 0.3, 0.8):
        assert rough.hat_heat(x, 0.0) == pytest.approx(float(rough.hat(torch.tensor(x))), abs=2e-3)


def test_the_plucked_string_is_at_rest_and_moves_by_the_wave_equation():
    for x in (0.1, 0.3, 0.8):
        assert rough.hat_wave(x, 0.0) == pytest.approx(float(rough.hat(torch.tensor(x))))
    n, b = rough.hat_coefficients()
    for x, t in ((0.37, 0.1), (0.8, 0.6)):
        series = np.sum(b * np.sin(n * math.pi * x) * np.cos(n * math.pi * t))
        assert rough.hat_wave(x, t) == pytest.approx(series, abs=1e-3)
    assert max(abs(rough.hat_wave(end, 0.4)) for end in (0.0, 1.0)) < 1e-15


def test_the_hat_on_a_wall_is_harmonic():
    f = rough.hat_wall_series
    laplacian = second(lambda x: f(x, 0.4), X) + second(lambda y: f(X, y), 0.4)
    assert abs(laplacian) < 1e-4 and f(0.5, 0.0) == pytest.approx(1, abs=5e-3)
    assert abs(f(0.3, 1.0)) < 1e-12 and abs(f(1.0, 0.5)) < 1e-12


def test_a_table_and_a_spline_of_a_sine():
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    exact = torch.sin(math.pi * x)
    nodes = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert torch.allclose(rough.tabulated(nodes), torch.sin(math.pi * nodes), atol=1e-15)
    assert (rough.tabulated(x) - exact).abs().max() == pytest.approx(math.pi**2 / 800, rel=0.05)
    assert (rough.splined(x) - exact).abs().max() < 1e-5


def test_the_disc_cools_by_its_first_mode():
    """J0(a r) exp(-a^2 t) in r u_t - r u_rr - u_r, by its Bessel equation."""
    problem = rough.cooling_disc()
    assert problem.domain.names == ("r", "t") and len(problem.conditions) == 3
    value = problem.conditions[2].value(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert value.tolist() == pytest.approx([1, 0], abs=1e-7)


@pytest.mark.parametrize("make", [rough.plucked, rough.step_advected, rough.hat_on_wall])
def test_problems_are_built(make):
    assert make().unknown_names == ("u",)
