"""References at the nodes of a grid, and all problems together."""

import numpy as np
import pytest

from sapts_pinn.problems import build
from sapts_pinn.problems.pinnacle import PINNACLE
from sapts_pinn.problems.pinnacle.stored import on_grid


def test_values_are_known_at_the_nodes_only():
    reference = on_grid("gs", "modes", 1e-3, ("u", "v"), period={"x": 2.0, "y": 2.0})
    test = reference.test_points()
    values = reference.evaluate(test)
    assert set(values) == {"u", "v"} and all(np.isfinite(v).all() for v in values.values())
    moved = {name: column.copy() for name, column in test.items()}
    moved["x"] += 1e-3
    assert all(np.isnan(v).all() for v in reference.evaluate(moved).values())
    moved["x"] = test["x"] + 2.0
    assert np.array_equal(reference.evaluate(moved)["u"], values["u"])
    assert np.isnan(reference.evaluate({"x": 0.0, "y": 0.0, "t": 999.0})["u"])


@pytest.mark.parametrize("name", PINNACLE)
def test_every_problem_and_its_reference(name):
    problem = build(name)
    assert problem.name == name and problem.options == {}
    test = problem.reference.test_points()
    assert list(test) == list(problem.domain.names)
    assert 1_000 < test[problem.domain.names[0]].size < 200_000
    few = {axis: column[:: max(column.size // 200, 1)] for axis, column in test.items()}
    values = problem.reference.evaluate(few)
    assert set(values) == set(problem.unknown_names)
    assert all(np.isfinite(v).all() for v in values.values())
    assert 0 < problem.reference.accuracy < 0.1
