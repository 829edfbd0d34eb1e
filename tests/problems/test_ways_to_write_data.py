"""Ways in which people write data: comparisons, steps, tables, branches and random numbers."""

import math

import numpy as np
import pytest
import scipy.special
import torch
from scipy.interpolate import interp1d

from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Neumann, Problem, Robin
from sapts_pinn.problems.conditions.base import value_at
from sapts_pinn.problems.functions.smoothness import Box as Part
from sapts_pinn.problems.functions.smoothness import breaks
from sapts_pinn.problems.functions.special import differentiable

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")
X = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]


def heat(initial, **options):
    return Problem(
        Interval(0, 1) * Time(0, 0.1),
        "u",
        lambda u: u.t - u.xx,
        [Dirichlet("u", 0.0, on="x"), Initial("u", initial, **options)],
    )


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
    assert "not smooth at x=0.43: what starts there is known in closed form" in str(heat(step))


def test_heaviside_at_zero_and_its_gradient():
    x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    with differentiable():
        found = torch.heaviside(x, torch.tensor(0.5))
    found.sum().backward()
    assert found.tolist() == [0.0, 0.5, 1.0] and x.grad.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("condition", [Dirichlet, Neumann, Robin])
def test_comparisons_are_values_of_every_condition(condition):
    problem = Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u, x: u.xx + u.yy + (x > 0.5),
        [condition("u", lambda y: y > 0.5, on="x=1"), Dirichlet("u", 0.0, on=("x=0", "y"))],
    )
    assert len(problem.terms) > 1


def test_random_data_are_refused_as_random():
    with pytest.raises(ValueError, match="initial value of u gives other values every time it is called"):
        heat(lambda x: torch.sin(math.pi * x) + 0.1 * torch.rand_like(x))
    with pytest.raises(ValueError, match="the equation gives other values every time"):
        Problem(Interval(0, 1), "u", lambda u: u.xx + torch.randn_like(u.value), [Dirichlet("u", 0.0)])


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
        heat(lambda x: layer(x[:, None])[:, 0])


def test_a_table_is_not_asked_beyond_the_domain():
    table = interp1d(np.linspace(0, 1, 5), [0.0, 1.0, 0.0, 2.0, 0.0])  # raises outside of [0, 1]
    problem = heat(lambda x: torch.as_tensor(table(x.detach().numpy())))
    assert "initial value of u: PyTorch cannot differentiate it" in str(problem)
    assert problem.conditions[1] not in problem.ansatz.exact


@pytest.mark.parametrize(
    "initial",
    [
        lambda x: 4 * torch.remainder(x, 0.25) * (1 - x),
        lambda x: torch.linspace(0, 1, 6, dtype=torch.float64)[(5 * x).round().long()] * (1 - x),
    ],
)
def test_teeth_and_tables_with_a_slope_between_their_jumps_are_taken_out(initial):
    problem = heat(initial)
    assert problem.conditions[1] in problem.ansatz.exact
    assert "weighted term" not in str(problem)


@pytest.mark.parametrize(
    "initial", [lambda x: torch.remainder(x, 0.25), lambda x: ((x > 0) & (x < 1)) * 0.25, 0.25]
)
def test_a_value_at_the_very_corner_hides_no_contradiction(initial):
    with pytest.warns(UserWarning, match="u on x=1 and on t=0 differ by 0.25 where they meet"):
        heat(initial)


@pytest.mark.filterwarnings("error:contradictory conditions")
@pytest.mark.parametrize(
    "initial", [lambda x: torch.sqrt(x) * (1 - x), lambda x: torch.tanh(1e6 * x) * (1 - x)]
)
def test_what_is_steep_at_a_corner_is_no_contradiction(initial):
    heat(initial)


def test_a_window_too_narrow_to_matter_is_none_on_a_slope_either():
    def function(points):
        x = points[:, 0]
        return 3 * x + ((x - 0.4).abs() < 1e-7)

    part = Part(torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64), [0])
    assert not breaks(function, part)
    found = breaks(lambda p: 3 * p[:, 0] + 1e-3 * (p[:, 0] > 0.4), part)
    assert found and all(abs(float(b.point[0]) - 0.4) < 1e-6 for b in found)


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
