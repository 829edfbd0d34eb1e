"""The tutorials: each notebook says what its script says, holds its outputs, and runs in a fresh kernel."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import pytest

with warnings.catch_warnings():  # of libraries of the notebooks' world, about themselves
    warnings.simplefilter("ignore")
    import jupytext
    import nbformat
    from jupyter_client.provisioning import local_provisioner
    from nbclient import NotebookClient

from forked_kernel import launch_kernel

TUTORIALS = Path(__file__).parents[1] / "tutorials"
SECONDS = 180  # for a cell
ERRORS = {  # what the shortened budgets reach
    "01_first_pde": 5e-2,
    "02_your_own_equation": 5e-2,
    "03_additive_preconditioner": 1e-5,
    "04_several_ranks": 1e-5,
    "05_deepxde_users": 0.5,
    "06_classifiers_and_text": 0.2,
    "07_geometry_from_a_mesh": 5e-2,
    "08_inverse_problem": 0.2,
    "09_where_to_put_the_points": 0.5,
    "10_allen_cahn": 0.5,
    "11_choosing_a_method": 0.2,
    "12_your_own_curvature": 1e-2,
}
EVALUATIONS = {  # for a second of a budget, where not 2: the same work on any machine
    "06_classifiers_and_text": 0.1,
    "07_geometry_from_a_mesh": 25,
    "08_inverse_problem": 15,
    "10_allen_cahn": 8,
}
LONG = ("10_allen_cahn", "11_choosing_a_method")  # run by `make test-slow`
DATA = TUTORIALS.parents[1] / "shared" / "data"  # without which tutorial 6 would fetch some
HELPERS = Path(__file__).with_name("helpers")
# Goes before the cells of a tutorial, each of whose runs would end with seconds of it.
SHORT_ESTIMATES = "from short_estimates import shorten; shorten()"
FEWER_SAMPLES = "from fewer_samples import thin; thin('mnist', 5_000); thin('tinyshakespeare', 30_000)"
# One tutorial runs as a user has it: in a kernel of its own, with a launch of torchrun.
LAUNCHING = "04_several_ranks"
LATER_RANKS = "from forked_ranks import replace; replace()"
FIRST = {"06_classifiers_and_text": FEWER_SAMPLES, LAUNCHING: LATER_RANKS}


# Numbers of the text that no output shows, with what they are.
NOT_SHOWN = {
    "01_first_pde": {"15": "45 - 30 seconds"},
    "02_your_own_equation": {"8": "something to try"},
    "05_deepxde_users": {"15,000": "of DeepXDE's own example"},
    "06_classifiers_and_text": {
        **dict.fromkeys(("784", "128", "10"), "widths of the network"),
        "65": "characters of the text",
    },
    "08_inverse_problem": {
        "95": "of 100: two standard deviations",
        **dict.fromkeys(("68", "97"), "of test_uncertainty"),
    },
    "09_where_to_put_the_points": {
        **dict.fromkeys(("50", "200"), "steps of the default `resample`, of test_course"),
        "2207.10289": "a preprint",
    },
    "12_your_own_curvature": {"1988": "a year", "6,000": "of curvature_by_size"},
}
NUMBER = re.compile(r"(?<![\w.^_/-])[-−+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w)")
# Not prose: blocks of code, formulas, names in code, titles, numbers of sections. A formula may be a number.
NOT_PROSE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\$(?P<formula>[^$]*)\$|`[^`]*`|^#.*?$"
    r"|\b(?:[Ss]ections?|[Tt]utorials?|data of)\s+\d+(?:\.\d+)?",
    re.DOTALL | re.MULTILINE,
)


def prose(markdown: str) -> str:
    def kept(match: re.Match[str]) -> str:
        formula = match["formula"] or ""
        return formula if re.fullmatch(r"[-+]?[\d.,]+", formula) else " "

    return NOT_PROSE.sub(kept, markdown)


def number(text: str) -> float:
    return float(text.replace(",", "").replace("_", "").replace("−", "-"))


def names() -> list[str]:
    return sorted(path.stem for path in TUTORIALS.glob("[0-9]*.py"))


def shortened(source: str, rate: float) -> str:
    """A cell with its budgets of seconds as so many evaluations each, and those of work divided by three.

    What is tested is that everything runs, and learns something.  A clock of the notebook's own counts the
    seconds of its process, whatever else the machine does.
    """
    source = re.sub(r"(\d{3,}) (evaluations|iterations)", lambda m: f"{int(m[1]) // 3} {m[2]}", source)
    source = re.sub(r"""(["'])(\d+)s\1""", lambda m: f"{m[1]}{int(m[2]) * rate:g} evaluations{m[1]}", source)
    source = re.sub(r"^(SECONDS = )(\d+)$", lambda m: f"{m[1]}{int(m[2]) / 10}", source, flags=re.MULTILINE)
    source = source.replace("time.perf_counter()", "time.process_time()")
    return re.sub(r'^script = """\n', f'script = """\n{SHORT_ESTIMATES}\n', source, flags=re.MULTILINE)


def text_of(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") for output in outputs)


def test_every_tutorial_is_a_pair() -> None:
    assert names() == sorted(ERRORS)
    assert names() == sorted(path.stem for path in TUTORIALS.glob("*.ipynb"))


@pytest.mark.parametrize("name", ERRORS)
def test_notebook_and_script_hold_the_same_cells(name: str) -> None:
    script = jupytext.read(TUTORIALS / f"{name}.py")
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    for number, (a, b) in enumerate(zip(script.cells, notebook.cells, strict=True)):
        assert (a.cell_type, a.source) == (b.cell_type, b.source), f"cell {number}: run tutorials/execute.py"
    assert notebook.metadata.jupytext.formats == "ipynb,py:percent"


@pytest.mark.parametrize("name", ERRORS)
def test_notebook_is_committed_with_outputs_and_without_the_machine(name: str) -> None:
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum("image/png" in output.get("data", ()) for output in outputs) >= 2
    assert not any(output.output_type == "error" for output in outputs)
    text = text_of(notebook)
    assert not re.search(r"/(home|root|work|tmp|usr|Users)/|0x[0-9a-f]{6}", text)
    assert all(not cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("name", ERRORS)
def test_every_number_of_the_text_is_in_an_output_or_a_setting(name: str) -> None:
    """Signs apart, to the digits that the text gives; the exceptions are few, and all of them are there."""
    notebook = nbformat.read(TUTORIALS / f"{name}.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    pattern = r"\d[\d,_]*(?:\.\d+)?(?:e[-+]?\d+)?"
    known = [number(found) for found in re.findall(pattern, text_of(notebook) + "\n" + code)]
    missing = {}
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for match in NUMBER.finditer(prose(cell.source)):
            said = match[0].rstrip(",")
            mantissa, _, exponent = said.partition("e")
            half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
            if not any(abs(value - abs(number(said))) <= half * (1 + 1e-9) for value in known):
                missing[said.lstrip("-+−")] = cell.source
    assert missing.keys() == NOT_SHOWN.get(name, {}).keys(), missing


@pytest.mark.first
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in ERRORS]
)
def test_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel of this environment, whether or not the environment is activated, and nothing of the user's.
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("SAPTS_PINN_DATA", str(DATA))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")]))
    if name == "06_classifiers_and_text" and not DATA.is_dir():
        pytest.skip(f"no data folder {DATA}")
    notebook = jupytext.read(TUTORIALS / f"{name}.py")
    for cell in notebook.cells:
        cell.source = shortened(cell.source, EVALUATIONS.get(name, 2))
    path = f"import sys; sys.path.append({str(HELPERS)!r})"
    first = "\n".join([path, SHORT_ESTIMATES, FIRST.get(name, "")])
    notebook.cells.insert(0, nbformat.v4.new_code_cell(first))
    if name != LAUNCHING:
        monkeypatch.setattr(local_provisioner, "launch_kernel", launch_kernel)
    resources = {"metadata": {"path": str(tmp_path)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
    found = re.search(r"final error: (\S+)", text_of(notebook))
    assert found, "the last code cell prints the final error"
    assert float(found[1]) < ERRORS[name]


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (TUTORIALS.parent / "README.md").read_text()
    code = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert code and '"30s"' in code[1]
    exec(code[1].replace('"30s"', '"3 iterations"'), {})
    assert (tmp_path / "burgers.png").stat().st_size > 10_000


def test_the_readme_shows_what_the_first_tutorial_found() -> None:
    readme = (TUTORIALS.parent / "README.md").read_text()
    said = re.search(r"```text\n(.*?)```", readme, flags=re.DOTALL)
    assert said and said[1] in text_of(nbformat.read(TUTORIALS / "01_first_pde.ipynb", as_version=4))
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        assert (TUTORIALS.parent / link).exists(), link
    assert all(path.stat().st_size < 150_000 for path in (TUTORIALS / "figures").iterdir())
