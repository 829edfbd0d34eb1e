"""Ways in which people write data: comparisons, steps, tables, branches and random numbers."""

import pytest
import torch

from sapts_pinn.geometry import Box, Interval
from sapts_pinn.problems import Dirichlet, Neumann, Problem, Robin
from sapts_pinn.problems.conditions.base import value_at
from written_data import heat

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")
X = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]


@pytest.mark.parametrize(
    "step",
    [
        lambda x: torch.heaviside(x - 0.43, torch.tensor(1.0)),  # single precision, as people write it
        lambda x: torch.heaviside(x - 0.43, torch.ones_like(x)),
        lambda x: (x - 0.43).heaviside(values=torch.tensor(1.0)),
        lambda x: x >= 0.43,
        lambda x: (x >= 0.43).long(),
    ],
)
def test_a_step_is_a_step_however_it_is_written(step):
    assert value_at(step, X, ("x",), "it").tolist() == (X[:, 0] >= 0.43).double().tolist()
    assert "not smooth at x=0.43: what starts there is known in closed form" in str(heat(step, until=0.1))


@pytest.mark.parametrize("condition", [Dirichlet, Neumann, Robin])
def test_comparisons_are_values_of_every_condition(condition):
    problem = Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u, x: u.xx + u.yy + (x > 0.5),
        [condition("u", lambda y: y > 0.5, on="x=1"), Dirichlet("u", 0.0, on=("x=0", "y"))],
    )
    assert len(problem.terms) > 1


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, x: u.xx + (1.0 if x < 0.5 else 0.0),
        lambda u: u.xx + max(u.value, 0) + 1,
        lambda u, x: u.xx + (0.2 < x < 0.4),
    ],
)
def test_branches_on_values_are_refused_with_the_cure(equation):
    with pytest.raises(ValueError, match=r"the equation failed .* use torch.where"):
        Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)])


def test_constants_of_another_type_are_refused_with_the_cure():
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(ValueError, match=r"the coordinates are torch.float64"):
        heat(lambda x: layer(x[:, None])[:, 0], until=0.1)
