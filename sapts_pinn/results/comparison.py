"""Comparison of runs: settings in which they differ, and what came out, from the files of their folders."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..runs.content import Config, Result, Row
from ..runs.history import read_history
from ..runs.manifest import read_config

SETTINGS = (  # of config.json, in which runs may differ
    "problem", "task", "method", "seed", "budget", "network", "activation", "points", "condition_points",
    "sampler", "adaptive", "resample", "windows", "dtype", "device", "options", "symmetry", "threads",
    "world_size",
)  # fmt: skip
ERRORS = ("relative_l2_error", "test_error_rate", "test_nats_per_character")  # the first that a run has


@dataclass(frozen=True)
class Compared:
    """A run in a comparison.

    Attributes:
        name: Its folder, without what all have in common.
        folder: Its folder.
        config: Its settings.
        result: What came out.
        history: Rows of its history.
    """

    name: str
    folder: Path
    config: Config
    result: Result
    history: list[Row]

    @property
    def error(self) -> float | None:
        """Error against the reference, or on the test data."""
        known = dict(self.result)
        found = next((known[name] for name in ERRORS if known.get(name) is not None), None)
        return float(found) if isinstance(found, (int, float)) else None

    @property
    def estimate(self) -> str:
        """Relative error estimate, with a question mark where it is not reliable."""
        found = self.result.get("error_estimate")
        if not found or found["relative"] is None:
            return "-"
        return f"{found['relative']:.1e}" + ("" if found["reliable"] else "?")


@dataclass(frozen=True)
class FolderComparison:
    """Runs beside each other; `str` is a table that fits 80 columns.

    Attributes:
        runs: The runs.
        folder: The folder that holds them all.
    """

    runs: tuple[Compared, ...]
    folder: Path

    @property
    def differing(self) -> dict[str, list[str]]:
        """Settings that are not the same in all runs, with the value of each."""
        found = {name: [_shown(dict(run.config).get(name)) for run in self.runs] for name in SETTINGS}
        return {name: values for name, values in found.items() if len(set(values)) > 1}

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings, and a row of figures for each run."""
        heads = ["run", "error", "estimate", "loss", "time", "steps", "gradients"]
        rows = [
            [
                run.name,
                _number(run.error, ".2e"),
                run.estimate,
                _number(run.result.get("loss"), ".2e"),
                f"{_number(run.result.get('seconds'), '.1f')} s",
                _number(run.result.get("iterations"), ".0f"),
                _number(run.result.get("gradient_evaluations"), ".0f"),
            ]
            for run in self.runs
        ]
        return heads, rows

    def __str__(self) -> str:
        heads, rows = self.table
        lines = [heads, *rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
        widths[0] = min(widths[0], 80 - sum(widths[1:]) - 2 * (len(widths) - 1))
        text = []
        for first, *others in lines:
            cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
            text.append("  ".join([_fit(first, widths[0]), *cells]))
        for name, values in self.differing.items():
            pairs = ", ".join(f"{v} ({run.name})" for v, run in zip(values, self.runs, strict=True))
            text.append(f"{name}: {pairs}")
        if any(run.estimate.endswith("?") for run in self.runs):
            text.append("? an error estimate that is not reliable")
        return "\n".join(text)


def compare_folders(folders: Sequence[Path]) -> FolderComparison:
    """Read runs that are to be compared.

    Args:
        folders: Run folders.

    Raises:
        InputError: One holds no run, or none that has ended.
    """
    places = [folder.absolute() for folder in folders]
    common = Path(os.path.commonpath(places)) if len(places) > 1 else places[0].parent
    if common in places:
        common = common.parent
    return FolderComparison(tuple(_read(place, str(place.relative_to(common))) for place in places), common)


def _read(folder: Path, name: str) -> Compared:
    config, path = read_config(folder), folder / "result.json"
    if not path.is_file():
        raise InputError(
            f"{folder} has no result.json: its run has not ended; go on with it, or leave it out"
        )
    try:
        result: Result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged; leave this run out") from error
    return Compared(name, folder, config, result, read_history(folder / "history.csv"))


def _fit(text: str, width: int) -> str:
    """Text in a column, its beginning left out where it is too long."""
    return f"{text:<{width}}" if len(text) <= width else "…" + text[len(text) - width + 1 :]


def _shown(value: object) -> str:
    """A setting as it was typed."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_shown(v)}" for name, v in value.items()) or "-"
    if isinstance(value, list):
        return ",".join(map(_shown, value))
    return "-" if value is None else str(value)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(float(value), form)
