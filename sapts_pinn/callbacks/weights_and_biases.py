"""`WandB`: a run in Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from .base import ResultView
from .tracking import Tracker, check_installed


class WandB(Tracker):
    """Sends a run to Weights & Biases, with the curves of `TensorBoard`, summary, settings and picture.

    Every run is one of its own there.  With an `id` a run that is resumed appends to its curves; of several
    runs the second has the id `ID-2`, and so on.

    Args:
        project: Project there.
        settings: Further arguments of `wandb.init`, such as name, id, group, tags, mode="offline".

    Raises:
        InputError: The package wandb is not installed.
    """

    def __init__(self, project: str, **settings: Any) -> None:
        super().__init__()
        check_installed("wandb", "WandB")
        self.settings = {"project": project, **settings}
        if "id" in settings:
            self.settings.setdefault("resume", "allow")
        self._run: Any = None

    def open(self, number: int, iteration: int) -> int:
        """Begin a run there, or go on with that of the same id."""
        own = dict(self.settings)
        for name in ("id", "name") if number > 1 else ():
            if name in own:
                own[name] = f"{own[name]}-{number}"
        self._run = self._wandb.init(**own)
        self._run.define_metric("*", step_metric="iteration")
        return iteration if "id" in own else 0

    def add(self, iteration: int, figures: Mapping[str, float]) -> None:
        """Send a point of every curve."""
        self._run.log({"iteration": iteration, **figures})

    def conclude(self, result: ResultView, figures: Mapping[str, float], pictures: list[Path]) -> None:
        """Send summary, settings and pictures."""
        self._run.config.update(dict(result.config), allow_val_change=True)
        self._run.summary.update({**figures, "status": str(result.result["status"]), "text": str(result)})
        if pictures:
            self._run.log({p.stem: self._wandb.Image(str(p)) for p in pictures})

    def close(self, failed: bool) -> None:
        """Finish the run there."""
        self._run.finish(exit_code=int(failed))

    @property
    def _wandb(self) -> Any:  # loaded when it is needed
        return import_module("wandb")
