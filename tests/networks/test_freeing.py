"""A symmetry that turns out wrong during the training is dropped, and nothing that was learnt is lost."""

import json

import numpy as np
import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.networks.build import network_maker, network_of
from sapts_pinn.networks.model import Location, Model
from sapts_pinn.problems import Dirichlet, Initial, Periodic, Problem, Unknown
from sapts_pinn.problems.symmetry.symmetry import Finder, Symmetry

WAVES = lambda h, v: (h.t + v.x, v.t + h.x)
PROBLEMS = {
    "even, both ends": lambda: Problem(
        Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)]
    ),
    "opposite parities": lambda: Problem(
        Interval(-1, 1) * Time(0, 1),
        ("h", "v"),
        WAVES,
        [
            Initial("h", lambda x: torch.cos(torch.pi * x)),
            Initial("v", 0.0),
            Dirichlet("v", 0.0),
        ],
    ),
    "periodic": lambda: Problem(
        Interval(-1, 1) * Time(0, 1), ("h", "v"), WAVES, [Periodic("x"), Initial("v", 0.0), Initial("h", 1.0)]
    ),
    "positive": lambda: Problem(
        Interval(0, 1), (Unknown("u", positive=True),), lambda u: u.xx - u, [Dirichlet("u", 1.0)]
    ),
    "velocity": lambda: Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.tt - u.xx,
        [Dirichlet("u", 0.0), Initial("u", 0.0, velocity=lambda x: torch.sin(torch.pi * x))],
    ),
}


def model_of(problem):
    make = network_maker((8, 8), torch.float64)
    network = network_of(problem, (8, 8), torch.Generator().manual_seed(3), torch.float64)
    return Model(problem, network, make)


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_freed_model_is_the_same_function_with_its_derivatives(name):
    problem = PROBLEMS[name]()
    assert problem.symmetries
    model = model_of(problem)
    points = problem.domain.interior(64, torch.Generator().manual_seed(1))
    needs = {u: ((), (0,), (0, 0)) for u in problem.unknown_names}

    def values():
        location = Location(model, points, needs)
        fields = location.fields(location.network_jet())
        return torch.stack([fields[u]._channels(i) for u in problem.unknown_names for i in needs[u]]).detach()

    before = values()
    model.free()
    assert not model.problem.symmetries
    torch.testing.assert_close(values(), before, rtol=1e-11, atol=1e-11)
    # It is free now: its new weights change it where the symmetry had tied it.
    with torch.no_grad():
        for p in model.network.parameters():
            p.add_(0.1 * torch.rand(p.shape, generator=torch.Generator().manual_seed(2)))
    images = points.clone()
    images[:, 0] = problem.domain.bounds[:, 0].sum() - images[:, 0]
    ours, theirs = (model(p).detach() for p in (points, images))
    size = min(problem.natural.unknowns.values())
    assert float((ours.abs() - theirs.abs()).abs().max()) > 1e-3 * size
    fresh = model_of(problem)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(points), model(points))


def hidden(x, y):
    """A hat of width 0.24 beside the middle that leaves torch."""
    r = np.hypot(x.detach().numpy() - 0.3, y.detach().numpy() - 0.5)
    return torch.from_numpy(100 * np.maximum(1 - r / 0.12, 0))


@pytest.fixture
def overlooked(monkeypatch):
    """The search for symmetries claims one that is not there."""
    monkeypatch.setattr(Finder, "find", lambda self: {"x": Symmetry((1,), None)})
    equation = lambda u, x, y: u.xx + u.yy + 1 + hidden(x, y)
    return Problem(Box((0, 0), (1, 1)), "u", equation, [Dirichlet("u", 0.0)])


SETTINGS = {"points": 300, "network": (8, 8), "seed": 1}


def test_points_that_contradict_a_symmetry_free_the_model(overlooked, tmp_path):
    assert overlooked.symmetries["x"].centre == (1,)
    with pytest.warns(UserWarning, match="not symmetric in x.*dropped"):
        solution = solve(overlooked, budget="40 iterations", out=tmp_path / "run", **SETTINGS)
    ours = solution.predict({"x": np.array([0.3, 0.7]), "y": 0.5})
    assert ours[0] - ours[1] > 0.05  # of about 0.2
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["symmetry"] == {} and "dropped" in result["remarks"][0]
    loaded = Solution.load(tmp_path / "run", overlooked)
    assert np.array_equal(loaded.predict({"x": np.array([0.3, 0.7]), "y": 0.5}), ours)


def test_in_the_middle_of_a_run_and_resumed(overlooked, tmp_path, monkeypatch):
    """The first points miss the source, those of the resampling hit it."""
    first = True
    found = Problem.contradiction

    def late(problem, sites):
        nonlocal first
        first, now = False, first
        return None if now else found(problem, sites)

    monkeypatch.setattr(Problem, "contradiction", late)
    options = {**SETTINGS, "resample": 10}
    with pytest.warns(UserWarning, match="dropped"):
        whole = solve(overlooked, budget="30 iterations", **options)
    losses = [row["loss"] for row in whole.history]
    assert losses[12] < 10 * max(losses[6:10])  # it went on from what it was
    first = True
    with pytest.warns(UserWarning, match="dropped"):
        solve(overlooked, budget="20 iterations", out=tmp_path / "run", **options)
    resumed = solve(overlooked, budget="30 iterations", resume=tmp_path / "run", **options)
    points = {"x": np.linspace(0, 1, 5), "y": 0.4}
    assert np.array_equal(resumed.predict(points), whole.predict(points))


def test_the_symmetry_is_told(tmp_path):
    problem = PROBLEMS["even, both ends"]()
    solution = solve(problem, budget="2 iterations", out=tmp_path / "run", **SETTINGS)
    words = "about the middle: u even"
    assert solution.result["symmetry"] == {"x": words, "y": words}
    assert f"symmetry           x: {words}" in str(solution)
