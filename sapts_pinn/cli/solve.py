"""`sapts-pinn solve`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import catalogue
from ..errors import InputError
from ..runs.content import Config
from ..solving.settings import AUTO, RunSettings, defaults_of
from ..training.settings import Arguments
from . import runs, three
from .app import (
    STARTED,
    Folder,
    OfMethod,
    OfOutput,
    OfRun,
    ProblemName,
    Switch,
    Whole,
    app,
    given_options,
    options_of,
)

if TYPE_CHECKING:
    from ..callbacks.base import Callback
    from ..problems import Problem
    from ..results.solution import Solution
    from ..solving.sources import Source

    Options = object
else:
    Options = options_of(RunSettings, methods=("sapts", *catalogue.METHODS))

EXAMPLES = """\
Examples:
  sapts-pinn solve burgers --budget 1min
  sapts-pinn solve heat.py --method tr --option radius=0.5 --out runs/heat
  sapts-pinn solve --resume runs/heat --budget 5min
  sapts-pinn solve burgers --method sapts
"""


@app.command(help_epilogue=EXAMPLES)
def solve(
    problem: ProblemName = None,
    /,
    *,
    chosen: Options | None = None,
    out: Annotated[Folder | None, OfRun] = None,
    overwrite: Annotated[Switch, OfRun] = False,
    resume: Annotated[Folder | None, OfRun] = None,
    no_symmetry: Annotated[Switch, OfRun] = False,
    accuracy: Annotated[float | None, OfRun] = None,
    parts: Annotated[Whole | None, OfMethod] = None,
    radius: Annotated[float | None, OfMethod] = None,
    additive: Annotated[Switch, OfMethod] = False,
    threads: Annotated[Whole | None, OfOutput] = None,
    log_parts: Annotated[Switch, OfOutput] = False,
    json: Annotated[Switch, OfOutput] = False,
    quiet: Annotated[Switch, OfOutput] = False,
    debug: Annotated[Switch, OfOutput] = False,
) -> int:
    """Train a network to solve a problem, and write a run folder.

    With --method sapts it runs sapts-d, sapts-p and sapts-ip in turn, each with
    the whole budget and in a folder of its own inside --out, and compares them.

    Args:
        problem: NAME from `sapts-pinn list`, FILE.py, or FILE.py:object; with --resume only for a file.
        chosen: Settings of the run.
        out: Run folder. [default: runs/<problem>-<method>-seed<seed>, auto where a trial chooses]
        overwrite: Replace the run that the folder holds.
        resume: Run folder to continue, with its own settings.
        threads: Threads to compute with. [default: one per core]
        parts: Parts of a SAPTS method, a multiple of the number of ranks. [default: the ranks; in one
            process 2 of the points, 4 of a network]
        radius: Initial trust radius.
        no_symmetry: Leave the symmetries of the problem out of the network.
        accuracy: Relative error that is wanted: stop when the error estimate says so, with larger
            networks and more points where one does not suffice.
        additive: All parts of sapts-d start from the same point, as they do on several ranks, instead of
            in turn.
        log_parts: Report every few seconds what each part of a SAPTS method has gained.
        json: Print result.json on standard output and nothing else.
        quiet: Print nothing but errors.
        debug: Show the traceback of an error.
    """
    if three.is_asked(chosen):
        return three.solve_each(solve, locals())
    given, options = _asked(chosen, radius, additive)
    saved = Config() if resume is None else runs.saved_settings(resume, "solve")
    if problem is None and resume is None:
        raise InputError("give a problem, a name from `sapts-pinn list` or FILE.py, or --resume FOLDER")
    text = runs.named_problem(problem, saved, f"sapts-pinn solve FILE --resume {resume}")
    with ExitStack() as stack:
        stop = runs.orderly(stack, aside=json or quiet, quiet=quiet)  # a user's functions may print
        source = load_problem(text, no_symmetry or saved.get("symmetry") is False)
        settings = {**RunSettings.arguments(saved), **given}
        if parts is not None:
            settings["parts"] = parts
        if options:
            settings["options"] = {**settings.get("options", {}), **options}
        runs.use_threads(threads, saved.get("threads"))
        ranks = runs.connect_ranks(settings.get("device", "cpu"), stack)
        if resume is not None:
            runs.fit_ranks(settings, ranks.size)
        method, label = _method(source.problem, settings, ranks.size)
        name = f"{source.short}-{label}-seed{settings.get('seed', 0)}"
        folder = runs.agreed_folder(ranks, out or resume, name)

        def run(callbacks: Sequence[Callback]) -> Solution:
            from ..optim.methods import method as find_method
            from ..solving.run import solve as train

            runs.check_kinds(find_method(method), options)
            found: Solution = train(
                source.problem, **settings, accuracy=accuracy, callbacks=callbacks, progress=False,
                out=folder, overwrite=overwrite, resume=resume, source=source.text, started=STARTED,
                communicator=ranks,
            )  # fmt: skip
            return found

        solution = runs.watched(run, stop, folder, "solve", quiet, _logs(log_parts and not quiet))
        runs.close(stop, ranks, lambda: pictures(solution, folder))
    if not ranks.rank:
        runs.tell(solution, folder, "solve", json, quiet)
    return runs.exit_status(solution)


def _asked(chosen: object, radius: float | None, additive: bool) -> tuple[Arguments, Arguments]:
    """The settings that the command was given, and the options of the method among them.

    Raises:
        InputError: One is wrong; this answers before PyTorch is loaded.
    """
    given = given_options(chosen)
    if "network" in given:
        given["network"] = _widths(given["network"])
    RunSettings.merged(given)
    options = given.pop("options", {})
    if radius is not None:
        options["radius"] = radius
    return given, options | ({"order": "additive", "visits": 0} if additive else {})


def _method(problem: Problem, settings: Arguments, ranks: int) -> tuple[str, str]:
    """Name of the method of a run where something is trained, and what its folder is called by."""
    from ..solving.choice import with_method
    from ..solving.features_first import features_are_open

    merged = RunSettings.merged(defaults_of(problem), settings)
    method = with_method(problem, merged, ranks, settings.get("parts"))[0].method
    return method, AUTO if features_are_open(problem, settings, merged, ranks) else method


def pictures(solution: Solution, folder: Path) -> list[runs.Step]:
    """Pictures and report of a run folder, with the functions that make them."""
    from ..results.report import write_report
    from ..viz.scene_page import can_export, export_scene

    scene: list[runs.Step] = []
    if can_export() and solution.problem.domain.dim > 1:
        scene = [("scene.html", lambda: export_scene(solution, folder / "scene.html"))]
    return [
        *scene,
        ("solution.png", lambda: solution.plot(folder / "solution.png")),
        ("solution.vtu", lambda: solution.export(folder / "solution.vtu")),
        ("report.html", lambda: write_report(folder, solution.result)),
    ]


def load_problem(text: str, no_symmetry: bool) -> Source:
    """Load a problem by name or file, if wanted without its symmetries."""
    from ..solving.sources import load_source

    source = load_source(text)
    return replace(source, problem=replace(source.problem, symmetry=False)) if no_symmetry else source


def _logs(wanted: bool) -> list[Callback]:
    from ..callbacks.parts_log import PartsLog

    return [PartsLog()] if wanted else []


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise InputError(f"cannot read the network {text!r}; write its hidden widths, such as 20,20,20")
    return widths
