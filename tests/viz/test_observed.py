"""Measured values in pictures."""

import numpy as np

from sapts_pinn.problems.zoo import build
from sapts_pinn.viz.observed import beside, dot_size, observed


def test_measured_values_are_those_of_the_unknown():
    problem = build("lorenz-inverse")
    ((at, values),) = observed(problem, "y")
    assert at["t"].shape == values.shape == (25,)
    assert observed(build("burgers"), "u") == []


def test_points_near_a_plane_are_found():
    problem = build("navier-stokes-inverse")
    ((at, _),) = observed(problem, "u")
    (near,) = beside(problem, "u", {"t": 1.0})
    assert len(near["t"]) == (at["t"] >= 0.98).sum() > 0 and near["t"].min() >= 0.98
    assert np.shape(beside(problem, "u", {})[0]["x"]) == (2000,)


def test_few_measurements_have_larger_dots():
    sizes = [dot_size(count) for count in (0, 20, 400, 1500, 10**6)]
    assert sizes[0] == sizes[1] == 4.0 and 1.2 < sizes[2] < 4.0 and sizes[3] == sizes[4] == 1.2
