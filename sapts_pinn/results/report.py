"""The report of a run: one HTML file that needs nothing beside it, made from the files of the run folder.

It shows what is there: of a problem the solution, of a data set learning curves and mistakes, or a text.
"""

from __future__ import annotations

import base64
import html
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..audit import lines
from ..errors import InputError
from ..runs.content import Config, Result, Row
from ..runs.files import write_text
from ..runs.history import read_history
from ..runs.status import Status
from ..viz import plot_history, plot_sweeps
from .uncertainty import combined_errors, estimate

CSS = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #f4f5f7; margin: 0; }
main { max-width: 62rem; margin: 2rem auto; background: #fff; padding: 2rem 2.5rem; border-radius: 6px;
  box-shadow: 0 1px 4px #0002; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.status { margin: 0 0 1.4rem; color: #555; } .failed { color: #b2182b; font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 0; }
.figures div { background: #f4f5f7; border-radius: 4px; padding: .6rem .8rem; }
.figures dt { font-size: .8rem; color: #555; }
.figures dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
img { max-width: 100%; display: block; margin: 0 auto; }
pre { background: #f4f5f7; padding: .8rem 1rem; border-radius: 4px; overflow-x: auto; font-size: .82rem; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
td { border-top: 1px solid #e3e5e8; padding: .25rem .6rem .25rem 0; vertical-align: top;
  overflow-wrap: anywhere; }
td:first-child { color: #555; width: 14rem; } tr:first-child td { border-top: none; }
@media print { body, main { background: none; box-shadow: none; margin: 0; } }
"""


PICTURES = {
    "Solution": "solution.png",
    "Learning curves": "curves.png",
    "Confusion": "confusion.png",
    "Worst mistakes": "mistakes.png",
}
MERITS = {  # of result.json: label, format
    "relative_l2_error": ("relative L2 error", ".2e"),
    "test_accuracy": ("test accuracy", ".2%"),
    "test_error_rate": ("test error rate", ".2%"),
    "test_nats_per_character": ("nats per character", ".4f"),
    "test_bits_per_character": ("bits per character", ".4f"),
}


def merits(result: Result) -> list[tuple[str, str]]:
    """Measures of a run's quality: label and number."""
    known = {
        "relative_l2_error": result.get("relative_l2_error"),
        "test_accuracy": result.get("test_accuracy"),
        "test_error_rate": result.get("test_error_rate"),
        "test_nats_per_character": result.get("test_nats_per_character"),
        "test_bits_per_character": result.get("test_bits_per_character"),
    }
    return [(label, _number(known[name], form)) for name, (label, form) in MERITS.items() if name in result]


def write_report(folder: Path, result: Result | None = None) -> Path:
    """Write report.html into a run folder.

    Args:
        folder: Holds config.json and result.json; history.csv, pictures and sample.txt where there are any.
        result: In place of result.json, which a run that was killed has not got.

    Returns:
        The report's path.

    Raises:
        InputError: A file is missing.
    """
    config: Config = json.loads(_read(folder / "config.json"))
    result = result or json.loads(_read(folder / "result.json"))
    rows = read_history(folder / "history.csv")
    shown = {title: _picture(folder / name) for title, name in PICTURES.items()}
    sample = folder / "sample.txt"
    if sample.is_file():
        shown["Text it writes"] = f"<pre>{html.escape(sample.read_text(encoding='utf-8'))}</pre>"
    if not shown["Learning curves"]:
        shown["Convergence"] = _drawn(plot_history, rows)
    shown["Sweeps of the parts"] = _drawn(plot_sweeps, rows)
    text = _page(config, result, shown)
    path = folder / "report.html"
    write_text(path, text)
    return path


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path.parent} has no {path.name}, so that there is nothing to report")
    return path.read_text()


def _picture(path: Path) -> str:
    """Embed a picture as an <img>; empty if the file is missing."""
    if not path.is_file():
        return ""
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,{data}">'


def _drawn(plot: Callable[[Sequence[Row], Path], Path | None], rows: Sequence[Row]) -> str:
    """A picture of the history as an <img>; nothing when there is nothing to draw."""
    if len(rows) < 2:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = plot(rows, Path(folder) / f"{plot.__name__.removeprefix('plot_')}.png")
        return "" if path is None else _picture(path)


def _page(config: Config, result: Result, shown: Mapping[str, str]) -> str:
    title = f"{result.get('problem') or result.get('task')} by {result['method']}"
    status, problem = Status.parse(result["status"]), config.get("description")
    mark = " failed" if status.reason.cut_short else ""
    settings = {
        k: v for k, v in config.items() if k not in ("description", "fingerprint", "files", "versions")
    }
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="status{mark}">{html.escape(status)}</p>',
        _diagnosis(result),
        _audit(result),
        _doubts(result),
        _figures(result),
        *(f"<h2>{heading}</h2>\n{content}" for heading, content in shown.items() if content),
        f"<h2>Problem</h2>\n<pre>{html.escape(str(problem))}</pre>" if problem else "",
        f"<h2>Result</h2>\n{_table(result)}",
        f"<h2>Configuration</h2>\n{_table(settings)}",
        f"<h2>Versions</h2>\n{_table(config.get('versions', {}))}",
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _diagnosis(result: Result) -> str:
    found = result.get("diagnosis")
    if not found:
        return ""
    limit, words = html.escape(found["limit"]), html.escape(found["words"])
    return f"<p>Limited by <strong>{limit}</strong>: {words}.</p>"


def _audit(result: Result) -> str:
    sentences = [f"<p>Audit: {html.escape(sentence)}.</p>" for sentence in lines(result.get("audit"))]
    return "\n".join(sentences)


def _figures(result: Result) -> str:
    """List of the most important numbers, as HTML."""
    shown = [
        *merits(result),
        *_estimated(result),
        ("loss", _number(result.get("loss"), ".2e")),
        ("time", f"{_number(result.get('seconds'), '.1f')} s"),
        ("steps", _number(result.get("iterations"), ",.0f")),
        ("gradient evaluations", _number(result.get("gradient_evaluations"), ",.0f")),
        ("parameters", _number(result.get("parameters"), ",.0f")),
        *((n, _estimate(v, result, n)) for n, v in (result.get("coefficients") or {}).items()),
        *((name, _number(q["value"], ".6g")) for name, q in (result.get("quantities") or {}).items()),
    ]
    cells = "".join(f"<div><dt>{html.escape(name)}</dt><dd>{value}</dd></div>" for name, value in shown)
    return f'<dl class="figures">{cells}</dl>'


def _doubts(result: Result) -> str:
    """Sentence on an error estimate that is not reliable, as HTML; empty if it is."""
    found = result.get("error_estimate")
    if not found or found["reliable"]:
        return ""
    return f"<p>Error estimate not reliable: {html.escape(found['words'])}.</p>"


def _estimated(result: Result) -> list[tuple[str, str]]:
    """The error estimate, where there is one."""
    found = result.get("error_estimate")
    if not found:
        return []
    doubt = "" if found["reliable"] else " (not reliable)"
    return [(f"estimated error{doubt}", _number(found["relative"], ".1e"))]


def _estimate(value: float | None, result: Result, name: str) -> str:
    return "–" if value is None else estimate(value, combined_errors(result).get(name), "±")


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(float(value), form)


def _table(rows: Mapping[str, object]) -> str:
    cells = "\n".join(
        f"<tr><td>{html.escape(str(name))}</td><td>{html.escape(_cell(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>\n{cells}\n</table>"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
