"""The folder of a run: its files, the identity of its run, and the versions that the run depends on."""

from __future__ import annotations

import errno
import os
import platform
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch

from .._version import __version__
from ..errors import InputError
from ..problems import Problem
from ..problems.fingerprint import Fingerprint, comparable, difference
from ..problems.scales import SavedScales, Scales
from .content import Checkpoint, Config
from .files import write_json
from .manifest import CONFIG, own_files, refuse_foreign, run_of, with_files
from .repository import commit

COMPARED = ("problem", "method", "seed", "network", "activation", "dtype", "description")


def identity(config: Mapping[str, object]) -> Config:
    """Settings and values of the problem that two sessions of one run have in common."""
    kept = {name: config[name] for name in COMPARED}
    found = {**kept, "fingerprint": config.get("fingerprint"), "scales": config.get("scales")}
    return cast("Config", found)  # some of its entries, by name


def saved_units(config: Config) -> list[SavedScales | None]:
    """Natural units of a run's configuration, for each window in time.

    They are None in runs of an earlier version, which of several windows kept those of the first.
    """
    windows, saved = config.get("windows", 1), config.get("scales")
    if isinstance(saved, list):
        return [*saved]
    return [saved] if windows == 1 else [None] * windows


def in_saved_units(problem: Problem, saved: SavedScales | None) -> Problem:
    """The problem in the natural units in which a saved network was trained.

    Args:
        problem: The problem as it was built now.
        saved: Of `saved_units`.
    """
    return problem if saved is None else problem.with_natural(Scales.from_json(saved))


def check_resumable(state: Checkpoint, config: Mapping[str, object], path: Path) -> None:
    """Make sure that a checkpoint continues the run that is configured.

    Raises:
        InputError: They differ; the message says in what.
    """
    saved, now = state.get("config") or Config(), identity(config)
    for name in COMPARED:
        if name != "description" and saved.get(name) != now.get(name):
            raise InputError(
                f"{path} is of another run: its {name} is {saved.get(name)!r}, not {now.get(name)!r}; "
                f"give the same {name}"
            )
    check_values(saved.get("fingerprint"), now["fingerprint"], path)
    if not comparable(saved.get("fingerprint")):  # words are all there is
        _check_words(str(saved.get("description")), str(now["description"]), path)


def _check_words(then: str, now: str, path: Path) -> None:
    """Make sure that a problem is described in the words of a run that kept no values of it."""
    lines = now.splitlines()
    if new := [line for line in lines if line not in then.splitlines()]:
        raise InputError(
            f"{path} is of another problem than the one given, for which it does not hold that "
            f"{new[0].strip()!r}; restore the problem or start anew"
        )


def check_values(then: Fingerprint | None, now: Fingerprint | None, path: Path) -> None:
    """Make sure that a problem has the values at fixed probes that it had.

    Raises:
        InputError: It has others; the message says of what.
    """
    if not comparable(then):
        warnings.warn(
            f"{path} was written by another version, which kept no values of its problem to compare: make "
            "sure that the equation and its conditions are still the same",
            UserWarning,
            stacklevel=4,
        )
    if what := difference(then, now):
        raise InputError(
            f"{path} is of a problem with other values ({what}); restore the problem or start anew"
        )


def run_path(folder: str | Path) -> Path:
    """The path of a run folder.

    Raises:
        InputError: It is empty, which would mean the current folder, or no path.
    """
    if not isinstance(folder, (str, Path)):
        raise InputError(f"a run folder must be a path such as runs/a, not {folder!r}")
    if not str(folder).strip():
        raise InputError("the name of the run folder is empty; give one such as runs/a")
    return Path(folder)


def check_folder(folder: Path, overwrite: bool) -> None:
    """Make sure that a run may be written into a folder.

    Raises:
        InputError: It holds another run or files that are of none, is a file, or cannot be made.
    """
    _check_writable(folder)
    if not folder.is_dir():
        return
    ours = run_of(folder) is not None
    if ours and not overwrite:
        raise InputError(
            f"{folder} already holds a run; give another folder, --resume {folder}, or --overwrite"
        )
    refuse_foreign(folder)
    if not ours and _is_a_place_of_work(folder) and any(folder.iterdir()):
        raise InputError(
            f"{folder.resolve()} holds other things than a run; give a folder of its own, such as runs/a"
        )


def _check_writable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder")
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        why = os.strerror(errno.EACCES if there.is_dir() else errno.ENOTDIR)
        raise InputError(f"cannot write to {folder}: {why}; give another folder")


def _is_a_place_of_work(folder: Path) -> bool:
    """Return whether a folder is the current one, the user's home, or contains these."""
    places = [Path.cwd()]
    try:
        places.append(Path.home().resolve())
    except RuntimeError:  # there may be none
        pass
    return any(folder.resolve() in (place, *place.parents) for place in places)


def make_folder(folder: Path) -> None:
    """Make a folder that can be written to.

    Raises:
        InputError: It is a file, or cannot be written.
    """
    _check_writable(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; give another folder") from error


def prepare_folder(folder: Path, overwrite: bool, keep: bool = False) -> None:
    """Make a run folder; only what an earlier run has written there is deleted.

    Args:
        folder: Where.
        overwrite: Whether it may hold an earlier run.
        keep: Leave the files of that run where they are, because it goes on.

    Raises:
        InputError: It holds another run or files that are of none, is a file, or cannot be written.
    """
    check_folder(folder, overwrite)
    make_folder(folder)
    if keep:
        return
    try:  # or the pictures of one run would stand beside the figures of another
        for name in sorted(
            own_files(folder), key=lambda name: name == CONFIG
        ):  # last what says they are ours
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; give another folder") from error


def write_config(folder: Path, config: Config, files: Iterable[str]) -> None:
    """Write config.json with the list of the run's files, those to come included."""
    write_json(folder / CONFIG, with_files(folder, config, files))


def versions() -> dict[str, str]:
    """Versions of the package, its libraries and Python, and the commit, for config.json."""
    return {
        "sapts_pinn": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "git_commit": commit(),
    }
