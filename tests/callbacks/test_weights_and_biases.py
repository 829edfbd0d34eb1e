"""Weights & Biases, by a stand-in that notes what is sent, and offline where it is installed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.callbacks import WandB
from sapts_pinn.errors import InputError
from small_runs import SMALL, At, rod
from wandb_stand_in import install


def test_a_run_with_its_curves_summary_and_picture(monkeypatch):
    (runs, callback) = install(monkeypatch), WandB("pinns", name="first", tags=["heat"])
    solution = solve(heat(), budget="3 iterations", callbacks=[callback], **SHORT)
    (run,) = runs
    assert run.given == {"project": "pinns", "name": "first", "tags": ["heat"]}
    assert run.metrics == [("*", "iteration")] and run.ended == 0
    rows = [row for row in run.rows if "loss" in row]
    assert [row["iteration"] for row in rows] == [1, 2, 3]
    assert [row["loss"] for row in rows] == [row["loss"] for row in solution.history]
    assert run.rows[-1]["solution"][0] == "image"
    assert run.config["problem"] == "heat" and run.config["network"] == [6, 6]
    assert run.summary["loss"] == solution.result["loss"] and run.summary["text"] == str(solution)


def test_a_run_that_goes_on_appends_where_it_has_an_id(monkeypatch, tmp_path):
    runs, out = install(monkeypatch), tmp_path / "run"
    solve(heat(), budget="2 iterations", out=out, callbacks=[WandB("pinns", id="a")], **SHORT)
    solve(heat(), budget="4 iterations", resume=out, callbacks=[WandB("pinns", id="a")], **SHORT)
    solve(heat(), budget="5 iterations", resume=out, callbacks=[WandB("pinns")], **SHORT)
    assert [run.given.get("resume") for run in runs] == ["allow", "allow", None]
    found = [[row["iteration"] for row in run.rows if "loss" in row] for run in runs]
    assert found == [[1, 2], [3, 4], [1, 2, 3, 4, 5]]


def test_several_runs_have_ids_of_their_own(monkeypatch):
    runs = install(monkeypatch)
    callback = WandB("pinns", id="a", name="heat")
    solve(heat(), windows=2, budget="4 iterations", callbacks=[callback], **SHORT)
    assert [(r.given["id"], r.given["name"], r.ended) for r in runs] == [
        ("a", "heat", 0),
        ("a-2", "heat-2", 0),
    ]


def test_a_run_that_fails_is_one_that_has_failed_there(monkeypatch):
    runs = install(monkeypatch)
    with pytest.raises(ZeroDivisionError):
        solve(rod(), budget="9 iterations", callbacks=[WandB("p"), At(2, ZeroDivisionError())], **SMALL)
    assert runs[0].ended == 1


def test_without_the_package_it_is_refused_before_anything_begins(monkeypatch):
    monkeypatch.setattr("sapts_pinn.callbacks.tracking.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"WandB needs the package wandb: pip install 'sapts-pinn\[track\]'"):
        WandB("pinns")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of wandb
def test_wandb_itself_takes_it_offline(monkeypatch, tmp_path: Path):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    callback = WandB("pinns", mode="offline", dir=str(tmp_path), id="a")
    solve(heat(), budget="3 iterations", callbacks=[callback], **SHORT)
    (file,) = tmp_path.glob("wandb/offline-run-*/run-a.wandb")
    wanted = (b"loss", b"terms/equation", b"step/radius", b"budget spent")
    for _ in range(600):  # a process of its own writes the file
        if all(name in file.read_bytes() for name in wanted):
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"{file} lacks some of {wanted}")
    assert list(tmp_path.glob("wandb/offline-run-*/files/media/images/solution*.png"))
