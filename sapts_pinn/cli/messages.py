"""Messages of a command on standard error, in one process or on several ranks.

Nothing here loads PyTorch.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TextIO


def is_file(source: str) -> bool:
    """Return whether a problem is written FILE.py or FILE.py:object, and not the name of one of the zoo."""
    return re.fullmatch(r".*\.py(?::.*)?", source, flags=re.DOTALL) is not None


def several() -> bool:
    """Return whether this process is one of several ranks."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def rank() -> int:
    """Number of this rank; 0 for a single process."""
    return int(os.environ.get("RANK", "0")) if several() else 0


def say(message: str) -> None:
    """Print one line on standard error; one that cannot be written is dropped."""
    try:
        print(" ".join(message.split()), file=sys.stderr, flush=True)
    except (OSError, ValueError):  # a closed pipe, a full disk, a closed stream
        pass


class Tolerant(io.TextIOBase):
    """A stream that drops what it cannot write, so that no closed pipe and no full disk ends a run.

    Args:
        stream: Where to write.

    Attributes:
        error: The first error, if there was one.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | ValueError | None = None

    def write(self, text: str) -> int:
        """Write, or drop it after an error."""
        self._try(lambda: self.stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing after an error."""
        self._try(self.stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self.error is not None:
            return
        try:
            action()
        except (OSError, ValueError) as error:  # of a closed file it is a ValueError
            self.error = error

    def writable(self) -> bool:
        """Return True: what cannot be written is dropped."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """File descriptor of the stream."""
        return self.stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the stream."""
        return self.stream.encoding


@contextmanager
def tolerant_outputs() -> Iterator[None]:
    """Standard output and error whose faults end nothing; they are said at the end, if possible."""
    streams = {"output": Tolerant(sys.stdout), "error": Tolerant(sys.stderr)}
    with redirect_stdout(streams["output"]), redirect_stderr(streams["error"]):
        try:
            yield
        finally:
            streams["output"].flush()
            streams["error"].flush()
    for name, stream in streams.items():
        if stream.error is not None:
            say(f"note: standard {name} could not be written ({stream.error}); the run itself went on")


def say_once(message: str, details: str = "") -> None:
    """Say what ends the command, unless another rank has done so: `torchrun` has a store to agree in.

    Args:
        message: One line.
        details: Lines to print before it, such as a traceback.
    """
    first = rank() == 0
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and several():
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        key = f"sapts_pinn/said {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        try:
            first = TCPStore(*address, is_master=False, timeout=timedelta(seconds=10)).add(key, 1) == 1
        except RuntimeError:  # torchrun is gone, and nobody could be asked
            pass
    if not first:
        return
    if details:
        try:
            print(details.rstrip(), file=sys.stderr)
        except (OSError, ValueError):  # as in `say`
            pass
    say(message)


class _Notes(logging.Handler):
    """Tells what the package logs in the way of its warnings; tracebacks are left to the result.

    Args:
        note: Takes a message and the category of a warning.
    """

    def __init__(self, note: Callable[[str, type[Warning]], object]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage(), RuntimeWarning)


@contextmanager
def notes(quiet: bool) -> Iterator[None]:
    """Print warnings and log messages of the package as single lines, each once.

    Warnings meant for developers are left out.

    Args:
        quiet: Print none of them.
    """
    seen: set[str] = set()

    def note(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if not quiet and str(message) not in seen and issubclass(category, (UserWarning, RuntimeWarning)):
            seen.add(str(message))
            say(f"note: {message}")

    logger, handler = logging.getLogger("sapts_pinn"), _Notes(note)
    logger.addHandler(handler)
    propagated, logger.propagate = logger.propagate, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note
            yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


def resume_command(folder: Path, command: str = "solve", source: str | None = None) -> str:
    """Command that goes on with a run of `solve` or `train`, on as many ranks as there are now.

    A problem in a file has to be named: no file runs because a folder says so.
    """
    problem = f"{shlex.quote(source)} " if source and is_file(source) else ""
    how = f"{command} {problem}--resume {shlex.quote(str(folder))}"
    if not several():
        return f"sapts-pinn {how}"
    machines = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    each = int(os.environ["WORLD_SIZE"]) // machines
    nodes = f"--nnodes {machines} " if machines > 1 else ""
    return f"torchrun {nodes}--nproc-per-node {each} -m sapts_pinn {how}"
