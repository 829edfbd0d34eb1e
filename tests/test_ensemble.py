"""Several seeds of one problem, and one problem after another."""

import numpy as np
import pytest
import torch

from sapts_pinn import Initial, Problem, Solution, solve
from sapts_pinn.continuation import continuation
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
    found = ensemble(build("lorenz"), seeds=2, **SMALL)
    assert set(found.spread({"t": np.array([0.5, 1.0])})) == {"x", "y", "z"}


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="two or more different seeds"):
        ensemble(build("poisson-1d"), seeds=[1, 1])
    with pytest.raises(ValueError, match="drop seed"):
        ensemble(build("poisson-1d"), seed=1)
    with pytest.raises(ValueError, match="at least one value"):
        continuation(logistic, [])
    with pytest.raises(ValueError, match="sapts-ip"):
        continuation(logistic, [1], method="sapts-ip")


def logistic(rate):
    """u' = rate u (1 - u) from 0.05: the faster it is, the more attractive is u = 0 beyond the start."""
    return Problem(
        Time(0, 1),
        "u",
        lambda u: u.t - rate * u * (1 - u),
        [Initial("u", 0.05)],
        reference=lambda t: 1 / (1 + 19 * torch.exp(-rate * t)),
        scales={"u": 1.0},
    )


def test_a_network_that_knows_a_slower_reaction_finds_the_fast_one():
    # Straight training ends at u = 0 (error 0.99 to 1.00), continuation at 1e-4, whatever seed and processor.
    settings = {"network": (16,), "points": 128}
    straight = solve(logistic(14.0), budget="300 iterations", **settings)
    gone = continuation(logistic, [3.5, 7.0, 14.0], budget="300 iterations", **settings)
    assert straight.result["relative_l2_error"] > 0.5
    assert gone.result["relative_l2_error"] < 0.02
    assert gone.result["iterations"] == 150  # half of the budget
