"""Small data sets in the true formats, which pass for the published ones."""

from __future__ import annotations

import gzip
import hashlib
import string
import struct
from pathlib import Path

import numpy as np
import pytest

from sapts_pinn.supervised import datasets

LINES = string.ascii_letters + string.digits + " .\n"  # as many characters


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `mnist` (bright on the left, or the right), `cifar10` (noise), `tinyshakespeare`."""
    home, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name in ("mnist", "cifar10", "tinyshakespeare"):
        (home / name).mkdir()
    for split, count in (("train", 120), ("t10k", 40)):
        labels = random.integers(0, 2, count, np.uint8)
        pictures = random.integers(0, 100, (count, 28, 28), np.uint8)
        pictures[labels == 0, :, :14] += 100
        pictures[labels == 1, :, 14:] += 100
        for kind, array in (("images-idx3", pictures), ("labels-idx1", labels)):
            head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}i", *array.shape)
            path = home / "mnist" / f"{split}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(head + array.tobytes()))
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        residual = random.integers(0, 256, (3, 10, 32, 32), np.uint8)
        np.savez(home / "cifar10" / f"{name}.npz", residual=residual, labels=np.arange(10, dtype=np.uint8))
    (home / "tinyshakespeare" / "input.txt").write_text(LINES * 16)
    return home


@pytest.fixture
def small_data(made_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with their checksums as the published ones, and nothing to be had from the network."""
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made_data.glob("*/*")}
    known = {n: ("http://127.0.0.1:9/", sums.get(n, sha)) for n, (_, sha) in datasets.PUBLISHED.items()}
    monkeypatch.setattr(datasets, "PUBLISHED", known)
    return made_data
