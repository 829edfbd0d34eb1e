"""Sections and volumes of three coordinates and more."""

from types import SimpleNamespace

import pytest

from pictured import cube, disk_in_time, heat_in_space, plate_in_time
from sapts_pinn.geometry import Mesh, example_mesh
from sapts_pinn.viz import space


@pytest.mark.parametrize(
    ("problem", "planes"),
    [
        (disk_in_time(), [("x", "y", {"t": t}) for t in (0, 0.5, 1)]),
        (
            cube(4),
            [
                ("x0", "x1", {"x2": 0.5, "x3": 0.5}),
                ("x0", "x2", {"x1": 0.5, "x3": 0.5}),
                ("x1", "x2", {"x0": 0.5, "x3": 0.5}),
            ],
        ),
        (
            heat_in_space(),
            [("x", "y", {"z": 0, "t": 0.5}), ("x", "z", {"y": 0, "t": 0.5}), ("y", "z", {"x": 0, "t": 0.5})],
        ),
    ],
    ids=["moments", "planes", "planes in time"],
)
def test_two_coordinates_are_cut_at_moments_and_more_by_planes(problem, planes):
    found = space.cuts_of(problem.domain)
    assert [(s.across, s.up, s.fixed) for s in found] == planes


def test_volumes_stand_at_both_ends_of_the_time():
    def volumes(problem):
        return space.volumes(SimpleNamespace(problem=problem, predict=predict))

    def predict(at, extrapolate):
        return 0 * at["x" if "x" in at else "x0"]

    assert [v.moment for v in volumes(heat_in_space())] == [" at t = 0", " at t = 1"]
    assert [v.moment for v in volumes(cube(3))] == [""]
    assert volumes(disk_in_time()) == []
    (five,) = volumes(cube(5))
    assert five.names == ("x0", "x1", "x2") and five.moment == " at x3 = 0.5, x4 = 0.5"


def test_moments_are_start_middle_and_end():
    assert space.moments(plate_in_time().domain) == [{"t": 0}, {"t": 0.5}, {"t": 1}]
    assert space.moments(Mesh(example_mesh("l-shape"))) == [{}]
    assert len(space.moments(heat_in_space().domain)) == 3
