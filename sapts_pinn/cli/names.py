"""`sapts-pinn list` and `info`: what there is to solve, to train on and to train with."""

from __future__ import annotations

import inspect
import json as json_
import sys
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from .. import catalogue
from ..errors import InputError, lookup
from .app import DONE, Name, Switch, app
from .messages import notes

if TYPE_CHECKING:
    from ..problems import Problem
    from ..problems.written import Written

Pair = tuple[str, str]  # a name, and what it stands for
INDENT = 14  # columns before the text of `info`


@app.command(name="list")
def list_(*, json: Switch = False) -> int:
    """Problems, methods and data sets, each with one line.

    Args:
        json: Print them as JSON, for other programs.
    """
    if json:
        print(json_.dumps(_as_json(), indent=2))
        return DONE
    by_group = sorted(catalogue.PROBLEMS.items(), key=lambda row: _groups().index(row[1].group))
    blocks = []
    for group, rows in groupby(by_group, key=lambda row: row[1].group):
        blocks.append(_block(f"Problems: {group}", [(n, row.summary) for n, row in rows], catalogue.PROBLEMS))
    blocks.append(_block("Methods", catalogue.METHODS.items(), catalogue.METHODS))
    sets = [
        (n, f"{row.summary}; networks: {', '.join(row.networks)}") for n, row in catalogue.DATA_SETS.items()
    ]
    blocks.append(_block("Data sets, to `train` on", sets, catalogue.DATA_SETS))
    others = catalogue.METHODS_ON_SAMPLES
    blocks.append(_block("Methods of `train`", others.items(), others))
    print("\n\n".join([*blocks, "`sapts-pinn info NAME` says more."]))
    return DONE


def _groups() -> list[str]:
    """Groups of problems in the order in which they come first."""
    return list(dict.fromkeys(row.group for row in catalogue.PROBLEMS.values()))


def _block(title: str, rows: Iterable[Pair], names: Iterable[str]) -> str:
    width = max(map(len, names))
    return "\n".join([title, *(f"  {name:<{width}}  {summary}" for name, summary in rows)])


def _as_json() -> dict[str, list[dict[str, object]]]:
    def methods(table: dict[str, str]) -> list[dict[str, object]]:
        return [{"name": name, "summary": summary} for name, summary in table.items()]

    return {
        "problems": [{"name": name, **row._asdict()} for name, row in catalogue.PROBLEMS.items()],
        "methods": methods(catalogue.METHODS),
        "data_sets": [{"name": name, **row._asdict()} for name, row in catalogue.DATA_SETS.items()],
        "methods_of_train": methods(catalogue.METHODS_ON_SAMPLES),
    }


@app.command
def info(name: Name, /, *, picture: Path | None = None, debug: Switch = False) -> int:
    """Say all about a problem, a method or a data set.

    Of a problem: equation, domain, conditions, reference solution, literature.

    Args:
        name: Of `sapts-pinn list`; of a problem also FILE.py or FILE.py:object.
        picture: Draw the reference solution of the problem into this file.
        debug: Show the traceback of an error.
    """
    lines = [line for kind in (_of_method, _of_data_set) for line in kind(name)]
    if picture is not None and lines and name not in catalogue.PROBLEMS:
        raise InputError(f"{name} is no problem and has no picture; leave out --picture")
    if not lines:
        lines = _of_problem(name, picture)
    print("\n".join(lines))
    return DONE


def _rows(pairs: Iterable[Pair]) -> Iterator[str]:
    """Lines with a heading of 12 characters, which the lines that follow from one text do not repeat."""
    for heading, text in pairs:
        for number, line in enumerate(text.splitlines()):
            yield f"  {'' if number else heading:<{INDENT - 2}}{line}".rstrip()


def _of_method(name: str) -> list[str]:
    tables = (("solve", catalogue.METHODS, "burgers"), ("train", catalogue.METHODS_ON_SAMPLES, "mnist"))
    found = [
        (f"of `{command}`", f"{table[name]}\nsapts-pinn {command} {example} --method {name}")
        for command, table, example in tables
        if name in table
    ]
    return [f"{name}, a method", *_rows(found)] if found else []


def _of_data_set(name: str) -> list[str]:
    if name not in catalogue.DATA_SETS:
        return []
    row = catalogue.DATA_SETS[name]
    pairs = [("networks", ", ".join(row.networks)), ("train with", f"sapts-pinn train {name}")]
    return [f"{name}, a data set: {row.summary}", *_rows(pairs)]


def _of_problem(name: str, picture: Path | None) -> list[str]:
    from ..problems.references import Reference
    from ..solving.sources import load_source
    from .messages import is_file

    if not is_file(name):
        everything: dict[str, object] = {**catalogue.PROBLEMS, **catalogue.METHODS, **catalogue.DATA_SETS}
        if name not in everything:
            from ..problems.pinnacle import PINNACLE

            lookup(name, {**everything, **PINNACLE}, "name")
    with notes(quiet=True):
        source = load_source(name)
    problem, row = source.problem, catalogue.PROBLEMS.get(name)
    about = problem.reference
    known = (
        f"{about.source}, good to {about.accuracy:.0e}"
        if isinstance(about, Reference)
        else "a given function"
    )
    pairs = [
        ("equation", "\n".join(_equations(problem))),
        ("domain", repr(problem.domain)),
        ("conditions", "\n".join(_conditions(problem))),
        ("coefficient", "\n".join(map(str, problem.coefficients))),
        ("reference", "none" if about is None else known),
        ("quantities", ", ".join(problem.quantities)),
        ("literature", _literature(name)),
        ("solve with", f"sapts-pinn solve {name}"),
    ]
    title = (
        f"{name}: {row.summary} ({row.group})"
        if row
        else ", of ".join(dict.fromkeys([problem.name, source.text]))
    )
    lines = [title, *_rows(pair for pair in pairs if pair[1])]
    if picture is not None:
        from ..results.known import plot_reference

        lines += [*_rows([("picture", str(plot_reference(problem, picture)))])]
    return lines


def _equations(problem: Problem) -> list[str]:
    from ..problems.written import as_text, statement_of

    found = statement_of(problem)
    lines = [as_text(formula) for formula in found["equations"] or ()]
    if not lines or None in lines:
        lines = [
            f"{problem.equation_term.rows}, in a form that has no formula, as that of a table or a branch"
        ]
    return [*map(str, lines), *(f"where {_condition(row)}" for row in found["where"])]


def _conditions(problem: Problem) -> list[str]:
    from ..problems.written import statement_of

    return [_condition(row) for row in statement_of(problem)["conditions"]]


def _condition(row: Written) -> str:
    """A condition in a line: its formula and its place, or its words."""
    from ..problems.written import as_text, place

    formula = as_text(row["left"], row["right"]) if "left" in row else None
    surface = as_text(row["surface"]) if "surface" in row else None
    where = f"across {surface}" if surface else place({k: str(v) for k, v in row.items()})
    return row["words"] if formula is None else f"{formula} {where}".rstrip()


def _literature(name: str) -> str:
    """Docstrings of the function and of the module of a problem of ours, which name its sources."""
    from ..problems.pinnacle import PINNACLE
    from ..problems.zoo import BUILDERS

    make = {**BUILDERS, **PINNACLE}.get(name)
    if make is None:
        return ""
    function = getattr(make, "func", make)  # of a `partial`
    texts = [inspect.getdoc(function), sys.modules[function.__module__].__doc__]
    whole = "\n\n".join(text.partition("\nArgs:")[0].strip() for text in texts if text)
    return "\n\n".join(_wrapped(paragraph) for paragraph in whole.split("\n\n"))


def _wrapped(paragraph: str) -> str:
    """A paragraph in lines that fit 80 columns; formulas, which are indented, stay as they are."""
    return paragraph if paragraph.startswith(" ") else textwrap.fill(paragraph, 80 - INDENT)
