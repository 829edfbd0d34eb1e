"""Wrong solutions: a module that gives the function stands in place of the network."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from sapts_pinn.estimation.error_estimate import CHEAP, ErrorEstimate, estimate_error
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Dirichlet, Problem
from sapts_pinn.problems.scales import Scales

X, Y, T = Interval(0, 1, name="x"), Interval(0, 1, name="y"), Time(0, 1)


PI = math.pi


class Given(nn.Module):
    """Functions of the coordinates scaled to [-1, 1], in place of a network."""

    def __init__(self, *functions: Callable[..., Tensor]) -> None:
        super().__init__()
        self.functions = functions
        self.unused = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, xi: Tensor) -> Tensor:
        return torch.stack([f(*xi.unbind(-1)) + 0 * xi[..., 0] for f in self.functions], -1)


def given(problem: Problem, *functions: Callable[..., Tensor]) -> Model:
    """The model that is g + l times the functions, in the user's units."""
    rows = {term.name: (1.0,) * term.rows for term in (problem.equation_term, *problem.condition_terms)}
    problem.__dict__["natural"] = Scales(dict.fromkeys(problem.unknown_names, 1.0), rows)
    problem.__dict__.pop("terms", None)
    return Model(problem, Given(*functions))


def estimated(problem: Problem, *functions: Callable[..., Tensor]) -> ErrorEstimate:
    return estimate_error(given(problem, *functions), (CHEAP,))[0]


def soft(domain, equation, *conditions, unknowns="u"):  # type: ignore[no-untyped-def]
    return Problem(domain, unknowns, equation, conditions, symmetry=False)


def zero_on(on, unknown="u"):  # type: ignore[no-untyped-def]
    return Dirichlet(unknown, 0.0, on=on, hard=False)


def unit(xi: Tensor) -> Tensor:
    return (xi + 1) / 2
