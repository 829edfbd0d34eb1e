"""Runs that are limited by one thing each, and what the diagnosis says of them."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import Dirichlet, Observations, Problem, Sites
from sapts_pinn.problems.zoo import build
from sapts_pinn.results.diagnosis import _Look, _verdict, diagnose, trend


def first_order(*conditions, slope=1.0, **more):
    """u' = slope on [0, 1]."""
    return Problem(Interval(0, 1), "u", lambda u: u.x - slope, conditions, **more)


def found(problem, **settings):
    defaults = {"network": (8, 8), "points": 128, "budget": "600 iterations", "resample": 0}
    return solve(problem, **{**defaults, **settings}).result["diagnosis"]


def test_a_run_cut_short_is_limited_by_its_budget():
    d = found(build("poisson-1d"), budget="60 iterations")
    assert d["limit"] == "budget" and d["trend"] > 0.1 and "more time" in d["words"]


def test_few_points_are_too_few():
    d = found(build("burgers"), network=(20, 20), points=30)
    assert d["limit"] == "sampling" and "more points" in d["words"]
    assert d["test_residual"] > 2 * d["train_residual"]


@pytest.mark.parametrize(("fresh", "limit"), [(1e-13, "precision"), (1e-10, "sampling")])
def test_residuals_at_rounding_are_no_lack_of_points(fresh, limit):
    model = SimpleNamespace(like=torch.zeros(1, dtype=torch.float64))
    look = SimpleNamespace(objective=SimpleNamespace(model=model))
    seen = SimpleNamespace(train_residual=1e-14, test_residual=fresh, trend=None, rounding=0.0)
    assert _verdict(seen, [], True, look)[0] == limit


def test_single_precision_ends_in_rounding():
    d = found(build("poisson-1d"), dtype="float32", network=(16, 16), points=512, budget="1500 iterations")
    assert d["limit"] == "precision" and "float64" in d["words"]
    again = found(build("poisson-1d"), network=(16, 16), points=512, budget="100 iterations")
    assert again["rounding"] < 1e-3


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_conditions_that_contradict_each_other_are_in_conflict():
    d = found(
        first_order(
            *(
                Dirichlet("u", value, face, hard=False, weight=0.5)
                for value, face in ((0.0, "x=0"), (3.0, "x=1"))
            )
        ),
        points=1024,
        network=(4,),
    )
    assert d["limit"] == "conflict" and d["opposed"][1] < -0.9 and "weight" in d["words"]


def test_a_network_of_two_neurons_is_too_small():
    d = found(build("burgers"), network=(2,), points=1024)
    assert d["limit"] == "capacity" and d["trend"] < 0.1 and "more than" in d["words"]


def test_an_unknown_that_outgrows_its_size_is_told():
    """u = 300 sin(9 x), whose network was told to give numbers of order one."""
    wave = lambda x: 300 * torch.sin(9 * x)
    problem = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + 81 * wave(x), [Dirichlet("u", wave)], scales={"u": 1.0},
        symmetry=False,
    )  # fmt: skip
    d = found(problem, budget="60 iterations")
    assert d["limit"] == "scale" and "give scales={'u': " in d["words"]
    right = found(replace(problem, scales={}), budget="60 iterations")
    assert right["limit"] != "scale"


def test_noisy_data_are_the_limit_of_a_fit():
    x = np.linspace(0, 1, 40)
    u = x + 0.3 * (-1.0) ** np.arange(40)
    d = found(first_order(Observations("u", {"x": x}, u, weight=0.3)))
    assert d["limit"] == "data" and "misfit" in d["words"]


def test_a_change_of_weights_is_no_trend():
    falling = [{"iteration": i, "loss": 10 ** (-i / 50), "weight_u": 10.0} for i in range(88)]
    after = [{**row, "iteration": 88 + i, "weight_u": 90.0} for i, row in enumerate(falling[:12])]
    assert trend([*falling, *after]) == pytest.approx(99 / 4 / 50)


def test_points_drawn_anew_do_not_hide_that_the_loss_falls() -> None:
    """The trend bridges one jump of the loss near its end, and is small where it jumps back each time."""
    once = [{"iteration": i, "loss": 10 ** (-i / 50 + (1.0 if i >= 450 else 0.0))} for i in range(500)]
    assert trend(once) == pytest.approx(499 / 4 / 50, rel=0.1)
    never = [{"iteration": i, "loss": 10 ** (-(i % 45) / 50)} for i in range(500)]
    assert abs(trend(never)) < 0.3, "of 2.5 decades that the teeth fall by"


def test_what_needs_no_diagnosis_gets_none():
    assert found(build("poisson-1d"), target_error=5.0) is None


def test_rounding_is_that_of_the_residual():
    """The estimate against the difference to the same residual in higher precision."""
    problem = build("poisson-1d")
    network = network_of(problem, (20, 20), torch.Generator().manual_seed(0), torch.float32)
    term = problem.equation_term
    sites = {"equation": term.sites(500, torch.Generator().manual_seed(1), "uniform")}
    sites = {"equation": Sites(sites["equation"].points.float().double())}
    single = LeastSquares(Model(problem, network), sites).evaluate()
    look = _Look(LeastSquares(Model(problem, network), sites))
    double = LeastSquares(Model(problem, network.double()), sites).evaluate()
    true = float((single.residual().double() - double.residual()).norm() / double.residual().norm())
    assert 0.2 * true < look.rounding() < 5 * true


def test_gradients_by_terms_add_up():
    problem = first_order(Dirichlet("u", 0.0, "x=0", hard=False))
    network = network_of(problem, (5,), torch.Generator().manual_seed(0), torch.float64)
    sites = {t.name: t.sites(20, torch.Generator().manual_seed(1), "uniform") for t in problem.terms}
    look, whole = (
        _Look(LeastSquares(Model(problem, network), sites)),
        LeastSquares(Model(problem, network), sites),
    )
    value, gradient = whole.value_and_grad()
    torch.testing.assert_close(sum(look.gradients.values()), gradient)
    assert look.loss == pytest.approx(value)


def test_the_trend_is_that_of_the_last_quarter_and_not_bent_by_outliers():
    rows = [
        {"iteration": i, "loss": 10.0 ** (-i / 100 if i < 800 else -8 - (i - 800) / 1000)}
        for i in range(1000)
    ]
    assert trend(rows) == pytest.approx(999 / 4 / 1000, rel=1e-2)
    for i in (770, 900, 950):
        rows[i] = {"iteration": i, "loss": 1.0}
    assert trend(rows) == pytest.approx(999 / 4 / 1000, rel=3e-2)
    assert trend(rows[:5]) is None and trend([]) is None
    assert trend([{"iteration": i, "loss": float("nan")} for i in range(99)]) is None


def test_it_is_said_in_the_summary_and_kept_in_the_folder(tmp_path):
    solution = solve(
        build("poisson-1d"), network=(4,), points=64, budget="40 iterations", out=tmp_path / "run"
    )
    assert "limited by         budget: " in str(solution)
    assert (
        json.loads((tmp_path / "run" / "result.json").read_text())["diagnosis"]
        == solution.result["diagnosis"]
    )
    assert "limited by" in str(Solution.load(tmp_path / "run"))


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_a_loss_of_zero_needs_none():
    problem = first_order(slope=0.0)
    network = network_of(problem, (3,), torch.Generator().manual_seed(0), torch.float64)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    sites = {"equation": problem.equation_term.sites(9, torch.Generator(), "uniform")}
    assert diagnose(Model(problem, network), sites, []) is None
