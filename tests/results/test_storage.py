"""A solution in a folder: written, and read again."""

import json
import shutil

import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Dirichlet, Problem, build
from sapts_pinn.runs.checkpoint import load_checkpoint, save_checkpoint

SMALL = {"network": (4,), "points": 32, "condition_points": 8}


def mine(source=1.0) -> Problem:
    return Problem(Interval(0, 1), "u", lambda u: u.xx + source, [Dirichlet("u", 0.0)], name="mine")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    return folder, solve(mine(), budget="3 iterations", out=folder, **SMALL)


def equal(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_what_is_read_is_what_was_written(written, tmp_path):
    folder, solution = written
    other = solution.save(tmp_path / "copy")
    for place in (folder, other):
        again = Solution.load(place, mine())
        assert equal(again.model, solution.model)
        assert again.history == solution.history and again.result == solution.result
    assert sorted(p.name for p in other.iterdir()) == [
        "config.json",
        "history.csv",
        "model.pt",
        "result.json",
    ]


def test_a_killed_run_is_read_from_its_checkpoint(written, tmp_path):
    folder, solution = written
    killed = shutil.copytree(folder, tmp_path / "killed")
    (killed / "result.json").unlink()
    found = Solution.load(killed, mine())
    assert equal(found.model, solution.model)
    assert str(found.result["status"]).startswith("unfinished") and found.result["iterations"] == 3


def test_the_model_that_has_gone_further_counts(written, tmp_path):
    folder, solution = written
    gone = shutil.copytree(folder, tmp_path / "gone")
    state = load_checkpoint(gone / "checkpoint.pt")
    state["trainer"]["iteration"] = 7
    name = next(iter(state["trainer"]["model"]))
    state["trainer"]["model"][name] += 1
    save_checkpoint(gone / "checkpoint.pt", {k: v for k, v in state.items() if k != "version"})
    found = Solution.load(gone, mine())
    assert not equal(found.model, solution.model) and found.result["iterations"] == 7


def test_a_run_of_another_problem_or_command_is_refused(written, tmp_path):
    folder, _ = written
    with pytest.raises(InputError, match="equation"):
        Solution.load(folder, mine(source=2.0))
    with pytest.raises(InputError, match=r"there is no problem 'mine'"):
        Solution.load(folder)
    trained = shutil.copytree(folder, tmp_path / "trained")
    config = json.loads((trained / "config.json").read_text())
    (trained / "config.json").write_text(json.dumps({**config, "task": "mnist"}))
    with pytest.raises(InputError, match="holds a run of train; load it by"):
        Solution.load(trained, mine())


def test_a_network_of_the_users_has_to_be_given_again(tmp_path):
    make = lambda inputs, outputs: torch.nn.Linear(inputs, outputs)
    solution = solve(build("poisson-1d"), budget="1 iteration", out=tmp_path / "r", points=16, network=make)
    with pytest.raises(InputError, match=r"trained with its own network, .*; give it as network="):
        Solution.load(tmp_path / "r")
    assert equal(Solution.load(tmp_path / "r", network=make).model, solution.model)
