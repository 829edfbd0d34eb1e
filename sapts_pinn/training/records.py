"""Rows of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _sweep_columns(info: Mapping[str, Any], parts: int) -> dict[str, Any]:
    """What SAPTS did in a step, for the history; a step without a sweep has no local steps."""
    sweep = info.get("sweep", {})
    accepted = sweep.get("accepted")
    row = {
        "sweep_rho": sweep.get("rho"),
        "sweep_accepted": None if accepted is None else int(accepted),
        "local_steps": sweep.get("local_steps", 0),
    }
    records = {int(record["number"]): record for record in info.get("parts", ())}
    for number in range(parts):
        record = records.get(number, {})
        for name in ("gain", "radius", "steps", "accepted", "work"):
            row[f"part{number + 1}_{name}"] = record.get(name)
    return row
