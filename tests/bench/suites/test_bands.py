"""The suite `bands`."""

from benched import run_suite


def test_bands(tmp_path, capsys, here):
    found, _ = run_suite("bands", ["--draws", "1", "--steps", "5"], tmp_path, capsys)
    assert 0 <= found["share"] <= 1 and len(found["rows"]) == 1
