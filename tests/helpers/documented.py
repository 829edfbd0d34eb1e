"""Examples of the documentation: fenced blocks of Python, and runs short enough for a test."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import wandb_stand_in

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- not executed: [^\n]+ -->\n)?^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHORT = {"budget": "2 iterations", "points": 64, "condition_points": 16, "network": (4,)}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: "python", "sh", "text", ...
        code: Its lines.
        executed: Whether the page does not say that it is not executed.
    """

    language: str
    code: str
    executed: bool


def pages() -> list[Path]:
    """The README and every page of the documentation that is written by hand."""
    written = (p for p in (ROOT / "docs").rglob("*.md") if "tutorials" not in p.parts)
    return [ROOT / "README.md", *sorted(written)]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    return [Block(m[2], m[3], not m[1]) for m in BLOCK.finditer(page.read_text())]


def examples(page: Path) -> list[str]:
    """Blocks of Python that are to be executed, in order."""
    return [b.code for b in blocks(page) if b.language == "python" and b.executed]


def names_in(code: str) -> set[str]:
    """Names that some code uses, where they are read."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def shortened(solve: Callable[..., Any]) -> Callable[..., Any]:
    """`solve` with runs of a few steps of a tiny network on few points; settings that resume are kept."""

    @functools.wraps(solve)
    def short(problem: Any, **given: Any) -> Any:
        resumed = given.get("resume") is not None
        own = {"network": given["network"]} if given.get("network") is not None else {}
        settings = {"budget": "3 iterations"} if resumed else {**SHORT, **own}
        if given.get("parts") or str(given.get("method", "")).startswith("sapts"):
            settings.pop("network", None)  # one of several layers, which can be divided
            settings |= {} if resumed else {"network": (4, 4, 4), "points": 256}
        return solve(problem, **{**given, **settings})

    return short


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make every run of an example short, in a folder of its own."""
    import sapts_pinn
    from sapts_pinn import continuation, ensemble
    from sapts_pinn.solving.run import solve

    short = shortened(solve)
    monkeypatch.setattr(sapts_pinn, "solve", short, raising=False)
    monkeypatch.setattr(continuation, "solve", short)
    monkeypatch.setattr(ensemble, "solve", short)
    monkeypatch.chdir(tmp_path)
    wandb_stand_in.install(monkeypatch)


def run(code: str, namespace: dict[str, Any]) -> None:
    """Execute an example as a reader would who copies it, with budgets of two iterations."""
    code = re.sub(r"(budget=|\"sapts-d\", )\"\d+(?:s|min)\"", r'\1"2 iterations"', code)
    code = re.sub(r"\b(iterations=|range\()\d{3,}\b", r"\g<1>3", code)
    exec(compile(code, "<example>", "exec", dont_inherit=True), namespace)
