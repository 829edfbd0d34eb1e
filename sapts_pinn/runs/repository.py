"""The Git repository of this package, if it runs from one: the commit that a run records.

A package that is installed inside somebody's repository, such as in the environment of a project, finds that
repository as well.  Its commit says nothing about the package: only a repository that tracks this very file
counts.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 10.0  # for an answer of Git
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # set in hooks


def commit() -> str:
    """The commit that is checked out; empty where the package is in no repository of its own."""
    return _git("rev-parse", "HEAD").strip() if _is_tracked() else ""


def is_modified() -> bool:
    """Return whether tracked files of the repository differ from the commit."""
    return _is_tracked() and bool(_git("status", "--porcelain", "--untracked-files=no"))


def _is_tracked() -> bool:
    return bool(_git("ls-files", "--error-unmatch", "--", Path(__file__).name))


def _git(*arguments: str) -> str:
    """Output of a command of Git beside this file; empty where it fails or there is no Git."""
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
