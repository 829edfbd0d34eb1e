"""Problems with holes: the references fit the boundary."""

import numpy as np
import pytest
import torch

from sapts_pinn.problems import build
from sapts_pinn.problems.fields import Field
from sapts_pinn.problems.zoo import holes


@pytest.mark.parametrize("name", ["poisson-holes", "poisson-boltzmann"])
def test_fits_to_the_boundary(name):
    """By the maximum principle the error is at most that on the boundary, if the equation holds inside."""
    problem = build(name)
    half, circles = (0.5, holes.EQUAL) if name == "poisson-holes" else (1.0, holes.DIFFERENT)
    x, y, on_hole = holes.boundary(half, circles, 733)  # not the points of the fit
    inner, outer = (0.0, 1.0) if name == "poisson-holes" else (1.0, 0.2)
    values = problem.reference.evaluate({"x": x, "y": y})["u"]
    assert abs(values - np.where(on_hole, inner, outer)).max() <= problem.reference.accuracy

    points = problem.domain.interior(200, torch.Generator().manual_seed(0))
    points = points[problem.domain.distance(points) < -0.04]
    assert len(points) > 50

    def channels(index):  # central differences of order four
        h = 5e-3
        shift = torch.zeros(2, dtype=torch.float64)
        if index:
            shift[index[0]] = h
        at = lambda q: torch.as_tensor(
            problem.reference.evaluate({"x": q[:, 0].numpy(), "y": q[:, 1].numpy()})["u"]
        )
        if not index:
            return at(points)
        weights = (-1, 16, -30, 16, -1)
        return sum(w * at(points + k * shift) for k, w in zip(range(-2, 3), weights, strict=True)) / (
            12 * h**2
        )

    (row,) = problem.evaluate({"u": Field("u", ("x", "y"), channels)}, points, {})
    size = max(1.0, float(channels((1, 1)).abs().max()))
    assert row.abs().max() < 2e-4 * size
