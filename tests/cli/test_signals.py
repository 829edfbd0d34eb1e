"""Signals end a run in order, or abort it."""

import json
import re
import signal
import time

import pytest

from command_line import FILES, QUICK, command, start
from sapts_pinn.cli.signals import Interrupts
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.training.interrupts import Aborted


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_the_run_in_order_and_resume_continues_it(tmp_path, number, capsys):
    folder = tmp_path / "a run"
    process = start(
        "solve", "poisson-1d", "--budget", "10h", "--seed", "3", "--out", folder, *QUICK, cwd=tmp_path
    )
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("step 1" in line for line in lines), "there is no progress line after the first step"
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "Traceback" not in err
    assert f"interrupted by {number.name}" in out
    (hint,) = re.findall(r"continue with: sapts-pinn (solve --resume .*)$", err, flags=re.MULTILINE)
    assert hint == f"solve --resume '{folder}'"
    assert {p.name for p in folder.iterdir()} == FILES, "nothing half-written"
    state = load_checkpoint(folder / "checkpoint.pt")["trainer"]
    steps = state["iteration"]
    assert steps > 1 and json.loads((folder / "result.json").read_text())["iterations"] == steps
    # A new process is the other test's business; here it is what --resume finds out by itself.
    status, out, err = command(
        capsys, "solve", "--resume", folder, "--budget", f"{steps + 2} iterations", "--quiet"
    )
    assert (status, out) == (0, "")
    config = json.loads((folder / "config.json").read_text())
    assert (config["seed"], config["network"], config["points"]) == (3, [6], 64)
    rows = load_checkpoint(folder / "checkpoint.pt")["trainer"]["history"]
    assert rows[-1]["iteration"] == steps + 2
    assert rows[: len(state["history"]) - 1] == state["history"][:-1], "the history goes on"


def test_a_second_signal_aborts_and_so_does_one_when_there_is_nothing_to_finish():
    class Run:
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def stop(self, reason: str) -> None:
            self.reasons.append(reason)

    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(Aborted, match="before the first step"):
            signal.raise_signal(signal.SIGTERM)
        interrupts.start(run := Run())
        signal.raise_signal(signal.SIGTERM)
        assert run.reasons == ["interrupted by SIGTERM"]
        with pytest.raises(Aborted, match="holds the last checkpoint"):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_signals_that_torchrun_passes_on_are_one():
    class Run:
        def __init__(self) -> None:
            self.reasons: list[str] = []

        def stop(self, reason: str) -> None:
            self.reasons.append(reason)

    with Interrupts(same=60.0) as interrupts:
        interrupts.start(run := Run())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        interrupts.finish()
        signal.raise_signal(signal.SIGTERM)
    assert run.reasons == ["interrupted by SIGINT"]
