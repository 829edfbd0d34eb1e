"""Typed content of the files of a run: every entry that a run writes has a type."""

import json
import math

import pytest

from sapts_pinn.problems.zoo import build
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.runs.content import Checkpoint, Config, Result, TrainerState, cell
from sapts_pinn.solving.run import solve


@pytest.mark.parametrize("windows", [1, 2])
def test_every_entry_of_the_files_has_a_type(tmp_path, windows):
    solve(
        build("heat"), budget="4 iterations", windows=windows, out=tmp_path / "run", network=(4,), points=32,
        condition_points=8,
    )  # fmt: skip
    for name, kind in (("config.json", Config), ("result.json", Result)):
        written = json.loads((tmp_path / "run" / name).read_text())
        assert written.keys() <= kind.__annotations__.keys()
    folder = tmp_path / "run" if windows == 1 else tmp_path / "run" / "window1"
    state = load_checkpoint(folder / "checkpoint.pt")
    assert state.keys() <= Checkpoint.__annotations__.keys()
    assert state["trainer"].keys() == TrainerState.__annotations__.keys()


def test_a_cell_without_a_number_is_nan():
    row = {"loss": 0.5, "rho": None}
    assert cell(row, "loss") == 0.5 and math.isnan(cell(row, "rho"))
