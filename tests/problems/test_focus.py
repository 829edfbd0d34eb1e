"""Points where a residual lives on a small support."""

import numpy
import torch

from sapts_pinn.geometry import Interval, Radius, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem, laplace
from sapts_pinn.problems.focus import supports

ZERO, ONE = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)


X = Interval(0, 1)


def test_small_supports_get_points():
    lower, upper = ZERO.expand(2), ONE.expand(2)

    def window(p):
        return ((p[:, 0] - 0.3).abs() < 5e-3).double() * ((p[:, 1] - 0.6).abs() < 5e-3)

    small = supports(window, lower, upper)
    assert float(window(small.draw(1000, torch.Generator().manual_seed(0))).mean()) > 0.3
    assert supports(lambda p: (p[:, 0] < 0.5).double(), lower, upper) is None
    square = X * Interval(0, 1, name="y")
    problem = Problem(
        square, "u", lambda u, x, y: u.xx + u.yy + window(torch.stack([x, y], 1)), [Dirichlet("u")]
    )
    drawn = problem.equation_term.sites(1000, torch.Generator().manual_seed(0), "sobol").points
    assert float(window(drawn).mean()) > 0.05 and bool(square.inside(drawn).all())
    plain = Problem(square, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u")])
    generators = [torch.Generator().manual_seed(0) for _ in range(2)]
    mine = plain.equation_term.sites(100, generators[0], "sobol").points
    assert torch.equal(mine, square.interior(100, generators[1], "sobol"))


def numpy_window(p):
    """500 on a ten-thousandth of the square, by NumPy."""
    x, y = p.detach().numpy().T
    return torch.from_numpy(((abs(x - 0.3) < 5e-3) & (abs(y - 0.6) < 5e-3)) * 500.0)


def test_small_supports_that_only_numpy_sees_get_points():
    lower, upper = ZERO.expand(2), ONE.expand(2)
    small = supports(lambda p: numpy_window(p) + torch.sin(3 * p[:, 0]) * p[:, 1], lower, upper)
    assert float((numpy_window(small.draw(1000, torch.Generator().manual_seed(0))) > 0).double().mean()) > 0.3
    square = X * Interval(0, 1, name="y")
    problem = Problem(
        square, "u", lambda u, x, y: u.xx + u.yy + numpy_window(torch.stack([x, y], 1)), [Dirichlet("u")]
    )
    drawn = problem.equation_term.sites(1000, torch.Generator().manual_seed(0), "sobol").points
    assert float((numpy_window(drawn) > 0).double().mean()) > 0.05


def test_smooth_or_halved_values_from_numpy_are_no_small_supports():
    lower, upper = ZERO.expand(2), ONE.expand(2)
    for wave in (1.0, 20.0):
        assert (
            supports(lambda p, w=wave: torch.from_numpy(numpy.sin(w * p.numpy()).prod(1)), lower, upper)
            is None
        )
    assert supports(lambda p: torch.from_numpy((p.numpy()[:, 0] < 0.5) * 1.0), lower, upper) is None
    assert supports(lambda p: torch.from_numpy(0 * p.numpy()[:, 0] + 3.0), lower, upper) is None


def test_small_supports_in_a_round_body_get_points():
    """A source of a thousandth of the ball is found, and 1 / r at its centre is taken for none."""
    ball = Radius(0, 1, around="point") * Time(0, 0.2)
    window = lambda r, t: ((r - 0.5).abs() < 1e-2).double() * ((t - 0.1).abs() < 4e-3)
    conditions = [Dirichlet("u", 0.0), Initial("u", 0.0)]
    heated = Problem(ball, "u", lambda u, r, t: u.t - laplace(u) - 100 * window(r, t), conditions)
    drawn = heated.equation_term.sites(1000, torch.Generator().manual_seed(0), "sobol").points
    assert float(window(*drawn.unbind(1)).mean()) > 0.05
    assert Problem(ball, "u", lambda u: u.t - laplace(u) - 1, conditions)._small_supports is None
