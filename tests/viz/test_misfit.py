"""Misfits of weighted conditions."""

import numpy as np
import pytest
import torch

from pictured import line, untrained
from sapts_pinn import Dirichlet, Neumann, Problem
from sapts_pinn.geometry import Box
from sapts_pinn.viz.misfit import misfit_of


def test_exact_conditions_have_no_misfit():
    assert misfit_of(untrained(line())) is None


def test_misfits_are_residuals_over_their_size_where_the_condition_holds():
    problem = Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u: u.xx + u.yy + 1,
        [Dirichlet("u", 0.0, on=["x=0", "x=1", "y=0"]), Neumann("u", lambda x: torch.cos(x), on="y=1")],
    )
    solution = untrained(problem)
    misfit = misfit_of(solution)
    (term,) = problem.terms[1:]
    x, y = misfit.points.T
    assert len(x) > 100 and (y == 1).all()
    slope = solution.derivative({"x": x, "y": y}, "y", extrapolate=True)
    assert misfit.values == pytest.approx(np.abs(slope - np.cos(x)) / term.units[0], abs=1e-12)
