"""Points of the equation that the user gives."""

import json
import math

import numpy as np
import pytest
import torch

from sapts_pinn import Dirichlet, Problem, Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box
from sapts_pinn.problems.zoo import build
from sapts_pinn.solving.own_points import own_points
from small_runs import rod

SMALL = {"network": (4,), "condition_points": 8, "method": "tr"}
X = np.linspace(0.0, 1.0, 21)


def trained_on(seen):
    """A callback that notes the points of every step."""
    return lambda run: seen.append(run.collocation.sites["equation"].points.clone())


@pytest.mark.parametrize(
    "points",
    [X[:, None], X, torch.from_numpy(X).float()[:, None], {"x": X}, {"x": X.reshape(3, 7)}, [*X], X[::-1]],
)
def test_the_run_trains_on_exactly_these_points(points):
    seen = []
    found = solve(rod(), points=points, budget="60 iterations", callbacks=trained_on(seen), **SMALL)
    given = np.asarray(points["x"] if isinstance(points, dict) else points).reshape(-1, 1)
    assert len(seen) == 60, "60 steps are beyond the first resampling of drawn points"
    assert all(np.array_equal(x.numpy(), given.astype(np.float64)) for x in seen)
    assert found.result["points"] == 21 and found.config["points"] == 21 and found.config["resample"] == 0


def test_coordinates_by_name_broadcast_in_the_order_of_the_domain():
    problem = build("heat")
    found = own_points({"t": np.array([0.0, 0.5]), "x": np.array([[0.1], [0.2], [0.3]])}, problem)
    assert problem.domain.names == ("x", "t")
    assert found.tolist() == [[0.1, 0], [0.1, 0.5], [0.2, 0], [0.2, 0.5], [0.3, 0], [0.3, 0.5]]


def test_a_number_of_points_is_no_point():
    assert own_points(64, rod()) is own_points(None, rod()) is own_points(2.5, rod()) is None


SQUARE = Problem(Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u")], name="square")


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        (
            np.zeros((5, 3)),
            r"points are of shape \(5, 3\); give .* an array \[N, 2\] of the coordinates x, y",
        ),
        (np.zeros(5), r"points are of shape \(5,\)"),
        ({"x": X}, "exactly the coordinates x, y, not x"),
        ({"x": X, "t": X}, "exactly the coordinates x, y, not x, t"),
        ({"x": X, "y": X[:5]}, r"must be of one shape, and are x \(21,\), y \(5,\)"),
        (np.array([[0.5, math.nan], [0.1, 0.1]]), "1 of 2 points are not finite"),
        (
            np.array([[0.5, 0.5], [0.1, 1.5], [2.0, 0.1]]),
            "2 of 3 points are outside Box.* the first at x=0.1, y=1.5",
        ),
        (np.array([[0.5, 0.5], [0.1, 0.5]]), "2 points are too few to train on; give more than 2"),
        (np.array([["a", "b"]]), "points must be an array of numbers"),
    ],
)
def test_wrong_points_are_refused_in_a_sentence(points, sentence):
    with pytest.raises(InputError, match=sentence):
        solve(SQUARE, points=points, **SMALL)


def test_given_points_are_not_resampled():
    with pytest.raises(InputError, match="points of your own stay as they are; drop resample=10"):
        solve(rod(), points=X, resample=10, **SMALL)


def test_a_resumed_run_has_its_points_and_goes_on_bit_for_bit(tmp_path):
    whole = solve(rod(), points=X, budget="8 iterations", **SMALL)
    solve(rod(), points=X, budget="4 iterations", out=tmp_path, **SMALL)
    assert json.loads((tmp_path / "config.json").read_text())["own_points"] is not None
    rest = solve(rod(), budget="8 iterations", resume=tmp_path, condition_points=8)
    assert rest.result["loss"] == whole.result["loss"] and rest.result["points"] == 21
    assert rest.config["own_points"] == whole.config["own_points"]
    assert Solution.load(tmp_path, rod()).result["iterations"] == 8


def test_other_points_in_a_resumed_run_are_told(tmp_path):
    seen = []
    solve(rod(), points=X, budget="2 iterations", out=tmp_path, **SMALL)
    with pytest.warns(UserWarning, match="goes on with other points of your own"):
        solve(rod(), points=X**2, budget="4 iterations", resume=tmp_path, callbacks=trained_on(seen))
    assert np.array_equal(seen[0][:, 0].numpy(), X**2)
    with pytest.warns(UserWarning, match="goes on with points that it draws in place of your own"):
        found = solve(rod(), points=30, budget="6 iterations", resume=tmp_path, callbacks=trained_on(seen))
    assert len(seen[-1]) == 30 and found.config["own_points"] is None and found.config["resample"] is None
    with pytest.warns(UserWarning, match="goes on with points of your own in place of those that it drew"):
        solve(rod(), points=X, budget="8 iterations", resume=tmp_path, callbacks=trained_on(seen))
    assert np.array_equal(seen[-1][:, 0].numpy(), X)


def test_windows_in_time_share_the_points():
    x, t = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5))
    seen = []
    settings = {**SMALL, "points": {"x": x, "t": t}, "callbacks": trained_on(seen)}
    solve(build("heat"), windows=2, budget="2 iterations", **settings)
    assert [points[:, 1].unique().tolist() for points in seen] == [[0, 0.25, 0.5], [0.5, 0.75, 1]]
    with pytest.raises(InputError, match="0 of the 25 points given are in window 1 of 2"):
        solve(build("heat"), windows=2, **{**settings, "points": {"x": x, "t": 0.6 + 0.4 * t}})
