"""Files of a run that survive anything: written whole or not at all, read without executing code."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import InputError
from .content import Checkpoint
from .files import write_atomically

VERSION = 1


def save_checkpoint(path: Path, state: Checkpoint) -> None:
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


def load_checkpoint(path: Path) -> Checkpoint:
    """Load what `save_checkpoint` wrote.

    Raises:
        InputError: There is none, it is damaged, or it is of another version of this package.
    """
    if not path.is_file():
        sets = {"window1": "windows in time: give windows= as well", "seed*": "seeds: give seeds= as well"}
        held = next((what for pattern, what in sets.items() if any(path.parent.glob(pattern))), None)
        hint = "give the folder of an earlier run" if held is None else f"the folder holds {held}"
        raise InputError(f"there is no checkpoint {path}; {hint}")
    try:
        state: Checkpoint = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a truncated zip, a foreign pickle: torch has no common error for them
        raise InputError(
            f"{path} is not a readable checkpoint of this package ({type(error).__name__})"
        ) from error
    if not isinstance(state, dict) or state.get("version") != VERSION:
        found = state.get("version") if isinstance(state, dict) else None
        raise InputError(
            f"{path} is a checkpoint of version {found}, this package reads version {VERSION}; start anew"
        )
    return state


def checkpoint_name(rank: int) -> str:
    """The file of a rank's checkpoint."""
    return f"checkpoint-rank{rank}.pt" if rank else "checkpoint.pt"
