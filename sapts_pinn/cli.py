"""The command line: `sapts-pinn list | solve | show | bench`.

Standard output is for results, standard error for progress, notes and errors.  Exit status: 0 done, 1 the run
failed or was interrupted, 2 the command or its input is wrong, which is told in one sentence.  Whatever loads
PyTorch is imported inside the commands, so that `--help` and a mistyped option answer at once.

Under `torchrun` every rank runs the same command.  Rank 0 alone prints, draws and writes; an error is said by
the first rank that finds it.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from . import __version__
from .budget import Budget
from .interrupts import SAME, Aborted, Interrupts
from .messages import notes, rank, resume_command, say, say_once, several

if TYPE_CHECKING:
    from .communicator import Communicator
    from .solution import Solution
    from .sources import Source
    from .training import Trainer

STARTED = time.monotonic()
DONE, FAILED, WRONG = 0, 1, 2


def _whole(type_: Any, tokens: Sequence[Any]) -> int:
    """Cyclopts would round 1.5 to 2."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} is not a whole number") from None


Whole = Annotated[int, Parameter(converter=_whole, n_tokens=1)]
Switch = Annotated[bool, Parameter(negative="")]

app = App(
    name="sapts-pinn",
    version=__version__,
    help="Solve PDEs with physics-informed neural networks, by trust-region methods that need no settings.",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # Ctrl-C is ours to answer
)


@app.command(name="list")
def list_() -> int:
    """Problems and methods, each with one line."""
    from .methods import METHODS
    from .problems.zoo import ZOO

    groups: dict[str, list[tuple[str, str]]] = {}
    for name, entry in ZOO.items():
        groups.setdefault(f"Problems: {entry.group}", []).append((name, entry.summary))
    groups["Methods"] = [(name, method.summary) for name, method in METHODS.items()]
    width = max(len(name) for rows in groups.values() for name, _ in rows)
    blocks = [
        "\n".join([title, *(f"  {name:<{width}}  {summary}" for name, summary in rows)])
        for title, rows in groups.items()
    ]
    print("\n\n".join(blocks))
    return DONE


@app.command
def solve(
    problem: str | None = None,
    /,
    *,
    method: str | None = None,
    budget: str | None = None,
    target_error: float | None = None,
    seed: Whole | None = None,
    out: Path | None = None,
    overwrite: Switch = False,
    resume: Path | None = None,
    network: str | None = None,
    activation: str | None = None,
    points: Whole | None = None,
    condition_points: Whole | None = None,
    sampler: str | None = None,
    adaptive: float | None = None,
    resample: Whole | None = None,
    dtype: str | None = None,
    device: str | None = None,
    threads: Whole | None = None,
    parts: Whole | None = None,
    radius: float | None = None,
    no_symmetry: Switch = False,
    additive: Switch = False,
    log_parts: Switch = False,
    json: Switch = False,
    quiet: Switch = False,
    debug: Switch = False,
) -> int:
    """Train a network to solve a problem, and write a run folder.

    Args:
        problem: NAME from `sapts-pinn list`, FILE.py, or FILE.py:object; not needed with --resume.
        method: Training method, see `sapts-pinn list`. [default: tr]
        budget: "2min", "500 iterations", "10000 evaluations". [default: 2min]
        target_error: Stop when the relative L2 error is this small.
        seed: Fixes the whole run. [default: 0]
        out: Run folder. [default: runs/<problem>-<method>-seed<seed>]
        overwrite: Replace the run that the folder holds.
        resume: Run folder to continue, with its own settings.
        network: Hidden widths. [default: 30,30,30]
        activation: tanh, sin, gelu, silu or softplus. [default: tanh]
        points: Collocation points of the equation. [default: 8192]
        condition_points: Points of every weighted condition. [default: 1024]
        sampler: uniform, grid, lhs, sobol or halton. [default: sobol]
        adaptive: Share of the points drawn where the residual is large. [default: 0.5]
        resample: Steps between resamplings, 0 for never. [default: the method's]
        dtype: float64 or float32. [default: float64]
        device: cpu, cuda, ... [default: cpu]
        threads: Threads to compute with. [default: one per core]
        parts: Parts of a SAPTS method, a multiple of the number of ranks. [default: 4, or the ranks]
        radius: Initial trust radius.
        no_symmetry: Leave the symmetries of the problem out of the network.
        additive: All parts of sapts-d start from the same point, as they do on several ranks, instead of
            in turn.
        log_parts: Report every few seconds what each part of a SAPTS method has gained.
        json: Print result.json on standard output and nothing else.
        quiet: Print nothing but errors.
        debug: Show the traceback of an error.
    """
    if budget is not None:
        Budget.parse(budget)  # answers before PyTorch is loaded
    given = {
        "method": method, "budget": budget, "target_error": target_error, "seed": seed,
        "network": None if network is None else _widths(network), "activation": activation, "points": points,
        "condition_points": condition_points, "sampler": sampler, "adaptive": adaptive, "resample": resample,
        "dtype": dtype, "device": device, "parts": parts,
    }  # fmt: skip
    saved = {} if resume is None else _saved_settings(resume)
    if problem is None and resume is None:
        raise ValueError("give a problem, a name from `sapts-pinn list` or FILE.py, or --resume FOLDER")
    text = problem or saved.get("source")
    if text is None:
        raise ValueError(
            f"{resume} does not say which problem it is of; give it: sapts-pinn solve FILE.py --resume ..."
        )
    with ExitStack() as stack:
        if rank():
            nowhere = stack.enter_context(open(os.devnull, "w"))
            stack.enter_context(redirect_stdout(nowhere))
            stack.enter_context(redirect_stderr(nowhere))
        elif json or quiet:
            stack.enter_context(redirect_stdout(sys.stderr))  # a user's functions may print
        stack.enter_context(notes(quiet))
        stop = stack.enter_context(Interrupts(SAME if several() else 0.0))
        source = _load(text, no_symmetry or saved.get("symmetry") is False)
        settings = {
            **_settings_of(saved),
            **{name: value for name, value in given.items() if value is not None},
        }
        if radius is not None:
            settings["options"] = {**settings.get("options", {}), "radius": radius}
        if additive:
            both = {"order": "additive", "visits": 0}
            settings["options"] = {**settings.get("options", {}), **both}
        _use_threads(threads, saved.get("threads"))
        ranks = _connect(settings, stack)
        if resume is not None:
            _fit_ranks(settings, saved, ranks.size)
        folder = Path(ranks.gather_objects(str(out or resume or _fresh_folder(source, settings)))[0])
        solution = _train(source, settings, folder, overwrite, resume, stop, quiet, log_parts, ranks)
        stop.finish()
        ranks.close()
        status = str(solution.result["status"])
        exit_status = FAILED if status.startswith(("failed", "interrupted")) else DONE
        if ranks.rank:
            return exit_status
        _draw(solution, folder)
    if json:
        print((folder / "result.json").read_text(), end="")
    elif not quiet:
        print(f"{solution}\n  run folder         {folder}")
    if status.startswith("interrupted"):
        say(f"{status}; continue with: {resume_command(folder)}")
    elif status.startswith("failed"):
        say(f"{status}; the state before is kept in {folder}")
    return exit_status


@app.command
def show(folder: Path, /, *, debug: Switch = False) -> int:
    """Draw the pictures and the report of a run folder again, and print its summary.

    Args:
        folder: Run folder.
        debug: Show the traceback of an error.
    """
    from .solution import Solution

    config = _read_config(folder)
    if not config.get("source"):
        raise ValueError(
            f"{folder} does not say where its problem came from; use Solution.load and plot in Python"
        )
    with notes(quiet=True):
        solution = Solution.load(folder, _load(config["source"], config.get("symmetry") is False).problem)
        _draw(solution, folder)
    print(f"{solution}\n  report             {folder / 'report.html'}")
    return DONE


@app.command(help_flags=[])
def bench(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Measure speed, memory and accuracy on this machine; `sapts-pinn bench --help` lists the suites.

    Args:
        arguments: SUITE and its options.
    """
    from .bench import main as measure

    return measure(arguments)


# -- pieces of solve -----------------------------------------------------------------------------------------


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise ValueError(f"cannot read the network {text!r}; write its hidden widths, such as 20,20,20")
    return widths


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"{folder} holds no run: there is no config.json in it")
    try:
        config = json.loads(path.read_text())
        if not isinstance(config, dict):
            raise ValueError
    except ValueError as error:
        raise ValueError(f"{path} is damaged; give another run folder") from error
    return config


def _saved_settings(resume: Path) -> dict[str, Any]:
    if not resume.is_dir():
        raise ValueError(f"there is no folder {resume} to resume; give the folder of an earlier run")
    return _read_config(resume)


def _settings_of(saved: dict[str, Any]) -> dict[str, Any]:
    """The settings of an earlier run, as arguments of `solve`."""
    names = (
        "method", "budget", "seed", "target_error", "activation", "points", "condition_points", "sampler",
        "adaptive", "resample", "dtype", "device", "options",
    )  # fmt: skip
    settings = {name: saved[name] for name in names if saved.get(name) is not None}
    if isinstance(
        saved.get("network"), list
    ):  # a network in words is the problem's own, which brings it along
        settings["network"] = tuple(saved["network"])
    return settings


def _connect(settings: dict[str, Any], stack: ExitStack) -> Communicator:
    from .distributed import connect

    ranks = connect(settings.get("device", "cpu"))
    stack.callback(ranks.close)
    return ranks


def _fit_ranks(settings: dict[str, Any], saved: dict[str, Any], size: int) -> None:
    """Parts and stages of an earlier run on this number of ranks.

    Raises:
        ValueError: Its checkpoint is of no use to so many ranks.
    """
    before = saved.get("world_size", 1)
    if settings.get("method", "").endswith("sapts-ip") and size != before:
        raise ValueError(
            f"every rank of a sapts-ip run has its own stages: resume it on {before} ranks, not {size}"
        )
    options = settings.get("options", {})
    count = options.get("parts")
    if count and count % size and "parts" not in settings:
        settings["options"] = {name: value for name, value in options.items() if name != "parts"}
        warnings.warn(
            f"the run had {count} parts, which {size} ranks cannot share evenly; it goes on with {size}",
            stacklevel=2,
        )


def _load(text: str, no_symmetry: bool) -> Source:
    from dataclasses import replace

    from .sources import load_source

    source = load_source(text)
    return replace(source, problem=replace(source.problem, symmetry=False)) if no_symmetry else source


def _use_threads(given: int | None, saved: int | None) -> None:
    """Resuming repeats a run bit for bit only with the same number of threads."""
    import torch

    if given is not None and given < 1:
        raise ValueError(f"--threads must be at least 1, not {given}")
    count = given or (min(saved, os.cpu_count() or 1) if saved else None)
    if count is not None:
        torch.set_num_threads(count)


def _fresh_folder(source: Source, settings: dict[str, Any]) -> Path:
    """runs/<problem>-<method>-seed<seed>, with a counter where that is taken."""
    name = f"{source.short}-{settings.get('method', 'tr')}-seed{settings.get('seed', 0)}"
    name = "".join(c if c.isalnum() or c in "-_.+" else "-" for c in name)
    folder, count = Path("runs") / name, 1
    while folder.exists():
        count += 1
        folder = Path("runs") / f"{name}-{count}"
    return folder


def _train(
    source: Source,
    settings: dict[str, Any],
    folder: Path,
    overwrite: bool,
    resume: Path | None,
    stop: Interrupts,
    quiet: bool,
    log_parts: bool,
    ranks: Communicator,
) -> Solution:
    from .callbacks import Callback, PartsLog, Progress
    from .communicator import RankFailure
    from .solve import solve as train

    class Stopper(Callback):
        def on_start(self, trainer: Trainer) -> None:
            stop.start(trainer)

    progress = [] if quiet or ranks.rank else [Progress()]
    logs = [PartsLog()] if log_parts and not quiet else []
    try:
        return train(
            source.problem,
            **settings,
            callbacks=[Stopper(), *logs, *progress],
            out=folder,
            overwrite=overwrite,
            resume=resume,
            source=source.text,
            started=STARTED,
            communicator=ranks,
        )
    except RankFailure as failure:
        how = "none was written yet, start again"
        if (folder / "checkpoint.pt").is_file():
            how = f"continue with: {resume_command(folder)}"
        raise RankFailure(f"{failure}; {how}") from failure
    finally:
        for callback in progress:
            callback.close()


def _draw(solution: Solution, folder: Path) -> None:
    """Pictures and report.  A run is not lost because a picture of it could not be drawn."""
    from .report import write_report

    steps: list[tuple[str, Callable[[], Path]]] = [
        ("solution.png", lambda: solution.plot(folder / "solution.png")),
        ("solution.vtu", lambda: solution.export(folder / "solution.vtu")),
        ("report.html", lambda: write_report(folder, solution.result)),
    ]
    for name, step in steps:
        try:
            step()
        except Exception as error:
            say(f"note: {name} could not be made ({type(error).__name__}: {error})")


def _sentence(error: CycloptsError) -> str:
    """Cyclopts' message without the lists of everything that would have been right."""
    text = " ".join(str(error).split())
    return text.partition(" Available commands:")[0]


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
        return int(status or DONE)
    except CycloptsError as error:
        say_once(f"error: {_sentence(error)}")
        return WRONG
    except (Aborted, KeyboardInterrupt) as error:
        say_once(str(error) or "aborted")
        return FAILED
    except BrokenPipeError:  # `sapts-pinn list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ValueError as error:
        if debug:
            traceback.print_exc()
        say_once(f"error: {error}")
        return WRONG
    except Exception as error:
        if debug:
            traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        if type(error).__name__ == "RankFailure":  # not imported here: it would load PyTorch
            say_once(f"error: {error}")
        elif isinstance(error, OSError):
            say_once(f"error: {what}; the last checkpoint is kept")
        else:
            hint = "this is a bug; --debug shows the traceback; the last checkpoint is kept"
            say_once(f"error: {what} ({hint})")
        return FAILED
