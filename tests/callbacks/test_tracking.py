"""Trackers: what is handed over, once each, and what may go wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from heat import SHORT, heat
from runs_seen import seen
from sapts_pinn import solve
from sapts_pinn.callbacks import tracking
from sapts_pinn.callbacks.tracking import Tracker, check_installed, figures, numbers
from sapts_pinn.errors import InputError
from sapts_pinn.training import monitor
from small_runs import SMALL, At, rod
from thread_ranks import Threads


class Noted(Tracker):
    """Notes what it is handed."""

    def __init__(self, there: int = 0, error: Exception | None = None) -> None:
        super().__init__()
        self.there, self.error = there, error
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.said: list[object] = []

    def open(self, number, iteration):
        self.said.append(("open", number, iteration))
        return self.there

    def add(self, iteration, figures):
        if self.error is not None:
            raise self.error
        self.rows.append((iteration, dict(figures)))

    def conclude(self, result, figures, pictures):
        self.said.append(
            (str(result).split("\n", maxsplit=1)[0], figures, [p.read_bytes()[:4] for p in pictures])
        )

    def close(self, failed):
        self.said.append(("close", failed))


def test_figures_are_handed_over_in_groups():
    row = {
        **{"iteration": 3, "seconds": 0.5, "loss": 1.0, "loss_u on x": 0.25, "weight_u on x": 2.0},
        **{"radius": 0.1, "rho": None, "accepted": 1, "gradient_evaluations": 4.0, "relative_l2_error": 0.5},
        **{"sweeps": 2, "sweeps_accepted": 1, "sweep_rho": 0.9, "plain_steps": 1, "local_steps": 3},
        **{"part12_gain": 0.01, "part12_radius": None, "error_estimate": None, "test_error_rate": 0.1},
    }
    assert figures(row) == {
        **{"work/seconds": 0.5, "loss": 1.0, "terms/u on x": 0.25, "weights/u on x": 2.0, "step/radius": 0.1},
        **{"step/accepted": 1, "work/gradient_evaluations": 4.0, "error/relative_l2_error": 0.5},
        **{"sweeps/sweeps": 2, "sweeps/sweeps_accepted": 1, "sweeps/sweep_rho": 0.9, "sweeps/plain_steps": 1},
        **{"sweeps/local_steps": 3, "part12/gain": 0.01, "error/test_error_rate": 0.1},
    }


def test_numbers_of_a_result():
    found = numbers({"loss": 0.5, "status": "done", "coefficients": {"k": 2.0}, "audit": {"passed": True}})
    assert found == {"loss": 0.5, "coefficients/k": 2.0}


def test_a_run_is_handed_over_row_by_row_then_its_result():
    tracker = Noted()
    found = solve(heat(), budget="4 iterations", callbacks=[tracker], **SHORT)
    rows = [(iteration, row) for iteration, row in tracker.rows if "loss" in row]
    assert [iteration for iteration, _ in rows] == [1, 2, 3, 4]
    assert rows[-1][1]["loss"] == found.result["loss"] and "terms/equation" in rows[0][1]
    first, (title, result, pictures), last = tracker.said
    assert first == ("open", 1, 0) and last == ("close", False)
    assert title == str(found).split("\n", maxsplit=1)[0] and result["loss"] == found.result["loss"]
    assert pictures == [b"\x89PNG"]


def test_a_row_that_is_made_again_gives_what_is_new():
    tracker, run = Noted(), seen(history=[])
    tracker.on_start(run)
    run.history.append({"iteration": 1, "loss": 2.0, "relative_l2_error": None})
    tracker.on_step(run)
    tracker.on_step(run)
    run.history[-1] = {"iteration": 1, "loss": 2.0, "relative_l2_error": 0.5}
    tracker.on_end(run)
    assert tracker.rows == [(1, {"loss": 2.0}), (1, {"error/relative_l2_error": 0.5})]


@pytest.mark.parametrize("there", [0, 3])
def test_a_run_that_goes_on_gives_the_rows_that_are_not_there(tmp_path, there):
    solve(heat(), budget="3 iterations", out=tmp_path / "run", **SHORT)
    tracker = Noted(there)
    solve(heat(), budget="5 iterations", resume=tmp_path / "run", callbacks=[tracker], **SHORT)
    assert tracker.said[0] == ("open", 1, 3)
    new = [row for row in tracker.rows if "loss" in row[1]]
    assert [iteration for iteration, _ in new] == [*range(there + 1, 6)]


def test_several_runs_of_one_tracker_are_counted():
    tracker = Noted()
    solve(heat(), windows=2, budget="6 iterations", callbacks=[tracker], **SHORT)
    assert [said[:2] for said in tracker.said if said[0] == "open"] == [("open", 1), ("open", 2)]
    assert [said for said in tracker.said if said[0] == "close"] == [("close", False)] * 2


def test_a_run_that_fails_is_closed():
    tracker = Noted()
    with pytest.raises(ZeroDivisionError):
        solve(rod(), budget="9 iterations", callbacks=[tracker, At(2, ZeroDivisionError())], **SMALL)
    assert tracker.said == [("open", 1, 0), ("close", True)] and len(tracker.rows) == 2


def test_a_full_disk_ends_the_tracking_and_not_the_run():
    tracker = Noted(error=OSError(28, "No space left on device"))
    with pytest.warns(UserWarning, match=r"Noted tracks no more: No space left on device") as said:
        found = solve(rod(), budget="3 iterations", callbacks=[tracker], **SMALL)
    assert found.result["iterations"] == 3 and len(said) == 1
    assert tracker.said == [("open", 1, 0)]


def test_a_tracker_that_cannot_take_the_result_loses_no_solution(monkeypatch):
    tracker = Noted()
    monkeypatch.setattr(tracking, "numbers", lambda result: 1 / 0)
    with pytest.warns(UserWarning, match=r"Noted could not take the result of the run \(ZeroDivisionError"):
        assert solve(rod(), budget="3 iterations", callbacks=[tracker], **SMALL).result["iterations"] == 3


def test_only_the_first_rank_tracks():
    tracker, run = Noted(), seen(communicator=Threads(1, 2, {}), history=[{"iteration": 1, "loss": 1.0}])
    for call in (tracker.on_start, tracker.on_step, tracker.on_end):
        call(run)
    assert tracker.said == [] == tracker.rows


def test_a_package_that_is_missing_is_told_in_a_sentence():
    with pytest.raises(
        InputError, match=r"Noted needs the package nowhere: pip install 'sapts-pinn\[track\]'"
    ):
        check_installed("nowhere", "Noted")


def test_without_a_reference_the_error_is_estimated_and_the_run_stays_the_same(monkeypatch, tmp_path):
    """Bit for bit: an estimate draws from no common random numbers, and changes no network."""
    monkeypatch.setattr(monitor, "EXPECTED", 0.0)
    monkeypatch.setattr(monitor, "OF_ESTIMATES", 1e9)  # after every step
    settings = {"budget": "12 iterations", "network": (8, 8), "points": 256, "seed": 3}
    tracker = Noted()
    watched = solve(rod(), callbacks=[tracker], **settings)
    estimates = {i: row["error/error_estimate"] for i, row in tracker.rows if "error/error_estimate" in row}
    assert estimates and all(0 < e < 10 for e in estimates.values())
    alone = solve(rod(), **settings)
    assert "error_estimate" not in alone.history[0]
    assert [row["loss"] for row in alone.history] == [row["loss"] for row in watched.history]
    assert watched.result["relative_l2_error"] is None, "an estimate is no measured error"


def test_pictures_are_gone_afterwards(tmp_path):
    kept: list[Path] = []

    class Keeps(Noted):
        def conclude(self, result, figures, pictures):
            kept.extend(pictures)

    solve(rod(), budget="2 iterations", callbacks=[Keeps()], **SMALL)
    assert kept and not any(path.exists() for path in kept)
