"""The suite `deepxde`."""

import pytest

from benched import run_suite


@pytest.mark.slow
def test_deepxde(tmp_path, capsys, here):
    arguments = ["--problems", "lorenz-inverse", "--methods", "tr,adam", "--seconds", "3", "--seeds", "0"]
    found, _ = run_suite("deepxde", arguments, tmp_path, capsys)
    assert all(row["status"] == "done" and row["steps"] > 5 for row in found["rows"])
