"""References that are stored as Fourier modes against time."""

import numpy as np
import pytest

from sapts_pinn.problems.zoo import fourier
from sapts_pinn.problems.zoo.fourier import Modes, modes, periodic


def polynomial(t: np.ndarray) -> np.ndarray:
    """Three modes of degree two in t."""
    return np.stack([1 + 0 * t, 2 * t - t**2, (1 + 1j) * t**2], -1)


@pytest.fixture
def table() -> Modes:
    """Two panels of different widths, with three nodes each."""
    breaks, nodes = np.array([0.0, 0.25, 1.0]), np.array([0.0, 0.4, 1.0])
    times = np.concatenate([0.25 * nodes, 0.25 + 0.75 * nodes[1:]])
    return Modes(breaks, nodes, polynomial(times)[None])


def test_modes_are_interpolated_in_their_panel(table):
    t = np.array([0.0, 0.1, 0.25, 0.3, 0.77, 1.0])
    assert np.allclose(table.at(t)[0], polynomial(t), atol=1e-14)


def test_the_reference_is_the_sum_of_the_waves(table, monkeypatch):
    monkeypatch.setattr(fourier, "modes", lambda name: table)
    found = periodic("none", 1e-9, ("u",), (-1, 3), (0, 1))
    x, t = np.array([-1.0, 0.3, 3.0]), np.array([0.2, 0.5, 0.2])
    a, b, c = polynomial(t).T
    angle = 2 * np.pi * (x + 1) / 4
    expected = a + b * np.cos(angle) + (c * np.exp(2j * angle)).real
    assert np.allclose(found.evaluate({"x": x, "t": t})["u"], expected.real, atol=1e-13)
    assert found.accuracy == 1e-9 and len(found.test_points()["x"]) == 257 * 101


def test_a_stored_table_is_read_once():
    assert modes("kdv") is modes("kdv")
