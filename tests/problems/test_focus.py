"""Points where a residual lives on a small support."""

import torch

from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Dirichlet, Problem
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
