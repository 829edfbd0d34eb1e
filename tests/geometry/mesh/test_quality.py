"""Quality of cells: smallest angle and aspect ratio."""

import math

import numpy as np
import pytest
import pyvista

from sapts_pinn.geometry import Mesh
from sapts_pinn.geometry.mesh.mesh import example_mesh
from sapts_pinn.geometry.mesh.quality import quality_of

REGULAR = [[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]]  # a regular tetrahedron


def test_regular_simplices_have_aspect_one():
    triangle = quality_of(Mesh.from_arrays([[0, 0], [1, 0], [0.5, math.sqrt(0.75)]], [[0, 1, 2]]))
    tetrahedron = quality_of(Mesh.from_arrays(REGULAR, [[0, 1, 2, 3]]))
    for found, facets in ((triangle, 3), (tetrahedron, 4)):
        assert (found.cells, found.facets) == (1, facets)
        assert (found.smallest_angle, found.aspect) == pytest.approx((60, 1))


def test_the_worst_cell_counts():
    """3-4-5: inscribed radius 1, so the ratio is 5 over that of a regular one, 2 sqrt(3)."""
    points = [[0, 0], [4, 0], [0, 3], [-2, 1.5]]
    found = quality_of(Mesh.from_arrays(points, [[0, 1, 2], [0, 2, 3]]))
    assert found.aspect == pytest.approx(5 / (2 * math.sqrt(3)))
    assert found.smallest_angle == pytest.approx(math.degrees(math.atan2(3, 4)))
    assert str(found).startswith("2 cells, 4 facets of the boundary, smallest angle 36.9 degrees")


def test_of_a_surface_the_facets_count_and_a_line_has_no_angle():
    cube = quality_of(Mesh(pyvista.Box((0, 1, 0, 1, 0, 1)).triangulate().clean()))
    assert (cube.cells, cube.facets, cube.smallest_angle) == (12, 12, pytest.approx(45))
    line = quality_of(Mesh.from_arrays([0.0, 1, 3], [[0, 1], [1, 2]]))
    assert (line.cells, line.facets, line.smallest_angle, line.aspect) == (2, 2, 180, 1)


def test_quality_of_cells():
    mesh = Mesh(example_mesh("l-shape"))
    found = quality_of(mesh)
    assert found.cells == len(mesh.cells) and 0 < found.smallest_angle <= 60 and found.aspect >= 1
    # Angles from the law of cosines, the inscribed circle from Heron's formula.
    a, b, c = (
        np.linalg.norm(mesh.points[mesh.cells[:, i]] - mesh.points[mesh.cells[:, j]], axis=1)
        for i, j in ((1, 2), (2, 0), (0, 1))
    )
    angles = [np.arccos((p**2 + q**2 - r**2) / (2 * p * q)) for p, q, r in ((a, b, c), (b, c, a), (c, a, b))]
    assert found.smallest_angle == pytest.approx(math.degrees(np.min(angles)))
    s = (a + b + c) / 2
    radius = np.sqrt(s * (s - a) * (s - b) * (s - c)) / s
    assert found.aspect == pytest.approx((np.max([a, b, c], axis=0) / (2 * math.sqrt(3) * radius)).max())
    assert f"{len(mesh.cells)} cells" in str(found)
