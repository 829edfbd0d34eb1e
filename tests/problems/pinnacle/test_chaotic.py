"""GS and KS."""

import numpy as np
import torch

from referenced import misfit
from sapts_pinn.problems import build
from sapts_pinn.problems.zoo.fourier import modes


def test_kuramoto_sivashinsky():
    """Derivatives in x of the modes themselves, in t by differences."""
    problem = build("pinnacle-ks")
    assert misfit(problem, 1) < 1e-9
    t, h, table = np.linspace(0.05, 0.95, 40), 1e-5, modes("pinnacle_ks")
    at, x = lambda s: table.at(t + s)[0], 2 * np.pi * np.arange(256) / 256
    k = np.arange(table.values.shape[2])
    values = lambda c, n=0: (c * (1j * k) ** n @ np.exp(1j * np.outer(k, x))).real
    rate = values((8 * (at(h) - at(-h)) - at(2 * h) + at(-2 * h)) / (12 * h))
    c = at(0)
    parts = [
        100 / 16 * values(c) * values(c, 1), 100 / 16**2 * values(c, 2), 100 / 16**4 * values(c, 4)
    ]  # fmt: skip
    assert abs(rate + sum(parts)).max() < 1e-3 * abs(parts[2]).max()  # the modes left out


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


def test_published_initial_values_of_gray_scott_are_means():
    """Arrays [N] taken from network values [N, 1] make [N, N], whose squares are least at the mean."""
    given = np.random.default_rng(0).uniform(0, 1, 30)
    loss = lambda network: np.mean((network[:, None] - given) ** 2)
    assert (np.zeros((30, 1)) - given).shape == (30, 30)
    assert loss(np.full(30, given.mean())) < loss(given)
