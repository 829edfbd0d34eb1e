"""Lorenz' equations with unknown coefficients: data and noise."""

import numpy as np

from known_solutions import Sampled
from sapts_pinn.problems.conditions.observations import Observations
from sapts_pinn.problems.zoo.lorenz_inverse import TRUTH, lorenz_inverse


def test_the_true_coefficients_solve_the_equations():
    w = Sampled(lorenz_inverse(), step=2e-4)
    x, y, z = (w(name) for name in "xyz")
    right = 10 * (y - x), x * (15 - z) - y, x * y - 8 / 3 * z
    known = {name: x.new_tensor(value) for name, value in TRUTH.items()}
    for row, name, slope in zip(w.rows(known), "xyz", right, strict=True):
        size = float(slope.abs().max())
        assert float((w(name, "t") - slope).abs().max()) < 1e-8 * size > float(row.abs().max())


def test_noise_is_relative_to_each_component_and_follows_the_seed():
    def data(**given):
        return [c for c in lorenz_inverse(**given).conditions if isinstance(c, Observations)]

    clean, noisy, again = data(), data(noise=0.1, count=400), data(noise=0.1, count=400)
    assert [len(c.values) for c in clean] == [25, 25, 25]
    for a, b, name in zip(noisy, again, "xyz", strict=True):
        assert a.of == name and np.array_equal(a.values, b.values)
        exact = lorenz_inverse().reference.evaluate({"t": a.points["t"]})[name]
        size = np.sqrt(np.mean(np.square(exact)))
        assert 0.08 < np.std(a.values - exact) / size < 0.12 and np.isclose(a.noise, 0.1 * size, rtol=0.2)
    other = data(noise=0.1, count=400, seed=1)
    assert not np.array_equal(other[0].values, noisy[0].values)
