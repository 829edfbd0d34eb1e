"""Surfaces of equal value in space."""

import numpy as np

from sapts_pinn.viz import volumes


def test_surfaces_lie_where_the_unknown_has_their_value(solutions):
    solution = solutions["space and time"]
    volume = volumes.Volume(solution, {"t": 0.0})
    levels = volume.levels("u")
    assert np.allclose(levels, np.linspace(0, 1, 7)[1:-1], atol=0.02)
    for level in levels:
        corners = volume.surface("u", level).reshape(-1, 3)
        x, y, z = corners.T
        assert len(corners) > 100
        radius = np.linalg.norm(corners, axis=1)
        assert np.allclose(radius, np.sqrt(1 - level), atol=0.02), "the initial value is 1 - r^2"
        assert not ((x > 0.05) & (y < -0.05) & (z > 0.05)).any(), "cut open towards the eye"


def test_surfaces_end_at_the_boundary(solutions):
    volume = volumes.Volume(solutions["mesh in space"], {})
    corners = volume.surface("u", float(volume.levels("u")[2])).reshape(-1, 3)
    assert len(corners) > 100 and np.hypot(corners[:, 1], corners[:, 2]).max() < 0.51


def test_a_constant_has_no_surfaces(solutions, monkeypatch):
    volume = volumes.Volume(solutions["space and time"], {"t": 0.5})
    monkeypatch.setitem(volume._found, "u", np.ones_like(volume._found["u"]))
    assert len(volume.levels("u")) == 0
