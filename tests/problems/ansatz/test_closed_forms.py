"""What the heat and the Laplace equation make of kinks, on a line and on a circle."""

import math

import pytest
import torch

from sapts_pinn.problems.ansatz.closed_forms import diffused, diffused_on_circle, harmonic, step
from sapts_pinn.problems.fields import derivatives

REAL = torch.float64


@pytest.mark.parametrize("p", [0, 1, 2, 3])
def test_what_kinks_start_solves_the_equations(p):
    g = torch.Generator().manual_seed(0)
    points = torch.rand(50, 2, generator=g, dtype=REAL) + torch.tensor([-0.5, 0.01]).double()
    y, zero = points[:, 0], torch.zeros(50, dtype=REAL)
    xx, t = derivatives(lambda q: diffused(q[:, 0], q[:, 1], p), points, [(0, 0), (1,)])
    assert torch.allclose(xx, t, rtol=1e-9, atol=1e-9)
    forms = [diffused]
    if p < 3:
        xx, ss = derivatives(lambda q: harmonic(q[:, 0], q[:, 1], p), points, [(0, 0), (1, 1)])
        assert torch.allclose(xx, -ss, rtol=1e-9, atol=1e-9)
        forms.append(harmonic)
    for form in forms:
        assert torch.allclose(form(y, zero, p), step(y, p), atol=1e-15)
        assert torch.allclose(form(y, zero + 1e-12, p), step(y, p), atol=1e-5)


def series(y, tau, p, length, terms=4000):
    """The solution from E_p as a Fourier series: E_0 = 1/2 - y / L = sum of sin(2 pi k y / L) / (pi k)."""
    k = 2 * math.pi * torch.arange(1, terms, dtype=REAL) / length
    wave = torch.sin(k * y[:, None] - p * math.pi / 2)  # every integral turns it by a quarter of a period
    return (2 / length * wave * torch.exp(-(k**2) * tau[:, None]) / k ** (p + 1)).sum(1)


@pytest.mark.parametrize("p", [0, 1, 2, 3])
@pytest.mark.parametrize(("length", "longest"), [(2.0, 1e-3), (2.0, 0.5), (0.7, 0.08)])
def test_on_a_circle_it_is_the_fourier_series(p, length, longest):
    kernel = diffused_on_circle(length, longest, p)
    y = length * (torch.linspace(0, 1, 41, dtype=REAL)[1:-1] - 0.5)
    for tau in (longest, longest / 30):
        at = torch.full_like(y, tau)
        assert float((kernel(y, at) - series(y, at, p, length)).abs().max()) < 1e-12 * length**p


@pytest.mark.parametrize("p", [0, 1, 2, 3])
def test_on_a_circle_one_derivative_jumps_at_the_start_and_none_later(p):
    length = 1.5
    kernel = diffused_on_circle(length, 0.2, p)
    indices = [(0,) * k for k in range(5)]
    for tau, jump in ((0.0, 1.0), (0.01, 0.0), (0.2, 0.0)):
        sides = torch.tensor([[1e-300, tau], [-1e-300, tau]], dtype=REAL)
        ends = torch.tensor([[length / 2, tau], [-length / 2, tau]], dtype=REAL)
        for k, index in enumerate(indices):
            (right, left), (last, first) = (
                derivatives(lambda q: kernel(q[:, 0], q[:, 1]), at, [index])[0] for at in (sides, ends)
            )
            size = max(1.0, float(right.abs()), float(last.abs()))
            assert float(right - left) == pytest.approx(jump if k == p else 0.0, abs=1e-9 * size)
            assert float(last - first) == pytest.approx(0.0, abs=1e-9 * size)


def test_a_kink_that_is_long_forgotten_has_no_form():
    assert diffused_on_circle(1.0, 10.0, 1) is None
