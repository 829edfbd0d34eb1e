"""Facts about the machine, tables, pictures and files of a suite."""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from ...runs.status import Status, StopReason

MB = 2**20

Row = dict[str, Any]  # as JSON has it; each suite has entries of its own
Section = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # a table: its title, columns and rows
Line = tuple[str, Sequence[float], Sequence[float], str]  # of a picture: label, x, y, style


def entries(result: Mapping[str, object], names: Iterable[str]) -> Row:
    """Entries of result.json, for a row."""
    return {name: result[name] for name in names}


class Facts(TypedDict):
    """Description of a machine, and the versions of the software on it."""

    cpu: str
    cores: int
    threads: int
    system: str
    load_at_start: float
    time: str
    versions: dict[str, str]
    modified: bool


def folder_for(suite: str, out: Path | None) -> Path:
    """The folder of a suite's results, made and known to be writable.

    Raises:
        InputError: It cannot be written.
    """
    from ...runs.folder import make_folder

    folder = out or Path("bench-results") / suite
    make_folder(folder)
    return folder


def machine() -> Facts:
    """Description of the machine and the versions that a measurement depends on."""
    import torch

    from ...runs.folder import versions
    from ...runs.repository import is_modified

    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(terse=True),
        "load_at_start": os.getloadavg()[0],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {**versions(), "deepxde": version("deepxde")},
        "modified": is_modified(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def header(title: str, facts: Facts, settings: Mapping[str, object]) -> str:
    """Heading of a report: title, machine and settings in a few lines."""
    v = facts["versions"]
    commit = f"{v['git_commit'][:10] or 'no commit'}{', modified' if facts['modified'] else ''}"
    said = "; ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in settings.items())
    return (
        f"{title}\n"
        f"  machine   {facts['cpu']}, {facts['cores']} cores, {facts['system']}, "
        f"load {facts['load_at_start']:.1f} at the start, {facts['time']}\n"
        f"  software  sapts_pinn {v['sapts_pinn']} ({commit}), torch {v['torch']}, deepxde {v['deepxde']}, "
        f"python {v['python']}\n"
        f"  settings  {said}\n"
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text in columns: the first to the left, the others to the right."""
    lines = [list(columns), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    aligned = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    aligned.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(line.rstrip() for line in aligned)


def spread(values: Sequence[float], form: str = ".3g") -> str:
    """Median [smallest, largest]."""
    if not values:
        return "-"
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}}" if len(values) == 1 else f"{middle:{form}} [{low:{form}}, {high:{form}}]"


def geometric(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(math.log(max(value, 1e-300)) for value in values) / len(values))


def geometric_spread(values: Sequence[float], form: str = ".1e") -> str:
    """Geometric mean [smallest, largest]; what diverged is left out and counted."""
    finite = [value for value in values if math.isfinite(value)]
    lost = f"{len(values) - len(finite)}/{len(values)} diverged" if len(finite) < len(values) else ""
    if not finite:
        return lost or "-"
    if not any(finite):
        return "0"
    text = f"{geometric(finite):{form}}"
    if len(finite) > 1:
        text += f" [{min(finite):{form}}, {max(finite):{form}}]"
    return f"{text}, {lost}" if lost else text


def number(value: float | None) -> float:
    """A figure that JSON has written: null stands for what was not finite."""
    return math.nan if value is None else value


def failed(row: Row) -> bool:
    """Test whether the run of a row failed."""
    return Status.parse(row["status"]).reason is StopReason.FAILED


def draw(path: Path, panels: Mapping[str, Sequence[Line]], title: str = "", **axes: str) -> None:
    """Write a picture: one panel for each entry, lines of one label in one colour."""
    import matplotlib

    from ...viz.figures import new_figure, save_figure
    from ...viz.style import CURVES, GRID, STYLE

    labels = list(dict.fromkeys(line[0] for lines in panels.values() for line in lines))
    colours = {label: CURVES[i % len(CURVES)] for i, label in enumerate(labels)}
    across = max(len(panels), 1)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(4.6 * across, 3.8)
        figure.suptitle(title)
        places = figure.subplots(1, across, squeeze=False)[0]
        for panel, (name, lines) in zip(places, panels.items(), strict=False):
            panel.set_title(name)
            panel.grid(**GRID)
            for label, x, y, style in lines:
                panel.plot(x, y, style, color=colours[label], lw=1, ms=4, alpha=0.8)
            if any(v > 0 for line in lines for v in line[2]):  # else there is nothing a scale could show
                panel.set(**axes)
                for label in dict.fromkeys(line[0] for line in lines):
                    panel.plot([], [], color=colours[label], label=label)
                panel.legend(fontsize="small")
        save_figure(figure, path)


def publish(
    folder: Path,
    suite: str,
    head: str,
    sections: Sequence[Section],
    notes: Sequence[str],
    facts: Facts,
    settings: Mapping[str, object],
    rows: Sequence[Row],
    **summary: object,
) -> None:
    """Finish a suite of several tables; they are also written as Markdown."""
    from ...runs.files import write_atomically

    marked = [f"## {title}\n\n{markdown(columns, lines)}\n" for title, columns, lines in sections]
    page = "\n".join([f"```\n{head.rstrip()}\n```\n", *marked, *(f"- {note}" for note in notes)]) + "\n"
    write_atomically(folder / f"{suite}.md", lambda path: _write(path, page))
    plain = [f"{title}\n{table(columns, lines)}\n" for title, columns, lines in sections]
    finish(folder, suite, "\n".join([head, *plain, *notes]), facts, settings, rows, **summary)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown: the first column to the left, the others to the right."""
    lines = [columns, ["---"] + ["--:"] * (len(columns) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def finish(
    folder: Path,
    suite: str,
    text: str,
    facts: Facts,
    settings: Mapping[str, object],
    rows: Sequence[Row],
    **summary: object,
) -> None:
    """Print a suite's table; write it, and all figures, into its folder."""
    from ...runs.files import write_atomically

    save(folder, suite, facts, settings, rows, **summary)
    write_atomically(folder / "table.txt", lambda path: _write(path, text + "\n"))
    print(text)
    say(f"written to {folder}")


def save(
    folder: Path,
    suite: str,
    facts: Facts,
    settings: Mapping[str, object],
    rows: Sequence[Row],
    **summary: object,
) -> None:
    """Write bench.json."""
    from ...runs.files import write_json

    content = {"suite": suite, "machine": facts, "settings": settings, "rows": rows, **summary}
    write_json(folder / "bench.json", content)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def say(message: str) -> None:
    """A line of progress, on standard error."""
    print(message, file=sys.stderr, flush=True)
