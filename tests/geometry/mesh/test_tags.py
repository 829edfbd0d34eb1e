"""Names of faces, from the groups of a file."""

import meshio
import numpy as np
import pytest
import torch

from sample_meshes import measures, square
from sapts_pinn.bench.trust.meshes import grid, joined
from sapts_pinn.geometry import Mesh
from sapts_pinn.geometry.mesh.tags import smallest


def test_of_several_groups_the_smallest_counts_and_node_sets_are_faces():
    points, cells, sides = square()
    everything = np.concatenate(list(sides.values()))
    mesh = Mesh.from_arrays(points, cells, {"all": everything, "left": sides["rest"][4:]})
    assert measures(mesh) == pytest.approx({"all": 3, "left": 1})
    inner = Mesh.from_arrays(points, cells, {"middle": [[12, 13], [13, 14]]})
    assert inner.faces == ("boundary",)
    file = meshio.Mesh(points, list(cells.items()), point_sets={"floor": np.flatnonzero(points[:, 1] == 0)})
    assert measures(Mesh(file)) == pytest.approx({"floor": 1, "boundary": 3})


def test_groups_that_are_passed_over_or_shared_are_told():
    points, cells = grid(4, 4)
    sides = {"all": [[0, 5], [5, 10], [0, 1]], "left": [[0, 1]], "middle": [[10, 11], [11, 12]]}
    mesh = Mesh.from_arrays(points, cells, sides)
    assert set(mesh.faces) == {"all", "left", "boundary"}
    assert any("2 of the 2 facets of the group 'middle' lie inside" in note for note in mesh.notes)
    assert any("1 of the 3 facets of the group 'all' are also in the smaller 'left'" in n for n in mesh.notes)


def test_a_slit_whose_sides_coincide_is_told():
    points, cells = joined(grid(2, 2), grid(2, 2, (1, 0), (2, 1)))
    with pytest.warns(
        UserWarning, match="2 of the 2 facets of the group 'slit' are no boundary, .* a slit needs"
    ):
        Mesh.from_arrays(points, cells, {"slit": [[6, 7], [7, 8]]})


def test_a_tag_for_the_whole_boundary():
    points, cells = grid(2, 2)
    mesh = Mesh.from_arrays(points, cells, {"low": [[0, 3], [3, 6]]}, tag="plate")
    assert mesh.face_tags("plate") == mesh.faces == ("low", "boundary")
    other = mesh.retagged(top=lambda x, y: y > 0.99)
    assert set(other.face_tags("plate")) == {"low", "boundary", "top"}
    with pytest.raises(ValueError, match="no face of this domain is flat and perpendicular to x"):
        mesh.face_tags("x")
    assert torch.equal(mesh.bounds, torch.tensor([[0.0, 0], [1, 1]], dtype=torch.float64))


def test_every_facet_gets_the_smallest_of_its_groups():
    held = {
        "all": np.array([1, 1, 1, 0], bool),
        "one": np.array([0, 1, 0, 0], bool),
        "none": np.zeros(4, bool),
    }
    faces, index, notes = smallest(held, 4, "rest")
    assert [faces[i] for i in index] == ["all", "one", "all", "rest"] and set(faces) == {"all", "one", "rest"}
    assert notes == [
        "1 of the 3 facets of the group 'all' are also in the smaller 'one', and belong to that face"
    ]
