"""Shapes and sets of them, for every test of geometry."""

from sapts_pinn.geometry import Ball, Box, Interval, Polygon, Time

L_VERTICES = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]


SPIKY = [(0, 0), (3, 0.2), (4, -1), (4.2, 3), (2, 1), (1.9, 2.5), (1.5, 1), (-0.5, 2)]


SHAPES = [
    Interval(-1, 2),
    Box((-1, 0), (1, 0.5)),
    Box([0] * 5, [1, 1, 2, 1, 1]),
    Ball([0.3], 2),
    Ball((1, -2), 0.7),
    Ball((0, 0, 1), 2),
    Ball((0, 0, 0, 1), 1.5),
    Polygon(L_VERTICES),
    Polygon(SPIKY[::-1]),
    Interval(-1, 1) * Time(0, 1),
    Ball((0, 0), 1) * Time(0, 2),
    Polygon(L_VERTICES) * Time(0, 0.5),
    Ball((0, 0), 1) * Ball((1,), 0.5, names=("z",), tag="ends"),
]


SETS = [
    Box((-1, -1), (1, 1)) - Box((0, 0), (1, 1)),
    Ball((0, 0), 2, tag="outer") - Ball((0.5, 0), 1, tag="inner"),
    Ball((0, 0), 1, tag="left") | Ball((1, 0), 1, tag="right"),
    Ball((0, 0), 1, tag="left") & Ball((1, 0), 1, tag="right"),
    Box((0, 0), (1, 1)) | Box((0.5, 0), (2, 1)) | Box((2, 0), (3, 1)),
    (Box((-1, -1), (1, 1)) - Ball((0, 0), 0.5)) * Time(0, 2),
    Polygon(SPIKY) - Ball((1, 0.5), 0.2),
    Interval(0, 1) | Interval(2, 3),
]


ALL = SHAPES + SETS
