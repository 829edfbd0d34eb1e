"""MNIST, CIFAR-10 and TinyShakespeare: fetched once, checked, read by NumPy.

Files are looked for in a folder, by default a cache that the variable SAPTS_PINN_DATA moves elsewhere, and
fetched into it from their public homes when they are not there.  The folder may have one folder for each of
the data sets, mnist, cifar10 and tinyshakespeare.  What has not the published SHA-256 is not
used; a file that was fetched is removed then.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError

Bytes = NDArray[np.uint8]
Split = tuple[Tensor, Tensor]

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"
_SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/"
PUBLISHED = {  # file: (where, SHA-256)
    "train-images-idx3-ubyte.gz": (
        _MNIST,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte.gz": (
        _MNIST,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte.gz": (
        _MNIST,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        _MNIST,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "cifar-10-binary.tar.gz": (_CIFAR, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    "cifar-10-python.tar.gz": (_CIFAR, "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),
    "input.txt": (_SHAKESPEARE, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
}
DIGITS = tuple("0123456789")
OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
OFFLINE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError")  # of requests
HELD_OUT = 0.1  # of a text, at its end


class DataError(InputError):
    """Data that cannot be had, or are not what they should be."""


@dataclass(frozen=True)
class Images:
    """Pictures in classes.

    Attributes:
        train: Pixels uint8 [N, channels, height, width] and labels int64 [N].
        test: The same of others.
        classes: Their names.
    """

    train: Split
    test: Split
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A text as numbers of its characters.

    Attributes:
        train: The beginning, int64 [N].
        test: The rest.
        characters: What the numbers stand for.
    """

    train: Tensor
    test: Tensor
    characters: str

    def decode(self, numbers: Tensor) -> str:
        """The characters of some numbers [N]."""
        return "".join(self.characters[i] for i in numbers.tolist())

    def encode(self, text: str) -> Tensor:
        """The numbers [N] of some characters.

        Raises:
            InputError: There is one that the text has not.
        """
        for character in text:
            if character not in self.characters:
                raise InputError(f"the training text has no character {character!r}; leave it out")
        return torch.tensor([self.characters.index(c) for c in text], dtype=torch.long)


# -- the data sets ---------------------------------------------------------------------------------------


def mnist(folder: Path | str | None = None) -> Images:
    """Handwritten digits: 60,000 and 10,000 of 28 x 28 (LeCun, Cortes & Burges).

    Args:
        folder: Where the four IDX files are, or shall be.

    Raises:
        DataError: They cannot be fetched, or are damaged.
    """
    place = folder_of(folder, "mnist")
    train, test = (
        labelled(
            read_idx(fetch(f"{split}-images-idx3-ubyte.gz", place), 3)[:, None],
            read_idx(fetch(f"{split}-labels-idx1-ubyte.gz", place), 1),
            DIGITS,
        )
        for split in ("train", "t10k")
    )
    return Images(train, test, DIGITS)


def cifar10(folder: Path | str | None = None) -> Images:
    """Small photographs: 50,000 and 10,000 of 3 x 32 x 32 (Krizhevsky, 2009).

    Args:
        folder: Where `cifar-10-binary.tar.gz` or `cifar-10-python.tar.gz` is, or the former shall be; or the
            six batches as .npz files of residuals of a median predictor.

    Raises:
        DataError: They cannot be fetched, or are damaged.
    """
    place = folder_of(folder, "cifar10")
    if (place / "data_batch_1.npz").exists():
        batches = {path.stem: read_packed(path) for path in sorted(place.glob("*_batch*.npz"))}
    else:
        both = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
        name = next((name for name in both if (place / name).exists()), both[0])
        batches = dict(read_archive(fetch(name, place)))
    names = [f"data_batch_{i}" for i in range(1, 6)]
    missing = [name for name in (*names, "test_batch") if name not in batches]
    if missing:
        raise DataError(f"CIFAR-10 in {place} lacks {', '.join(missing)}; fetch it anew")
    pixels, labels = (np.concatenate([batches[name][i] for name in names]) for i in (0, 1))
    return Images(labelled(pixels, labels, OBJECTS), labelled(*batches["test_batch"], OBJECTS), OBJECTS)


def tinyshakespeare(folder: Path | str | None = None) -> Text:
    """A million characters of Shakespeare, of which the last tenth is for tests.

    Args:
        folder: Where `input.txt` is, or shall be.

    Raises:
        DataError: It cannot be fetched, or is damaged.
    """
    return read_text(fetch("input.txt", folder_of(folder, "tinyshakespeare")))


# -- files -----------------------------------------------------------------------------------------------


def folder_of(folder: Path | str | None, name: str = "") -> Path:
    """The folder given, or the cache; in it the one of a data set, if it has one of that name.

    Raises:
        DataError: It is a file.
    """
    import pooch

    place = Path(folder or os.environ.get("SAPTS_PINN_DATA") or pooch.os_cache("sapts-pinn")).expanduser()
    if place.is_file():
        raise DataError(f"{place} is a file; give the folder of the data, {place.parent}")
    return place / name if (place / name).is_dir() else place


def fetch(name: str, folder: Path | str | None = None) -> Path:
    """A published file, from the folder or its home, with the published checksum.

    Args:
        name: One of `PUBLISHED`.
        folder: By default the cache.

    Raises:
        DataError: It is damaged, or cannot be fetched.
    """
    import pooch

    home, known = PUBLISHED[name]
    place = folder_of(folder)
    path = place / name
    if path.exists():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != known:
            raise DataError(
                f"{path} is damaged: its SHA-256 begins with {found[:12]}, not {known[:12]}; "
                "remove it, and it is fetched anew"
            )
        return path
    try:
        place.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(home + name, f"sha256:{known}", name, place)  # by a temporary file
    except Exception as error:  # of as many kinds as there are ways to fail
        path.unlink(missing_ok=True)
        why = "no connection" if type(error).__name__ in OFFLINE else str(error).partition("\n")[0]
        raise DataError(
            f"{name} is not in {place}, and cannot be fetched from {home} ({why}); download it by hand, or "
            "give the folder that has it"
        ) from None
    return path


# -- readers ---------------------------------------------------------------------------------------------


def labelled(pixels: Bytes, labels: Bytes, classes: tuple[str, ...]) -> Split:
    """Pixels [N, C, H, W] and labels [N] as tensors.

    Raises:
        DataError: Their numbers differ, or a label is of no class.
    """
    if len(pixels) != len(labels):
        raise DataError(f"there are {len(pixels)} images and {len(labels)} labels; fetch the files anew")
    if len(labels) and labels.max() >= len(classes):
        raise DataError(f"there is a label {labels.max()}, and only {len(classes)} classes")
    return torch.from_numpy(np.array(pixels)), torch.from_numpy(labels.astype(np.int64))


def read_idx(path: Path, axes: int) -> Bytes:
    """An IDX file of bytes, packed by gzip or not.

    Args:
        path: The file.
        axes: Number of axes that it should have.

    Raises:
        DataError: It is damaged, or something else.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); remove it, and it is fetched anew") from None
    start = 4 + 4 * axes
    if len(content) < start or content[:4] != bytes((0, 0, 8, axes)):
        raise DataError(
            f"{path} is no IDX file of bytes with {axes} axes: it begins with {content[:4].hex(' ')}"
        )
    shape = tuple(np.frombuffer(content, ">i4", axes, 4).tolist())
    if len(content) != start + int(np.prod(shape)):
        raise DataError(f"{path} promises {shape}, and holds {len(content) - start} bytes; fetch it anew")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_archive(path: Path) -> Iterator[tuple[str, tuple[Bytes, Bytes]]]:
    """The batches of a published CIFAR-10 archive: name, pixels [N, 3, 32, 32] and labels [N].

    Raises:
        DataError: It is damaged.
    """
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name, _, kind = Path(member.name).name.partition(".")
                file = archive.extractfile(member) if "_batch" in f"_{name}" and kind in ("", "bin") else None
                if file is not None:
                    content = file.read()
                    yield name, (_records(content) if kind else _pickled(content))
    except (EOFError, OSError, tarfile.TarError, zlib.error, pickle.UnpicklingError, ValueError) as error:
        raise DataError(f"{path} is damaged ({error}); remove it, and it is fetched anew") from None


def _records(content: bytes) -> tuple[Bytes, Bytes]:
    """Read records of one byte for the label and 3,072 for the pixels."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


class _Plain(pickle.Unpickler):
    """Numbers, strings and arrays, and nothing that could run."""

    ALLOWED: ClassVar[set[tuple[str, str]]] = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> object:
        """Resolve a class only if it is on the list of those allowed."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _pickled(content: bytes) -> tuple[Bytes, Bytes]:
    batch = _Plain(io.BytesIO(content), encoding="bytes").load()
    pixels = cast(Bytes, batch[b"data"]).reshape(-1, 3, 32, 32)
    return pixels, np.asarray(batch[b"labels"], np.uint8)


def read_packed(path: Path) -> tuple[Bytes, Bytes]:
    """A batch of CIFAR-10 whose planes G, R - G and B - G are left as residuals of a median predictor.

    Returns:
        Pixels [N, 3, 32, 32] and labels [N].

    Raises:
        DataError: It is damaged.
    """
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            residual, labels = file["residual"], file["labels"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}); put a whole copy in its place") from None
    signed = np.ascontiguousarray(residual.transpose(2, 3, 0, 1)).astype(np.int16)  # [row, column, plane, N]
    planes = (signed >> 1) ^ -(signed & 1)
    height, width = planes.shape[:2]
    for i in range(height):
        for j in range(width):
            if i and j:
                left, up, both = planes[i, j - 1], planes[i - 1, j], planes[i - 1, j - 1]
                guess = np.clip(left + up - both, np.minimum(left, up), np.maximum(left, up))
            elif i or j:
                guess = planes[i, j - 1] if j else planes[i - 1, j]
            else:
                guess = np.zeros_like(planes[i, j])
            planes[i, j] = (planes[i, j] + guess) & 255
    green, red, blue = planes.astype(np.uint8).transpose(2, 3, 0, 1)
    return np.stack([red + green, green, blue + green], 1), labels


def read_text(path: Path) -> Text:
    """A text, its characters numbered in their order.

    Raises:
        DataError: It is no text, or too short to hold some of it out.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no text ({error})") from None
    characters = "".join(sorted(set(content)))
    table = {c: i for i, c in enumerate(characters)}
    coded = torch.tensor([table[c] for c in content])
    kept = len(coded) - int(HELD_OUT * len(coded))
    if not 0 < kept < len(coded):
        raise DataError(f"{path} has {len(coded)} characters, too few to hold a tenth of them out")
    return Text(coded[:kept], coded[kept:], characters)
