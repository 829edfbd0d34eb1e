"""Simplices: division of cells, orientation, measures, outward and smooth normals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import rng
from probes import around
from sample_meshes import box_surface, lattice, measures
from sapts_pinn.geometry import Box, Mesh
from sapts_pinn.geometry.mesh import simplices as sx

CUBE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]


SIDES = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_cells_of_all_kinds_split_alike_on_both_sides(seed):
    """Hexahedra, wedges and pyramids, numbered and jolted at random, leave no boundary inside the box."""
    rand = np.random.default_rng(seed)
    points, k = lattice(3, 1, 2)
    hexes = np.stack([k[i : 3 + i, j : 1 + j, l : 2 + l].reshape(-1) for i, j, l in CUBE], 1)
    row = points[hexes].mean(1)[:, 0]
    hexa, wedged, pyramided = hexes[row < 0.3], hexes[abs(row - 0.5) < 0.1], hexes[row > 0.7]
    centres = len(points) + np.arange(len(pyramided))
    points = np.concatenate(
        [points, points[pyramided].mean(1) + 0.05 * rand.uniform(-1, 1, (len(centres), 3))]
    )
    cells = {
        "hexahedron": hexa,
        "wedge": np.concatenate([wedged[:, [0, 1, 2, 4, 5, 6]], wedged[:, [0, 2, 3, 4, 6, 7]]]),
        "pyramid": np.concatenate([np.column_stack([pyramided[:, side], centres]) for side in SIDES]),
    }
    new = rand.permutation(len(points))
    moved = np.empty_like(points)
    moved[new] = points @ np.diag([3, 1, 2])
    inlet = np.stack([k[0, 0, :-1], k[0, 1, :-1], k[0, 1, 1:], k[0, 0, 1:]], 1)
    mesh = Mesh.from_arrays(moved, {kind: new[c] for kind, c in cells.items()}, {"inlet": new[inlet]})
    assert mesh.volume == pytest.approx(6, rel=1e-12)
    assert measures(mesh) == pytest.approx({"inlet": 2, "boundary": 20}, rel=1e-12)
    box = Box((0, 0, 0), (3, 1, 2))
    x = around(mesh, 200, seed)
    assert torch.allclose(mesh.distance(x), box.distance(x), atol=1e-12)


def test_inverted_cells_are_turned_and_points_that_no_cell_uses_dropped():
    points = [[9.0, 9, 9], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    right, inverted = (Mesh.from_arrays(points, [c]) for c in ([1, 2, 3, 4], [2, 1, 3, 4]))
    for mesh in (right, inverted):
        assert mesh.volume == pytest.approx(1 / 6) and mesh.points.max() == 1
        b = mesh.boundary(40, rng())
        assert ((b.points - 0.25) * b.normals).sum(1).min() > 0, "outward"


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_box_with_a_cavity_and_an_island_whatever_way_facets_point(seed):
    boxes = [
        ((0, 0, 0), (3, 3, 3)),
        ((1, 1, 1), (2, 2, 2)),
        ((1.4, 1.4, 1.4), (1.6, 1.6, 1.6)),
        ((4, 0, 0), (5, 1, 1)),
    ]
    rand = np.random.default_rng(seed)
    points, facets = [], []
    for corners in boxes:
        surface = box_surface(*corners)
        facets.append(surface.regular_faces + sum(map(len, points)))
        points.append(surface.points)
    facets = np.concatenate(facets)
    turned = rand.uniform(size=len(facets)) < 0.5
    facets[turned] = facets[turned][:, ::-1]
    mesh = Mesh.from_arrays(np.concatenate(points), rand.permutation(facets))
    assert mesh.volume == pytest.approx(27 - 1 + 0.008 + 1)
    hollow = ((Box(*boxes[0]) - Box(*boxes[1])) | Box(*boxes[2])) | Box(*boxes[3])
    x = around(mesh, 400, seed)
    assert torch.equal(mesh.inside(x), hollow.inside(x))


def test_a_one_sided_surface_has_no_inside():
    # The real projective plane with six corners.
    facets = [
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
        [0, 4, 5],
        [0, 5, 1],
        [1, 2, 4],
        [2, 3, 5],
        [3, 4, 1],
        [4, 5, 2],
        [5, 1, 3],
    ]
    points = np.random.default_rng(0).uniform(size=(6, 3))
    with pytest.raises(ValueError, match="one-sided"):
        Mesh.from_arrays(points, facets)


def ring(n, radius=1.0):
    """A fan of triangles in a regular polygon of n sides."""
    angle = 2 * np.pi * np.arange(n) / n
    points = np.r_[[[0.0, 0.0]], radius * np.stack([np.cos(angle), np.sin(angle)], 1)]
    cells = [[0, 1 + i, 1 + (i + 1) % n] for i in range(n)]
    return Mesh.from_arrays(points, cells)


def test_facets_of_a_curved_surface_have_normals_that_turn():
    drawn = ring(20).boundary(500, torch.Generator().manual_seed(0))
    radial = drawn.points / drawn.points.norm(dim=1, keepdim=True)
    torch.testing.assert_close(drawn.normals.norm(dim=1), torch.ones(500, dtype=torch.float64))
    assert (drawn.normals - radial).norm(dim=1).max() < 2e-3  # a facet's own is off by 0.16 at its ends


def test_corners_that_are_meant_stay_corners():
    for n in (4, 8):  # which turn by 90 and 45 degrees
        drawn = ring(n).boundary(200, torch.Generator().manual_seed(0))
        sector = torch.floor(torch.atan2(drawn.points[:, 1], drawn.points[:, 0]) / (2 * np.pi / n))
        middle = (sector + 0.5) * 2 * np.pi / n
        torch.testing.assert_close(drawn.normals, torch.stack([middle.cos(), middle.sin()], 1))


def test_winding_numbers_measures_and_places():
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    loop = square[[[0, 1], [1, 2], [2, 3], [3, 0]]]
    inside_and_out = np.array([[0.3, 0.4], [2.0, 0.5]])
    assert sx.winding(inside_and_out, loop) == pytest.approx([1, 0], abs=1e-12)
    assert sx.winding(inside_and_out, loop[:, ::-1]) == pytest.approx([-1, 0], abs=1e-12)
    assert sx.measures(square, np.array([[0, 1, 2], [0, 2, 1]])).tolist() == [0.5, -0.5]
    assert sx.where(square[1:2]) == "at (1, 0)"
    assert sx.where(square) == "the first at (0, 0), all between (0, 0) and (1, 1)"


@pytest.mark.parametrize("dim", [2, 3])
def test_the_hilbert_curve_steps_from_a_point_of_a_grid_to_its_neighbour(dim):
    points, _ = lattice(*[7] * dim)  # 8 points a side
    points = np.round(7 * points)
    walk = points[sx.hilbert_order(points, bits=3)]
    assert np.linalg.norm(np.diff(walk, axis=0), axis=1) == pytest.approx(1)
