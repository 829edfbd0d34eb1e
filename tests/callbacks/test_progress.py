"""The progress line: what it says, and that a broken terminal ends no run."""

import io
import json
import re
import sys
import types
from types import SimpleNamespace

import pytest
from rich.console import Console

from runs_seen import seen
from sapts_pinn import solve
from sapts_pinn.callbacks import Progress
from sapts_pinn.callbacks.base import Estimate
from sapts_pinn.callbacks.progress import clock, figures, is_interactive
from sapts_pinn.callbacks.progress import shown as wanted
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


def test_an_estimate_stands_where_no_error_is_known():
    sure, doubtful = (
        seen(error_estimate=Estimate(2.36e-4, True)),
        seen(error_estimate=Estimate(2.36e-4, False)),
    )
    assert "  error ~2.4e-04  " in Progress.line(sure) and "  error ~2e-04?  " in Progress.line(doubtful)
    assert "error ~2.4e-04" in figures(sure) and "error ~2e-04?" in figures(doubtful)
    for run in (sure, doubtful):
        assert len(figures(run)) <= len(figures(seen(error=2.36e-4)))


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


def drawn(run, width=80, steps=3, jupyter=False):
    text = io.StringIO()
    progress = Progress(Console(file=text, width=width, force_terminal=True, highlight=False))
    progress.on_start(run)
    for run.iteration in range(1, steps):
        progress.on_step(run)
    progress.on_end(run)
    return text.getvalue()


def plain(text):
    """Lines of a terminal without the codes that move the cursor and give colours."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line for line in re.split(r"[\r\n]", text) if line.strip()]


LONG = {
    "loss": 1.23e-10,
    "error": 4.5e-3,
    "seconds_left": 35999.0,
    "optimizer": SimpleNamespace(info={"radius": 1.2e-11, "rho": -123.4}),
}


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_bar_never_wraps(width):
    lines = plain(drawn(seen(**LONG), width))
    assert lines and max(map(len, lines)) <= width
    whole = "loss 1.23e-10  error 4.50e-03  radius 1e-11  rho -9.99  9:59:59 left"
    assert lines[-1].endswith(whole) == (width >= 80), lines[-1]


def test_a_bar_is_not_painted_by_a_highlighter():
    colours = set(
        re.findall(r"\x1b\[([0-9;]+)m", drawn(seen(**LONG)).partition("loss")[2].partition("left")[0])
    )
    assert not colours, "figures have no colours"


def test_figures_where_little_is_known():
    assert figures(seen(used=0.0)) == "loss 1.00e+00  error -"
    assert figures(seen(used=0.25, seconds=10.0)).endswith("  0:30 left"), "as fast as until now"
    assert clock(7205.2) == "2:00:05"


def test_a_notebook_has_one_line_that_changes(monkeypatch):
    shown = []
    handle = SimpleNamespace(update=lambda line, raw: shown.append(line))
    fake = types.ModuleType("IPython.display")
    fake.display = lambda line, raw, display_id: shown.append(line) or handle
    kernel = types.ModuleType("IPython")
    kernel.get_ipython = lambda: SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    assert is_interactive()
    progress, run = Progress(), seen(used=0.5)
    for call in (progress.on_start, progress.on_step, progress.on_end):
        call(run)
    assert [line["text/plain"] for line in shown] == ["█████░░░░░ loss 1.00e+00  error -  0:12 left"] * 2


def test_it_is_shown_in_interactive_use_or_on_demand(monkeypatch):
    assert wanted(None, []) == [] == wanted(False, [])
    (one,) = wanted(True, [])
    assert isinstance(one, Progress) and wanted(True, [one]) == []
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert len(wanted(None, [])) == 1 and wanted(False, []) == []
    with pytest.raises(ValueError, match=r"progress must be True, False or None, not 'yes'"):
        wanted("yes", [])


def test_solve_shows_it_on_demand(capsys):
    solve(rod(), budget="2 iterations", progress=True, **SMALL)
    assert "step 2" in capsys.readouterr().err
    solve(rod(), budget="2 iterations", **SMALL)
    assert capsys.readouterr() == ("", "")


def test_only_the_first_rank_has_the_line():
    text = io.StringIO()
    progress, run = Progress(Console(file=text), every=0.0), seen(communicator=Threads(1, 2, {}))
    for call in (progress.on_start, progress.on_step, progress.on_end):
        call(run)
    assert text.getvalue() == ""
