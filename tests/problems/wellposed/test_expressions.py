"""Derivatives of expressions that autograd does not know are refused."""

import numpy as np
import pytest
import torch

from sapts_pinn import Dirichlet, Problem, div, grad
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval

SQUARE = Box((0, 0), (1, 1))


def stated(domain, equation):
    return Problem(domain, "u", equation, [Dirichlet("u")])


@pytest.mark.parametrize(
    "equation",
    [
        lambda u, x: ((1 + x**2).detach() * u.x).x + 1,
        lambda u, x: (torch.as_tensor(np.cos(x.detach().numpy())) * u.x).x + 1,
        lambda u, x: (u.x.value.mean() * x * u.x).x + 1,
    ],
)
def test_an_expression_that_autograd_does_not_follow_is_refused(equation):
    with pytest.raises(
        InputError, match="differentiates an expression by x whose derivative PyTorch does not know"
    ):
        stated(Interval(0, 1), equation)


def test_a_jump_under_a_derivative_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"by x that jumps near x=0\.5.*Interface"):
        stated(Interval(0, 1), lambda u, x: (torch.where(x < 0.5, 1.0, 2.0) * u.x).x + 1)
    with pytest.raises(InputError, match=r"by y that jumps near y=0\.37"):
        stated(SQUARE, lambda u, y: div(torch.where(y < 0.37, 1.0, 5.0) * grad(u)) + 1)


@pytest.mark.parametrize(
    "coefficient",
    [
        lambda x: 2 + torch.tanh(300 * (x - 0.3)),
        lambda x: 1 + (x - 0.3).abs(),
        lambda x: torch.sqrt(x + 0.001),
        lambda x: 1 + torch.special.bessel_j0(5 * x),
        lambda x: 2 + torch.sin(200 * x),
    ],
)
def test_what_is_steep_or_kinked_is_no_jump(coefficient):
    stated(Interval(0, 1), lambda u, x: (coefficient(x) * u.x).x + 1)
