"""Curved cells: followed by straight ones to a tolerance, or told."""

import math

import meshio
import numpy as np
import pytest
import pyvista

from sample_meshes import boundary
from sapts_pinn.bench.trust.meshes import disc
from sapts_pinn.geometry import Mesh


def test_a_disc_of_six_noded_triangles_keeps_its_groups():
    """The rim is a parabola over each chord: its area is two thirds of height times chord."""
    for n in (4, 12):
        points, cells = disc(n)
        rim = np.stack([cells[:, 1], cells[:, 2], cells[:, 4]], 1)
        file = meshio.Mesh(points, [("triangle6", cells), ("line3", rim)])
        none = np.array([], dtype=int)
        file.cell_sets = {"rim": [none, np.arange(n)], "left": [np.arange(n // 2), none]}
        mesh = Mesh(file)
        chord, height = 2 * math.sin(math.pi / n), 1 - math.cos(math.pi / n)
        area = n * (math.sin(2 * math.pi / n) / 2 + 2 / 3 * height * chord)
        assert mesh.volume == pytest.approx(area, rel=1e-4) and mesh.faces == ("rim",)
        at = mesh.points[mesh.cells]
        each = np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) / 2
        assert each[mesh.cell_groups["left"]].sum() == pytest.approx(area / 2, rel=1e-4)
        assert "cells are curved: followed to within 2e-05" in mesh.notes[0]


CUBE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]


EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]


SIDES = [(0, 4, 7, 3), (1, 2, 6, 5), (0, 1, 5, 4), (3, 7, 6, 2), (0, 1, 2, 3), (4, 5, 6, 7), tuple(range(8))]


VTK = {20: 25, 27: 29, 15: 26, 13: 27, 10: 24}


def bulged(x):
    """A map of the unit cube that is quadratic in every coordinate: (x, y, z + x (1 - x) y (1 - y))."""
    return np.stack([x[:, 0], x[:, 1], x[:, 2] + x[:, 0] * (1 - x[:, 0]) * x[:, 1] * (1 - x[:, 1])], 1)


def grid_of(points, kind):
    cells = np.r_[len(points), np.arange(len(points))]
    return pyvista.UnstructuredGrid(cells, [VTK[kind]], points)


def nodes(edges, sides=()):
    corners = np.array(CUBE, dtype=float)
    return np.stack(
        [*corners, *(corners[list(e)].mean(0) for e in edges), *(corners[list(s)].mean(0) for s in sides)]
    )


def test_hexahedra_with_27_nodes():
    """Bottom and top bulge alike, so that the volume stays 1 and the area of each is an integral."""
    mesh = Mesh(grid_of(bulged(nodes(EDGES, SIDES)), 27))
    assert mesh.volume == pytest.approx(1, abs=2e-3)
    t = (np.arange(400) + 0.5) / 400
    x, y = np.meshgrid(t, t)
    slope = ((1 - 2 * x) * y * (1 - y)) ** 2 + (x * (1 - x) * (1 - 2 * y)) ** 2
    assert boundary(mesh) == pytest.approx(4 + 2 * np.sqrt(1 + slope).mean(), rel=5e-4)


@pytest.mark.parametrize("kind", [20, 15, 13, 10])
def test_cells_with_a_bent_edge(kind):
    """One cell on the corners of the cube; the middle of its first edge is moved out by h."""
    take = {20: range(8), 15: [0, 1, 2, 4, 5, 6], 13: [0, 1, 2, 3, 4], 10: [0, 1, 3, 4]}[kind]
    corners = np.array(CUBE, dtype=float)[list(take)]
    of = {
        20: EDGES,
        15: [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)],
        13: [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 4), (2, 4), (3, 4)],
        10: [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
    }[kind]
    h = 0.1
    points = np.concatenate([corners, [corners[list(e)].mean(0) for e in of]])
    points[len(corners), 1] -= h
    mesh = Mesh(grid_of(points, kind))
    # integrals of the shape function of that node, 4 l0 l1 (1 - z) and the like, over the face it moves
    straight = {20: 1, 15: 1 / 2, 13: 1 / 3, 10: 1 / 6}[kind]
    gained = {20: h * 2 / 3 / 2, 15: h * 2 / 3 / 2, 13: None, 10: h * 4 / 24}[kind]
    if gained is not None:
        assert mesh.volume == pytest.approx(straight + gained, rel=3e-3)
    assert mesh.bounds[0, 1] == pytest.approx(-h, abs=1e-9) and mesh.volume > straight


def test_cells_whose_order_cannot_be_followed_are_told():
    points = np.random.default_rng(0).uniform(size=(20, 3))
    points[:4] = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    with pytest.warns(UserWarning, match="1 cells of type tetra20 are read by their corners"):
        assert Mesh(meshio.Mesh(points, [("tetra20", [range(20)])])).volume == pytest.approx(1 / 6)
    points, cells = disc(6)
    with pytest.raises(
        ValueError, match="6 of the 6 cells of type triangle6 have nodes far from their edges"
    ):
        Mesh(
            meshio.Mesh(
                points * [1.0, 1.0] + (np.arange(len(points)) > 6)[:, None] * 5, [("triangle6", cells)]
            )
        )
