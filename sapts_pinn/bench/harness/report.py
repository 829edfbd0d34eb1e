"""What the suites share: options, facts about the machine, tables and files."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ...errors import InputError

if TYPE_CHECKING:
    from ...solving.sources import Source

MB = 2**20

Row = dict[str, Any]
Section = tuple[str, Sequence[str], Sequence[Sequence[str]]]  # a table: its title, columns and rows
Line = tuple[str, Sequence[float], Sequence[float], str]  # of a picture: label, x, y, style


def _words(type_: Any, tokens: Sequence[Any]) -> list[str]:
    return [word for token in tokens for word in token.value.split(",") if word]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{text!r} is not a whole number") from None


Names = Annotated[list[str], Parameter(converter=_words, n_tokens=1, negative="")]
Whole = Annotated[int, Parameter(converter=lambda type_, tokens: _integer(tokens[0].value), n_tokens=1)]
Wholes = Annotated[
    list[int],
    Parameter(
        converter=lambda type_, tokens: [_integer(w) for w in _words(type_, tokens)], n_tokens=1, negative=""
    ),
]


def at_least(least: float, **options: float | Sequence[float]) -> None:
    """Check numbers a user gave.

    Raises:
        InputError: One is too small, or a list is empty.
    """
    for name, value in options.items():
        values = value if isinstance(value, Sequence) else [value]
        option = f"--{name.replace('_', '-')}"
        if not values:
            raise InputError(f"{option} is empty; give at least one number")
        for number in values:
            if not number >= least:
                raise InputError(f"{option} must be at least {least}, not {number}")


def folder_for(suite: str, out: Path | None) -> Path:
    """The folder of a suite's results, made and known to be writable.

    Raises:
        InputError: It cannot be written.
    """
    from ...runs.folder import make_folder

    folder = out or Path("bench-results") / suite
    make_folder(folder)
    return folder


def machine() -> dict[str, Any]:
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


def header(title: str, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
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


def _text(value: Any) -> str:
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


def with_reference(text: str) -> Source:
    """A problem whose error can be measured.

    Raises:
        InputError: It has no reference solution, or cannot be loaded.
    """
    from ...solving.sources import load_source

    source = load_source(text)
    if source.problem.reference is None:
        raise InputError(f"the error of {source.short} cannot be measured: it has no reference solution")
    return source


class Journal:
    """Results in a file of JSON lines, one appended for every cell as soon as it is measured.

    A cell that was measured with the same settings is not measured again; results of other settings stay in
    the file and are not looked at.

    Args:
        path: The file.
        settings: What a result depends on beside its cell.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path, self.settings = path, json.loads(json.dumps(settings))
        self.notes: list[str] = []
        self._rows: dict[str, Row] = {}
        for line in path.read_text().splitlines() if path.is_file() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # empty, or cut off when a session was killed
                continue
            if entry["settings"] == self.settings:
                self._rows[_key(entry["cell"])] = entry["result"]

    def complete(
        self, cells: Sequence[Row], measure: Callable[..., Row], publish: Callable[[list[Row]], None]
    ) -> None:
        """Measure what is not known yet, then make the tables; also of an interrupted session.

        Args:
            cells: What distinguishes one result from another, by name.
            measure: Called with a cell's entries.  A RuntimeError is noted, and tried again the next time.
            publish: Called with the results, each with its cell's entries.
        """
        from ...parallel.agreement import code_fingerprint

        code = code_fingerprint()[:10]
        missing = [cell for cell in cells if _key(cell) not in self._rows]
        say(f"{len(cells)} runs, {len(cells) - len(missing)} of them known from before")
        try:
            for i, cell in enumerate(missing, 1):
                name = ", ".join(f"{key} {value}" for key, value in cell.items())
                say(f"{i}/{len(missing)}  {name}")
                try:
                    self._append(cell, {**measure(**cell), "code": code})
                except RuntimeError as error:  # the others go on
                    say(str(error))
                    self.notes.append(f"note: {name}: {error}")
        except KeyboardInterrupt:
            self.notes.append("note: interrupted, these are the results so far")
            raise KeyboardInterrupt("interrupted; the same command goes on from here") from None
        finally:
            rows = [{**cell, **self._rows[_key(cell)]} for cell in cells if _key(cell) in self._rows]
            if len({row["code"] for row in rows}) > 1:
                self.notes.append(
                    "note: these are runs of several versions of the code; see `code` of the rows"
                )
            publish(rows)

    def _append(self, cell: Row, result: Row) -> None:
        entry = {"settings": self.settings, "cell": cell, "result": result}
        with self.path.open("a") as file:  # the line break comes first: it ends a line that was cut off
            file.write("\n" + json.dumps(entry))
        self._rows[_key(cell)] = result


def _key(cell: Row) -> str:
    return json.dumps(cell, sort_keys=True)


def draw(path: Path, panels: Mapping[str, Sequence[Line]], title: str = "", **axes: Any) -> None:
    """Write a picture: one panel for each entry, lines of one label in one colour."""
    from matplotlib.figure import Figure

    from ...runs.files import write_atomically

    labels = list(dict.fromkeys(line[0] for lines in panels.values() for line in lines))
    across = max(len(panels), 1)
    figure = Figure(figsize=(4.6 * across, 3.8), layout="constrained")
    figure.suptitle(title)
    for panel, (name, lines) in zip(
        figure.subplots(1, across, squeeze=False)[0], panels.items(), strict=False
    ):
        panel.set_title(name)
        panel.grid(alpha=0.3)
        for label, x, y, style in lines:
            panel.plot(x, y, style, color=f"C{labels.index(label)}", lw=1, ms=4, alpha=0.8)
        if any(value > 0 for line in lines for value in line[2]):  # else there is nothing a scale could show
            panel.set(**axes)
            for label in dict.fromkeys(line[0] for line in lines):
                panel.plot([], [], color=f"C{labels.index(label)}", label=label)
            panel.legend(fontsize="small")
    write_atomically(path, lambda p: figure.savefig(p, dpi=150))


def publish(
    folder: Path,
    suite: str,
    head: str,
    sections: Sequence[Section],
    notes: Sequence[str],
    facts: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    **summary: Any,
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
    facts: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    **summary: Any,
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
    facts: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    **summary: Any,
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
