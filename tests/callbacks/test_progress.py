"""The progress line: what it says, and that a broken terminal ends no run."""

import json

import pytest

from sapts_pinn import solve
from sapts_pinn.callbacks import Progress
from small_runs import SMALL, rod


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
    from rich.console import Console

    progress = Progress(Console(file=Broken(error)), every=0.0)
    solution = solve(rod(), budget="4 iterations", out=tmp_path / "run", callbacks=[progress], **SMALL)
    assert solution.result["iterations"] == 4
    assert json.loads((tmp_path / "run" / "result.json").read_text())["iterations"] == 4
