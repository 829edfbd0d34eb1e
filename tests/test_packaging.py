"""The package list equals the tree, names load lazily, imports point one way, no machine paths; releases."""

import ast
import fnmatch
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from functools import partial
from pathlib import Path

import pytest
import torch

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
    assert {m for m in loaded if m.startswith("sapts_pinn.")} == {"sapts_pinn._version"}


@pytest.mark.parametrize("name", sapts_pinn.__all__)
def test_public_names_resolve(name):
    assert name in dir(sapts_pinn)
    assert getattr(sapts_pinn, name).__name__.rpartition(".")[2] == name


def test_solve_is_the_function_whatever_was_imported_before():
    first_the_rooms = "import sapts_pinn.solving.run; from sapts_pinn import solve; print(solve.__name__)"
    first_the_name = "from sapts_pinn import Solution, solve; import sapts_pinn as s; print(s.solve.__name__)"
    assert python(first_the_rooms) == python(first_the_name) == "solve\n"


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
        ("geometry/domains.py", "import sapts_pinn.problems", False),
        ("problems/problem.py", "from sapts_pinn.training.trainer import Trainer", False),
        ("sapts_pinn/derivatives/taylor.py", "from ..objectives.base import Objective", False),
        ("sapts_pinn/optim/curvature/base.py", "from ..trust_region import TrustRegion", False),
        ("problems/problem.py", "import sapts_pinn.geometry", True),
    ],
)
def test_import_contract(tmp_path, file, statement, allowed):
    root = copy_of_the_tree(tmp_path)
    with (root / file).open("a") as source:
        source.write(f"\n{statement}\n")
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert ("0 broken" in run.stdout) == allowed, run.stdout + run.stderr


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


def test_every_package_that_is_imported_is_a_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    named = {re.split(r"[\[>=<]", d)[0].lower() for d in (*project["dependencies"], *extras)}
    known = {*sys.stdlib_module_names, *named, "sapts_pinn"}
    # What some of them consist of or bring along.
    known |= {
        "PIL",
        "contourpy",
        "markupsafe",
        "mpl_toolkits",
        "trame_vtk",
        "vtkmodules",
        "typing_extensions",
    }
    imported = {}
    for path in package_files().values():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0]: path for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported[node.module.split(".")[0]] = path
    assert not {name: str(path) for name, path in imported.items() if name not in known}


def test_extras_and_required_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"view", "track", "docs", "bench", "export"} <= set(project["optional-dependencies"])
    required = {re.split(r"[\[>=<]", name)[0] for name in project["dependencies"]}
    assert {"torch", "deepxde", "scipy", "meshio", "pyvista", "numpy"} <= required
    assert not {"urls", "authors", "maintainers"} & set(project)
    lowest = project["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {lowest}" in project["classifiers"]


def test_the_conda_recipe_has_the_same_version_and_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    recipe = (ROOT / ".ci/conda/recipe.yaml").read_text()
    assert f'version: "{sapts_pinn.__version__}"' in recipe
    assert f"sapts-pinn = {project['scripts']['sapts-pinn']}" in recipe
    assert f'python_min: "{project["requires-python"].removeprefix(">=")}"' in recipe
    names = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    run = recipe.partition("  run:")[2].partition("tests:")[0]
    wanted = [re.match(r"([\w-]+)(>=.*)", d).groups() for d in project["dependencies"]]
    assert re.findall(r"- (.*)", run)[1:] == [f"{names.get(n, n)} {version}" for n, version in wanted]


def test_the_image_copies_what_there_is():
    copied = [
        line.split()[1:-1] for line in (ROOT / ".ci/Dockerfile").read_text().splitlines() if "COPY" in line
    ]
    assert copied and all((ROOT / name).exists() for names in copied for name in names)


def test_the_image_has_what_pictures_in_space_need():
    """Without them VTK ends the process, which `scene.py` prevents by a sentence that names them."""
    sentence = (ROOT / "sapts_pinn/viz/scene.py").read_text()
    wanted = re.findall(r"apt-get install ([\w ]+)\)", sentence)
    image = (ROOT / ".ci/Dockerfile").read_text()
    assert wanted == ["libegl1 libgl1"] and set(wanted[0].split()) <= set(image.split())
    assert f"apt-get install {wanted[0]}" in (ROOT / "docs/install.md").read_text()


@pytest.fixture(scope="module")
def distributions():
    """The script that builds a release."""
    spec = importlib.util.spec_from_file_location("distributions", ROOT / ".ci/distributions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ADDRESS = "https://files.invalid/raw/v0/"


def test_links_of_the_readme_are_absolute_on_pypi(distributions):
    text = '![a](b/c.png) [d](e.md#f) [g](#h) [i](https://j) <img src="k.png">\n```py\nx[l](m)\n```\n[n](o)'
    found = distributions.with_absolute_links(text, "https://z/")
    assert found == (
        "![a](https://z/b/c.png) [d](https://z/e.md#f) [g](#h) [i](https://j) "
        '<img src="https://z/k.png">\n```py\nx[l](m)\n```\n[n](https://z/o)'
    )
    readme = distributions.with_absolute_links((ROOT / "README.md").read_text(), ADDRESS)
    images = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", readme)
    assert images and all(image.startswith("https://") for image in images)
    here = [image.removeprefix(ADDRESS) for image in images if image.startswith(ADDRESS)]
    assert all((ROOT / image).is_file() for image in here)


@pytest.mark.slow
def test_distributions_hold_the_tree_and_install_into_an_empty_environment(distributions, tmp_path):
    sdist, wheel = sorted(distributions.build(ADDRESS, tmp_path), key=lambda path: path.suffix)
    archive = zipfile.ZipFile(wheel)
    names = {Path(name) for name in archive.namelist()}
    assert {name for name in names if name.parts[0] == "sapts_pinn"} == set(package_files())
    assert any(name.name == "LICENSE" for name in names)
    (metadata,) = (archive.read(str(name)).decode() for name in names if name.name == "METADATA")
    assert f"]({ADDRESS}" in metadata and not re.search(r"!\[[^\]]*\]\((?!https://)", metadata)
    with tarfile.open(sdist) as source:
        assert any(name.endswith("/kernels/dense.c") for name in source.getnames())

    # Empty but for the packages that it depends on, by a path: installing PyTorch again would take minutes.
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    own = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", own, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(pip, check=True)
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(f"{Path(torch.__file__).parents[1]}\n")
    code = (
        "import sapts_pinn, sys; from sapts_pinn import solve; from sapts_pinn.problems import build\n"
        "print(sapts_pinn.__file__)\n"
        "print(solve(build('burgers'), budget='2 iterations', network=(4,), points=64).result['iterations'])"
    )
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    run = partial(subprocess.run, cwd=tmp_path, env=clean, check=True, capture_output=True, text=True)
    where, steps = run([own, "-c", code]).stdout.splitlines()
    assert Path(where).is_relative_to(packages) and steps == "2"
    assert "burgers" in run([environment / "bin" / "sapts-pinn", "list"]).stdout
