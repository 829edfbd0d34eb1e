"""A solution as a notebook shows it: its summary as a table, with its picture beside."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..viz import plot_solution
from ..viz.view import View


def notebook_html(solution: View, summary: Sequence[str]) -> str:
    """Make the HTML of a solution, in one piece without links.

    Args:
        solution: What to draw.
        summary: Lines of `print(solution)`, the title first.
    """
    title, *lines = summary
    rows = "".join(_row(line) for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        picture = plot_solution(solution, Path(folder) / "solution.png").read_bytes()
    image = base64.b64encode(picture).decode()
    return (
        f"<div><p><b>{escape(title)}</b></p><table>{rows}</table>"
        f'<img alt="{escape(title)}" style="max-width: 100%" src="data:image/png;base64,{image}"></div>'
    )


def _row(line: str) -> str:
    """A line `  label     text` as a row."""
    label, _, text = line.strip().partition("  ")
    style = ' style="text-align: left"'
    return f"<tr><th{style}>{escape(label)}</th><td{style}>{escape(text.strip())}</td></tr>"
