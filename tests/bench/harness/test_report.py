"""Tables, spreads and files of a suite."""

import json
import math

import pytest

from sapts_pinn.bench.harness import report
from sapts_pinn.bench.suites import radius


def test_spread():
    assert report.spread([3.0, 1.0, 2.0]) == "2 [1, 3]"
    assert report.spread([]) == "-"


def test_means_say_what_diverged():
    assert report.geometric_spread([1.0, 100.0], ".0f") == "10 [1, 100]"
    assert report.geometric_spread([1.0, float("nan")], ".0f") == "1, 1/2 diverged"
    assert radius.ratio({0.1: [1e-2, 1e-4], 1.0: [1e-1, 1e-3]}) == pytest.approx(10)
    assert radius.ratio({0.1: [1e-2], 1.0: [float("nan")]}) == float("inf")


def test_columns_stand_to_the_left_and_to_the_right():
    text = report.table(["name", "n"], [["a", "100"], ["longer", "1"]])
    assert text.splitlines() == ["name      n", "------  ---", "a       100", "longer    1"]
    assert report.markdown(["name", "n"], [["a", "1"]]) == "| name | n |\n| --- | --: |\n| a | 1 |"


def test_figures_that_json_cannot_write():
    assert math.isnan(report.number(None)) and report.number(2.5) == 2.5
    assert report.geometric([1.0, 100.0]) == pytest.approx(10)
    assert report.failed({"status": "failed: the loss is nan"}) and not report.failed({"status": "done"})


def test_a_finished_suite_is_printed_and_written(tmp_path, capsys):
    facts = report.machine()
    assert {"cpu", "cores", "threads", "versions", "time"} <= set(facts) and facts["cores"] >= 1
    head = report.header("Suite", facts, {"most_steps": 3, "seeds": [0, 1]})
    assert "settings  most steps 3; seeds 0, 1" in head
    sections = [("Times", ["", "s"], [["tr", "1.5"]])]
    report.publish(tmp_path, "times", head, sections, ["a note"], facts, {"seeds": [0]}, [{"s": 1.5}], best=1)
    assert (
        "## Times" in (tmp_path / "times.md").read_text()
        and "- a note" in (tmp_path / "times.md").read_text()
    )
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["suite"] == "times" and written["rows"] == [{"s": 1.5}] and written["best"] == 1
    out = capsys.readouterr().out
    assert out.rstrip() == (tmp_path / "table.txt").read_text().rstrip() and "tr  1.5" in out
