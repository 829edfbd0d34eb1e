"""The program, its exit statuses, and the kinds of its arguments.  Nothing here loads PyTorch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from .._version import __version__
from ..errors import InputError

STARTED = time.monotonic()
DONE, FAILED, WRONG = 0, 1, 2


def _whole(type_: Any, tokens: Sequence[Any]) -> int:
    """Cyclopts would round 1.5 to 2."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise InputError(f"{tokens[0].value!r} is not a whole number") from None


def _folder(type_: Any, tokens: Sequence[Any]) -> Path:
    """An empty name would be the current folder."""
    if not tokens[0].value.strip():
        raise InputError("the name of the folder is empty")
    return Path(tokens[0].value)


Folder = Annotated[Path, Parameter(converter=_folder, n_tokens=1)]
Whole = Annotated[int, Parameter(converter=_whole, n_tokens=1)]
Switch = Annotated[bool, Parameter(negative="")]
Several = Annotated[list[str], Parameter(negative="")]

app = App(
    name="sapts-pinn",
    version=__version__,
    help="Solve PDEs with physics-informed neural networks, by trust-region methods that need no settings.",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # Ctrl-C is ours to answer
)
