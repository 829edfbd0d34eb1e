"""Facets that meet where they should not."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sapts_pinn.bench.trust.meshes import cube, joined
from sapts_pinn.geometry import Mesh
from sapts_pinn.geometry.mesh.crossings import crossings
from sapts_pinn.geometry.mesh.simplices import normals_of


@given(
    shift=st.tuples(*[st.floats(-1.4, 1.4)] * 3),
    size=st.tuples(*[st.floats(0.2, 1.2)] * 3),
)
@settings(max_examples=40, deadline=None)
def test_two_boxes_are_refused_exactly_when_their_surfaces_cross(shift, size):
    low = np.array(shift)
    high = low + np.array(size)
    apart = (low > 1).any() or (high < 0).any()
    within = ((low > 0) & (high < 1)).all() or ((low < 0) & (high > 1)).all()
    bodies = joined(cube((0, 0, 0), (1, 1, 1)), cube(tuple(low), tuple(high)))
    if min(np.abs(low).min(), np.abs(low - 1).min(), np.abs(high).min(), np.abs(high - 1).min()) < 1e-3:
        return  # faces that nearly coincide are another fault
    if not apart and not within:
        with pytest.raises(ValueError, match="bodies overlap"):
            Mesh.from_arrays(*bodies)
        return
    volume = float(np.prod(size))
    expected = 1 + volume if apart else abs(1 - volume)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of thin gaps
        assert Mesh.from_arrays(*bodies).volume == pytest.approx(expected)


def squares(*lows: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boundaries of unit squares, counterclockwise."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
    points = np.concatenate([corners + low for low in lows])
    facets = np.concatenate([4 * k + np.array([[0, 1], [1, 2], [2, 3], [3, 0]]) for k in range(len(lows))])
    return points, facets, normals_of(points, facets)


@pytest.mark.parametrize(
    ("lows", "kind", "expected"),
    [
        ([(0, 0), (2, 0)], "crossing", []),
        ([(0, 0), (0.5, 0.5)], "crossing", [1, 2, 4, 7]),  # each edge that runs into the other square
        ([(0, 0), (1, 0.25)], "touching", [1, 7]),
        ([(0, 0), (0.25, 0)], "covering", [0, 2, 4, 6]),
        ([(0, 0), (1 + 5e-4, 0)], "near", [1, 7]),
    ],
)
def test_two_squares_by_kind(lows, kind, expected):
    found = crossings(*squares(*lows))
    assert getattr(found, kind).tolist() == expected
    assert found.gap == pytest.approx(5e-4 if kind == "near" else 0)
