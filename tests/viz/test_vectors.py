"""Vector unknowns: arrows and their length."""

import numpy as np

from pictured import screw, stirred, vortex, waves
from sapts_pinn.viz import figures
from sapts_pinn.viz import vectors as flow


def test_arrows_point_along_the_vector_and_stay_inside():
    a, b = np.linspace(-1, 1, 61), np.linspace(-1, 1, 61)
    x, y = np.meshgrid(a, b)
    along_x, along_y = np.where(np.hypot(x, y) < 0.9, (-y, x), np.nan)
    axis = figures.new_figure(3, 3).subplots()
    arrows = flow.draw_arrows(axis, a, b, along_x, along_y, (0.0, 1.0), "cividis")
    assert len(arrows.X) > 100 and np.hypot(arrows.X, arrows.Y).max() < 0.9
    length = np.hypot(arrows.X, arrows.Y)
    assert np.allclose(arrows.get_array(), length), "coloured by the length of the vector"
    assert np.allclose(arrows.U * arrows.X + arrows.V * arrows.Y, 0, atol=1e-12)
    assert (arrows.V * arrows.X >= 0).all() and (arrows.U * arrows.Y <= 0).all(), "anticlockwise"
    longest = np.hypot(arrows.U, arrows.V) / arrows.scale
    assert longest.max() <= 2 / flow.ARROWS * 1.0001, "none reaches the next"


def test_unknowns_are_a_vector_on_as_many_coordinates_of_space():
    assert flow.flow_of(vortex()) == {"x": "u", "y": "v"}
    assert flow.flow_of(stirred()) == {"x": "u", "y": "v"}, "time does not count"
    assert flow.flow_of(screw()) == {"x": "u", "y": "v", "z": "w"}
    assert flow.flow_of(waves()) == {}
    along = {"x": "u", "y": "v"}
    found = {"u": np.array([3.0]), "v": np.array([-4.0]), "p": np.array([9.0])}
    assert flow.speed(found, along).tolist() == [5] and flow.vector_name(along) == "(u, v)"


def test_streamlines_follow_the_vector():
    a = b = np.linspace(-1, 1, 41)
    x, y = np.meshgrid(a, b)
    axis = figures.new_figure(3, 3).subplots()
    axis.set(xlim=(-1, 1), ylim=(-1, 1))
    flow.draw_streams(axis, a, b, np.full_like(x, np.nan), y)
    assert not axis.collections, "nothing is known"
    flow.draw_streams(axis, a, b, -y, x)
    lines = axis.collections[0].get_segments()
    middle = np.concatenate([(line[1:] + line[:-1]) / 2 for line in lines])
    step = np.concatenate([np.diff(line, axis=0) for line in lines])
    length = np.linalg.norm(middle, axis=1) * np.linalg.norm(step, axis=1)
    turn = middle[:, 0] * step[:, 1] - middle[:, 1] * step[:, 0]
    assert np.median(turn[length > 0] / length[length > 0]) > 0.999, "circles"
    assert axis.get_xlim() == (-1, 1)
