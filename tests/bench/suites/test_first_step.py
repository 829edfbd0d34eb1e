"""The suite `first-step`."""

import pytest

from benched import run_suite
from sapts_pinn.bench.suites import first_step


def test_first_step(tmp_path, capsys, here):
    found, _ = run_suite("first-step", ["--problem", "poisson-1d", "--repeats", "1"], tmp_path, capsys)
    assert [row["cache"] for row in found["rows"]] == ["empty", "warm"]


@pytest.mark.slow
def test_the_first_step_is_timed_from_the_process_start(tmp_path):
    found = first_step.measure("poisson-1d", seed=0, cache=str(tmp_path))
    assert 0 < found["seconds_to_first_step"] < found["from_outside"] < found["whole"]
