"""The suite `closure`."""

from benched import run_suite


def test_closure(tmp_path, capsys, here):
    arguments = ["--problems", "lorenz-inverse", "--repeats", "1", "--seconds", "0.001"]
    found, _ = run_suite("closure", arguments, tmp_path, capsys)
    assert all(r > 0 for r in found["ratios"]["lorenz-inverse"].values())
