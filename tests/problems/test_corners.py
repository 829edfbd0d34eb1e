"""Singular functions of re-entrant corners: harmonic, right on the edges, cut outside the domain."""

import math

import pytest
import torch

from sapts_pinn.geometry import Interval, Polygon
from sapts_pinn.problems import Dirichlet, Neumann, Problem
from sapts_pinn.problems.fields import derivatives

L_SHAPE = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]


def poisson(vertices, conditions):
    return Problem(
        domain=Polygon(vertices), unknowns="u", equation=lambda u: u.xx + u.yy + 1.0, conditions=conditions
    )


def corner_feature(problem, points):
    return problem.ansatz.features(points)[:, 2]


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0, 4.5])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_feature_is_harmonic_and_vanishes_on_both_edges(turn, reverse):
    c, s = math.cos(turn), math.sin(turn)
    vertices = [(c * x - s * y + 3.0, s * x + c * y - 1.0) for x, y in L_SHAPE]
    problem = poisson(vertices[::-1] if reverse else vertices, [Dirichlet("u")])
    assert len(problem.ansatz.feature_names) == 3
    generator = torch.Generator().manual_seed(0)
    points = problem.domain.interior(400, generator)
    xx, yy = derivatives(lambda p: corner_feature(problem, p), points, [(0, 0), (1, 1)])
    assert float((xx + yy).abs().max()) < 1e-9 * float(xx.abs().max())
    corner = torch.tensor([3.0, -1.0], dtype=torch.float64)
    r = (points - corner).norm(dim=1)
    value = corner_feature(problem, points)
    assert (value > 0).all() and (value <= r ** (2 / 3) + 1e-12).all()
    for x, y in ((0.7, 0.0), (0.0, 0.3)):  # on the two edges that meet at the corner
        edge = torch.tensor([[c * x - s * y + 3.0, s * x + c * y - 1.0]], dtype=torch.float64)
        assert abs(float(corner_feature(problem, edge))) < 1e-12


def test_natural_and_mixed_edges_get_their_own_functions():
    insulated = poisson(L_SHAPE, [Neumann("u", on=["edge2", "edge3"]), Dirichlet("u", on=["edge0", "edge1"])])
    on_edge = torch.tensor([[0.4, 0.0], [0.0, 0.4]], dtype=torch.float64)
    value = corner_feature(insulated, on_edge)
    assert torch.allclose(value.abs(), torch.full((2,), 0.4 ** (2 / 3), dtype=torch.float64))
    for natural, fixed, zero in (("edge2", "edge3", 1), ("edge3", "edge2", 0)):
        mixed = poisson(L_SHAPE, [Neumann("u", on=natural), Dirichlet("u", on=fixed)])
        value = corner_feature(mixed, on_edge)
        assert abs(float(value[zero])) < 1e-12
        assert float(value[1 - zero]) == pytest.approx(0.4 ** (1 / 3))


def test_convex_polygons_and_boxes_have_none():
    square = poisson([(0, 0), (1, 0), (1, 1), (0, 1)], [Dirichlet("u")])
    assert len(square.ansatz.feature_names) == 2
    box = Problem(
        domain=Interval(0, 1, "x") * Interval(0, 1, "y"),
        unknowns="u",
        equation=lambda u: u.xx + u.yy + 1.0,
        conditions=[Dirichlet("u")],
    )
    assert len(box.ansatz.feature_names) == 2
