"""`solve`: train a network to solve a problem, with no settings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ..callbacks.base import Callback, Measure
from ..callbacks.progress import shown
from ..errors import InputError
from ..networks.build import NetworkSpec, network_of
from ..networks.model import Model
from ..optim.methods import Method
from ..optim.methods import method as find_method
from ..optim.sapts import Decomposition
from ..parallel.communicator import Communicator
from ..parallel.torchrun import connect
from ..pipeline.build_model import build_model
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem
from ..problems.fingerprint import fingerprint
from ..problems.scales import SavedScales
from ..problems.written import statement_of
from ..results.reference_error import error_measure
from ..results.solution import Solution
from ..runs.content import Checkpoint, Config, Result
from ..runs.folder import check_resumable, identity, in_saved_units, saved_units, versions
from ..runs.machine import machine
from ..runs.resuming import kept_options, kept_settings, redrawn, saved_method
from ..runs.status import StopReason
from ..training.budget import Budget
from ..training.clock import Clock
from ..training.collocation import Collocation
from ..training.course import Course
from ..training.lifecycle import Earlier, Session
from ..training.monitor import ErrorMonitor
from ..training.result import RunResult, facts
from ..training.settings import callbacks as read_callbacks
from ..training.settings import whole
from ..training.trainer import Trainer
from .choice import with_method
from .examination import attempt, examine
from .march import march
from .settings import AUTO, RunSettings, defaults_of

AGAIN = "go on with it by solve(..., resume={})"
OF_A_RANK = (
    "source",
    "threads",
    "fingerprint",
    "versions",
    "machine",
)  # entries of config.json that may differ


@dataclass(frozen=True, kw_only=True)
class SolveResult(RunResult):
    """Facts of a run of `solve`.

    Attributes:
        problem: Name of the problem.
        chosen: Why the method was chosen; None where it was named.
        points: Number of collocation points of all terms.
        device: Of the network.
        collectives: Collective operations of this rank.
        messages: Messages of this rank.
        bytes_sent: Bytes that this rank has sent.
        communication_seconds: Time in communication, in seconds.
        weights: Of the terms of the loss at the end.
        relative_l2_error: Against the reference; None without one.
        coefficients: Estimates of unknown coefficients.
        scales: Natural units of the problem.
        slow_path: Why compiled code was not used; None if it was.
    """

    problem: str
    chosen: str | None
    points: int
    device: str
    collectives: int
    messages: int
    bytes_sent: int
    communication_seconds: float
    weights: dict[str, float]
    relative_l2_error: float | None
    coefficients: dict[str, float]
    scales: SavedScales | list[SavedScales]
    slow_path: str | None


def solve(
    problem: Problem,
    *,
    method: str = AUTO,
    budget: str | float | Budget = "2min",
    target_error: float | None = None,
    seed: int = 0,
    network: NetworkSpec | None = None,
    activation: str | None = None,
    points: int | None = None,
    condition_points: int | None = None,
    sampler: str | None = None,
    adaptive: float | None = None,
    resample: int | None = None,
    windows: int | None = None,
    dtype: str = "float64",
    device: str = "cpu",
    parts: int | None = None,
    options: Mapping[str, object] | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    source: str | None = None,
    started: float | None = None,
    communicator: Communicator | None = None,
) -> Solution:
    """Train a network to solve a problem.

    Args:
        problem: What to solve.
        method: Name of a method, see `sapts_pinn.optim.methods.METHODS`; "auto" is "sapts-d" where its parts
            are known to pay, else "tr", see `choice.py`.
        budget: "2min", "500 iterations", "10000 evaluations", seconds; what an earlier session spent counts.
        target_error: Stop when the relative L2 error is this small (needs a reference).
        seed: Fixes the whole run on a given machine and number of threads.
        network: Hidden widths, a module, or a function (inputs, outputs) -> module.
        activation: "tanh", "sin", "gelu", "silu" or "softplus", for a network given by widths.
        points: Collocation points of the equation.
        condition_points: Points of every condition that is a weighted term.
        sampler: "uniform", "grid", "lhs", "sobol" or "halton".
        adaptive: Share of the points drawn where the residual is large, at a resampling.
        resample: Steps between resamplings, 0 for never; None: after 50, 100 and 200 steps, and then as the
            method does, every 500 steps those of trust regions.
        windows: Train a network for each of so many windows in time, one after the other, see `windows.py`.
        dtype: "float64" or "float32".
        device: "cpu", "cuda", ...
        parts: Parts of a SAPTS method, a multiple of the number of ranks; by default the ranks, or in one
            process 2 of the points, 4 of the parameters (fewer where a network has fewer layers).
        options: Keyword arguments of the optimizer, such as {"radius": 0.1}.
        callbacks: Told after every step.
        progress: Show a bar with loss, error and time left; None shows it in a notebook or at a prompt.
        out: Run folder to write: configuration, checkpoint, history.
        overwrite: Whether `out` may hold an earlier run, which is replaced.
        resume: Run folder, or checkpoint, to continue; it is also written to when `out` is not given.
        source: Where the problem came from, for the configuration (the command line sets it).
        started: `time.monotonic()` when the user's command began.
        communicator: The ranks; by default those that torchrun has started, or this process alone.  Every
            rank calls `solve` with the same arguments and gets the same solution; rank 0 writes the folder.

    Returns:
        The solution.

    Raises:
        InputError: A setting is wrong; one sentence with the value and the fix.
    """
    arguments = dict(locals())
    began = time.monotonic() if started is None else started
    usual, given = defaults_of(problem), RunSettings.given(arguments)
    settings = RunSettings.merged(usual, given)
    if settings.windows != 1:
        shared = {name: value for name, value in arguments.items() if name not in ("problem", "windows")}
        return march(solve, problem, settings.windows, **{**shared, "budget": settings.budget})
    ranks = communicator or connect(settings.device)
    if resume is not None and settings.method == AUTO and (former := saved_method(resume)) is not None:
        given["method"] = former
        settings = RunSettings.merged(usual, given)
    session = Session(out, resume, overwrite, ranks, sharded=find_method(settings.method).sharded)
    if session.earlier is not None:
        earlier = session.earlier.state, options, ranks.size, session.earlier.path
        asked = {"options": kept_options(*earlier)}
        given = kept_settings(session.earlier.state) | given | asked
        settings = RunSettings.merged(usual, given)
        problem = in_saved_units(problem, saved_units(session.earlier.state["config"])[0])
    settings, why = with_method(problem, settings, ranks.size, parts)
    chosen = find_method(settings.method)
    settings = _with_parts(settings, parts, chosen, ranks.size)
    measure = _measure(problem, settings)
    _try_quantities(problem)
    model, collocation = _made(problem, settings, ranks)
    config = _configuration(problem, settings, source, ranks, why)
    session.check_alike(config, OF_A_RANK)
    redraw = session.earlier is not None and _is_redrawn(session.earlier, settings, config)
    course, clock = Course(chosen, settings.options, settings.resample), Clock(settings.budget, ranks, began)
    monitor = ErrorMonitor(measure, target=settings.target_error)
    watching = read_callbacks(callbacks, Callback)
    told = [*watching, *session.writers(config, _header(settings, config)), *shown(progress, watching)]
    trainer = Trainer(model, collocation, course, clock, monitor, told)
    session.restore(trainer, redraw)
    session.open(config)  # only now: a wrong setting leaves no trace
    trainer.run()
    if trainer.failure is not None:
        raise session.failed(trainer, lambda: summary(trainer, config).as_json(), AGAIN)
    return _finished(session, trainer, config)


def _is_redrawn(earlier: Earlier, settings: RunSettings, config: Config) -> bool:
    """Return whether a resumed run draws its points anew.

    Raises:
        InputError: The checkpoint is of another run.
    """
    check_resumable(earlier.state, config, earlier.path)
    return redrawn(earlier.state, settings.as_json("drawn"), earlier.path)


def _header(settings: RunSettings, config: Config) -> Checkpoint:
    """Entries of a checkpoint by which a later session knows the run."""
    kept: dict[str, object] = {**settings.as_json("kept"), "options": config["options"]}
    return {"config": identity(config), "settings": kept}


def _finished(session: Session, trainer: Trainer, config: Config) -> Solution:
    """The solution of a run that has ended, examined and written."""
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
    if trainer.status.reason is not StopReason.FAILED:
        if ranks.rank == 0:
            attempt(solution.add_estimate, None, "error estimate", result["remarks"])
        found_later: Result = {
            "error_estimate": result.get("error_estimate"),
            "remarks": result["remarks"],
        }
        result |= ranks.gather_objects(found_later)[0]
    session.write_result(solution.result)
    session.write_whole({"config": identity(config)}, whole.state_dict())
    return solution


def _with_parts(settings: RunSettings, parts: int | None, chosen: Method, ranks: int) -> RunSettings:
    """The settings with the number of parts among the options of a method that has parts.

    Raises:
        InputError: The method has none, or the number is none.
    """
    decomposition = chosen.decomposition
    if decomposition is None:
        if parts is not None:
            raise InputError(
                f"method {settings.method!r} has no parts; drop parts={parts}, or use a SAPTS method"
            )
        return settings
    options = dict(settings.options)
    if parts is not None:
        options["parts"] = whole("parts", parts)
    options.setdefault("parts", _default_parts(decomposition, ranks, settings.network))
    return replace(settings, options=options)


def _measure(problem: Problem, settings: RunSettings) -> Measure | None:
    """The error against the problem's reference, None without one.

    Raises:
        InputError: There is none to reach a target error.
    """
    measure = error_measure(problem)
    if settings.target_error is not None and measure is None:
        raise InputError(f"target_error needs a reference solution, and {problem.name} has none")
    return measure


def _made(problem: Problem, settings: RunSettings, ranks: Communicator) -> tuple[TrainableModel, Collocation]:
    """The untrained model and its collocation points, from the seed."""
    generator = torch.Generator().manual_seed(settings.seed)
    stages = settings.options["parts"] if find_method(settings.method).sharded else None
    with _fixed_global_seed(settings.seed):
        made = build_model(problem, settings, generator, ranks, stages)
    collocation = Collocation(
        problem,
        settings.points,
        settings.condition_points,
        settings.sampler,
        settings.adaptive,
        generator,
        made,
    )
    return made, collocation


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


@contextmanager
def _fixed_global_seed(seed: int) -> Iterator[None]:
    """Seed PyTorch's global generator, by which modules draw their weights, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _default_parts(chosen: Decomposition, ranks: int, network: NetworkSpec) -> int:
    """Default number of parts: one a rank; in one process the usual number, at most one a layer."""
    if ranks > 1:
        return ranks
    if not chosen.shared and isinstance(network, Sequence) and not isinstance(network, nn.Module):
        return min(chosen.parts, len(network) + 1)
    return chosen.parts


def _try_quantities(problem: Problem) -> None:
    """Compute the quantities of an untrained network, so that mistakes in them show before the training."""
    net = network_of(problem, (2,), torch.Generator().manual_seed(0), torch.float64)
    _ = Solution(problem, Model(problem, net), {}, [], {}).quantities


def _coefficients(trainer: Trainer) -> dict[str, float]:
    assert isinstance(trainer.model, TrainableModel)
    return trainer.model.values()


def _weights(trainer: Trainer) -> dict[str, float]:
    """Weights of all terms of the loss at the end, by name."""
    assert isinstance(trainer.collocation, Collocation)
    problem, balanced = trainer.collocation.problem, trainer.collocation.weights
    return {term.name: balanced.get(term.name, term.weight) for term in problem.terms}


def summary(trainer: Trainer, config: Config) -> SolveResult:
    """Facts of a run; all ranks make them together."""
    ranks = trainer.communicator
    return SolveResult(
        **vars(facts(trainer, config)),
        problem=config["problem"],
        chosen=config["chosen"],
        points=sum(s.points.shape[0] for s in trainer.collocation.sites.values()),
        device=config["device"],
        collectives=ranks.traffic.collectives,
        messages=ranks.traffic.messages,
        bytes_sent=ranks.traffic.bytes,
        communication_seconds=ranks.traffic.seconds,
        weights=_weights(trainer),
        relative_l2_error=ranks.gather_objects(trainer.error)[0],
        coefficients=_coefficients(trainer),
        scales=config["scales"],
        slow_path=trainer.objective.slow_path,
    )


__all__ = ["Solution", "solve"]
