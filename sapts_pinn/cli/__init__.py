"""The command line: `sapts-pinn list | info | check | solve | train | show | gallery | bench`.

Standard output is for results, standard error for progress, notes and errors.  Exit status: 0 done, 1 the run
failed or was interrupted, 2 the command or its input is wrong, which is told in one sentence.  Whatever loads
PyTorch is imported inside the commands, so that `--help` and a mistyped option answer at once.

Under `torchrun` an error is said by the first rank that finds it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import CycloptsError

from ..errors import InputError, RankFailure
from ..training.interrupts import Aborted
from . import check, look, names, solve, train  # noqa: F401  registers the commands
from .app import DONE, FAILED, WRONG, app
from .messages import say_once


def _sentence(error: CycloptsError) -> str:
    """Cyclopts' message without the lists of everything that would have been right."""
    text = " ".join(str(error).split())
    return text.partition(" Available commands:")[0]


def _give_up_output() -> None:
    """Redirect a standard output that cannot be written, so that the end of the program does not fail."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(error: ValueError, details: str) -> int:
    """Say what is wrong with the input, and where the state of a run is that had begun."""
    notes = getattr(error, "__notes__", ())
    say_once("; ".join([f"error: {error}", *notes]), details)
    return FAILED if notes else WRONG


def _fail(error: Exception, details: str, debug: bool) -> int:
    """Say what ended the command: ranks, the system, the user's functions, or a fault of the package.

    Args:
        error: Any exception but an InputError.
        details: Its traceback, always shown where the fault is the package's.
        debug: Show it in the other cases as well.
    """
    what, notes = f"{type(error).__name__}: {error}", getattr(error, "__notes__", ())
    shown = details if debug else ""
    if isinstance(error, RankFailure):
        say_once(f"error: {error}", shown)
    elif isinstance(error, OSError):
        say_once(f"error: {what}; the last checkpoint is kept", shown)
        _give_up_output()
    elif _is_of_the_user(error):
        if isinstance(error, ValueError):
            return _refuse(error, shown)
        where = notes[0] if notes else "it was raised in your own file"
        say_once(f"error: {what}; {where}; --debug shows the traceback", shown)
    else:
        where = "; ".join(notes) or "the last checkpoint is kept"
        say_once(
            f"error: {what} (this is a bug of sapts-pinn and not of your input; please report it with the "
            f"traceback above; {where})",
            details,
        )
    return FAILED


def _is_of_the_user(error: Exception) -> bool:
    """Return whether a function in the user's file raised it; before that is loaded none has."""
    sources = sys.modules.get("sapts_pinn.solving.sources")  # not imported here: it would load PyTorch
    return sources is not None and bool(sources.raised_by_user(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    # By default OpenMP's threads spin while they wait for work.  On a machine with few cores that starves the
    # threads of our own kernels.  It is read when PyTorch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in tokens
    try:
        status = app(tokens, exit_on_error=False, print_error=False, help_on_error=False)
        sys.stdout.flush()  # here, where it can be said that it failed
        return int(status or DONE)
    except CycloptsError as error:
        say_once(f"error: {_sentence(error)}")
        return WRONG
    except (Aborted, KeyboardInterrupt) as error:
        say_once(str(error) or "aborted")
        return FAILED
    except BrokenPipeError:  # `sapts-pinn list | head`
        _give_up_output()
        return DONE
    except InputError as error:
        return _refuse(error, traceback.format_exc() if debug else "")
    except Exception as error:
        return _fail(error, traceback.format_exc(), debug)
