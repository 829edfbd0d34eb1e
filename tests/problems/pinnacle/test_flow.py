"""NS2d-C, NS2d-CG and NS2d-LT."""

import numpy as np
import pytest

from sapts_pinn.problems import build


def stored(name):
    """Axes of a reference and its values on their grid, NaN where nothing is known."""
    problem = build(name)
    test = problem.reference.test_points()
    axes = {axis: np.unique(column) for axis, column in test.items()}
    grid = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    return axes, problem.reference.evaluate(grid)


def test_lid():
    """Values on the walls, and as much flow to the right as to the left on every vertical line."""
    axes, values = stored("pinnacle-ns2d-c")
    x, u, v, p = axes["x"], values["u"], values["v"], values["p"]
    np.testing.assert_allclose(u[1:-1, -1], 4 * x[1:-1] * (1 - x[1:-1]), atol=1e-8)
    assert abs(u[:, 0]).max() < 1e-8 and abs(v[1:-1, [0, -1]]).max() < 1e-8 and abs(p[0, 0]) < 1e-8
    inside = u[1:-1]
    assert abs(np.trapezoid(inside, axes["y"], axis=1)).max() < 2e-3
    assert -0.25 < u.reshape(41, 41)[20].min() < -0.15  # the return flow


@pytest.mark.parametrize("name", ["pinnacle-ns2d-c"])
def test_mass_is_conserved(name):
    """Divergence by central differences, away from corners."""
    axes, values = stored(name)
    dx, dy = (np.diff(axes[c])[0] for c in ("x", "y"))
    u, v = values["u"], values["v"]
    along = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dx)
    across = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dy)
    inner = (slice(3, -3), slice(3, -3))
    gap = np.nanmax(abs((along + across)[inner]))
    assert gap < 0.05 * np.nanmax(abs(along[inner]))
