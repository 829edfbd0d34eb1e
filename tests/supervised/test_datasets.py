"""Readers on small files in the true formats, damaged ones, and the real data where they are at hand."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sapts_pinn.supervised import datasets
from sapts_pinn.supervised.datasets import DataError

SHARED = Path(__file__).parents[3] / "shared" / "data"
real = pytest.mark.skipif(not SHARED.exists(), reason="the real data are not here")
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), np.uint8)
LABELS = np.array([3, 1, 9, 0], np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def records() -> bytes:
    return np.concatenate([LABELS[:, None], PIXELS.reshape(4, -1)], 1).tobytes()


def pickled(pixels: np.ndarray = PIXELS) -> bytes:
    """As Python 2 wrote it: strings are bytes."""

    def string(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    data = pixels.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + string(b"b") + b"\x87R"
        b"(K\x01K\x04M" + struct.pack("<H", len(data) // 4) + b"\x86cnumpy\ndtype\n" + string(b"u1")
        + b"K\x00K\x01\x87R(K\x03" + string(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<I", len(data)) + data + b"tb"
    )  # fmt: skip
    labels = b"](" + b"".join(b"K" + bytes([label]) for label in LABELS) + b"e"
    names = b"](" + b"".join(map(string, [b"a.png"] * 4)) + b"e"
    items = string(b"data") + array + string(b"labels") + labels + string(b"filenames") + names
    return b"\x80\x02}(" + items + b"u."


def residuals() -> np.ndarray:
    """What the packed files have of pictures: the rule of a median predictor, pixel by pixel."""
    red, green, blue = (PIXELS[:, c].astype(int) for c in range(3))
    out = np.zeros((3, 4, 32, 32), np.uint8)
    for k, plane in enumerate((green, (red - green) % 256, (blue - green) % 256)):
        for i in range(32):
            for j in range(32):
                left = plane[:, i, j - 1] if j else 0 * plane[:, i, j]
                up = plane[:, i - 1, j] if i else 0 * plane[:, i, j]
                guess = left + up
                if i and j:
                    both = plane[:, i - 1, j - 1]
                    guess = np.median([left, up, left + up - both], axis=0).astype(int)
                rest = (plane[:, i, j] - guess) % 256
                out[k, :, i, j] = np.where(rest < 128, 2 * rest, 511 - 2 * rest)
    return out


# -- formats ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files(tmp_path: Path, packed: bool) -> None:
    array = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    path = tmp_path / ("x.gz" if packed else "x")
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    assert np.array_equal(datasets.read_idx(path, 3), array)


@pytest.mark.parametrize(
    ("name", "content"),
    [("data_batch_1.bin", records()), ("data_batch_1", pickled())],
    ids=["binary", "pickle"],
)
def test_published_archives(tmp_path: Path, name: str, content: bytes) -> None:
    other = name.replace("data_batch_1", "test_batch")
    files = {f"cifar/{name}": content, f"cifar/{other}": content, "cifar/batches.meta.txt": b"airplane\n"}
    found = dict(datasets.read_archive(archive(tmp_path / "x.tar.gz", files)))
    assert set(found) == {"data_batch_1", "test_batch"}
    for pixels, labels in found.values():
        assert np.array_equal(pixels, PIXELS) and np.array_equal(labels, LABELS)


def test_packed_batches(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1.npz"
    np.savez_compressed(path, residual=residuals(), labels=LABELS)
    pixels, labels = datasets.read_packed(path)
    assert np.array_equal(pixels, PIXELS) and np.array_equal(labels, LABELS)


def test_a_whole_data_set_of_packed_batches(tmp_path: Path) -> None:
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        np.savez_compressed(tmp_path / f"{name}.npz", residual=residuals(), labels=LABELS)
    found = datasets.cifar10(tmp_path)
    assert found.train[0].shape == (20, 3, 32, 32) and found.train[1].tolist() == [*LABELS] * 5
    assert torch.equal(found.test[0], torch.from_numpy(PIXELS)) and found.classes[3] == "cat"
    (tmp_path / "data_batch_3.npz").unlink()
    with pytest.raises(DataError, match="lacks data_batch_3; fetch it anew"):
        datasets.cifar10(tmp_path)


def test_text(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("to be or not to be " * 10)
    text = datasets.read_text(path)
    assert text.characters == " benort" and len(text.train) == 171 and len(text.test) == 19
    assert text.decode(text.train[:5]) == "to be"


# -- what is wrong ---------------------------------------------------------------------------------------

WHOLE = idx(np.zeros((2, 3, 5), np.uint8))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (gzip.compress(WHOLE)[:-9], "is damaged"),
        (b"<html>not found</html>", "is damaged"),
        (gzip.compress(WHOLE[:-1]), r"promises \(2, 3, 5\), and holds 29 bytes"),
        (gzip.compress(idx(np.zeros(30, np.uint8))), "no IDX file of bytes with 3 axes"),
        (gzip.compress(b""), "no IDX file"),
    ],
    ids=["cut off", "not gzip", "a byte too few", "one axis", "empty"],  # gzip's bytes tell the time
)
def test_damaged_idx_files(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        datasets.read_idx(path, 3)


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("echo run",)


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Evil(), 2), pickled()[:-100], b"", pickled(PIXELS[..., :-1])],
    ids=["code", "cut", "empty", "shape"],
)
def test_damaged_pickles_run_nothing(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "x.tar.gz", {"cifar/data_batch_1": content})
    with pytest.raises(DataError, match="is damaged"):
        list(datasets.read_archive(path))
    assert "run" not in capfd.readouterr().out


def test_damaged_archives(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.tar.gz", {"cifar/data_batch_1.bin": records()})
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="is damaged"):
        list(datasets.read_archive(path))
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match="is damaged"):
        list(datasets.read_archive(path))
    (tmp_path / "data_batch_1.npz").write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="is damaged"):
        datasets.cifar10(tmp_path)


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="4 images and 3 labels"):
        datasets.labelled(PIXELS, LABELS[:3], datasets.OBJECTS)
    with pytest.raises(DataError, match="a label 9, and only 5 classes"):
        datasets.labelled(PIXELS, LABELS, datasets.OBJECTS[:5])


def test_a_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is no text"):
        datasets.read_text(path)
    path.write_text("short")
    with pytest.raises(DataError, match="has 5 characters, too few"):
        datasets.read_text(path)


# -- fetching --------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A public home on this disk, with one text."""
    import pooch

    place = tmp_path / "home"
    place.mkdir()
    (place / "input.txt").write_text("a text" * 10)
    known = hashlib.sha256((place / "input.txt").read_bytes()).hexdigest()
    monkeypatch.setitem(datasets.PUBLISHED, "input.txt", (f"file://{place}/", known))

    def copy(url: str, output_file: str | Path, _: object) -> None:
        source = Path(url.removeprefix("file://"))
        if not source.exists():
            Path(output_file).write_bytes(b"half of")
            raise ConnectionError("no network")
        Path(output_file).write_bytes(source.read_bytes())

    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, progressbar=False: copy)
    return place


def test_a_file_is_fetched_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAPTS_PINN_DATA", str(tmp_path / "cache"))
    assert len(datasets.tinyshakespeare().train) == 54
    (home / "input.txt").unlink()
    assert len(datasets.tinyshakespeare().train) == 54  # from the cache


def test_no_network(home: Path, tmp_path: Path) -> None:
    (home / "input.txt").unlink()
    with pytest.raises(
        DataError, match=r"input.txt is not in .*, and cannot be fetched from .* \(no connection\)"
    ):
        datasets.tinyshakespeare(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wrong_checksum(home: Path, tmp_path: Path) -> None:
    (home / "input.txt").write_text("another text")
    with pytest.raises(DataError, match="cannot be fetched"):
        datasets.tinyshakespeare(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "cache" / "input.txt").write_text("damaged since")
    with pytest.raises(DataError, match=r"is damaged: its SHA-256 begins with .*; remove it"):
        datasets.tinyshakespeare(tmp_path / "cache")


# -- the real ones ---------------------------------------------------------------------------------------


@real
def test_the_real_data() -> None:
    digits = datasets.mnist(SHARED / "mnist")
    assert digits.train[1].bincount().tolist()[:3] == [5923, 6742, 5958] and digits.test[0].shape == (
        10000,
        1,
        28,
        28,
    )
    text = datasets.tinyshakespeare(SHARED / "tinyshakespeare")
    assert len(text.characters) == 65 and text.decode(text.train[:14]) == "First Citizen:"
    pixels, labels = datasets.read_packed(SHARED / "cifar10" / "test_batch.npz")
    assert pixels.shape == (10000, 3, 32, 32) and np.bincount(labels).tolist() == [1000] * 10
