"""Runs beside each other, from their folders."""

import json

import pytest

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.results.comparison import compare_folders
from small_runs import SMALL, rod


def test_runs_are_compared_by_what_differs(tmp_path):
    for name, method, seed in (("a", "tr", 0), ("b", "adam", 3)):
        solve(rod(), method=method, seed=seed, budget="3 iterations", out=tmp_path / "x" / name, **SMALL)
    found = compare_folders([tmp_path / "x" / "a", tmp_path / "x" / "b"])
    assert [run.name for run in found.runs] == ["a", "b"]
    assert found.differing == {"method": ["tr", "adam"], "seed": ["0", "3"]}
    heads, rows = found.table
    assert heads[:2] == ["run", "error"] and [row[0] for row in rows] == ["a", "b"]
    text = str(found)
    assert "method: tr (a), adam (b)" in text and max(map(len, text.splitlines())) <= 80
    assert found.runs[0].error is None and rows[0][1] == "-", "without a reference there is no error"


def test_a_long_name_is_shortened_at_its_beginning(tmp_path):
    folders = [tmp_path / ("x" * 70 + end) for end in "ab"]
    for folder in folders:
        solve(rod(), method="adam", budget="1 iterations", out=folder, **SMALL)
    lines = str(compare_folders(folders)).splitlines()
    assert max(map(len, lines)) == 80 and lines[1].startswith("…x") and "xa  " in lines[1]


def test_a_run_that_has_not_ended_is_not_compared(tmp_path):
    solve(rod(), method="adam", budget="1 iterations", out=tmp_path / "a", **SMALL)
    (tmp_path / "a" / "result.json").unlink()
    with pytest.raises(InputError, match=r"its run has not ended"):
        compare_folders([tmp_path / "a"])
    (tmp_path / "a" / "result.json").write_text("{")
    with pytest.raises(InputError, match=r"result.json is damaged"):
        compare_folders([tmp_path / "a"])
    with pytest.raises(InputError, match=r"holds no run"):
        compare_folders([tmp_path / "b"])


def test_errors_and_doubtful_estimates_are_marked(tmp_path):
    folder = tmp_path / "a"
    solve(rod(), method="adam", budget="1 iterations", out=folder, **SMALL)
    result = json.loads((folder / "result.json").read_text())
    result |= {"relative_l2_error": 0.25, "error_estimate": {"relative": 0.5, "reliable": False}}
    (folder / "result.json").write_text(json.dumps(result))
    text = str(compare_folders([folder]))
    assert "2.50e-01" in text and "5.0e-01?" in text and "? an error estimate that is not reliable" in text
