"""The progress line: what it says, and that a broken terminal ends no run."""

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from runs_seen import seen
from sapts_pinn import solve
from sapts_pinn.callbacks import Progress
from small_runs import SMALL, rod
from thread_ranks import Threads


class Broken:
    """A terminal that has gone."""

    encoding = "utf-8"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(28, "No space left"), ValueError("closed file")]
)
def test_a_progress_line_that_fails_ends_no_run(tmp_path, error):
    progress = Progress(Console(file=Broken(error)), every=0.0)
    solution = solve(rod(), budget="4 iterations", out=tmp_path / "run", callbacks=[progress], **SMALL)
    assert solution.result["iterations"] == 4
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 4


def test_the_line_says_what_is_known():
    assert Progress.line(seen(loss=0.0123)) == "  12.3 s  step 7  loss 1.230e-02  8 gradients"
    everything = seen(
        loss=2.0,
        error=0.5,
        error_name="test_error_rate",
        optimizer=SimpleNamespace(info={"radius": 0.25, "rho": -1.5}),
        counters=SimpleNamespace(gradients=0.25),
        seconds_left=61.6,
    )
    assert Progress.line(everything) == (
        "  12.3 s  step 7  loss 2.000e+00  test error rate 5.000e-01  radius 2.5e-01  rho -1.50  "
        "0.2 gradients  62 s left"
    )
    assert "  error 5.000e-01  " in Progress.line(seen(error=0.5)), "the usual error is told in short"


def test_where_there_is_no_terminal_lines_come_now_and_then():
    text = io.StringIO()
    progress = Progress(Console(file=text, width=40), every=1e9)
    run = seen()
    progress.on_start(run)
    for run.iteration in range(1, 50):
        progress.on_step(run)
    progress.on_end(run)
    lines = text.getvalue().splitlines()  # longer than the console is wide, and not broken
    assert [line.split("  ")[2].strip() for line in lines] == ["step 1", "step 49"]


def test_only_the_first_rank_has_the_line():
    text = io.StringIO()
    progress, run = Progress(Console(file=text), every=0.0), seen(communicator=Threads(1, 2, {}))
    for call in (progress.on_start, progress.on_step, progress.on_end):
        call(run)
    assert text.getvalue() == ""
