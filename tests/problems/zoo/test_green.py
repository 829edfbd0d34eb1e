"""Green's function of the square: the series against images of the fundamental solution."""

import numpy as np
import pytest

from sapts_pinn import solve
from sapts_pinn.problems import build


def images(x, y, many=60):
    """Sources of alternating signs at the mirror images: exact in the limit, as 1 / many^2."""
    total = 0.0
    for i in range(-many, many + 1):
        for j in range(-many, many + 1):
            for sx in (1, -1):
                for sy in (1, -1):
                    r2 = (x - sx * 0.3 - 2 * i) ** 2 + (y - sy * 0.4 - 2 * j) ** 2
                    total += -sx * sy * np.log(r2) / (4 * np.pi)
    return total


def test_the_series_is_that_of_the_images():
    exact = build("poisson-source").reference
    for x, y in ((0.5, 0.5), (0.31, 0.47), (0.9, 0.1), (0.7, 0.4), (0.3, 0.9), (0.25, 0.405)):
        found = exact.evaluate({"x": np.array([x]), "y": np.array([y])})["u"][0]
        assert found == pytest.approx(images(x, y), abs=2e-5)


def test_nothing_is_said_at_the_source_and_outside():
    x, y = np.array([0.3, 0.305, 0.311, 1.1, 0.5]), np.array([0.4, 0.395, 0.4, 0.5, -0.1])
    found = build("poisson-source").reference.evaluate({"x": x, "y": y})["u"]
    assert np.isnan(found).tolist() == [True, True, False, True, True]


@pytest.mark.slow
def test_it_is_solved_to_1e_4():
    found = solve(build("poisson-source"), budget="100 evaluations")
    assert found.result["relative_l2_error"] < 1e-4
