"""NS2d-C, NS2d-CG and NS2d-LT."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sapts_pinn.problems import Dirichlet, Initial, build
from sapts_pinn.problems.pinnacle import flow
from sapts_pinn.problems.wellposed.findings import IllPosed


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


def test_mass_is_conserved_under_the_lid():
    """Divergence by central differences, away from the walls."""
    axes, values = stored("pinnacle-ns2d-c")
    dx, dy = (np.diff(axes[c])[0] for c in ("x", "y"))
    u, v = values["u"], values["v"]
    along = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dx)
    across = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dy)
    inner = (slice(3, -3), slice(3, -3))
    gap, size = (np.nanmean(part[inner] ** 2) ** 0.5 for part in (along + across, along))
    assert gap < 0.1 * size


def test_step():
    """The flow rate is that of the inlet, and walls and outlet have their values."""
    axes, values = stored("pinnacle-ns2d-cg")
    x, y, u, v = axes["x"], axes["y"], values["u"], values["v"]
    inlet = y < 1
    np.testing.assert_allclose(u[0, inlet], 4 * y[inlet] * (1 - y[inlet]), atol=1e-7)
    assert abs(v[-1]).max() < 1e-7 and abs(values["p"][-1, 1:-1]).max() < 2e-3
    after = x > 2.2
    np.testing.assert_allclose(np.trapezoid(u[after], y, axis=1), 2 / 3, rtol=5e-3)
    assert np.isnan(u[(x < 2)][:, y > 1]).all()


def without_v_at_the_outlet(problem, outlet):
    """The conditions of the published code: p = 0 at the outlet, and nothing of the velocity."""
    kept = [c for c in problem.conditions if getattr(c, "unknown", "") != "v" or isinstance(c, Initial)]
    walls = [tag for tag in problem.domain.spatial_faces if tag != outlet]
    return replace(problem, conditions=[*kept, Dirichlet("v", 0.0, on=walls)])


def test_published_outlets_leave_the_flow_undetermined():
    with pytest.warns(IllPosed, match=r"only 1 condition is given on x=4 where the equation needs 2"):
        without_v_at_the_outlet(build("pinnacle-ns2d-cg"), "x=4")
    assert not build("pinnacle-ns2d-cg").findings


def test_published_start_of_the_pulses_contradicts_itself():
    """At rest u_t = -p_x, and at the inlet u_t = 9 pi sin(pi y): p = 0 is no initial value."""
    t = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    y = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    inlet = flow.pulses().conditions[0].value(y, t)
    (slope,) = torch.autograd.grad(inlet.sum(), t)
    torch.testing.assert_close(slope, 9 * np.pi * torch.sin(np.pi * y))


def test_pulses():
    """The inlet, and as much flow out as in at every time."""
    axes, values = stored("pinnacle-ns2d-lt")
    y, t, u = axes["y"], axes["t"], values["u"]
    pulse = np.sin(np.pi * t) + np.sin(3 * np.pi * t) + np.sin(5 * np.pi * t)
    np.testing.assert_allclose(u[0], np.outer(np.sin(np.pi * y), pulse), atol=1e-5)
    through = np.trapezoid(u, y, axis=1)
    fine = np.abs(through - through[:1]).max(0)
    assert np.median(fine / (0.3 + abs(through[0]))) < 0.1
    assert abs(values["v"][-1]).max() < 1e-6
