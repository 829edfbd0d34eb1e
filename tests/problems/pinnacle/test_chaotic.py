"""GS and KS."""

import numpy as np
import torch

from sapts_pinn.problems import build


def test_gray_scott():
    """Initial values, and the balances of both substances between two stored times.

    The means obey u' = 0.04 (1 - u) - w and v' = w - 0.1 v with the mean w of u v^2: the sum needs no w.
    """
    problem = build("pinnacle-gs")
    test = problem.reference.test_points()
    values = problem.reference.evaluate(test)
    times = np.unique(test["t"])
    u, v = (values[name].reshape(64, 64, times.size) for name in ("u", "v"))
    x, y = (test[name].reshape(64, 64, times.size)[..., 0] for name in ("x", "y"))
    start = problem.conditions[2].value(torch.from_numpy(x.ravel()), torch.from_numpy(y.ravel()))
    np.testing.assert_allclose(u[..., 0].ravel(), start.numpy(), atol=1e-6)
    np.testing.assert_allclose(v[..., 0].max(), np.exp(-80 * ((x - 0.05) ** 2 + (y - 0.02) ** 2)).max(), 1e-5)
    gone, made = (1 - u).mean((0, 1)), v.mean((0, 1))
    # d/dt (made - gone) = 0.04 gone - 0.1 made; the trapezoidal rule over 20 is good to some per cent.
    change = np.diff(made - gone)[4:]
    rate = 0.04 * gone - 0.1 * made
    np.testing.assert_allclose(change, 10 * (rate[1:] + rate[:-1])[4:], atol=0.1 * abs(change).max() + 1e-4)
