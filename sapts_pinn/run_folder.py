"""The folder of a run: what is in it, which run it belongs to, what the run depended on."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import __version__

RUN_FILES = (
    "config.json",
    "history.csv",
    "result.json",
    "checkpoint.pt",
    "model.pt",
    "solution.png",
    "solution.vtu",
    "curves.png",
    "confusion.png",
    "mistakes.png",
    "sample.txt",
    "report.html",
)


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """What two sessions of one run have in common."""
    names = ("problem", "method", "seed", "network", "activation", "dtype", "description")
    return {name: config[name] for name in names}


def check_resumable(state: Mapping[str, Any], config: Mapping[str, Any], path: Path) -> None:
    """Make sure that a checkpoint continues the run that is configured.

    Raises:
        ValueError: They differ; the message says in what.
    """
    saved, now = state.get("config", {}), identity(config)
    for name, value in now.items():
        if saved.get(name) != value:
            if name == "description":
                now_, then = str(value).splitlines(), str(saved.get(name)).splitlines()
                first = next((line for line in now_ if line not in then), now_[0])
                raise ValueError(
                    f"{path} is of another problem than the one given, for which it does not hold that "
                    f"{first.strip()!r}; restore the problem or start anew"
                )
            raise ValueError(
                f"{path} is of another run: its {name} is {saved.get(name)!r}, not {value!r}; "
                f"give the same {name}"
            )


def check_folder(folder: Path, overwrite: bool) -> None:
    """Make sure that a run may be written into a folder.

    Raises:
        ValueError: It holds another run, is a file, or cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder")
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        why = os.strerror(errno.EACCES if there.is_dir() else errno.ENOTDIR)
        raise ValueError(f"cannot write to {folder}: {why}; give another folder")
    if not overwrite and (folder / "config.json").exists():
        raise ValueError(
            f"{folder} already holds a run; give another folder, --resume {folder}, or --overwrite"
        )


def prepare_folder(folder: Path, overwrite: bool, keep: bool = False) -> None:
    """Make a run folder.

    Args:
        folder: Where.
        overwrite: Whether it may hold an earlier run.
        keep: Leave the files of that run where they are, because it goes on.

    Raises:
        ValueError: It holds another run, is a file, or cannot be written.
    """
    check_folder(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-test"
        probe.touch()
        probe.unlink()
        if not keep:  # or the pictures of one run would stand beside the figures of another
            for name in RUN_FILES:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"cannot write to {folder}: {error.strerror}; give another folder") from error


def versions() -> dict[str, str]:
    """What a run depends on."""
    commit = ""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        commit = found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return {
        "sapts_pinn": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "git_commit": commit,
    }
