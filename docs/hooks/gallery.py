"""Pages of the gallery, one for each problem of the zoo, made from the problem itself."""

from __future__ import annotations

import inspect
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: problems are small

from sapts_pinn.problems import ZOO, Problem
from sapts_pinn.problems.zoo import Entry

PICTURES = Path(__file__).parents[1] / "gallery" / "pictures"


def written(entry: Entry) -> tuple[ModuleType, Callable[..., Problem]]:
    """Module and function that state a problem; an entry with arguments calls it from a lambda."""
    build = getattr(entry.build, "func", entry.build)  # of a `functools.partial`
    if build.__name__ == "<lambda>":
        names = build.__code__.co_names  # one where module and function have the same
        build = getattr(build.__globals__[names[0]], names[-1])
    module = inspect.getmodule(build)
    assert module is not None
    return module, build


def picture(name: str) -> str:
    """Markdown of a problem's picture; empty where there is none."""
    path = PICTURES / f"{name}.png"
    return f"![{name}](pictures/{name}.png)\n\n" if path.is_file() else ""


def told(problem: Problem) -> list[str]:
    """Reference, published numbers and settings of a problem, one line each."""
    lines = []
    if problem.reference is not None:
        reference = problem.reference
        accuracy = f", accurate to {reference.accuracy:.0e}" if reference.accuracy else ""
        lines.append(f"- **Reference**: {reference.source}{accuracy}.")
    for name, quantity in problem.quantities.items():
        known = "" if quantity.value is None else f": {quantity.value:g} ({quantity.source})"
        lines.append(f"- **Quantity**: {name}{known}.")
    for coefficient in problem.coefficients:
        lines.append(f"- **Unknown number**: `{coefficient.name}`, sought from {coefficient.init:g} on.")
    for option, value in problem.options.items():
        lines.append(f"- **Default of `solve` here**: `{option}={value!r}`.")
    return lines


def flowing(docstring: str) -> str:
    """Markdown of a docstring: paragraphs flow, indented formulas stay as they are."""
    lines = docstring.splitlines()
    return "\n".join(line if line.startswith("    ") else re.sub(r"([*<])", r"\\\1", line) for line in lines)


def page(name: str, entry: Entry) -> str:
    """Markdown page of a problem."""
    module, build = written(entry)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a problem warns of is in its text
        problem = entry.build()
    text = inspect.getdoc(module) or ""
    return "\n".join(
        [
            f"# {name}\n",
            f"{entry.group}: {entry.summary}.\n",
            picture(name),
            *told(problem),
            "\n## Statement and literature\n",
            f"{flowing(text)}\n",
            "## Source\n",
            f"```python\n{inspect.getsource(build)}```\n",
            "## What the library makes of it\n",
            f"`print(build({name!r}))`:\n",
            f"```text\n{problem}\n```\n",
            "## Solve it\n",
            f"```sh\nsapts-pinn solve {name} --budget 1min --out runs/{name}\n```\n",
        ]
    )


def index() -> str:
    """Markdown table of all problems, by group."""
    rows = [
        "# Gallery\n",
        "Every problem of the zoo, `sapts_pinn.problems.ZOO`; `sapts-pinn list` prints the same list, and\n"
        "`make gallery` trains and draws them all. Pictures are of short runs with default settings: their\n"
        "caption tells the work and the error.\n",
    ]
    for group in dict.fromkeys(entry.group for entry in ZOO.values()):
        rows += [f"\n## {group}\n", "| problem | |", "|---|---|"]
        rows += [f"| [{n}]({n}.md) | {e.summary} |" for n, e in ZOO.items() if e.group == group]
    return "\n".join(rows)


def pages() -> dict[str, str]:
    """Markdown by path."""
    return {"gallery/index.md": index()} | {
        f"gallery/{name}.md": page(name, entry) for name, entry in ZOO.items()
    }
