"""A module in the place of wandb, which notes what is sent to it."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest


class Run:
    """A run of the stand-in.

    Attributes:
        given: Arguments of `init`.
        rows: What was logged.
        config: Settings that were sent.
        summary: Figures of the result that were sent.
        ended: Exit code, None while the run goes on.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self.given, self.rows, self.ended = given, list[dict[str, Any]](), None
        self.config, self.summary = Settings(), Settings()
        self.metrics: list[tuple[str, str]] = []

    def define_metric(self, name: str, step_metric: str) -> None:
        self.metrics.append((name, step_metric))

    def log(self, row: dict[str, Any]) -> None:
        assert self.ended is None
        self.rows.append(row)

    def finish(self, exit_code: int) -> None:
        self.ended = exit_code


class Settings(dict[str, Any]):
    """Entries that can be changed, as those of wandb."""

    def update(self, values: dict[str, Any], allow_val_change: bool = False) -> None:  # type: ignore[override]
        super().update(values)


def install(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Put the stand-in in the place of wandb; returns the runs, which it fills."""
    runs: list[Run] = []

    def init(**given: Any) -> Run:
        runs.append(Run(given))
        return runs[-1]

    module = ModuleType("wandb")
    module.__spec__ = sys.__spec__
    module.init, module.Image = init, lambda path: ("image", path)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return runs
