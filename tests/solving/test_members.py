"""Runs of a set that go on: read, continued or begun."""

import pytest

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.solving.members import as_before, member, own_folder
from small_runs import SMALL, rod


def test_a_run_is_begun_continued_or_read(tmp_path):
    calls = []

    def train(problem, **given):
        calls.append({name: given.get(name) for name in ("out", "resume")})
        return solve(problem, **given)

    folder = tmp_path / "a"
    for budget, steps, call in (
        ("2 iterations", 2, {"out": folder, "resume": None}),
        ("4 iterations", 4, {"out": None, "resume": folder}),
        ("3 iterations", 4, None),
    ):
        found = member(train, rod(), folder, budget=budget, **SMALL)
        assert found.result["iterations"] == steps
        assert calls == ([call] if call else [])
        calls.clear()


def test_a_run_that_converged_is_read(tmp_path):
    folder = tmp_path / "a"
    solve(rod(), budget="2 iterations", out=folder, **SMALL)
    text = (
        (folder / "result.json")
        .read_text()
        .replace("budget spent (2 iterations)", "converged to working precision")
    )
    (folder / "result.json").write_text(text)
    assert member(
        lambda *a, **k: pytest.fail("it was run again"), rod(), folder, budget="9 iterations", **SMALL
    )


def test_settings_are_those_of_an_earlier_run_unless_others_are_given(tmp_path):
    solve(rod(), budget="1 iteration", method="sapts-d", options={"visits": 1}, out=tmp_path / "a", **SMALL)
    found = as_before(tmp_path / "a", {"method": "auto", "network": None, "points": 64, "options": None})
    assert found["method"] == "sapts-d" and found["network"] == (4,) and found["points"] == 64
    assert found["options"]["visits"] == 1 and found["condition_points"] == SMALL["condition_points"]
    assert as_before(tmp_path / "none", {"points": None}) == {"points": None}


def test_one_folder_for_all(tmp_path):
    assert own_folder(None, None, "seeds") is None
    assert own_folder(tmp_path, None, "seeds") == own_folder(None, tmp_path, "seeds") == tmp_path
    with pytest.raises(InputError, match="windows go on in their own folder"):
        own_folder("elsewhere", tmp_path, "windows")
