"""Several seeds of one problem."""

import numpy as np
import pytest

from sapts_pinn import Initial, Problem, Solution, solve
from sapts_pinn.ensemble import ensemble
from sapts_pinn.geometry import Time
from sapts_pinn.problems.zoo import build

SMALL = {"network": (8,), "points": 64, "budget": "30 iterations"}


def test_mean_and_spread_are_those_of_the_members(tmp_path):
    problem, points = build("poisson-1d"), {"x": np.linspace(0, 1, 7)}
    found = ensemble(problem, seeds=[3, 5, 8], out=tmp_path, **SMALL)
    alone = [solve(problem, seed=seed, **SMALL) for seed in (3, 5, 8)]
    values = np.stack([s.predict(points) for s in alone])
    np.testing.assert_array_equal(found.predict(points), values.mean(0))
    np.testing.assert_allclose(found.spread(points), values.std(0, ddof=1), rtol=1e-12)
    assert found.best.result["loss"] == min(s.result["loss"] for s in alone)
    assert Solution.load(tmp_path / "seed5").result["seed"] == 5
    assert len(str(found).splitlines()) == 4 and "budget" in str(found)


def test_unknowns_of_a_system_keep_their_names():
    circle = Problem(
        Time(0, 1), ("x", "y"), lambda x, y: (x.t - y, y.t + x), [Initial("x", 0.0), Initial("y", 1.0)]
    )
    found = ensemble(circle, seeds=2, **{**SMALL, "budget": "5 iterations"})
    assert set(found.spread({"t": np.array([0.5, 1.0])})) == {"x", "y"}


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="two or more different seeds"):
        ensemble(build("poisson-1d"), seeds=[1, 1])
    with pytest.raises(ValueError, match="drop seed"):
        ensemble(build("poisson-1d"), seed=1)
