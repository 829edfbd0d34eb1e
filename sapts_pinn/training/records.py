"""Rows of the history."""

from __future__ import annotations

from typing import Any

from ..optim.base import StepInfo


def _sweep_columns(info: StepInfo, parts: int) -> dict[str, Any]:
    """Columns of a sweep over subdomains; a step without a sweep has no local steps.

    Args:
        info: What the optimizer says of its step.
        parts: Number of subdomains.
    """
    sweep = info.sweep
    row: dict[str, Any] = {
        "sweep_rho": None if sweep is None else sweep.rho,
        "sweep_accepted": None if sweep is None else int(sweep.accepted),
        "local_steps": 0 if sweep is None else sweep.local_steps,
    }
    records = {int(record.number): record for record in info.parts or ()}
    for number in range(parts):
        record = records.get(number)
        for name in ("gain", "radius", "steps", "accepted", "work"):
            row[f"part{number + 1}_{name}"] = None if record is None else record[name]
    return row
