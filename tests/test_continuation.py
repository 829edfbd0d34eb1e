"""One problem after another, each from the network of the one before."""

from types import SimpleNamespace

import pytest
import torch

from sapts_pinn import Initial, Problem, solve
from sapts_pinn.continuation import continuation
from sapts_pinn.geometry import Time


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


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="at least one value"):
        continuation(logistic, [])
    with pytest.raises(ValueError, match="sapts-ip"):
        continuation(logistic, [1], method="sapts-ip")


def test_half_of_the_budget_is_for_the_last_value(monkeypatch):
    asked = []

    network = torch.nn.Linear(1, 1)
    found = SimpleNamespace(model=SimpleNamespace(network=network))

    def solve(problem, budget, network, **settings):
        asked.append((problem, budget.iterations, network, settings.get("out")))
        return found

    monkeypatch.setattr("sapts_pinn.continuation.solve", solve)
    continuation(lambda rate: rate, [1, 2, 3], budget="100 iterations", network=(4,), out="here")
    assert asked == [(1, 25, (4,), None), (2, 25, network, None), (3, 50, network, "here")]
    asked.clear()
    continuation(lambda rate: rate, [1], budget="100 iterations", out="here")
    assert asked == [(1, 100, None, "here")]
