"""Problems that have one solution for any values of their coefficients."""

import pytest

from sapts_pinn import Dirichlet, Initial, Neumann, Periodic, Problem
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.symmetry.determined import is_determined
from sapts_pinn.problems.symmetry.residuals import Residuals

ROD = Interval(0, 1)
HEAT, WAVE = lambda u: u.t - u.xx - 1, lambda u: u.tt - u.xx - 1


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("domain", "equation", "conditions", "unique"),
    [
        (ROD, lambda u: u.xx + 1, [Dirichlet("u")], True),
        (ROD, lambda u: u.xx + u**3, [Dirichlet("u", 1.0)], False),
        (ROD, lambda u: u.xx + 1, [Dirichlet("u", on="x=0")], False),
        (ROD * Time(0, 1), HEAT, [Neumann("u"), Initial("u", 0.0)], True),
        (ROD * Time(0, 1), HEAT, [Periodic("x"), Initial("u", 0.0)], True),
        (ROD * Time(0, 1), HEAT, [Dirichlet("u")], False),
        (ROD * Time(0, 1), WAVE, [Dirichlet("u"), Initial("u", 0.0)], False),
        (ROD * Time(0, 1), WAVE, [Dirichlet("u"), Initial("u", 0.0, velocity=0.0)], True),
        (ROD * Time(0, 1), lambda u: u.t - u.xx + u**3, [Dirichlet("u"), Initial("u", 1.0)], True),
    ],
)
def test_enough_conditions_and_linear_if_steady(domain, equation, conditions, unique):
    problem = Problem(domain, "u", equation, conditions, symmetry=False)
    needs = problem.equation_term.needs
    residuals = Residuals(domain, problem.evaluate, needs, problem.conditions, {})
    assert is_determined(domain, ("u",), residuals.inside, problem.conditions, problem.orders) == unique
