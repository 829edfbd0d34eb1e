"""Faulty meshes, made by hand."""

import math

import numpy as np
import pytest

from sapts_pinn.bench.trust.meshes import Case, cube, disc, file, grid, joined, outcome
from sapts_pinn.geometry import Mesh


def test_grids_cubes_and_discs_have_their_measures():
    points, cells = grid(3, 2, (0, 1), (2, 4))
    assert len(points) == 12 and len(cells) == 12
    assert Mesh.from_arrays(points, cells).volume == pytest.approx(6)
    assert Mesh.from_arrays(*cube((0, 0, 0), (1, 2, 3))).volume == pytest.approx(6)
    points, cells = disc(8)
    assert cells.shape == (8, 6) and np.hypot(*points.T).max() == pytest.approx(1)


def test_joined_meshes_keep_their_own_points():
    points, cells = joined(grid(1, 1), grid(1, 1, (1, 0), (2, 1)))
    assert len(points) == 8 and sorted(np.unique(cells)) == [*range(8)]


@pytest.mark.parametrize(
    ("volume", "boundary", "right"),
    [(1.0, 4.0, True), (1.1, 4.0, False), (1.0, 5.0, False), (None, None, False)],
)
def test_what_is_read_is_compared(tmp_path, volume, boundary, right):
    row = outcome(Case("none", ".vtu", file(*grid(2, 2)), volume, boundary), tmp_path)
    assert row.right is right and row.outcome == "measure 1, boundary 4"


def test_a_refusal_is_right_where_there_is_no_volume(tmp_path):
    points, cells = grid(1, 1)
    broken = np.where(np.arange(len(points))[:, None] == 3, math.nan, points)
    for volume, right in ((None, True), (1.0, False)):
        row = outcome(Case("not finite", ".vtu", file(broken, cells), volume), tmp_path)
        assert row.right is right and row.outcome.startswith("refused: ")
