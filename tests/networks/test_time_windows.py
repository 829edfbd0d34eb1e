"""Windows in time: what continues what, the joined model, the run as a whole."""

from math import pi

import numpy as np
import pytest
import torch
from torch import Generator

from sapts_pinn import Coefficient, Dirichlet, Initial, Observations, Periodic, Problem, Solution, solve
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.time_windows import Continuation, WindowedModel, joined, window
from sapts_pinn.problems.zoo import build

SMALL = {"network": (10, 10), "points": 256, "condition_points": 64}


def wave():
    return Problem(
        Interval(0, 1) * Time(0, 2),
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0, "x"), Initial("u", lambda x: torch.sin(pi * x), velocity=0.0)],
        reference=lambda x, t: torch.sin(pi * x) * torch.cos(pi * t),
        name="string",
    )


def decay():
    return Problem(Time(0, 4), "u", lambda u: u.t + u, [Initial("u", 1.0)], reference=lambda t: torch.exp(-t))


def model_of(problem):
    return Model(problem, network_of(problem, (6,), Generator().manual_seed(0), torch.float64))


def test_windows_agree_with_the_solution():
    whole = solve(wave(), windows=2, budget="600 iterations", **SMALL)
    assert whole.result["relative_l2_error"] < 1e-2
    before, behind = (whole.predict({"x": np.linspace(0, 1, 9), "t": 1 + side}) for side in (-1e-9, 1e-9))
    np.testing.assert_allclose(before, behind, atol=1e-3)
    before, behind = (whole.derivative({"x": np.linspace(0, 1, 9), "t": 1 + s}, "t") for s in (-1e-9, 1e-9))
    np.testing.assert_allclose(before, behind, atol=2e-2)
    assert [row["window"] for row in whole.history] == sorted(row["window"] for row in whole.history)
    assert whole.history[-1]["iteration"] == whole.result["iterations"] == 600
    assert np.abs(whole.residual({"x": [0.3, 0.6], "t": [0.5, 1.5]})).max() < 0.5


def test_without_space_the_start_of_a_window_is_exact():
    whole = solve(decay(), windows=3, budget="150 iterations", network=(6,), points=64)
    assert whole.result["relative_l2_error"] < 1e-3
    for edge in (4 / 3, 8 / 3):
        before, behind = (whole.predict({"t": edge + side}) for side in (-1e-13, 1e-13))
        assert before == pytest.approx(behind, abs=1e-12)


@pytest.mark.slow
def test_a_chaotic_system_needs_them():
    settings = {"network": (16, 16), "points": 256, "budget": "2400 iterations"}
    assert solve(build("lorenz"), windows=1, **settings).result["relative_l2_error"] > 0.3
    assert solve(build("lorenz"), **settings).result["relative_l2_error"] < 3e-2


def test_what_a_window_starts_from():
    problem = wave()
    first = model_of(window(problem, [1.0], 0, None))
    second = window(problem, [1.0], 1, first)
    assert second.domain.bounds[:, 1].tolist() == [1.0, 2.0]
    starts = [c for c in second.conditions if isinstance(c, Continuation)]
    assert [c.order for c in starts] == [0, 1] and not any(isinstance(c, Initial) for c in second.conditions)
    sites = starts[1].sites(second.domain, 20, Generator().manual_seed(0), "sobol")
    points = sites.points.clone().requires_grad_()
    ansatz = first.problem.ansatz
    u = (
        ansatz.extension["u"](points)
        + first.problem.natural.unknowns["u"]
        * ansatz.factor["u"](points)
        * first.network(ansatz.features(points))[:, 0]
    )
    (slope,) = torch.autograd.grad(u.sum(), points)
    torch.testing.assert_close(sites.values, slope[:, 1])


def test_symmetries_are_those_of_the_start():
    def problem(start):
        return Problem(
            Interval(-1, 1) * Time(0, 1), "u", lambda u: u.t - u.xx, [Periodic("x"), Initial("u", start)]
        )

    even = problem(lambda x: torch.cos(pi * x))
    assert window(even, [0.5], 1, model_of(window(even, [0.5], 0, None))).symmetries["x"].centre == (1,)
    neither = problem(lambda x: torch.cos(pi * x) + torch.sin(pi * x))
    assert not window(neither, [0.5], 1, model_of(window(neither, [0.5], 0, None))).symmetries


def test_the_joined_model_asks_the_window_a_point_lies_in():
    whole = joined(decay(), [2.0], model_of)
    assert isinstance(whole, WindowedModel) and len(whole.models) == 2
    points = torch.tensor([[0.5], [3.5], [1.0], [2.5]], dtype=torch.float64)
    expected = torch.stack([whole.models[i](p[None])[0] for i, p in zip((0, 1, 0, 1), points, strict=True)])
    torch.testing.assert_close(whole(points), expected)


def test_a_folder_holds_the_whole_and_every_window(tmp_path):
    whole = solve(wave(), windows=2, budget="20 iterations", out=tmp_path / "run", **SMALL)
    assert {"window1", "window2", "config.json", "result.json"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }
    again = Solution.load(tmp_path / "run", problem=wave())
    points = {"x": np.linspace(0, 1, 5), "t": np.linspace(0, 2, 5)}
    np.testing.assert_array_equal(again.predict(points), whole.predict(points))
    assert again.result == whole.result


@pytest.mark.parametrize(
    ("problem", "settings", "message"),
    [
        (wave(), {"windows": 0}, "windows must be a positive number, not 0"),
        (build("poisson-1d"), {"windows": 2}, "windows need a time"),
        (wave(), {"windows": 2, "target_error": 0.1}, "target_error cannot be had with windows"),
        (
            wave(),
            {"windows": 2, "resume": "somewhere"},
            "there is no folder somewhere whose windows could go on",
        ),
        (
            Problem(
                Time(0, 1),
                "u",
                lambda u, k: u.t + k * u,
                [Initial("u", 1.0), Observations("u", {"t": [0.5]}, [0.7])],
                coefficients=[Coefficient("k")],
            ),
            {"windows": 2},
            "which all times share",
        ),
        (
            Problem(
                Interval(0, 1) * Time(0, 1),
                "u",
                lambda u: u.tt + u.xx + 1,
                [Dirichlet("u", 0.0, on="x"), Dirichlet("u", 0.0, on="t")],
            ),
            {"windows": 2},
            "Dirichlet holds on t=0 and t=1, but windows=2 are solved one after another",
        ),
    ],
)
def test_mistakes_are_sentences(problem, settings, message):
    with pytest.raises(ValueError, match=message):
        solve(problem, budget="2 iterations", **settings)
