"""The documentation: its examples run, every public name has one, and what it says of the package is so."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from documented import ROOT, blocks, examples, names_in, pages, run, short_runs  # noqa: F401

ROOMS = (
    *("sapts_pinn", "sapts_pinn.problems", "sapts_pinn.geometry", "sapts_pinn.optim"),
    *("sapts_pinn.optim.curvature", "sapts_pinn.callbacks", "sapts_pinn.viz", "sapts_pinn.supervised"),
    "sapts_pinn.deepxde",
)
ALONE = ("continuation.continuation", "ensemble.ensemble", "ensemble.Ensemble")
WITH_EXAMPLES = [page for page in pages() if examples(page)]


@pytest.mark.usefixtures("short_runs")
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_examples_of_a_page_run(page: Path) -> None:
    """Run the blocks of a page in turn, as a reader would copy them; budgets are cut, `documented.py`."""
    namespace: dict[str, Any] = {"__name__": "example"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of runs of three steps, and of libraries
        for code in examples(page):
            run(code, namespace)


def test_every_public_name_has_an_example_and_an_entry_in_the_api() -> None:
    used = {name for page in pages() for code in examples(page) for name in names_in(code)}
    entries = "\n".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    told = set(re.findall(r"^::: \S*\.(\w+)$|`(?:sapts_pinn\.)?(\w+)`", entries, re.MULTILINE))
    told = {name for pair in told for name in pair}
    public = {f"{room}.{name}" for room in ROOMS for name in import_module(room).__all__} | {*ALONE}
    assert len(public) > 100
    missing = {name for name in public if name.rpartition(".")[2] not in used & told}
    assert not missing


def test_what_is_not_executed_is_marked_with_the_reason() -> None:
    marked = [block for page in pages() for block in blocks(page) if not block.executed]
    assert 0 < len(marked) <= 4
    assert all(block.language in ("python", "sh") for block in marked)


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    assert len(re.findall(r"^.*\S", examples(ROOT / "README.md")[0], re.MULTILINE)) <= 15


def test_the_faq_has_every_limit_of_a_diagnosis() -> None:
    source = (ROOT / "sapts_pinn" / "results" / "diagnosis.py").read_text()
    limits = set(re.findall(r'(?:return|\()\s*"(\w+)",?\s', source)) & {
        *("sampling", "precision", "budget", "data", "conflict", "capacity"),
    }
    faq = (ROOT / "docs" / "faq.md").read_text()
    assert limits == {limit for limit in limits if f'### "limited by {limit}"' in faq} and len(limits) == 6


def hook(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the documentation's build."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "hooks"))
    return import_module(name)


def test_the_site_has_a_page_for_every_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made from the problem: its source, its printout, its literature."""
    from sapts_pinn.problems import ZOO

    gallery = hook("gallery", monkeypatch)
    index = gallery.index()
    assert all(f"[{name}]({name}.md)" in index for name in ZOO)
    text = gallery.page("helmholtz-6-6", ZOO["helmholtz-6-6"])
    assert "def helmholtz(" in text and "network of" in text and "## Statement and literature" in text
    pictures = list((ROOT / "docs" / "gallery" / "pictures").glob("*.png"))
    assert {path.stem for path in pictures} <= set(ZOO)
    assert all(path.stat().st_size < 40_000 for path in pictures)


def test_formulas_need_no_script_and_code_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    build = hook("build", monkeypatch)
    loads = '<script src="https://cdnjs.cloudflare.com/ajax/libs/mathjax/latest.js"></script>'
    page = build.of_notebook(f"{loads}<p>$x &lt; y^2$, <code>$5 and $6</code></p>$$\\bigl(a\\bigr)$$")
    assert page.count("<math") == 2 and "cdnjs" not in page
    assert "<code>$5 and $6</code>" in page and "big" not in page


def test_pictures_of_the_documentation_are_small() -> None:
    assert all(path.stat().st_size < 1_500_000 for path in (ROOT / "docs").rglob("*.gif"))
