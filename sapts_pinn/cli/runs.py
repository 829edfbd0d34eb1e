"""Common parts of the commands that train: folder, settings, ranks, signals and the summary.

Under `torchrun` every rank runs the same command.  Rank 0 alone prints, draws and writes.  Whatever loads
PyTorch is imported inside the functions.
"""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..errors import InputError, RankFailure
from ..runs.content import Config, Result
from ..runs.manifest import read_config, run_of
from ..runs.status import Status, StopReason
from ..training.settings import Arguments
from .app import DONE, FAILED
from .messages import is_file, notes, rank, resume_command, say, several, tolerant_outputs
from .signals import SAME, Interrupts

if TYPE_CHECKING:
    from ..callbacks.base import Callback, RunView
    from ..optim.methods import Method
    from ..parallel.communicator import Communicator

Run = TypeVar("Run")
Step = tuple[str, Callable[[], object]]  # what is made, and how


class Finished(Protocol):
    """A run that has ended: a `Solution` or a `Trained`."""

    result: Result


# -- run folders -----------------------------------------------------------------------------------------


def kind_of(config: Config) -> str:
    """The command that made a run: "solve" or "train"."""
    return "train" if "task" in config else "solve"


def source_of(folder: Path) -> str | None:
    """Source of a run's problem as its folder records it; None if it does not."""
    return (run_of(folder) or Config()).get("source")


def named_problem(given: str | None, config: Config, how: str) -> str:
    """Find the problem of an earlier run: named by the user, else a recorded name of the zoo.

    A run folder may come from somebody else: the Python file that it names is not executed.

    Args:
        given: What the user has named.
        config: Of the run.
        how: The command that names it, with FILE in the place of the file.

    Raises:
        InputError: The problem is one in a file, and the user has not named it.
    """
    source = given or config.get("source")
    if not isinstance(source, str):
        raise InputError(
            f"the run does not say which problem it is of; give it: {how.replace('FILE', 'FILE.py')}"
        )
    if given is None and is_file(source):
        raise InputError(
            f"the problem of this run is in {source}, and no file is executed because a run folder names it; "
            f"if you trust the file, give it: {how.replace('FILE', shlex.quote(source))}"
        )
    return source


def saved_settings(resume: Path, command: str) -> Config:
    """Read the configuration of a run to resume.

    Raises:
        InputError: There is none, or it is one of another command.
    """
    if not resume.is_dir():
        raise InputError(f"there is no folder {resume} to resume; give the folder of an earlier run")
    config = read_config(resume)
    if kind_of(config) != command:
        raise InputError(
            f"{resume} holds a run of {kind_of(config)}; continue it with: "
            f"{resume_command(resume, kind_of(config), config.get('source'))}"
        )
    return config


def agreed_folder(ranks: Communicator, given: Path | None, name: str) -> Path:
    """Path of the run folder: the one given, or a new one that rank 0 finds."""
    return Path(ranks.gather_objects(str(given or fresh_folder(name)))[0])


def fresh_folder(name: str) -> Path:
    """Path of a new run folder: runs/<name>, with a counter where that is taken."""
    name = "".join(c if c.isalnum() or c in "-_.+" else "-" for c in name)
    folder, count = Path("runs") / name, 1
    while folder.exists():
        count += 1
        folder = Path("runs") / f"{name}-{count}"
    return folder


# -- threads and ranks -----------------------------------------------------------------------------------


def use_threads(given: int | None, saved: int | None) -> None:
    """Set the number of PyTorch's threads; a resumed run repeats bit for bit only with the same number."""
    import torch

    if given is not None and given < 1:
        raise InputError(f"--threads must be at least 1, not {given}")
    count = given or (min(saved, os.cpu_count() or 1) if saved else None)
    if count is not None:
        torch.set_num_threads(count)


def connect_ranks(device: str, stack: ExitStack) -> Communicator:
    """The ranks that torchrun has started, or this process alone; closed with the stack."""
    from ..parallel.torchrun import connect

    ranks = connect(device)
    stack.callback(ranks.close)
    return ranks


def fit_ranks(settings: Arguments, size: int) -> None:
    """Fit the parts, or stages, of an earlier run to this number of ranks."""
    options = settings.get("options", {})
    count = options.get("parts")
    if count and count % size and "parts" not in settings:
        settings["options"] = {name: value for name, value in options.items() if name != "parts"}
        warnings.warn(
            f"the run had {count} parts, which {size} ranks cannot share evenly; it goes on with {size}",
            stacklevel=2,
        )


# -- a run -----------------------------------------------------------------------------------------------


def orderly(stack: ExitStack, aside: bool, quiet: bool) -> Interrupts:
    """Handle signals, warnings and outputs of a command until the stack is left.

    Args:
        stack: Undoes it all.
        aside: Whether what others print goes to standard error.
        quiet: Whether warnings are left out.

    Returns:
        What ends a run in order when a signal comes.
    """
    stack.enter_context(tolerant_outputs())
    if rank():
        nowhere = stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(redirect_stderr(nowhere))
    elif aside:
        stack.enter_context(redirect_stdout(sys.stderr))
    stack.enter_context(notes(quiet))
    return stack.enter_context(Interrupts(SAME if several() else 0.0))


def watched(
    run: Callable[[Sequence[Callback]], Run],
    stop: Interrupts,
    folder: Path,
    command: str,
    quiet: bool,
    others: Iterable[Callback] = (),
) -> Run:
    """Run a training with its progress on the screen; a signal ends it after the current step.

    Args:
        run: Trains, telling the callbacks.
        stop: Knows of signals.
        folder: Its run folder.
        command: Which command goes on with it.
        quiet: No progress.
        others: More callbacks.

    Returns:
        What the run returns.
    """
    from ..callbacks.base import Callback
    from ..callbacks.progress import Progress

    class Stopper(Callback):
        def on_start(self, trainer: RunView) -> None:
            stop.start(trainer)

    progress = [] if quiet or rank() else [Progress()]
    try:
        return run([Stopper(), *others, *progress])
    except RankFailure as failure:
        how = "none was written yet, start again"
        if (folder / "checkpoint.pt").is_file():
            how = f"continue with: {resume_command(folder, command, source_of(folder))}"
        raise RankFailure(f"{failure}; {how}") from failure
    finally:
        for callback in progress:
            callback.close()


def check_kinds(method: Method, options: Mapping[str, object]) -> None:
    """Make sure that a method is given no word where a number belongs, and no 1.5 for 2.

    Args:
        method: The method.
        options: What the command was given.

    Raises:
        InputError: One is of another kind than the method takes.
    """
    for name, value in options.items():
        if wanted := method.misfit(name, value):
            raise InputError(f"cannot use --option {name}={value}; {name} must be {wanted}")


def close(stop: Interrupts, ranks: Communicator, pictures: Callable[[], Iterable[Step]]) -> None:
    """End the training of a command: from here on it can be repeated, and rank 0 draws.

    Args:
        stop: Ends the run when a signal comes.
        ranks: The ranks.
        pictures: What to draw.
    """
    stop.finish()
    ranks.close()
    if not ranks.rank:
        draw(pictures())


def exit_status(run: Finished) -> int:
    """Exit status of a command by the status of its run."""
    return FAILED if Status.parse(run.result["status"]).reason.cut_short else DONE


def draw(steps: Iterable[Step]) -> None:
    """Make pictures and report; one that fails is noted, and the others are made."""
    for name, step in steps:
        try:
            step()
        except Exception as error:
            say(f"note: {name} could not be made ({type(error).__name__}: {error})")


def tell(run: Finished, folder: Path, command: str, as_json: bool, quiet: bool) -> None:
    """Print the summary of a run, and how to go on when it was cut short."""
    if as_json:
        print((folder / "result.json").read_text(), end="")
    elif not quiet:
        print(f"{run}\n  run folder         {folder}")
    status = Status.parse(run.result["status"])
    if status.reason is StopReason.INTERRUPTED:
        say(f"{status}; continue with: {resume_command(folder, command, source_of(folder))}")
    elif status.reason is StopReason.FAILED:
        say(f"{status}; what there is of the run is in {folder}")
