"""The suite `race`."""

import math

import pytest

from benched import run_suite
from sapts_pinn.bench.suites.race import LONGER, comparable, ratios, reached, sections
from sapts_pinn.problems import zoo


def row(*errors: float, pace: float = 1.0) -> dict[str, list[float]]:
    return {"errors": list(errors), "seconds": [pace * i for i in range(len(errors))]}


def rows(*pairs: tuple[dict, dict]) -> list[dict]:
    return [{"problem": "heat", "seed": i, "runs": {"tr": a, "sapts-d": b}} for i, (a, b) in enumerate(pairs)]


def test_the_time_to_an_error_is_the_first_time() -> None:
    assert reached(row(1.0, 0.1, 0.2, 0.1), 0.1) == 1.0
    assert reached(row(1.0, math.nan, 0.1), 0.2) == 2.0, "an error that is no number is not small"
    assert reached(row(1.0, 0.5), 0.1) == math.inf


def test_ratios_are_of_first_times_to_the_last_error() -> None:
    still = row(1.0, 0.1, 0.1, 0.1)  # stands still from its first second on
    found = ratios(rows((still, row(1.0, 0.5, 0.1)), (row(1.0, 0.5, 0.1), row(1.0, 0.01))), "tr")
    assert found == {"sapts-d": {"heat": [2.0, 0.5]}}


def test_what_is_not_reached_counts_and_is_told() -> None:
    found = ratios(rows((row(1.0, 0.1), row(1.0, 0.5)), (row(1.0, 0.1), row(1.0, 0.1))), "tr")
    assert found["sapts-d"]["heat"] == [math.inf, 1.0]
    ((title, _, lines),) = sections(found)
    mean = f"{math.sqrt(LONGER):.2f}"
    assert title == "sapts-d" and lines[-1] == ["all", mean, "1 of 2"]
    assert lines[0][0] == "heat" and lines[0][2] == "1 of 2"


def test_problems_that_the_ansatz_solves_are_left_out_and_those_in_windows(monkeypatch) -> None:
    some = {name: zoo.ZOO[name] for name in ("poisson-1d", "burgers", "lorenz", "cylinder", "heat")}
    monkeypatch.setattr(zoo, "ZOO", some)
    assert comparable() == ["burgers", "heat"]


@pytest.mark.slow
def test_race(tmp_path, capsys, here) -> None:
    arguments = ["--problems", "poisson-2d-k4", "--seeds", "0", "--budget", "1", "--threads", "1"]
    found, out = run_suite("race", arguments, tmp_path, capsys)
    assert set(found["rows"][0]["runs"]) == {"tr", "sapts-d"} and "ratio of times" in out
