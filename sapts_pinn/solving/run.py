"""`solve`: train a network to solve a problem, with no settings."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack, overload

import torch
from torch import Tensor

from ..callbacks.base import Measure
from ..callbacks.functions import Given, as_callbacks
from ..callbacks.progress import shown
from ..errors import InputError
from ..networks.build import NetworkSpec, network_of
from ..networks.model import Model
from ..optim.methods import method as find_method
from ..parallel.communicator import Communicator
from ..parallel.threads import number_of_threads
from ..parallel.torchrun import connect
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem
from ..problems.fingerprint import fingerprint
from ..problems.written import statement_of
from ..results.doubt import object_to
from ..results.reference_error import error_measure
from ..results.solution import Solution
from ..runs.content import Checkpoint, Config, Result, StartContent
from ..runs.folder import check_resumable, identity, in_saved_units, saved_units, versions
from ..runs.machine import machine
from ..runs.resuming import kept_options, kept_settings, redrawn, saved_method
from ..runs.status import StopReason
from ..training.budget import Budget
from ..training.clock import Clock
from ..training.course import Course
from ..training.lifecycle import Earlier, Session, told_to
from ..training.monitor import ErrorMonitor, EstimateMonitor
from ..training.settings import Arguments
from ..training.trainer import Trainer
from .accuracy import check_accuracy, to_accuracy
from .choice import with_method
from .examination import attempt, examine, quick_estimate
from .facts import summary
from .features import check_features, settings_of
from .features_first import Trial, in_time_alone, trial_of
from .making import is_sharded, made, with_parts, with_pipeline
from .march import march
from .own_points import Points, are_others, digest, own_points, saved_points, with_number
from .seeds import Ensemble, each_seed
from .settings import AUTO, RunSettings, SolveArguments, defaults_of
from .steps import in_steps
from .warm_start import check_start, warm_start, with_architecture

LOOKING = 0.8  # share of the time in which windows are looked for
AGAIN = "go on with it by solve(..., resume={})"
OF_A_RANK = (  # entries of config.json that may differ
    "source", "threads", "fingerprint", "versions", "machine",
)  # fmt: skip


@overload
def solve(problem: Problem, *, seeds: None = None, **settings: Unpack[SolveArguments]) -> Solution: ...


@overload
def solve(
    problem: Problem, *, seeds: int | Iterable[int], **settings: Unpack[SolveArguments]
) -> Ensemble: ...


def solve(
    problem: Problem,
    *,
    method: str = AUTO,
    budget: str | float | Budget = "2min",
    init: Solution | None = None,
    target_error: float | None = None,
    accuracy: float | None = None,
    seed: int = 0,
    seeds: int | Iterable[int] | None = None,
    network: NetworkSpec | None = None,
    activation: str | None = None,
    points: Points | None = None,
    condition_points: int | None = None,
    sampler: str | None = None,
    adaptive: float | None = None,
    resample: int | None = None,
    windows: int | None = None,
    dtype: str = "float64",
    device: str = "cpu",
    threads: int | None = None,
    parts: int | None = None,
    options: Mapping[str, object] | None = None,
    callbacks: Given | Iterable[Given] = (),
    progress: bool | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    source: str | None = None,
    started: float | None = None,
    communicator: Communicator | None = None,
) -> Solution | Ensemble:
    """Train a network to solve a problem.

    Args:
        problem: What to solve.
        method: Name of a method, see `sapts_pinn.optim.methods.METHODS`; "auto" tries "features" for a
            few seconds where no setting of a training is named (`features_first.py`), and else is "sapts-d"
            where its parts are known to pay, or "tr" (`choice.py`).
        budget: "2min", "500 iterations", "10000 evaluations", seconds; what an earlier session spent counts.
        init: Solution to start from: its parameters where network and ansatz are the same, else a fit to its
            values and derivatives, which takes a tenth of the time at most; its network where none is given.
        target_error: Stop when the relative L2 error is this small (needs a reference).
        accuracy: Relative L2 error that is wanted: the run stops when its error estimate says so; where the
            loss falls no more before, a larger network on more points goes on from the solution, until the
            budget ends (`accuracy.py`).
        seed: Fixes the whole run on a given machine and number of threads.
        seeds: How many seeds, or which ones, in place of `seed`: the problem is solved from each, and an
            `Ensemble` is returned, with their mean (`predict`), `spread` and `best`.
        network: Hidden widths, a module, or a function (inputs, outputs) -> module.  Where it and the next
            arguments are None, the problem's own options count, else: network (30, 30, 30), activation tanh,
            8192 points, 1024 condition_points, sampler sobol, adaptive 0.5, 1 of windows.
        activation: "tanh", "sin", "gelu", "silu" or "softplus", for a network given by widths.
        points: Number of collocation points of the equation; or the points themselves, which stay: an array
            [N, dim] of NumPy or PyTorch, or a dict of arrays by coordinate.
        condition_points: Points of every condition that is a weighted term.
        sampler: "uniform", "grid", "lhs", "sobol" or "halton".
        adaptive: Share of the points drawn where the residual is large, at a resampling.
        resample: Steps between resamplings, 0 for never; None: after 50, 100 and 200 steps, and then as the
            method does, every 500 steps those of trust regions.
        windows: Train a network for each of so many windows in time, one after the other, see `windows.py`.
        dtype: "float64" or "float32", or torch.float64 or torch.float32.
        device: "cpu", "cuda", ...
        threads: Threads of this process during the run; None: as many as PyTorch has.
        parts: Parts of a SAPTS method, a multiple of the number of ranks; by default the ranks, or in one
            process 2 of the points, 4 of the parameters (fewer where a network has fewer layers).
        options: Keyword arguments of the optimizer, such as {"radius": 0.1}.
        callbacks: Told after every step: `Callback` objects, or functions of the run, f(run).
        progress: Show a bar with loss, error (or an estimate, for 5 % of the time at most) and time left;
            None shows it in a notebook or at a prompt.
        out: Run folder to write: configuration, checkpoint, history.
        overwrite: Whether `out` may hold an earlier run, which is replaced.
        resume: Run folder, or checkpoint, to continue; it is also written to when `out` is not given.
        source: Where the problem came from, for the configuration (the command line sets it).
        started: `time.monotonic()` when the user's command began.
        communicator: The ranks; by default those that torchrun has started, or this process alone.  Every
            rank calls `solve` with the same arguments and gets the same solution; rank 0 writes the folder.

    Returns:
        The solution; an `Ensemble` of them for several seeds.

    Raises:
        InputError: A setting is wrong; one sentence with the value and the fix.
    """
    arguments = dict(locals())
    if threads is not None:
        with number_of_threads(threads):
            found: Solution | Ensemble = solve(**{**arguments, "threads": None})
            return found
    began = time.monotonic() if started is None else started
    defaults_of(problem)  # refuses what is no problem
    if init is not None:
        arguments = with_architecture(arguments, check_start(init, problem))
    arguments["own"] = own_points(points, problem)
    settings = settings_of(problem, RunSettings.given(with_number(arguments)))
    shared = {name: value for name, value in arguments.items() if name not in ("problem", "own")}
    if seeds is not None:
        return each_seed(solve, problem, **shared)
    del shared["seeds"]
    if accuracy is not None:
        check_accuracy(accuracy, settings, (communicator or connect(settings.device)).size)
        return to_accuracy(_solved, problem, arguments, began)
    del shared["windows"]
    if settings.windows != 1:
        return march(solve, problem, settings.windows, **{**shared, "budget": settings.budget})
    in_windows, arguments = _in_windows(problem, shared, arguments, settings, began)
    return in_windows or _solved(problem, arguments, began)


def _in_windows(
    problem: Problem, shared: Arguments, arguments: Arguments, settings: RunSettings, began: float
) -> tuple[Solution | None, Arguments]:
    """Solve ordinary differential equations in windows, where a trial of the whole is not enough.

    Returns:
        The solution, if they come to the end of the time; and the arguments of a single run, which knows the
        trial.
    """
    if not in_time_alone(problem, arguments):
        return None, arguments
    ranks: Communicator = arguments["communicator"] or connect(settings.device)
    trial = trial_of(problem, arguments, settings, ranks)
    if trial is None or trial.state is not None or trial.stopped:
        return None, {**arguments, "trial": trial}
    found = in_steps(problem, trial, ranks, began + LOOKING * settings.budget.seconds)
    if found.complete:
        trials, why = iter(found.trials), f"{trial.words} as a whole: {len(found.trials)} windows of time"

        def train(part: Problem, **given: Any) -> Solution:
            given = {**arguments, **given, "trial": next(trials), "estimated": False}
            return _solved(part, given, time.monotonic())

        given = {**shared, "budget": settings.budget, "chosen": why, "meet": found.meet}
        return march(train, problem, len(found.trials), **given), arguments
    words = ", and ".join([trial.words, *([found.why] if found.why else [])])
    spent = replace(trial, seconds=time.monotonic() - began, words=words, stopped=found.stopped)
    return None, {**arguments, "trial": spent}


def _solved(problem: Problem, arguments: Arguments, began: float) -> Solution:
    """The solution of a single run, from the arguments of `solve`."""
    ranks: Communicator = arguments["communicator"] or connect(arguments["device"])
    parts, resume = arguments["parts"], arguments["resume"]
    asked, own = RunSettings.given(with_number(arguments)), arguments["own"]
    if resume is not None and asked["method"] == AUTO and (former := saved_method(resume)) is not None:
        asked["method"] = former
    settings = settings_of(problem, asked)
    if resume is None:
        settings = with_pipeline(problem, settings, ranks.size)
    session = Session(arguments["out"], resume, arguments["overwrite"], ranks, is_sharded(settings, resume))
    if session.earlier is not None:
        settings, own = _resumed(session.earlier, problem, asked, own, ranks)
        problem = in_saved_units(problem, saved_units(session.earlier.state["config"])[0])
    check_features(problem, settings, ranks.size, arguments["init"])
    session.check_folder()
    _try_quantities(problem)
    trial = arguments["trial"] if "trial" in arguments else trial_of(problem, arguments, settings, ranks)
    settings, why = with_method(problem, settings, ranks.size, parts, trial)
    chosen = find_method(settings.method)
    settings = with_parts(settings, parts, chosen, ranks.size)
    measure = _measure(problem, settings)
    model, collocation = made(problem, settings, ranks, own)
    config = _configuration(problem, settings, arguments["source"], ranks, why)
    config["own_points"] = digest(own)
    config["init"] = _started(model, arguments["init"], settings, session)
    session.check_alike(config, OF_A_RANK)
    redraw = session.earlier is not None and _is_redrawn(session.earlier, settings, config, own)
    course, clock = Course(chosen, settings.options, settings.resample), Clock(settings.budget, ranks, began)
    if session.earlier is None and config["init"] is not None:
        clock.discount(-config["init"]["seconds"])
    watching = as_callbacks(arguments["callbacks"])
    shows = shown(arguments["progress"], watching)
    told = [*watching, *session.writers(config, _header(settings, config)), *shows]
    monitor = ErrorMonitor(measure, target=settings.target_error)
    if measure is None and any(callback.wants_error for callback in told):
        monitor = EstimateMonitor(quick_estimate)
    trainer = Trainer(model, collocation, course, clock, monitor, told)
    session.restore(trainer, redraw)
    if trial is not None:
        _after(trainer, trial)
    session.open(config)  # only now: a wrong setting leaves no trace
    trainer.run()
    if trainer.failure is not None:
        raise session.failed(trainer, lambda: summary(trainer, config).as_json(), AGAIN)
    return told_to(told, _finished(session, trainer, config, arguments.get("estimated", True)))


def _after(trainer: Trainer, trial: Trial) -> None:
    """Let a run go on from a trial of random features, or begin after it; its time counts."""
    if trial.state is not None:
        trainer.load_state_dict(trial.state)
    trainer.discount(-trial.seconds)
    if trial.stopped:
        trainer.stop(trial.stopped)


def _started(
    model: TrainableModel, init: Solution | None, settings: RunSettings, session: Session
) -> StartContent | None:
    """Start a new run from an earlier solution, or look up how the run that goes on has started.

    Raises:
        InputError: A run that goes on is given another start.
    """
    if init is None:
        return None if session.earlier is None else session.earlier.state.get("init")
    if session.earlier is not None:
        raise InputError(f"the run of {session.earlier.path} goes on from where it is: drop init")
    return warm_start(model, init, settings.budget.seconds, session.ranks)


def _resumed(
    earlier: Earlier, problem: Problem, asked: Arguments, own: Tensor | None, ranks: Communicator
) -> tuple[RunSettings, Tensor | None]:
    """Settings of a resumed run, and the points of its own.

    Args:
        earlier: The session that goes on.
        problem: What to solve.
        asked: Settings that are given now.
        own: Points that are given now.
        ranks: The ranks.
    """
    kept, former = kept_settings(earlier.state), saved_points(earlier.state)
    if "points" not in asked:
        own = former
    elif own is None and former is not None:
        kept.pop("resample", None)  # never, as these points were to stay
    options = {"options": kept_options(earlier.state, asked.get("options"), ranks.size, earlier.path)}
    return settings_of(problem, kept | asked | options), own


def _is_redrawn(earlier: Earlier, settings: RunSettings, config: Config, own: Tensor | None) -> bool:
    """Return whether a resumed run draws its points anew.

    Raises:
        InputError: The checkpoint is of another run.
    """
    check_resumable(earlier.state, config, earlier.path)
    others = are_others(saved_points(earlier.state), own, earlier.path)
    return redrawn(earlier.state, {} if others else settings.as_json("drawn"), earlier.path) or others


def _header(settings: RunSettings, config: Config) -> Checkpoint:
    """Entries of a checkpoint by which a later session knows the run."""
    kept: dict[str, object] = {**settings.as_json("kept"), "options": config["options"]}
    kept["own_points"] = config["own_points"]
    return {"config": identity(config), "settings": kept, "init": config["init"]}


def _finished(session: Session, trainer: Trainer, config: Config, estimated: bool = True) -> Solution:
    """The solution of a run that has ended, examined and written; a window gets no estimate of its own."""
    ranks, model = session.ranks, trainer.model
    result = summary(trainer, config).as_json()
    session.write_result(result)  # what follows takes seconds, in which the user may lose patience
    assert isinstance(model, TrainableModel)
    whole = model.assemble()
    found = examine(whole, trainer)
    result |= found.as_json()
    solution = Solution(whole.problem, whole, config, trainer.history, result, found.uncertainty)
    if whole.problem.quantities:
        nothing: dict[str, dict[str, float | None]] = {}
        result["quantities"] = attempt(lambda: solution.quantities, nothing, "quantities", result["remarks"])
    if estimated and trainer.status.reason is not StopReason.FAILED:
        if ranks.rank == 0:
            attempt(solution.add_estimate, None, "error estimate", result["remarks"])
        found_later: Result = {
            "error_estimate": result.get("error_estimate"),
            "remarks": result["remarks"],
        }
        result |= ranks.gather_objects(found_later)[0]
        object_to(result)
    session.write_result(solution.result)
    session.write_whole({"config": identity(config)}, whole.state_dict())
    return solution


def _measure(problem: Problem, settings: RunSettings) -> Measure | None:
    """The error against the problem's reference, None without one.

    Raises:
        InputError: There is none to reach a target error.
    """
    measure = error_measure(problem)
    if settings.target_error is not None and measure is None:
        raise InputError(f"target_error needs a reference solution, and {problem.name} has none")
    return measure


def _configuration(
    problem: Problem, settings: RunSettings, source: str | None, ranks: Communicator, why: str | None
) -> Config:
    """The content of config.json."""
    return {
        "problem": problem.name,
        "source": source,
        **settings.as_json(),
        "chosen": why,
        "threads": torch.get_num_threads(),
        "world_size": ranks.size,
        "symmetry": problem.symmetry,
        "description": str(problem),
        "statement": statement_of(problem),
        "scales": problem.natural.as_json(),
        "fingerprint": fingerprint(problem),
        "versions": versions(),
        "machine": machine(),
    }


def _try_quantities(problem: Problem) -> None:
    """Compute the quantities of an untrained network, so that mistakes in them show before the training."""
    net = network_of(problem, (2,), torch.Generator().manual_seed(0), torch.float64)
    _ = Solution(problem, Model(problem, net), {}, [], {}).quantities


__all__ = ["Solution", "solve"]
