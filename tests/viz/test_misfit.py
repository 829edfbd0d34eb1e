"""Misfits of weighted conditions."""

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection

from pictured import line, untrained
from sapts_pinn import Dirichlet, Neumann, Problem
from sapts_pinn.geometry import Box, Mesh, example_mesh
from sapts_pinn.viz import draw_solution
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


def test_the_boundary_of_a_mesh_does_not_hide_them():
    plate = Mesh(example_mesh("plate-with-holes"))
    conditions = [Dirichlet("u", 0.0, on=["holes", "slot"]), Neumann("u", 1.0, on="outer")]
    solution = untrained(Problem(plate, "u", lambda u: u.xx + u.yy, conditions))
    figure = draw_solution(solution)
    (axis,) = (a for a in figure.axes if "misfit" in a.get_title(loc="left"))
    lines, dots = (
        [c.get_zorder() for c in axis.collections if isinstance(c, kind)]
        for kind in (LineCollection, PathCollection)
    )
    assert lines and dots and min(dots) > max(lines)
