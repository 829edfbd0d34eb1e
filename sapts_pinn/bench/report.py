"""What the suites share: options, facts about the machine, tables and files."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

MB = 2**20


def _words(type_: Any, tokens: Sequence[Any]) -> list[str]:
    return [word for token in tokens for word in token.value.split(",") if word]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


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
        ValueError: One is too small, or a list is empty.
    """
    for name, value in options.items():
        values = value if isinstance(value, Sequence) else [value]
        option = f"--{name.replace('_', '-')}"
        if not values:
            raise ValueError(f"{option} is empty; give at least one number")
        for number in values:
            if not number >= least:
                raise ValueError(f"{option} must be at least {least}, not {number}")


def folder_for(suite: str, out: Path | None) -> Path:
    """The folder of a suite's results, made and known to be writable.

    Raises:
        ValueError: It cannot be written.
    """
    from ..run_folder import prepare_folder

    folder = out or Path("bench-results") / suite
    prepare_folder(folder, overwrite=True, keep=True)
    return folder


def machine() -> dict[str, Any]:
    """What a measurement depends on, as far as it can be asked."""
    import torch

    from ..run_folder import versions

    package = Path(__file__).parent
    try:
        command = ["git", "status", "--porcelain", "--untracked-files=no"]
        dirty = subprocess.run(
            command, cwd=package, capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        dirty = ""
    return {
        "cpu": _cpu(),
        "cores": _cores(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(terse=True),
        "load_at_start": os.getloadavg()[0],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {**versions(), "deepxde": version("deepxde")},
        "modified": bool(dirty),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def header(title: str, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What was measured, where and with which settings, in a few lines."""
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
    from ..checkpoint import write_atomically

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
    from ..checkpoint import write_json

    content = {"suite": suite, "machine": facts, "settings": settings, "rows": rows, **summary}
    write_json(folder / "bench.json", content)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def say(message: str) -> None:
    """A line of progress, on standard error."""
    print(message, file=sys.stderr, flush=True)
