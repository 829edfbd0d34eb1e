"""Files that are written whole or not at all, and strict JSON."""

import json
import math
import os

import pytest

from sapts_pinn.runs.files import write_atomically, write_json


def test_a_crash_while_writing_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def crash(target):
        target.write_text("half of the ne")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_atomically(path, crash)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_the_temporary_file_keeps_the_extension_and_others_may_read_the_result(tmp_path):
    seen = []
    write_atomically(tmp_path / "mesh.vtu", lambda p: (seen.append(p), p.write_text("x")))
    assert seen[0].suffix == ".vtu" and seen[0].parent == tmp_path
    assert (tmp_path / "mesh.vtu").stat().st_mode & 0o777 == 0o644


def test_json_is_strict(tmp_path):
    write_json(
        tmp_path / "r.json", {"loss": math.nan, "list": (1, math.inf), "deep": {"x": -math.inf}, "n": 3}
    )
    assert json.loads((tmp_path / "r.json").read_text()) == {
        "loss": None,
        "list": [1, None],
        "deep": {"x": None},
        "n": 3,
    }
