"""Periodic cells with holes, as shapes and as meshes: what is periodic, refusals, arrays of discs."""

import numpy as np
import pytest
import torch
from torch import Generator

from cells import mesh_of_cell, perrins
from sapts_pinn import BoundaryEquation, Contact, Dirichlet, Periodic, PointSource, Problem, solve
from sapts_pinn.geometry import Ball, Box, Mesh, Polygon, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model

R = 0.3
CELL = Box((-0.5, -0.5), (0.5, 0.5))
DISC = Ball((0, 0), R, tag="hole")
SIDES = {
    "left": lambda x, y: x < -0.5 + 1e-9,
    "right": lambda x, y: x > 0.5 - 1e-9,
    "bottom": lambda x, y: y < -0.5 + 1e-9,
    "top": lambda x, y: y > 0.5 - 1e-9,
}


def meshed():
    return Mesh.from_arrays(*mesh_of_cell(R)).retagged(**SIDES, hole=lambda x, y: np.hypot(x, y) < 0.45)


def array(domain, hard=None):
    """A mean gradient of one along x; w is what the holes add to u = x."""
    with pytest.warns(match="up to a constant"):
        return holes(domain, hard)


def holes(domain, hard=None):
    flux = BoundaryEquation(lambda w, n_x, n_y: (w.x + 1) * n_x + w.y * n_y, on="hole")
    return Problem(
        domain, "w", lambda w: w.xx + w.yy, [Periodic("x", hard=hard), Periodic("y", hard=hard), flux]
    )


def conductivity(found):
    y = np.linspace(-0.5, 0.5, 400, endpoint=False)
    return np.mean(1 + found.derivative({"x": np.full_like(y, 0.5), "y": y}, "x"))


@pytest.mark.parametrize("make", [lambda: CELL - DISC, meshed], ids=["shapes", "mesh"])
def test_any_network_is_periodic(make):
    problem = array(make())
    model = Model(problem, network_of(problem, (8,), Generator().manual_seed(1), torch.float64))
    t = torch.linspace(-0.5, 0.5, 20, dtype=torch.float64)
    low, high = torch.full_like(t, -0.5), torch.full_like(t, 0.5)
    for one, other in (((low, t), (high, t)), ((t, low), (t, high))):
        a, b = (model(torch.stack(p, 1)) for p in (one, other))
        torch.testing.assert_close(a, b)
    assert not any("singular function" in name for name in problem.ansatz.feature_names)
    assert "periodicity of all unknowns in x: exact" in str(problem)


def test_as_a_term_the_pairs_lie_opposite_to_each_other():
    problem = array(meshed(), hard=False)
    sites = problem.condition_terms[0].sites(50, Generator().manual_seed(1), "uniform")
    start, end = sites.points.chunk(2)
    assert (start[:, 0] == -0.5).all() and (end[:, 0] == 0.5).all() and (start[:, 1] == end[:, 1]).all()


def test_a_value_on_a_hole_is_a_term_as_its_construction_is_not_periodic():
    on_hole = [Periodic("x"), Periodic("y"), Dirichlet("w", 0.0, on="hole")]
    problem = Problem(CELL - DISC, "w", lambda w: w.xx + w.yy + 1, on_hole)
    assert "w on hole: weighted term" in str(problem)
    in_time = Problem((CELL - DISC) * Time(0, 1), "w", lambda w: w.xx + w.yy + 1, on_hole)
    assert "periodicity of all unknowns in x: exact" in str(in_time)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: holes(
                Mesh.from_arrays(*mesh_of_cell(R)).retagged(hole=lambda x, y: np.hypot(x, y) < 0.45)
            ),
            r"no face that lies at x=-0\.5 alone: name the faces there, of a mesh by",
        ),
        (
            lambda: holes((CELL | Box((0, 0), (0.7, 0.2))) - DISC),
            r"the faces of .* at x=-0\.5 and x=0\.7 differ",
        ),
        (lambda: holes(Polygon([(0, 0), (1, 0), (0.5, 1)])), r"no face that lies at x=0 alone"),
        (
            lambda: Problem(CELL, "w", lambda w: w.xx + w.yy, [Periodic("z")]),
            r"needs an interval coordinate; .* has none of that name$",
        ),
        (
            lambda: Problem(
                CELL,
                "w",
                lambda w: w.xx + w.yy,
                [Periodic("x"), Dirichlet("w", 0.0, on="y")],
                sources=[PointSource((0.1, 0.1))],
            ),
            r"its field is not periodic; smooth the source",
        ),
        (lambda: composite(None), r"which Contact\(hard=False\) leaves out, is not periodic in x"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def composite(hard):
    """Discs ten times as conducting."""
    return Problem(
        CELL.with_regions({"rest": CELL - DISC, "disc": DISC}),
        "w",
        lambda w, k: k * (w.xx + w.yy),
        [
            Periodic("x"),
            Periodic("y"),
            Contact(flux=lambda w, k, n_x, n_y: k * ((w.x + 1) * n_x + w.y * n_y), hard=hard),
        ],
        materials={"k": {"rest": 1.0, "disc": 10.0}},
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: CELL - DISC, meshed], ids=["shapes", "mesh"])
def test_the_conductivity_of_an_array_of_holes(make):
    found = solve(array(make()), budget="150 evaluations")
    assert conductivity(found) == pytest.approx(perrins(0.0, R), rel=1e-3)
    assert perrins(0.0, R) * perrins(1e12, R) == pytest.approx(1)  # Keller's reciprocity


@pytest.mark.slow
def test_the_conductivity_of_an_array_of_discs():
    with pytest.warns(match="up to a constant"):
        problem = composite(False)
    found = solve(problem, budget="150 evaluations")
    assert conductivity(found) == pytest.approx(perrins(10.0, R), rel=1e-3)
