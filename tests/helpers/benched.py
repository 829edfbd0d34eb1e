"""Suites of measurements at toy size, in this process."""

import json
import sys
from contextlib import redirect_stdout
from typing import Any

from sapts_pinn.bench import main

SMALL = ["--points", "64", "--network", "4,4,4", "--seeds", "0"]


def in_this_process(function, **arguments):
    with redirect_stdout(sys.stderr):  # as a child does
        return json.loads(json.dumps(function(**arguments)))


def run_suite(suite, arguments, folder, capsys):
    """Figures and output of a suite, whose files and heading are looked at."""
    assert main([suite, *arguments, "--out", str(folder)]) == 0
    found = json.loads((folder / "bench.json").read_text())
    assert found["suite"] == suite and found["rows"]
    assert {"cpu", "cores", "threads", "versions"} <= set(found["machine"])
    out = capsys.readouterr().out
    assert out.rstrip() == (folder / "table.txt").read_text().rstrip()
    for word in ("machine", "software", "threads", "float64", "seed"):
        assert word in out
    return found, out


Row = dict[str, Any]


def made_up(method: str, seed: int, final: float, pace: float = 1.0, **options: float) -> Row:
    """A run of 4 seconds whose error falls from 0.9 by halves; with a pace it does so much work a second."""
    curve = [[pace * t, float(t), max(0.9 * 0.5**t, final)] for t in range(4)] + [[4 * pace, 4.0, final]]
    return {
        "task": "mnist", "method": method, "budget": "4s", "seed": seed, **options, "metric": final,
        "curve": curve, "gradient_evaluations": 4 * pace, "function_evaluations": 5 * pace, "seconds": 4.0,
        "iterations": 9, "loss": 0.1, "status": "budget spent (4s)",
    }  # fmt: skip
