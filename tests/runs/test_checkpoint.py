"""Checkpoints: whole or not at all, and read without trust."""

import os
import pickle
import subprocess
import sys

import pytest
import torch

from sapts_pinn.runs.checkpoint import VERSION, load_checkpoint, save_checkpoint


def test_a_checkpoint_comes_back(tmp_path):
    state = {
        "tensor": torch.arange(3.0, dtype=torch.float64),
        "numbers": [1, 2.5, None],
        "nested": {"text": "ü"},
    }
    save_checkpoint(tmp_path / "c.pt", state)
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert torch.equal(loaded.pop("tensor"), state.pop("tensor"))
    assert loaded == {"version": VERSION, **state}


def test_a_crash_within_torch_leaves_the_old_checkpoint(tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"step": 1})
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {"step": 2, "unpicklable": lambda: None})
    assert load_checkpoint(path)["step"] == 1
    assert os.listdir(tmp_path) == ["c.pt"]


def test_a_missing_checkpoint_is_said_to_be_missing(tmp_path):
    with pytest.raises(ValueError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_damaged_and_foreign_files_are_refused(tmp_path):
    save_checkpoint(tmp_path / "good.pt", {"x": torch.zeros(1000)})
    whole = (tmp_path / "good.pt").read_bytes()
    for name, content in {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"not a checkpoint"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="not a readable checkpoint"):
            load_checkpoint(tmp_path / name)
    for content, found in [({"version": VERSION + 1}, VERSION + 1), ({"weights": 1}, None), ([1, 2], None)]:
        torch.save(content, tmp_path / "other.pt")
        with pytest.raises(ValueError, match=f"version {found}, this package reads version {VERSION}"):
            load_checkpoint(tmp_path / "other.pt")


class Payload:
    def __reduce__(self):
        return (open, (os.environ["PAYLOAD"], "w"))


def test_loading_executes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PAYLOAD", str(tmp_path / "executed"))
    torch.save({"version": VERSION, "x": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "executed").exists()


def test_a_disk_that_is_really_full_is_an_error_of_the_system(tmp_path):
    """PyTorch's writer fails with a RuntimeError then; here the system refuses files of more than 4 kB."""
    script = f"""
import resource, signal, torch
from pathlib import Path
from sapts_pinn.runs.checkpoint import save_checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    save_checkpoint(Path({str(tmp_path / "checkpoint.pt")!r}), {{"state": torch.zeros(10_000)}})
except OSError as error:
    print(type(error).__name__, "disk may be full" in str(error) or "too large" in str(error))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OSError", "True"], done
    assert not list(tmp_path.iterdir())
