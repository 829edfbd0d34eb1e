"""The nearest point of a closed surface: distance, its derivatives, and the side."""

import math

import numpy as np
import pytest
import pyvista
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import rng
from probes import around, gradient
from sample_domains import L_VERTICES
from sample_meshes import box_surface, random_mesh
from sapts_pinn.geometry import Ball, Mesh, Polygon
from sapts_pinn.geometry.mesh import simplices as sx
from sapts_pinn.geometry.mesh.nearest import Surface


@given(dim=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_inside_is_what_the_cells_hold(dim, seed):
    mesh, triangulation, kept = random_mesh(dim, seed)
    x = around(mesh, 400, seed)
    cell = triangulation.find_simplex(x.numpy())
    inside = mesh.inside(x).numpy()
    near = mesh.distance(x).abs().numpy() < 1e-9
    assert (inside == ((cell >= 0) & kept[cell]))[~near].all()


@given(dim=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_distance_of_random_meshes_against_all_facets(dim, seed):
    """The least distance over all facets, each by constrained least squares over dense samples."""
    mesh, *_ = random_mesh(dim, seed)
    x = around(mesh, 50, seed)
    u = torch.rand(3000, dim, generator=rng(seed), dtype=torch.float64).log()
    weights = (u / u.sum(1, keepdim=True)).numpy()
    weights = np.concatenate([weights, np.eye(dim)])
    dense = torch.from_numpy(np.einsum("wk,fkd->fwd", weights, mesh.points[mesh.facets]).reshape(-1, dim))
    least = torch.cdist(x, dense).amin(1)
    d = mesh.distance(x).abs()
    assert (d <= least + 1e-12).all() and (least - d).max() < 0.05


def test_distance_and_its_derivatives_in_the_plane():
    points = np.array([*L_VERTICES, (0.5, -0.5), (-0.5, 0.5)], dtype=float)
    cells = [[0, 1, 6], [1, 2, 6], [2, 3, 6], [3, 0, 6], [0, 3, 7], [3, 4, 7], [4, 5, 7], [5, 0, 7]]
    mesh, polygon = Mesh.from_arrays(points, cells), Polygon(L_VERTICES)
    x = around(mesh, 2000)
    assert torch.allclose(mesh.distance(x), polygon.distance(x), atol=1e-14)
    assert torch.allclose(gradient(mesh, x), gradient(polygon, x), atol=1e-12)
    b = mesh.boundary(300, rng())
    assert torch.allclose(gradient(mesh, b.points), b.normals)
    assert mesh.distance(x.float()).dtype == torch.float32


def test_second_derivatives_of_the_distance_in_space():
    """The Laplacian of a distance d is 0 off a plane, 1/d off an edge, 2/d off a corner."""
    mesh = Mesh(box_surface((0, 0, 0), (1, 1, 1)))
    x = torch.tensor(
        [[0.4, 0.3, 1.5], [1.3, 0.3, 1.4], [1.3, -0.4, 1.2], [0.5, 0.4, 0.9]], dtype=torch.float64
    )
    distance = torch.tensor([0.5, 0.5, math.sqrt(0.09 + 0.16 + 0.04), -0.1], dtype=torch.float64)
    assert torch.allclose(mesh.distance(x), distance)
    for at, expected in zip(x, (0, 1 / distance[1], 2 / distance[2], 0), strict=True):
        hessian = torch.autograd.functional.hessian(lambda p: mesh.distance(p[None])[0], at)
        assert float(hessian.diagonal().sum()) == pytest.approx(float(expected), abs=1e-12)


def test_a_fine_sphere_is_nearly_a_ball():
    mesh, ball = Mesh(pyvista.Icosphere(radius=1, nsub=4)), Ball((0, 0, 0), 1)
    x = around(mesh, 3000)
    assert (mesh.distance(x) - ball.distance(x)).abs().max() < 4e-3
    assert mesh.volume == pytest.approx(4 / 3 * math.pi, rel=5e-3)
    b = mesh.boundary(500, rng())
    assert (b.normals - b.points).abs().max() < 0.05


@pytest.mark.parametrize("corner", [(0, 0, 0), (0.5, 0, 0), (0.5, 0.5, 0)])
def test_weights_and_side_tell_the_feature(corner):
    """A point off a corner, an edge and a face of a cube: weights hold the foot, zeros the feature."""
    surface = box_surface((0, 0, 0), (1, 1, 1))
    points, facets = surface.points.astype(float), surface.regular_faces
    facets = sx.outward(points, facets)
    tree = Surface(points, facets, sx.normals_of(points, facets))
    foot = np.array(corner, dtype=float)
    x = np.stack([foot - 0.2 * (foot == 0), foot + 0.1 * (foot == 0)])
    found = tree.nearest(x)
    assert found.side.tolist() == [1, -1]
    assert np.allclose(np.einsum("nk,nkd->nd", found.weights, points[facets[found.facet]])[0], foot)
    assert found.weights.sum(1) == pytest.approx(1) and (found.weights >= 0).all()
    assert len(tree.nearest(np.zeros((0, 3))).facet) == 0
