"""The suite `scaling`."""

import pytest

from benched import SMALL, run_suite
from sapts_pinn.bench.suites import (
    scaling,
)


def test_scaling(tmp_path, capsys, here):
    arguments = [
        "--problem",
        "poisson-1d",
        "--ranks",
        "1",
        "--target",
        "2",
        "--budget",
        "9 iterations",
        *SMALL,
    ]
    found, out = run_suite("scaling", arguments, tmp_path, capsys)
    assert all(row["reached"] for row in found["rows"]) and "stand-in for a network" in out


@pytest.mark.slow
@pytest.mark.parametrize(("method", "parts"), [("tr", None), ("sapts-d", 2), ("sapts-ip", None)])
def test_scaling_launches_ranks(method, parts):
    found = scaling.launch(
        2, problem="poisson-1d", method=method, parts=parts, delay=1e-3, seed=0, budget="9 iterations",
        target=1e-9, points=64, network=[4, 4],
    )  # fmt: skip
    assert found["iterations"] == 9 and not found["reached"]
    assert found["collectives"] >= 9 and found["bytes"] > 0 and found["summed_per_step"] > 0
    assert (found["gathered_per_step"] > 0) == (method != "tr")
    assert len(found["probes"]) == 4
