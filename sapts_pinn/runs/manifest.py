"""List of the files that a run has written into a folder: only those may be replaced or deleted.

A folder is ours when its config.json says so: it names the version of this package and what was run.  Its
entry "files" lists what was written beside it; `checkpoint.write_atomically`, by which everything is written,
keeps the list.  Runs of earlier versions have no list: theirs are all files of the usual names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from .content import Config

CONFIG = "config.json"
RUN_FILES = (
    CONFIG,
    "history.csv",
    "result.json",
    "checkpoint.pt",
    "model.pt",
    "solution.png",
    "solution.vtu",
    "scene.html",
    "curves.png",
    "confusion.png",
    "mistakes.png",
    "sample.txt",
    "report.html",
)


def is_run_file(name: str) -> bool:
    """Return whether runs give this name to one of their files."""
    return name in RUN_FILES or re.fullmatch(r"checkpoint-rank\d+\.pt", name) is not None


def run_of(folder: Path) -> Config | None:
    """The configuration of the run that a folder holds; None where it holds none of this package."""
    try:
        config: Config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or not isinstance(config.get("versions"), dict):
        return None
    known = "sapts_pinn" in config["versions"] and "method" in config
    return config if known and ("problem" in config or "task" in config) else None


def read_config(folder: Path) -> Config:
    """Read the configuration of a run folder.

    Raises:
        InputError: There is none, or it is damaged.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder} holds no run: there is no {CONFIG} in it")
    try:
        config: Config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged; give another run folder") from error
    if not isinstance(config, dict) or "method" not in config or not {"problem", "task"} & set(config):
        raise InputError(f"{path} is damaged: it names no method and problem; give another run folder")
    return config


def own_files(folder: Path) -> set[str]:
    """The names of the run files there that a run has written; none in a folder without a run."""
    config = run_of(folder)
    if config is None:
        return set()
    there = [path for path in folder.iterdir() if is_run_file(path.name)]
    listed = config.get("files")
    if not isinstance(listed, list):
        return {path.name for path in there}
    return {path.name for path in there if path.name in (CONFIG, *listed) or _is_empty(path)}


def foreign_files(folder: Path) -> list[str]:
    """Names of files in a folder that look like files of a run but were written by none."""
    if not folder.is_dir():
        return []
    ours = own_files(folder)
    there = (path for path in folder.iterdir() if is_run_file(path.name) and path.name not in ours)
    return sorted(path.name for path in there if not _is_empty(path))


def _is_empty(path: Path) -> bool:
    """Return whether a file is empty."""
    return path.is_file() and path.stat().st_size == 0


def refuse_foreign(folder: Path) -> None:
    """Make sure that writing a run into a folder replaces nothing of somebody else's.

    Raises:
        InputError: It would; the message names the files.
    """
    if names := foreign_files(folder):
        what, them = ("a file", "it") if len(names) == 1 else ("files", "them")
        raise InputError(
            f"{folder} holds {', '.join(names)}, {what} that no run of sapts-pinn has written and that would "
            f"be replaced; give another folder, or move {them}"
        )


def with_files(folder: Path, config: Config, names: Iterable[str]) -> dict[str, object]:
    """A configuration with the list of what its run has written there, or is about to write."""
    files = (own_files(folder) | set(names)) - {CONFIG}
    return {**{name: value for name, value in config.items() if name != "files"}, "files": sorted(files)}


def with_file(path: Path) -> dict[str, object] | None:
    """The configuration of the run in a file's folder with the file in its list; None if it is there."""
    if path.name == CONFIG or not is_run_file(path.name):
        return None
    config = run_of(path.parent)
    if config is None or not isinstance(config.get("files"), list) or path.name in config["files"]:
        return None
    return {**config, "files": sorted([*config["files"], path.name])}
