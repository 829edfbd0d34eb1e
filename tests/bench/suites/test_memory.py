"""The suite `memory`."""

from benched import run_suite


def test_memory(tmp_path, capsys, here):
    found, _ = run_suite("memory", ["--problems", "poisson-1d", "--steps", "2"], tmp_path, capsys)
    assert found["below"]
