"""Planes that solutions are drawn on."""

import pytest

from pictured import plate_in_time, untrained, vortex
from sapts_pinn.viz.figures import new_figure
from sapts_pinn.viz.grids import Cut, Section
from sapts_pinn.viz.meshes import MeshPlane
from sapts_pinn.viz.style import Meaning


@pytest.mark.parametrize("size", [1e-6, 1.0, 4.5e3])
def test_the_magnification_of_a_displacement_is_a_number_of_one_digit(size):
    cut = Cut(untrained(vortex()), Section("x", "y", {}), 11)
    largest = max(abs(values).max() for values in cut.values.found.values())
    found = {name: values / largest * size for name, values in cut.values.found.items()}
    factor = cut.factor(found, ("u", "v"))
    assert len(f"{factor:.5e}".partition("e")[0].rstrip("0").rstrip(".")) == 1
    assert 0.03 < factor * size <= 0.12, "a share of the side"


def test_a_plane_of_a_mesh_says_at_which_moment_it_is(small_pictures):
    solution = untrained(plate_in_time())
    plane = MeshPlane(solution, solution.problem.domain.factors()[0], {"t": 0.5})
    assert plane.where == " at t = 0.5"
    axis = new_figure(3, 3).subplots()
    plane.image(axis, plane.values.found["u"], "u", (0.0, 1.0), Meaning.LEVEL)
    plane.decades(new_figure(3, 3).subplots(), abs(plane.values.found["u"]), "|u|")
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y") and axis.get_aspect() == 1
