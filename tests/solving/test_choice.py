"""The method that `solve` takes where none is named."""

import json

import pytest
from torch import nn

from sapts_pinn.errors import InputError
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.sapts.data import DataDecomposition
from sapts_pinn.problems import build
from sapts_pinn.solving.choice import POINTS, choose, with_method
from sapts_pinn.solving.run import solve
from sapts_pinn.solving.settings import AUTO, RunSettings

DIVIDED = {"network": (8, 8), "points": POINTS, "budget": "2 iterations"}


def settings(**given: object) -> RunSettings:
    return RunSettings(**{**DIVIDED, **given})


@pytest.mark.parametrize(
    ("given", "ranks", "parts", "method", "why"),
    [
        ({}, 1, None, "sapts-d", "4096 points are worth dividing"),
        ({"points": POINTS - 1}, 1, None, "tr", "4095 points are too few"),
        ({"points": 64}, 2, None, "sapts-d", "2 ranks"),
        ({"points": 64}, 1, 3, "sapts-d", "parts were asked for"),
        ({"options": {"radius": 0.1}}, 1, None, "tr", "options were given"),
        ({"device": "cuda"}, 1, None, "tr", "not known to pay on cuda"),
        ({"network": (128,) * 4}, 1, None, "tr", "with 50177 parameters"),
        ({"network": (45, 45)}, 1, None, "tr", "4096 residuals are too few to divide, of 2296 parameters"),
        ({"network": nn.Linear(2, 1)}, 1, None, "sapts-d", "worth dividing"),
        ({"network": lambda inputs, outputs: nn.Linear(inputs, outputs)}, 1, None, "sapts-d", "worth"),
    ],
)
def test_the_method_follows_the_size_of_the_problem(given, ranks, parts, method, why) -> None:
    problem = build("poisson-lshape")
    found = choose(problem, settings(**given), ranks, parts)
    assert found.method == method and why in found.why


def test_a_method_that_is_named_is_taken() -> None:
    named = settings(method="adam")
    assert with_method(build("poisson-1d"), named, 1, None) == (named, None)
    assert AUTO in METHODS, "so that whatever asks for a method by name knows it"


def test_the_choice_is_told_and_kept(tmp_path) -> None:
    solution = solve(build("poisson-lshape"), out=tmp_path / "run", **DIVIDED)
    config, result = (
        json.loads((tmp_path / "run" / name).read_text()) for name in ("config.json", "result.json")
    )
    assert config["method"] == result["method"] == "sapts-d"
    assert config["options"]["parts"] == DataDecomposition.parts
    assert config["chosen"] == result["chosen"] == "4096 points are worth dividing"
    assert "method             sapts-d, as 4096 points are worth dividing" in str(solution)
    more = solve(build("poisson-lshape"), resume=tmp_path / "run", budget="3 iterations")
    assert more.result["method"] == "sapts-d", "a run goes on with its method"
    with pytest.raises(InputError, match="method"):
        solve(build("poisson-lshape"), resume=tmp_path / "run", budget="4 iterations", method="tr")


def test_a_named_method_needs_no_reason() -> None:
    solution = solve(build("poisson-1d"), method="tr", network=(4,), points=32, budget="2 iterations")
    assert solution.result["chosen"] is None and "  method  " not in str(solution)
