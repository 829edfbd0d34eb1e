"""The commit of a run is that of the package's own repository, and of no other around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sapts_pinn.runs import repository

AUTHOR = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
ASK = "from sapts_pinn.runs.repository import commit, is_modified; print(commit(), is_modified())"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *AUTHOR, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository of somebody's own with a copy of the package in its environment."""
    git(tmp_path, "init", "-q")
    (tmp_path / "README").write_text("another project")
    git(tmp_path, "add", "README")
    git(tmp_path, "commit", "-qm", "first")
    package = tmp_path / "environment" / "sapts_pinn"
    shutil.copytree(Path(repository.__file__).parent, package / "runs")
    (package / "__init__.py").touch()
    return tmp_path


def asked(project: Path, **variables: str) -> list[str]:
    environment = {**os.environ, **variables, "PYTHONPATH": str(project / "environment")}
    command = [sys.executable, "-B", "-c", ASK]
    return subprocess.check_output(command, cwd=project, env=environment, text=True).split()


def test_a_repository_around_an_installed_package_is_not_its_own(project):
    assert asked(project) == ["False"]
    (project / "README").write_text("changed")
    assert asked(project) == ["False"]
    assert asked(project, GIT_DIR=str(project / ".git"), GIT_WORK_TREE=str(project)) == ["False"]


def test_the_repository_that_tracks_the_package_is(project):
    git(project, "add", "environment")
    git(project, "commit", "-qm", "with the package")
    head = git(project, "rev-parse", "HEAD")
    assert asked(project) == [head, "False"]
    (project / "environment" / "sapts_pinn" / "__init__.py").write_text("x = 1\n")
    assert asked(project) == [head, "True"]


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert repository.commit() == "" and not repository.is_modified()
