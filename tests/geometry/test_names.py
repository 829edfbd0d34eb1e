"""Names of coordinates, faces and groups of faces."""

import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval
from sapts_pinn.geometry.names import check_product, face_words, joined_groups, resolved_faces, told_apart

OUTER, HOLE = Box((0, 0), (3, 3), tag="outer"), Box((0, 1), (2, 2), tag="hole")


def test_groups_of_one_name_are_merged() -> None:
    assert joined_groups({"a": ("p", "q")}, {"a": ("q", "r"), "b": ("s",)}) == {
        "a": ("p", "q", "r"),
        "b": ("s",),
    }


def test_faces_of_one_name_get_the_tag_of_their_shape() -> None:
    assert told_apart(OUTER, HOLE) == {"x=0": "x=0 (outer)"}
    assert told_apart(HOLE, OUTER) == {"x=0": "x=0 (hole)"}
    assert told_apart(OUTER, Box((0, 1), (2, 2))) == {"x=0": "x=0 (outer)"}
    assert told_apart(Box((0, 1), (2, 2)), OUTER) == {"x=0": "x=0 (rest)"}
    assert told_apart(OUTER, OUTER) == {}


def test_faces_groups_and_coordinates_are_resolved_once_each() -> None:
    assert resolved_faces(OUTER, ["x=0", "x"]) == ("x=0", "x=3")
    assert resolved_faces(OUTER, "outer") == OUTER.faces
    with pytest.raises(InputError, match="no face 'z'"):
        resolved_faces(OUTER, "z")
    with pytest.raises(InputError, match="flat and perpendicular to x"):
        resolved_faces(Ball((0, 0), 1), "x")


def test_labels_of_a_product_mean_one_thing() -> None:
    check_product(("x", "t"), ("x=0", "t=0"), ["wall"])
    for names, faces, groups, message in (
        (("x", "x"), (), [], "a coordinate 'x'"),
        (("x", "y"), ("a", "a"), [], "a face 'a'"),
        (("x", "y"), ("a",), ["y"], "'y' is the tag of a face and the name of a coordinate"),
    ):
        with pytest.raises(InputError, match=message):
            check_product(names, faces, groups)
    with pytest.raises(InputError, match="a coordinate 'x'"):
        Interval(0, 1) * Interval(2, 3)


def test_faces_in_words() -> None:
    frame = Box((0, 0), (3, 3), tag="outer") - Box((1, 1), (2, 2), tag="hole")
    assert face_words(frame, "outer") == "outer" and face_words(frame, ["hole", "x=0"]) == "hole, x=0"
    assert face_words(frame, "x") == "x=0, x=3, x=1, x=2"
    assert face_words(frame, frame.spatial_faces) == "8 faces"
    assert face_words(frame, frame.spatial_faces, most=8) == "x=0, x=3, y=0, y=3, x=1, x=2, y=1, y=2"
