"""What a command says on standard error, in one process or on several ranks.  Nothing here loads PyTorch."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any


def several() -> bool:
    """Whether this process is one of several ranks."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def rank() -> int:
    """Which one."""
    return int(os.environ.get("RANK", "0")) if several() else 0


def say(message: str) -> None:
    """One line."""
    print(" ".join(message.split()), file=sys.stderr)


def say_once(message: str) -> None:
    """Say what ends the command, unless another rank has done so: `torchrun` has a store to agree in."""
    first = rank() == 0
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and several():
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        key = f"sapts_pinn/said {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        try:
            first = TCPStore(*address, is_master=False, timeout=timedelta(seconds=10)).add(key, 1) == 1
        except RuntimeError:  # torchrun is gone, and nobody could be asked
            pass
    if first:
        say(message)


@contextmanager
def notes(quiet: bool) -> Iterator[None]:
    """Warnings as single lines, each once; those meant for developers not at all."""
    seen: set[str] = set()

    def note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not quiet and str(message) not in seen and issubclass(category, (UserWarning, RuntimeWarning)):
            seen.add(str(message))
            say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield


def resume_command(folder: Path, command: str = "solve") -> str:
    """How the user goes on with a run of `solve` or `train`, on as many ranks as there are now."""
    how = f"{command} --resume {shlex.quote(str(folder))}"
    if not several():
        return f"sapts-pinn {how}"
    machines = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    each = int(os.environ["WORLD_SIZE"]) // machines
    nodes = f"--nnodes {machines} " if machines > 1 else ""
    return f"torchrun {nodes}--nproc-per-node {each} -m sapts_pinn {how}"
