"""Files of a run that survive anything: written whole or not at all, read without executing code."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from .manifest import CONFIG, with_file

VERSION = 1


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: readers see the old one or the new.

    The temporary file has the extension of `path`, which writers of pictures and meshes go by.  In the folder
    of a run its name is added to the list of the run's files, see `manifest.py`.

    Raises:
        OSError: The folder cannot be written; the message names it.
    """
    _replace(path, write)
    config = with_file(path)
    if config is not None:
        write_json(path.with_name(CONFIG), config)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented; numbers that are not finite become null."""
    text = json.dumps(_finite(content), indent=2, allow_nan=False) + "\n"
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_atomically(path, write)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Save tensors, numbers, strings, lists and dictionaries.

    Raises:
        OSError: The file cannot be written, as on a full disk.
    """

    def write(temporary: Path) -> None:
        try:
            torch.save({"version": VERSION, **state}, temporary)
        except RuntimeError as error:  # PyTorch's own writer does not say why the system refused
            raise OSError(f"{path.name} cannot be written, the disk may be full ({error})") from error

    write_atomically(path, write)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load what `save_checkpoint` wrote.

    Raises:
        ValueError: There is none, it is damaged, or it is of another version of this package.
    """
    if not path.is_file():
        raise ValueError(f"there is no checkpoint {path}; give the folder of an earlier run")
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a truncated zip, a foreign pickle: torch has no common error for them
        raise ValueError(
            f"{path} is not a readable checkpoint of this package ({type(error).__name__})"
        ) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        found = state.get("version") if isinstance(state, dict) else None
        raise ValueError(
            f"{path} is a checkpoint of version {found}, this package reads version {VERSION}; start anew"
        )
    return state
