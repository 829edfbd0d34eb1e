"""Singular functions of re-entrant corners: harmonic, right on the edges, cut outside the domain."""

import math

import pytest
import torch

from sapts_pinn.geometry import Interval, Mesh, Polygon, example_mesh
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
    others = ["edge0", "edge1", "edge4", "edge5"]
    insulated = poisson(L_SHAPE, [Neumann("u", on=["edge2", "edge3"]), Dirichlet("u", on=others)])
    on_edge = torch.tensor([[0.4, 0.0], [0.0, 0.4]], dtype=torch.float64)
    value = corner_feature(insulated, on_edge)
    assert torch.allclose(value.abs(), torch.full((2,), 0.4 ** (2 / 3), dtype=torch.float64))
    for natural, fixed, zero in (("edge2", "edge3", 1), ("edge3", "edge2", 0)):
        mixed = poisson(L_SHAPE, [Neumann("u", on=natural), Dirichlet("u", on=[fixed, *others])])
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


U_SHAPE = [(0, 0), (3, 0), (3, 2), (2, 2), (2, 1), (1, 1), (1, 2), (0, 2)]


def test_a_function_does_not_jump_beyond_a_bay():
    """The angle about (1, 1) jumps on the diagonal, which meets the right arm of the U."""
    problem = poisson(U_SHAPE, [Dirichlet("u")])
    names = problem.ansatz.feature_names
    at = names.index("singular function of the corner (1, 1)")
    diagonal = torch.linspace(0.05, 1.0, 50, dtype=torch.float64)[:, None] + torch.tensor([[2.0, 2.0]]) - 1.0
    inside = problem.domain.inside(diagonal)
    assert inside.any()
    above, below = (
        problem.ansatz.features(diagonal + torch.tensor([[-side, side]], dtype=torch.float64))[:, at]
        for side in (1e-9, -1e-9)
    )
    assert (above - below)[inside].abs().max() < 1e-6
    near = torch.tensor([[1.0 - 0.1, 1.0 - 0.1]], dtype=torch.float64)
    half = 1.5  # of the shape's longer side, the unit of length
    assert float(problem.ansatz.features(near)[0, at]) == pytest.approx((0.02 / half**2) ** (1 / 3))


def test_a_mesh_has_the_corners_of_its_polygon():
    mesh = Mesh(example_mesh("l-shape"))
    conditions = [Dirichlet("u", on=list(mesh.faces))]
    problem = Problem(mesh, "u", lambda u: u.xx + u.yy + 1.0, conditions)
    names = [name for name in problem.ansatz.feature_names if "singular" in name]
    polygon = poisson(L_SHAPE, [Dirichlet("u")])
    assert names == [polygon.ansatz.feature_names[2]]
    points = polygon.domain.interior(200, torch.Generator().manual_seed(0))
    ours, theirs = (corner_feature(p, points) for p in (problem, polygon))
    torch.testing.assert_close(ours, theirs)
    round_holes = Mesh(example_mesh("plate-with-holes"))  # polygons that stand for circles have none
    smooth = Problem(round_holes, "u", lambda u: u.xx + u.yy + 1.0, [Dirichlet("u")])
    assert not [name for name in smooth.ansatz.feature_names if "singular" in name]
