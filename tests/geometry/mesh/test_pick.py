"""Points of a mesh, uniform by measure."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import rng
from sample_meshes import random_mesh
from sapts_pinn.geometry import Mesh, example_mesh
from sapts_pinn.geometry.mesh.pick import Pick


@given(dim=st.sampled_from([1, 2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_points_are_uniform_by_measure(dim, seed):
    if dim == 1:
        ends = np.sort(np.random.default_rng(seed).uniform(size=8))
        mesh = Mesh.from_arrays(ends, [[0, 1], [2, 1], [3, 4], [5, 6], [6, 7]])
    else:
        mesh, *_ = random_mesh(dim, seed)
    at = mesh.points[mesh.cells]
    measure = np.abs(np.linalg.det(at[:, 1:] - at[:, :1]))
    share = measure / measure.sum()
    centre = (share[:, None] * at.mean(1)).sum(0)
    # mean of x^2 on a simplex of corners v, mean m: (sum v^2 + (dim + 1)^2 m^2) / ((dim + 1) (dim + 2))
    second = ((at**2).sum(1) + (dim + 1) ** 2 * at.mean(1) ** 2) / ((dim + 1) * (dim + 2))
    x = mesh.interior(8192, rng(seed), "sobol")
    assert np.allclose(x.mean(0), centre, atol=5e-3)
    assert np.allclose((x**2).mean(0), (share[:, None] * second).sum(0), atol=5e-3)
    assert mesh.inside(x).all()


def test_sobol_points_on_a_mesh_beat_random_ones():
    mesh = Mesh(example_mesh("plate-with-holes"))
    wave = lambda x: torch.sin(3 * x[:, 0] + 2 * x[:, 1]).mean()
    exact = wave(mesh.interior(1 << 17, rng(99), "sobol"))
    error = {
        sampler: sum((wave(mesh.interior(1024, rng(s), sampler)) - exact) ** 2 for s in range(8)) ** 0.5
        for sampler in ("uniform", "sobol")
    }
    assert error["sobol"] < error["uniform"] / 3


def test_shares_weights_and_numbers_of_a_row_of_triangles():
    """Areas 3 and 1: three quarters of the unit square go to the first triangle, in steps of its area."""
    corners = np.array([[[0, 0], [3, 0], [0, 2]], [[3, 0], [4, 0], [3, 2.0]]], dtype=float)
    pick = Pick(corners, np.array([3.0, 1.0]))
    assert pick.measure == 4 and np.prod(pick.lengths) == pytest.approx(4)
    u = torch.rand(500, 2, generator=rng(), dtype=torch.float64)
    points, which, weights = pick(u)
    assert torch.equal(which, (u[:, 0] >= 0.75).long())
    assert torch.allclose(weights.sum(1), torch.ones(500, dtype=torch.float64)) and (weights >= 0).all()
    assert torch.allclose(torch.einsum("nk,nkd->nd", weights, torch.from_numpy(corners)[which]), points)
    ends = pick(torch.tensor([[0.0, 0.5], [1.0, 0.5]], dtype=torch.float64))[1]
    assert ends.tolist() == [0, 1], "1 belongs to the last"
