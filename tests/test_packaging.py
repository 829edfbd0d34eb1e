"""The package list equals the tree, names load lazily, imports point one way, no machine paths."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import sapts_pinn

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"sapts_pinn": "sapts_pinn", "sapts_pinn.geometry": "geometry", "sapts_pinn.problems": "problems"}
SYMLINKS = ["geometry", "problems"]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def project_files() -> list[Path]:
    """Every file that git tracks or would add, relative to the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({Path(name) for name in listing.split("\0") if name and os.path.lexists(ROOT / name)})


def package_files() -> dict[Path, Path]:
    """Where each file of the three folders installs: path in the wheel -> path in the tree.

    The scripts that made the reference data run from the checkout and are not installed.
    """
    installed = {}
    for package, folder in FOLDERS.items():
        for file in project_files():
            left_out = (ROOT / file).is_symlink() or "scripts" in file.parts
            if file.parts[0] == folder and not left_out:
                installed[Path(*package.split("."), *file.parts[1:])] = file
    return installed


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_every_package_is_listed_and_every_listed_package_exists():
    in_tree = {".".join(path.parent.parts) for path in package_files() if path.name == "__init__.py"}
    assert sorted(SETUPTOOLS["packages"]) == sorted(in_tree)


def test_every_python_file_lies_in_a_package():
    loose = {
        path
        for path in package_files()
        if path.suffix == ".py" and ".".join(path.parent.parts) not in SETUPTOOLS["packages"]
    }
    assert not loose, "a folder lacks its __init__.py"


def test_folders_map_to_packages():
    assert SETUPTOOLS["package-dir"] == FOLDERS


def test_every_data_file_is_declared():
    patterns = [
        "/".join([*package.split("."), pattern.replace("**/", "")])
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
    ]
    missing = [
        path
        for path in package_files()
        if path.suffix != ".py" and not any(fnmatch.fnmatch(path.as_posix(), p) for p in patterns)
    ]
    assert not missing, "not in [tool.setuptools.package-data]: an installation would lack it"


@pytest.mark.parametrize("name", SYMLINKS)
def test_symlinks_are_relative(name):
    assert os.readlink(ROOT / "sapts_pinn" / name) == f"../{name}"


def test_import_loads_nothing_heavy():
    loaded = set(json.loads(python("import sys, json, sapts_pinn; print(json.dumps(list(sys.modules)))")))
    assert not loaded & {"torch", "numpy", "scipy", "deepxde", "pyvista", "matplotlib", "rich", "cyclopts"}
    assert {m for m in loaded if m.startswith("sapts_pinn.")} == set()


@pytest.mark.parametrize("name", sapts_pinn.__all__)
def test_public_names_resolve(name):
    assert name in dir(sapts_pinn)
    assert getattr(sapts_pinn, name).__name__.rpartition(".")[2] == name


def test_solve_is_the_function_whoever_imported_the_module_first():
    first_the_module = "import sapts_pinn.solve; from sapts_pinn import solve; print(solve.__name__)"
    first_the_name = "from sapts_pinn import Solution, solve; import sapts_pinn as s; print(s.solve.__name__)"
    assert python(first_the_module) == python(first_the_name) == "solve\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Dirichle'"):
        sapts_pinn.__getattr__("Dirichle")


def copy_of_the_tree(target: Path) -> Path:
    for file in project_files():
        destination = target / file
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, destination, follow_symlinks=False)
    return target


@pytest.mark.parametrize(
    ("file", "statement", "allowed"),
    [
        ("geometry/domains.py", "import sapts_pinn.taylor", False),
        ("problems/base.py", "from sapts_pinn.training import train", False),
        ("sapts_pinn/taylor.py", "from .objective import Objective", False),
        ("problems/base.py", "import sapts_pinn.geometry", True),
    ],
)
def test_import_contract(tmp_path, file, statement, allowed):
    root = copy_of_the_tree(tmp_path)
    with (root / file).open("a") as source:
        source.write(f"\n{statement}\n")
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert ("KEPT" if allowed else "BROKEN") in run.stdout, run.stdout + run.stderr


def test_nothing_of_a_machine_or_a_person_is_in_the_tree():
    # The brackets keep the patterns from finding themselves here.
    paths = re.compile(r"(?:^|[^\w.])/(?:wor[k]|far[m]|roo[t]|hom[e]|User[s])/|\b[A-Z]:\\User[s]")
    mail = re.compile(r"[\w.+-]+@[\w-]+\.(?:com|org|net|edu|de|ch|io)\b")
    found = []
    for file in project_files():
        if (ROOT / file).is_symlink():
            continue
        for number, line in enumerate((ROOT / file).read_text(errors="ignore").splitlines(), 1):
            if paths.search(line) or mail.search(line):
                found.append(f"{file}:{number}: {line.strip()[:120]}")
    assert not found


@pytest.mark.slow
def test_wheel_holds_exactly_the_tree(tmp_path):
    root = copy_of_the_tree(tmp_path / "tree")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, root], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if name.parts[0] == "sapts_pinn"} == set(package_files())
    assert any(name.name == "LICENSE" for name in names)


def test_make_test_finds_every_test_with_a_budget_of_seconds() -> None:
    mark = "pytest.mark." + "alone"
    marked = [
        str(path) for path in project_files() if path.suffix == ".py" and mark in (ROOT / path).read_text()
    ]
    assert marked == ["tests/test_tutorials.py"]
    assert f"'alone and not slow' {marked[0]} " in (ROOT / "Makefile").read_text()
