"""`TensorBoard`: a run in TensorBoard's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .base import ResultView
from .tracking import Tracker, check_installed

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVENTS = "events.out.tfevents.*"  # files of TensorBoard


class TensorBoard(Tracker):
    """Writes a run for TensorBoard: `tensorboard --logdir FOLDER` shows it while it goes on.

    Curves are the loss and its terms, weights, radius, rho, the kinds of steps, work, the error or its
    estimate; at the end the summary, the settings and the picture.  A run that is resumed appends to its
    curves; a new run takes the place of another one in the same folder.  Of several runs, such as windows in
    time, the second is in `FOLDER/run2`, and so on.

    Args:
        folder: Where.
        every: Seconds after which what was written is surely on the disk.

    Raises:
        InputError: The package tensorboard is not installed, or the folder is a file.
    """

    def __init__(self, folder: str | Path, every: float = 10.0) -> None:
        super().__init__()
        check_installed("tensorboard", "TensorBoard")
        self.folder, self.every = Path(folder), every
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"TensorBoard needs a folder, and {self.folder} is a file; name another one")
        self._writer: SummaryWriter | None = None
        self._step = 0

    def open(self, number: int, iteration: int) -> int:
        """Make or continue the files of a run; what they hold of later steps is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        place = self.folder if number == 1 else self.folder / f"run{number}"
        there = iteration if any(place.glob(EVENTS)) else 0
        self._writer = SummaryWriter(str(place), purge_step=there + 1, flush_secs=max(round(self.every), 1))
        return there

    def add(self, iteration: int, figures: Mapping[str, float]) -> None:
        """Write a point of every curve."""
        self._step = iteration
        for name, value in figures.items():
            self._made.add_scalar(name, value, iteration)

    def conclude(self, result: ResultView, figures: Mapping[str, float], pictures: list[Path]) -> None:
        """Write summary, settings and pictures."""
        import matplotlib.image

        texts = {"summary": str(result), "settings": json.dumps(result.config, indent=2)}
        for name, text in texts.items():
            indented = "\n".join(f"    {line}" for line in text.splitlines())  # keeps its columns
            self._made.add_text(name, indented, self._step)
        for picture in pictures:
            values = matplotlib.image.imread(picture)[..., :3]
            self._made.add_image(picture.stem, values, self._step, dataformats="HWC")

    def close(self, failed: bool) -> None:
        """Finish the files."""
        self._made.close()

    @property
    def _made(self) -> Any:  # its methods are not typed
        assert self._writer is not None
        return self._writer
