"""The suite `radius`."""

import pytest

from benched import SMALL, run_suite


@pytest.mark.slow
def test_radius(tmp_path, capsys, here):
    arguments = ["--problem", "poisson-1d", "--methods", "tr,adam", "--budget", "2 iterations", *SMALL]
    found, out = run_suite("radius", arguments, tmp_path, capsys)
    assert len(found["rows"]) == 14 and "max / min" in out
