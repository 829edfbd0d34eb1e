"""`solve` by random features, its settings and refusals."""

import numpy as np
import pytest
import torch
from torch import nn

from sapts_pinn.errors import InputError
from sapts_pinn.problems import build
from sapts_pinn.results.solution import Solution
from sapts_pinn.solving.features import UNITS, check_features, settings_of
from sapts_pinn.solving.run import solve

FEW = {"method": "features", "network": (80,), "points": 330}


def test_a_smooth_problem_is_solved_examined_and_read_again(tmp_path) -> None:
    found = solve(build("heat"), **FEW, out=tmp_path / "run")
    result = found.result
    assert result["relative_l2_error"] < 1e-9 and result["status"].startswith("converged")
    assert result["audit"]["passed"] and result["gradient_evaluations"] > 0
    assert [row["loss"] for row in found.history][-1] == result["loss"] < found.history[0]["loss"]
    assert [type(layer).__name__ for layer in found.model.network] == ["Linear", "Sine", "Linear"]
    again = Solution.load(tmp_path / "run")
    points = np.random.default_rng(0).random((20, 2))
    assert np.array_equal(found.predict(points), again.predict(points))
    assert again.config["network"] == [80] and again.config["activation"] == "sin"


def test_a_seed_fixes_the_run_and_a_resumed_one_is_the_same(tmp_path) -> None:
    problem = build("allen-cahn-steady")
    whole = solve(problem, **FEW)
    solve(problem, **FEW, budget="7 iterations", out=tmp_path / "run")
    resumed = solve(problem, resume=tmp_path / "run", budget="2min")
    assert (
        resumed.config["method"] == "features" and resumed.result["iterations"] == whole.result["iterations"]
    )
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_budgets_of_iterations_and_evaluations_end_it() -> None:
    found = solve(build("poisson-1d"), **FEW, budget="3 iterations")
    assert found.result["iterations"] == 3 and found.result["status"].startswith("budget spent")
    found = solve(build("poisson-1d"), **FEW, budget="5 evaluations")
    assert found.result["gradient_evaluations"] < 20


def test_windows_are_solved_one_after_the_other() -> None:
    found = solve(build("heat"), **FEW, windows=2)
    assert len(found.model.windows) == 2 and found.result["relative_l2_error"] < 1e-4


def test_points_of_ones_own_are_used() -> None:
    own = np.random.default_rng(1).random((400, 1))
    found = solve(build("poisson-1d"), **{**FEW, "points": own})
    assert found.result["relative_l2_error"] < 1e-9 and found.config["points"] == 400


def test_the_defaults_are_those_of_the_method_unless_something_is_given() -> None:
    heat, given = build("heat"), {"method": "features"}
    found = settings_of(heat, given)
    assert found.network == (UNITS[1],) and found.activation == "sin" and found.points == 4 * 801
    assert settings_of(heat, given, {"network": (50,), "activation": "tanh"}).network == (50,)
    assert settings_of(heat, {}).network == (30, 30, 30)
    assert settings_of(build("kovasznay"), given).network == (400,)
    assert settings_of(build("poisson-3d"), given).network == (1600,)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"network": (20, 20)}, r"^features draws one hidden layer, and network says how many units it has"),
        ({"network": nn.Linear(2, 1)}, r"^features draws one hidden layer, and network says how many units"),
        (
            {"dtype": "float32"},
            r"^features solves to rounding, which dtype='float32' makes useless: drop dty",
        ),
        ({"parts": 2}, r"^method 'features' has no parts; drop parts=2, or use a SAPTS method$"),
        ({"options": {"lr": 1.0}}, r"^phase 1 of the method does not take the option 'lr'; drop it$"),
    ],
)
def test_what_makes_no_sense_is_refused(given, sentence) -> None:
    with pytest.raises(InputError, match=sentence):
        solve(build("heat"), method="features", **given)


def test_a_start_and_unknowns_with_networks_of_their_own_are_refused() -> None:
    heat = build("heat")
    start = solve(heat, **FEW, budget="1 iteration")
    with pytest.raises(
        InputError, match=r"^features solves from nothing, and has no use for a start: drop i"
    ):
        solve(heat, method="features", init=start)
    with pytest.raises(
        InputError, match=r"^k has a network of its own, and features solves for one layer of"
    ):
        solve(build("diffusion-inverse"), method="features")


def test_several_ranks_are_refused() -> None:
    heat = build("heat")
    with pytest.raises(InputError, match=r"^features runs in one process, and there are 2: use sapts-d, "):
        check_features(heat, settings_of(heat, {"method": "features"}), 2, None)
    check_features(heat, settings_of(heat, {"method": "tr"}), 2, None)  # is another method's business
