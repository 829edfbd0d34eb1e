"""The report of a run: one HTML file that needs nothing beside it, made from the files of the run folder.

It shows what is there: of a problem its equation, the solution and its error, of a data set learning curves
and mistakes, or a text.  What a file says is escaped, as a run folder may come from anybody.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from ..audit import lines
from ..errors import InputError
from ..optim.earnings import Earnings
from ..runs.content import Config, Result, Row
from ..runs.files import write_text
from ..runs.history import read_history
from ..runs.status import Status
from ..viz import plot_sweeps
from .charts import Chart, Curve
from .comparison import FolderComparison
from .pages import number, plain, render, typeset
from .repeat import command
from .uncertainty import combined_errors, estimate

PICTURES = {
    "Solution": "solution.png",
    "Learning curves": "curves.png",
    "Confusion": "confusion.png",
    "Worst mistakes": "mistakes.png",
}
FILES = {
    "solution.vtu": "fields for ParaView",
    "history.csv": "a row for each recorded step",
    "result.json": "what came out, for programs",
    "config.json": "what the run depends on, for programs",
    "scene.html": "the scene by itself",
}
MERITS = {  # of result.json: label, format
    "relative_l2_error": ("relative L2 error", ".2e"),
    "test_accuracy": ("test accuracy", ".2%"),
    "test_error_rate": ("test error rate", ".2%"),
    "test_nats_per_character": ("nats per character", ".4f"),
    "test_bits_per_character": ("bits per character", ".4f"),
}
TOLD_ELSEWHERE = {  # of result.json, in sections of their own
    "audit", "diagnosis", "error_estimate", "remarks", "symmetry", "coefficients", "quantities", "status",
}  # fmt: skip
NO_SETTINGS = {"description", "statement", "fingerprint", "files", "versions", "machine", "scales"}
LARGEST_SCENE = 8 * 2**20  # bytes of a scene that is put into the page


def merits(result: Result) -> list[tuple[str, str]]:
    """Measures of a run's quality: label and number."""
    known = dict(result)
    return [(label, number(known[name], form)) for name, (label, form) in MERITS.items() if name in known]


def write_report(folder: Path, result: Result | None = None) -> Path:
    """Write report.html into a run folder.

    Args:
        folder: Holds config.json and result.json; history.csv, pictures, scene.html and sample.txt where
            there are any.
        result: In place of result.json, which a run that was killed has not got.

    Returns:
        The report's path.

    Raises:
        InputError: A file is missing.
    """
    config: Config = json.loads(_read(folder / "config.json"))
    result = result or json.loads(_read(folder / "result.json"))
    rows = read_history(folder / "history.csv")
    path = folder / "report.html"
    write_text(path, render("report.html", **_content(folder, config, result, rows)))
    return path


def write_comparison(found: FolderComparison, path: Path) -> Path:
    """Write a page with runs beside each other: figures, settings that differ, loss and error over time.

    Args:
        found: The runs.
        path: Where, an .html file.

    Returns:
        The path.
    """
    heads, rows = found.table
    charts = [
        Chart(title, "seconds", [Curve(run.name, *_column(run.history, column)) for run in found.runs])
        for title, column in (("Error", "relative_l2_error"), ("Loss", "loss"))
    ]
    links = [_link(run.folder / "report.html", path.parent) for run in found.runs]
    write_text(
        path,
        render(
            "comparison.html",
            title=f"Comparison of {len(rows)} runs",
            heads=heads,
            rows=[*zip(rows, links, strict=True)],
            differing=[*found.differing.items()],
            charts=[chart for chart in charts if chart],
        ),
    )
    return path


def _link(target: Path, base: Path) -> str:
    """Relative address of a file beside or below a folder, empty where it is not there."""
    inside = target.is_file() and target.is_relative_to(base.absolute())
    return f"./{quote(target.relative_to(base.absolute()).as_posix())}" if inside else ""


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path.parent} has no {path.name}, so that there is nothing to report")
    return path.read_text(encoding="utf-8")


def _content(folder: Path, config: Config, result: Result, rows: Sequence[Row]) -> dict[str, object]:
    """Content of the template."""
    pictures = [(title, _picture(folder / name)) for title, name in PICTURES.items()]
    sample, scene, status = folder / "sample.txt", folder / "scene.html", Status.parse(result["status"])
    found = result.get("error_estimate")
    charts = [] if any(picture for name, picture in pictures if name == "Learning curves") else _charts(rows)
    content: dict[str, object] = {
        "title": f"{result.get('problem') or result.get('task')} by {result['method']}",
        "status": status,
        "failed": status.reason.cut_short,
        "diagnosis": result.get("diagnosis"),
        "audit": lines(result.get("audit")),
        "doubt": found["words"] if found and not found["reliable"] else "",
        "remarks": result.get("remarks", []),
        "figures": _figures(result),
        "problem": config.get("description", ""),
        "typeset": typeset(config),
        "symmetry": [*(result.get("symmetry") or {}).items()],
        "scene": _scene(scene),
        "pictures": [(title, picture) for title, picture in pictures if picture],
        "sample": sample.read_text(encoding="utf-8") if sample.is_file() else "",
        "errors": _errors(result),
        "error_words": "" if found is None else f"{found['words'][:1].upper()}{found['words'][1:]}.",
        "charts": charts,
        "sweeps": _drawn(plot_sweeps, rows),
        "parts": _parts(rows),
        "earnings": Earnings.of(result.get("earnings")).words,
        "results": [(_label(k), plain(v)) for k, v in result.items() if k not in TOLD_ELSEWHERE],
        "settings": [(_label(k), plain(v)) for k, v in config.items() if k not in NO_SETTINGS],
        "machine": [(k, plain(v)) for k, v in config.get("machine", {}).items()],
        "versions": [(_label(k), plain(v)) for k, v in config.get("versions", {}).items()],
        "command": command(config),
        "files": [(name, what) for name, what in FILES.items() if (folder / name).is_file()],
    }
    return {**content, "contents": _contents(content)}


def _contents(content: dict[str, object]) -> list[tuple[str, str]]:
    """Sections that are there, with their headings."""
    there = {
        "summary": ("Summary", True),
        "problem": ("Problem", content["problem"]),
        "solution": (
            "Solution" if content["problem"] else "Pictures",
            content["scene"] or content["pictures"],
        ),
        "error": ("Error estimate", content["errors"]),
        "course": ("Course of the training", content["charts"] or content["sweeps"]),
        "parts": ("Parts", content["parts"]),
        "result": ("Result", True),
        "settings": ("Settings, machine and versions", True),
        "files": ("Files", content["files"]),
    }
    return [(key, heading) for key, (heading, shown) in there.items() if shown]


def _label(name: str) -> str:
    return name.replace("_", " ")


def _picture(path: Path) -> str:
    """A picture as text to be put into a page; empty if the file is missing."""
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else ""


def _scene(path: Path) -> str:
    """The page of a scene; empty if it is missing, or too large to be put into another one."""
    if not path.is_file() or path.stat().st_size > LARGEST_SCENE:
        return ""
    return path.read_text(encoding="utf-8")


def _drawn(plot: Callable[[Sequence[Row], Path], Path | None], rows: Sequence[Row]) -> str:
    """A picture of the history as text; nothing when there is nothing to draw."""
    if len(rows) < 2:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = plot(rows, Path(folder) / "history.png")
        return "" if path is None else _picture(path)


def _column(rows: Sequence[Row], name: str, over: str = "seconds") -> tuple[list[float], list[float | None]]:
    """Values of a column over those of another one."""
    known = [row for row in rows if row.get(over) is not None]
    return [float(row[over] or 0.0) for row in known], [row.get(name) for row in known]


def _charts(rows: Sequence[Row]) -> list[Chart]:
    """Curves of the history."""
    progress = {"loss": "loss", "relative_l2_error": "relative L2 error"}
    wanted = [
        ("Loss and error over time", "seconds", progress),
        ("Loss and error over work", "gradient_evaluations", progress),
        ("Trust region", "seconds", {"radius": "radius", "rho": "rho, where it is positive"}),
    ]
    charts = [
        Chart(
            title, _label(over), [Curve(label, *_column(rows, name, over)) for name, label in names.items()]
        )
        for title, over, names in wanted
    ]
    return [chart for chart in charts if chart]


def _figures(result: Result) -> list[tuple[str, str]]:
    """The most important numbers."""
    return [
        *merits(result),
        *_estimated(result),
        ("loss", number(result.get("loss"), ".2e")),
        ("time", f"{number(result.get('seconds'), '.1f')} s"),
        ("steps", number(result.get("iterations"), ",.0f")),
        ("gradient evaluations", number(result.get("gradient_evaluations"), ",.0f")),
        ("parameters", number(result.get("parameters"), ",.0f")),
        *((n, _estimate(v, result, n)) for n, v in (result.get("coefficients") or {}).items()),
        *((name, number(q["value"], ".6g")) for name, q in (result.get("quantities") or {}).items()),
    ]


def _estimated(result: Result) -> list[tuple[str, str]]:
    """The error estimate, where there is one."""
    found = result.get("error_estimate")
    if not found:
        return []
    doubt = "" if found["reliable"] else " (not reliable)"
    return [(f"estimated error{doubt}", number(found["relative"], ".1e"))]


def _errors(result: Result) -> list[list[str]]:
    """A row for each unknown with the estimate of its error."""
    found = result.get("error_estimate")
    if not found:
        return []
    kinds = found.get("relative_l2", {}), found.get("l2", {}), found.get("max", {})
    return [[name, *(number(kind.get(name), ".1e") for kind in kinds)] for name in kinds[1]]


def _estimate(value: float | None, result: Result, name: str) -> str:
    return "–" if value is None else estimate(value, combined_errors(result).get(name), "±")


def _parts(rows: Sequence[Row]) -> list[list[str]]:
    """A row for each part of a SAPTS method, from the columns of the history."""
    table, part = [], 1
    while rows and any(f"part{part}_gain" in row for row in rows):
        keys = ("gain", "steps", "accepted", "work", "radius")
        visits = [[row.get(f"part{part}_{key}") for key in keys] for row in rows]
        known = [[float(v or 0.0) for v in visit] for visit in visits if visit[0] is not None]
        if known:
            gain, steps, taken, work, _ = (sum(column) for column in zip(*known, strict=True))
            row_ = [f"{len(known)}", f"{steps:,.0f}", f"{taken:,.0f}", f"{work:,.1f}"]
            table.append([str(part), *row_, f"{gain / len(known):.2e}", f"{known[-1][4]:.1e}"])
        part += 1
    return table
