"""Commands in a process of their own, on ranks, or in this process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import preloaded
from sapts_pinn import cli

FILES = {  # of a problem with one coordinate; others have a scene as well, where trame-vtk is installed
    "config.json",
    "history.csv",
    "result.json",
    "checkpoint.pt",
    "solution.png",
    "solution.vtu",
    "report.html",
}


RESULT = """problem method seed parts world_size parameters points dtype device iterations
    function_evaluations gradient_evaluations seconds seconds_to_first_step loss relative_l2_error status"""


QUICK = ["--network", "6", "--points", "64", "--condition-points", "16"]


ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::DeprecationWarning:sapts_pinn"}


USERS_FILE = """
from sapts_pinn import Dirichlet, Initial, Problem
from sapts_pinn.geometry import Interval, Time
print("the user's file prints")
heat = Problem(
    domain=Interval(0, 1) * Time(0, 0.1),
    unknowns="u",
    equation=lambda u: u.t - u.xx,
    conditions=[Dirichlet("u", 0.0), Initial("u", lambda x: 1 - x)],
)
"""


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sapts_pinn", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    return preloaded.run("sapts_pinn", arguments, cwd=cwd, environment=ENVIRONMENT)


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """A command in this process, which saves the seconds that PyTorch takes to load."""
    status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


def wait_for(condition, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


def ranks(size: int, *arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={size}"]
    return subprocess.Popen(
        [*command, "-m", "sapts_pinn", "solve", *map(str, arguments)],
        cwd=cwd, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
