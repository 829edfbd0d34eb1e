"""Special functions: values and derivatives."""

import numpy as np
import pytest
import scipy.special
import torch

from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.functions.special import differentiable

RULES = {
    "bessel_j0": lambda x: scipy.special.jv(0, x), "bessel_j1": lambda x: scipy.special.jv(1, x),
    "bessel_y0": lambda x: scipy.special.yv(0, x), "bessel_y1": lambda x: scipy.special.yv(1, x),
    "modified_bessel_i0": lambda x: scipy.special.iv(0, x),
    "modified_bessel_i1": lambda x: scipy.special.iv(1, x),
    "modified_bessel_k0": lambda x: scipy.special.kv(0, x),
    "modified_bessel_k1": lambda x: scipy.special.kv(1, x),
    "scaled_modified_bessel_k0": lambda x: scipy.special.kve(0, x),
    "scaled_modified_bessel_k1": lambda x: scipy.special.kve(1, x),
    "spherical_bessel_j0": lambda x: np.sin(x) / x, "airy_ai": lambda x: scipy.special.airy(x)[0],
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_special_functions_have_derivatives(name):
    x = torch.linspace(0.5, 4, 9, dtype=torch.float64)[:, None]
    with differentiable():
        found = derivatives(lambda p: getattr(torch.special, name)(p[:, 0]), x, [(), (0,), (0, 0)])
    h, exact = 1e-3, RULES[name]
    low, middle, high = (exact(x[:, 0].numpy() + s * h) for s in (-1, 0, 1))
    for value, right in zip(
        found, (middle, (high - low) / (2 * h), (high - 2 * middle + low) / h**2), strict=True
    ):
        assert np.allclose(value.numpy(), right, rtol=1e-4, atol=1e-6)


def test_bessel_functions_have_derivatives_at_zero():
    with differentiable():
        slope, curvature = derivatives(
            lambda p: torch.special.bessel_j0(p[:, 0]), torch.zeros(1, 1).double(), [(0,), (0, 0)]
        )
    assert float(slope) == 0 and float(curvature) == pytest.approx(-0.5)


def test_heaviside_at_zero_and_its_gradient():
    x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    with differentiable():
        found = torch.heaviside(x, torch.tensor(0.5))
    found.sum().backward()
    assert found.tolist() == [0.0, 0.5, 1.0] and x.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("bessel_j0", scipy.special.j0), ("bessel_j1", scipy.special.j1), ("bessel_y0", scipy.special.y0),
        ("bessel_y1", scipy.special.y1), ("airy_ai", lambda x: scipy.special.airy(x)[0]),
    ],
)  # fmt: skip
def test_special_functions_are_good_to_rounding(name, exact):
    """PyTorch's own are off by 4e-7 (J), 6e-3 relative (Y, near zeros) and 3e-6 (Ai)."""
    x = torch.linspace(0.1, 12, 500, dtype=torch.float64)
    signs = (1, -1) if name == "airy_ai" else (1,)
    for sign in signs:
        with differentiable():
            found = getattr(torch.special, name)(sign * x)
        assert np.abs(found.numpy() - exact(sign * x.numpy())).max() < 1e-13
