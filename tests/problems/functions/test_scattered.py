"""Tables of scattered values: against the function, SciPy's interpolant and differences; refusals."""

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator

from sapts_pinn import Dirichlet, Problem, Table
from sapts_pinn.geometry import Box
from sapts_pinn.problems.fields import derivatives

AT = np.random.default_rng(0).uniform([0, 10], [1, 30], (400, 2))
INSIDE = torch.tensor([0.1, 12.0]) + torch.rand(
    40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64
) * torch.tensor([0.8, 16.0])


def wave(x, y):
    return np.sin(3 * x) * np.cos(y / 10)


TABLE = Table(AT, wave(*AT.T))


def test_values_are_those_of_scipy():
    extent = np.ptp(AT, 0)
    other = RBFInterpolator(AT / extent, wave(*AT.T), kernel="cubic", degree=1)
    expected = torch.as_tensor(other(INSIDE.numpy() / extent))
    torch.testing.assert_close(TABLE(*INSIDE.T), expected, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(TABLE(*torch.as_tensor(AT.T)), torch.as_tensor(wave(*AT.T)), rtol=0, atol=1e-9)


def test_derivatives_are_those_of_the_values():
    first = derivatives(lambda p: TABLE(*p.unbind(1)), INSIDE, [(0,), (1,), (0, 0), (0, 1), (1, 1)])
    x, y = INSIDE.numpy().T
    h = 1e-4

    def shifted(dx, dy):
        return TABLE(torch.as_tensor(x + dx), torch.as_tensor(y + 20 * dy)).numpy()

    middle = shifted(0, 0)
    slope_x, slope_y = shifted(h, 0) - shifted(-h, 0), shifted(0, h) - shifted(0, -h)
    bent = shifted(h, h) - shifted(h, -h) - shifted(-h, h) + shifted(-h, -h)
    for got, expected, tolerance in zip(
        first,
        (
            slope_x / (2 * h),
            slope_y / (40 * h),
            (shifted(h, 0) - 2 * middle + shifted(-h, 0)) / h**2,
            bent / (80 * h**2),
            (shifted(0, h) - 2 * middle + shifted(0, -h)) / (20 * h) ** 2,
        ),
        (1e-5, 1e-6, 1e-2, 1e-3, 1e-4),
        strict=True,
    ):
        assert np.abs(got.numpy() - expected).max() < tolerance
    assert (first[0] - torch.as_tensor(3 * np.cos(3 * x) * np.cos(y / 10))).abs().max() < 0.02


def test_asked_again_it_says_the_same_in_any_order():
    once = TABLE(*INSIDE.T)
    turned = TABLE(*INSIDE.flip(0).T)
    torch.testing.assert_close(turned.flip(0), once, rtol=1e-12, atol=1e-13)
    once.zero_()  # what is given away is no part of what is kept
    assert TABLE(*INSIDE.T).abs().max() > 0.1


def test_outside_of_the_hull_there_is_no_value():
    corner = np.array([[0.0, 0], [1, 0], [0, 1], [0.3, 0.3], [0.2, 0.1]])
    triangle = Table(corner, corner.sum(1))
    assert float(triangle(0.4, 0.4)) == pytest.approx(0.8)  # a linear function is met exactly
    with pytest.raises(ValueError, match=r"asked for a value at \(0.9, 0.9\), outside of the convex hull"):
        triangle(torch.tensor([0.2, 0.9]), torch.tensor([0.2, 0.9]))
    with pytest.raises(ValueError, match=r"asked for 1\.5 in its first coordinate, which goes from 0 to 1"):
        triangle(1.5, 0.0)
    with pytest.raises(ValueError, match="the equation: a table is asked for"):
        Problem(Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + triangle(x, y), [Dirichlet("u", 0.0)])


def test_third_derivatives_are_refused():
    for index in ((0, 0, 0), (0, 0, 1)):
        with pytest.raises(ValueError, match="the derivative of order 3 of a table is asked for"):
            derivatives(lambda p: TABLE(*p.unbind(1)), INSIDE, [index])


@pytest.mark.parametrize(
    ("points", "values", "message"),
    [
        (AT, AT[:3, 0], r"400 points have values of shape \(3,\); give one for each"),
        (AT[:3], AT[:3, 0], "3 scattered points in 2 coordinates; they must be 4 to 2000"),
        (np.r_[AT, AT[:1]], np.r_[AT[:, 0], 1.0], "points 0 and 400 are the same, .*; give one value there"),
        (np.c_[AT[:, 0], np.ones(400)], AT[:, 0], "the same coordinate 2; leave it out"),
        (np.c_[AT[:, 0], AT[:, 0]], AT[:, 0], "the points lie on a line or in a plane"),
        (
            np.random.default_rng(0).random((2001, 2)),
            np.zeros(2001),
            r"they must be 4 to 2000 \(with more, put",
        ),
    ],
)
def test_wrong_points_are_refused(points, values, message):
    with pytest.raises(ValueError, match=message):
        Table(points, values)
