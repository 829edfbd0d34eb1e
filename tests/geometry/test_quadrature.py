"""Quadrature on domains against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Polygon, Time, example_mesh
from sapts_pinn.geometry.quadrature import Rule

RULES = [Rule(16), Rule(16, Generator().manual_seed(1))]


def integral(nodes, f):
    return float((f(*nodes[0].unbind(1)) * nodes[-1]).sum())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("domain", "f", "exact"),
    [
        (Interval(-1, 2), lambda x: torch.exp(x), math.exp(2) - math.exp(-1)),
        (Box((0, 0), (2, 1)), lambda x, y: x * y.cos(), 2 * math.sin(1)),
        (Interval(0, 1) * Time(0, 2), lambda x, t: x * t, 1.0),
        (Ball((1.0,), 2.0), lambda x: x**2, 28 / 3),
        (Ball((0.0, 1.0), 2.0), lambda x, y: x**2 * y, 4 * math.pi),
        (Ball((0.0, 0.0, 0.0), 1.0), lambda x, y, z: x**2 + z, 4 * math.pi / 15),
        (Polygon([(0, 0), (1, 0), (0, 1)]), lambda x, y: x**2 * y, 1 / 60),
        (Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]), lambda x, y: x + y, 5.0),
    ],
)
def test_integrals_over_domains(domain, f, exact, rule):
    assert integral(domain.quadrature(rule), f) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_integrals_over_faces(rule):
    square = Interval(0, 1) * Interval(0, 2, name="y")
    points, normals, weights = square.face_quadrature("x=1", rule)
    assert (points[:, 0] == 1).all()
    assert (normals == torch.tensor([1.0, 0.0])).all()
    assert float((weights * points[:, 1]).sum()) == pytest.approx(2.0, rel=1e-13)
    for dim, area in ((1, 2.0), (2, 4 * math.pi), (3, 16 * math.pi)):
        ball = Ball((0.0,) * dim, 2.0)
        points, normals, weights = ball.face_quadrature("sphere", rule)
        assert float(weights.sum()) == pytest.approx(area, rel=1e-12)
        assert torch.allclose(points, 2 * normals)


@pytest.mark.parametrize("rule", RULES)
def test_meshes_are_integrated_exactly_over_their_cells(rule):
    mesh = Mesh(example_mesh("l-shape"))
    points, weights = mesh.quadrature(rule)
    assert float(weights.sum()) == pytest.approx(mesh.volume, rel=1e-12)
    divergence = float((weights * (points[:, 0] ** 2 + 1)).sum())  # of (x^3 / 3 + x, 0)
    flux = 0.0
    for face in mesh.faces:
        at, normals, along = mesh.face_quadrature(face, rule)
        flux += float((along * normals[:, 0] * (at[:, 0] ** 3 / 3 + at[:, 0])).sum())
    assert flux == pytest.approx(divergence, rel=1e-10)


def test_two_draws_have_different_nodes():
    rule = Rule(8, Generator().manual_seed(3))
    first, second = (Interval(0, 1).quadrature(rule)[0] for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(*(Interval(0, 1).quadrature(Rule(8))[0] for _ in range(2)))


def test_domains_without_a_rule_are_refused():
    cut = Box((0, 0), (2, 2)) - Ball((1.0, 1.0), 0.5)
    with pytest.raises(InputError, match="no quadrature on"):
        cut.quadrature(Rule(8))
    with pytest.raises(InputError, match="no quadrature on faces"):
        (cut * Time(0, 1)).face_quadrature(cut.faces[0], Rule(8))
