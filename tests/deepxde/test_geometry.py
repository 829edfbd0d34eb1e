"""Our domains as geometries of DeepXDE: inside, boundary, normals, and in its own data."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import pytest

from sapts_pinn.deepxde import DomainGeometry
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Polygon, Time, example_mesh

DOMAINS = {
    "interval": Interval(-1, 2),
    "box": Box((0, 0), (1, 2), names=("x", "y")),
    "disk": Ball((0, 0), 1.5, names=("x", "y")),
    "polygon": Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]),
    "difference": Box((-1, -1), (1, 1), names=("x", "y")) - Ball((0, 0), 0.5, names=("x", "y")),
    "space-time": Interval(-1, 1) * Time(0, 1),
    "mesh": Mesh(example_mesh("plate-with-holes")),
    "mesh in space": Mesh(example_mesh("cylinder")),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_domains_as_geometries(name: str) -> None:
    geometry = DomainGeometry(DOMAINS[name])
    for random in ("pseudo", "LHS", "Sobol", "Halton"):
        inside = geometry.random_points(50, random=random)
        assert inside.shape == (50, geometry.dim) and geometry.inside(inside).all()
        assert not geometry.on_boundary(inside).all()
    again = geometry.random_points(50)
    assert not np.array_equal(again, geometry.random_points(50))
    edge = geometry.random_boundary_points(40)
    assert geometry.on_boundary(edge).all() and geometry.inside(edge).all()
    normals = geometry.boundary_normal(edge)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)
    corners = 1e-3 * np.linalg.norm(geometry.bbox[1] - geometry.bbox[0])
    out, into = geometry.inside(edge + corners * normals), geometry.inside(edge - corners * normals)
    assert out.mean() < 0.05 and into.mean() > 0.95  # but for corners
    assert geometry.mindist2boundary(edge).max() < 1e-6
    assert len(geometry.uniform_points(30)) and len(geometry.uniform_boundary_points(30))


def test_geometries_in_deepxde_itself() -> None:
    """A hole, DeepXDE's own conditions, and DeepXDE's own time."""
    plate = DomainGeometry(DOMAINS["difference"])
    domain = dde.geometry.GeometryXTime(plate, dde.geometry.TimeDomain(0, 1))

    def heat(x: Any, y: Any) -> Any:
        u_t = dde.grad.jacobian(y, x, j=2)
        return u_t - dde.grad.hessian(y, x, i=0, j=0) - dde.grad.hessian(y, x, i=1, j=1)

    on_hole = lambda x, on: on and np.hypot(x[0], x[1]) < 0.6
    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: 0, lambda x, on: on and not on_hole(x, on)),
        dde.icbc.NeumannBC(domain, lambda x: 1, on_hole),
        dde.icbc.IC(domain, lambda x: 0, lambda _, on: on),
    ]
    data = dde.data.TimePDE(domain, heat, conditions, num_domain=80, num_boundary=60, num_initial=20)
    assert min(data.num_bcs) > 5
    model = dde.Model(data, dde.nn.FNN([3, 8, 8, 1], "tanh", "Glorot normal"))
    model.compile("sapts-d")
    history, state = model.train(iterations=20)
    assert state.loss_train.sum() < 0.8 * history.loss_train[0].sum()


def test_periodic_points() -> None:
    geometry = DomainGeometry(DOMAINS["space-time"])
    ends = np.array([[-1.0, 0.3], [1.0, 0.7]])
    assert np.array_equal(geometry.periodic_point(ends, 0), [[1.0, 0.3], [-1.0, 0.7]])
    with pytest.raises(ValueError, match="not periodic in 'y'"):
        DomainGeometry(DOMAINS["disk"]).periodic_point(ends, 1)
    with pytest.raises(ValueError, match="unknown distribution 'sobol'; choose one of pseudo"):
        geometry.random_points(3, random="sobol")
