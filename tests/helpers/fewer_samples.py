"""Data sets cut to their first samples, for runs in tests whose epochs would take seconds each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sapts_pinn.supervised import tasks
from sapts_pinn.supervised.datasets import Images


def thin(name: str, count: int) -> None:
    """Leave so many training pictures or characters of a task, from now on and for this whole process."""
    task = tasks.TASKS[name]

    def load(folder: Path | str | None) -> Any:
        data = task.load(folder)
        if isinstance(data, Images):
            return replace(data, train=(data.train[0][:count], data.train[1][:count]))
        return replace(data, train=data.train[:count], test=data.test[:count])

    tasks.TASKS[name] = replace(task, load=load)
