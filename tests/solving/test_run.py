"""A run of `solve`: parts, seeds, configuration and facts."""

from dataclasses import replace

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.problems import Quantity
from sapts_pinn.problems.zoo import ZOO, build

SMALL = {"network": (4,), "points": 32, "condition_points": 8, "budget": "2 iterations"}


def test_a_seed_fixes_the_run_and_another_changes_it():
    one, same, other = (solve(build("poisson-1d"), seed=seed, **SMALL) for seed in (1, 1, 2))
    assert one.result["loss"] == same.result["loss"] != other.result["loss"]
    for a, b in zip(one.model.parameters(), same.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_result_and_the_configuration_say_what_was_done():
    found = solve(build("burgers"), seed=5, method="sapts-d", parts=2, **SMALL)
    assert found.config["options"]["parts"] == 2 and found.result["parts"] == 2
    assert found.result["seed"] == 5 and found.result["points"] == 32 and found.result["device"] == "cpu"
    assert found.result["weights"] == {"equation": 1.0}, "all conditions are built in"
    assert found.result["parameters"] == sum(p.numel() for p in found.model.parameters())
    assert found.config["description"] == str(found.problem) and found.config["threads"] >= 1


def test_a_wrong_quantity_shows_before_the_training(tmp_path):
    problem = replace(build("poisson-1d"), quantities={"wrong": Quantity(lambda solution: solution.nothing)})
    with pytest.raises(InputError, match="wrong"):
        solve(problem, out=tmp_path / "r", **SMALL)
    assert not (tmp_path / "r").exists()


def test_settings_that_contradict_are_sentences():
    with pytest.raises(InputError, match="method 'tr' has no parts; drop parts=2, or use a SAPTS method"):
        solve(build("poisson-1d"), method="tr", parts=2, **SMALL)
    with pytest.raises(InputError, match="target_error needs a reference solution, and cylinder has none"):
        solve(build("cylinder"), target_error=0.1, **SMALL)


@pytest.mark.parametrize("name", ["poisson-2d", "burgers", "poisson-holes"])
def test_a_run_does_not_depend_on_pytorchs_default_precision(name: str) -> None:
    losses = []
    for default in (torch.float32, torch.float64):
        torch.set_default_dtype(default)
        try:
            solution = solve(ZOO[name].build(), budget="3 iterations", network=(6, 6), points=60)
        finally:
            torch.set_default_dtype(torch.float32)
        losses.append([row["loss"] for row in solution.history])
    assert losses[0] == losses[1]
