"""The suite `gradients`."""

import json

import pytest

from benched import run_suite
from sapts_pinn.bench import main
from sapts_pinn.bench.suites import gradients


@pytest.mark.slow
def test_gradients(tmp_path, capsys, here):
    arguments = ["--points", "64", "--threads", "1", "--repeats", "1", "--seconds", "0.001"]
    found, _ = run_suite("gradients", arguments, tmp_path, capsys)
    assert len(found["rows"]) >= 5 and all(r > 0 for r in found["ratios"].values())


@pytest.mark.slow
def test_gradients_with_two_threads_waits_both_ways(tmp_path):
    arguments = ["--points", "64", "--threads", "2", "--repeats", "1", "--seconds", "0.001"]
    assert main(["gradients", *arguments, "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "bench.json").read_text())
    assert len(found["rows"]) == 3 * len(gradients.CASES)
