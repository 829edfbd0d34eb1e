"""What the parts of SAPTS did, as the history keeps it, `PartsLog` says it and the report draws it."""

from __future__ import annotations

import csv
import math
import re

import pytest

from sapts_pinn import solve
from sapts_pinn.callbacks import PartsLog
from sapts_pinn.callbacks.parts_log import parts_report
from sapts_pinn.problems.zoo import build

SMALL = {"network": (6,), "points": 64, "condition_points": 16}


def run(method="sapts-d", budget="30 iterations", **options):
    said = []
    log = PartsLog(every=options.pop("every", 0.0), say=said.append)
    solution = solve(build("poisson-1d"), method=method, budget=budget, callbacks=[log], **SMALL, **options)
    return solution, said


def test_every_step_is_reported_with_the_parts_it_visited():
    solution, said = run(parts=3, options={"order": "additive", "adaptive": False, "local_steps": 2})
    assert len(said) == 30 == len(solution.history)
    for number, (text, row) in enumerate(zip(said, solution.history, strict=True), 1):
        title, sweep, _, *parts = text.splitlines()
        assert title.startswith(f"step {number}: f ") and f"-> {row['loss']:.3e}" in title
        assert f"sweeps {row['sweep_accepted']} of 1 taken" in title and "local steps m = 2" in sweep
        assert [int(line.split()[0]) for line in parts] == [1, 2, 3]
        for d, line in enumerate(parts, 1):
            assert f"{row[f'part{d}_radius']:.1e}" in line
            assert f"{row[f'part{d}_accepted']:.0f} of {row[f'part{d}_steps']:4.0f}" in line


def test_a_report_sums_up_the_steps_since_the_last():
    solution, said = run(budget="40 iterations", every=math.inf)
    first, rest = said
    assert first.startswith("step 1: ") and rest.startswith("steps 2-40: ")
    rows = solution.history[1:]
    visits = re.findall(r"^ +(\d) +(\d+) .* (\d+) of +(\d+)", rest, flags=re.MULTILINE)
    assert visits
    for part, count, taken, tried in visits:
        seen = [row for row in rows if row[f"part{part}_gain"] is not None]
        assert int(count) == len(seen)
        assert int(taken) == sum(row[f"part{part}_accepted"] for row in seen)
        assert int(tried) == sum(row[f"part{part}_steps"] for row in seen)
    plain = sum(row["local_steps"] == 0 for row in rows)
    assert (f"plain steps {plain}" in rest) == (plain > 0)


def test_the_history_says_what_a_sweep_did_and_leaves_blank_what_was_not_visited():
    solution, _ = run(parts=2)
    names = ["sweep_rho", "sweep_accepted", "local_steps"]
    names += [f"part{d}_{name}" for d in (1, 2) for name in ("gain", "radius", "steps", "accepted", "work")]
    for row in solution.history:
        assert [name for name in row if name in names] == names
        swept = row["local_steps"] > 0
        assert (row["sweep_rho"] is not None) == (row["sweep_accepted"] in (0, 1)) == swept
        visited = [d for d in (1, 2) if row[f"part{d}_gain"] is not None]
        assert len(visited) == swept, "in one process a sweep visits one part"
        for d in visited:
            assert row[f"part{d}_accepted"] <= row[f"part{d}_steps"] <= row["local_steps"]
    first = solution.history[0]
    assert first["sweep_rho"] == pytest.approx(first["rho"])


def test_with_a_log_the_history_has_every_step_and_without_every_tenth(tmp_path):
    for name, callbacks, steps in (("all", [PartsLog(say=len)], 130), ("some", [], 103)):
        solve(
            build("poisson-1d"), method="sapts-d", budget="130 iterations", out=tmp_path / name,
            callbacks=callbacks, resample=0, **{**SMALL, "points": 16},
        )  # fmt: skip
        with (tmp_path / name / "history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        # Where the error was measured, there is a row more.
        extra = sum(int(r["iteration"]) > 100 and int(r["iteration"]) % 10 > 0 for r in rows)
        assert len(rows) - (extra if name == "some" else 0) == steps
        assert any(row["part1_gain"] == "" for row in rows) and any(row["part1_gain"] for row in rows)


def test_a_method_without_parts_gets_a_sentence_and_no_columns():
    solution, said = run("tr", "3 iterations")
    assert said == ["This method has no parts to report on; the SAPTS methods have."]
    assert not any("part" in name or "sweep" in name for name in solution.history[-1])


def test_sweeps_that_lead_nowhere_are_reported_without_nan():
    part = {"number": 0, "gain": 0.0, "radius": 0.1, "length": 0.0, "steps": 2, "accepted": 0, "work": 1.0}
    sweep = {"rho": -math.inf, "accepted": False, "local_steps": 2, "before": 1.0, "predicted": 0.0}
    text = parts_report([{"parts": [part], "sweep": sweep}], 7, 1.0)
    assert "sweeps 0 of 1 taken" in text and "actual 0.00%" in text and "nan" not in text
    assert parts_report([{}, {}], 7, 0.5) == "steps 7-8: f 5.000e-01, no sweeps, plain steps 2"


def test_blocks_of_parameters_and_stages_are_logged_alike():
    for method in ("sapts-p", "sapts-ip"):
        solution, said = run(method, "3 iterations", parts=2)
        assert len(said) == 3 and solution.history[0]["part2_work"] > 0
        assert len(said[0].splitlines()) == 5
