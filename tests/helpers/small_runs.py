"""Runs of a second, and the files in their folders."""

import os
from pathlib import Path

import pytest

from sapts_pinn import Dirichlet, Problem, cli
from sapts_pinn.callbacks import Callback
from sapts_pinn.geometry import Interval

SMALL = {"network": (4,), "points": 32, "condition_points": 8}
QUICK = ["--network", "4", "--points", "32", "--quiet"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def rod(equation=lambda u: u.xx + 1, **given) -> Problem:
    return Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)], name="rod", **given)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = cli.main([str(a) for a in arguments])
    return status, *capsys.readouterr()


class At(Callback):
    def __init__(self, step: int, error: BaseException) -> None:
        self.step, self.error = step, error

    def on_step(self, trainer):
        if trainer.iteration == self.step:
            raise self.error
