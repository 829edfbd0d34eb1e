"""`solve`: train a network to solve a problem, with no settings."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from ..audit import Audit, audited
from ..callbacks.base import Callback, RunView
from ..callbacks.checkpoints import CheckpointWriter, not_written
from ..errors import InputError
from ..networks.build import PRECISIONS, NetworkSpec, network_maker, network_of
from ..networks.model import Model
from ..optim.methods import Method
from ..optim.methods import method as find_method
from ..parallel.agreement import check_same, code_fingerprint
from ..parallel.communicator import Communicator
from ..parallel.torchrun import connect
from ..pipeline.sharded_model import ShardedModel, parameter_bytes, parameter_count
from ..problems import Problem
from ..problems.fingerprint import fingerprint
from ..results.diagnosis import diagnose
from ..results.numerical_error import numerical_errors
from ..results.reference_error import error_measure
from ..results.solution import Solution
from ..results.uncertainty import Uncertainty, uncertainty
from ..runs.checkpoint import checkpoint_name, save_checkpoint
from ..runs.files import write_json
from ..runs.folder import (
    check_resumable,
    identity,
    in_saved_units,
    prepare_folder,
    run_path,
    versions,
    write_config,
)
from ..runs.resuming import KEPT, kept_options, kept_settings, load_state, redrawn
from ..runs.status import Status, StopReason
from ..training.budget import Budget
from ..training.collocation import Collocation
from ..training.interrupts import Aborted
from ..training.trainer import Trainer
from .march import march

Found = TypeVar("Found")

log = logging.getLogger(__name__)

DEFAULTS: dict[str, Any] = {
    "network": (30, 30, 30),
    "activation": "tanh",
    "points": 8192,
    "condition_points": 1024,
    "sampler": "sobol",
    "adaptive": 0.5,
    "windows": 1,
}


def solve(
    problem: Problem,
    *,
    method: str = "tr",
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
    options: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
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
        method: Name of a method, see `sapts_pinn.optim.methods.METHODS`.
        budget: "2min", "500 iterations", "10000 evaluations", seconds; what an earlier session spent counts.
        target_error: Stop when the relative L2 error is this small (needs a reference).
        seed: Fixes the whole run on a given machine and number of threads.
        network: Hidden widths, a module, or a function (inputs, outputs) -> module.
        activation: "tanh", "sin", "gelu", "silu" or "softplus", for a network given by widths.
        points: Collocation points of the equation.
        condition_points: Points of every condition that is a weighted term.
        sampler: "uniform", "grid", "lhs", "sobol" or "halton".
        adaptive: Share of the points drawn where the residual is large, at a resampling.
        resample: Steps between resamplings; None leaves it to the method, 0 never resamples.
        windows: Train a network for each of so many windows in time, one after the other, see `windows.py`.
        dtype: "float64" or "float32".
        device: "cpu", "cuda", ...
        parts: Parts of a SAPTS method, a multiple of the number of ranks; by default the ranks, or 4
            in one process (fewer where a network has fewer layers to give them).
        options: Keyword arguments of the optimizer, such as {"radius": 0.1}.
        callbacks: Told after every step.
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
    asked = {name: value for name, value in locals().items() if name not in ("problem", "windows")}
    started = time.monotonic() if started is None else started
    given = {
        "network": network, "activation": activation, "points": points, "condition_points": condition_points,
        "sampler": sampler, "adaptive": adaptive, "windows": windows,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    settings = {**DEFAULTS, **problem.options, **given}
    if settings["windows"] != 1:
        return march(solve, problem, settings["windows"], **asked)
    limits, chosen = Budget.parse(budget), find_method(method)
    if dtype not in PRECISIONS:
        raise InputError(f"dtype must be float64 or float32, not {dtype!r}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed must be a non-negative integer, not {seed!r}")
    ranks = communicator or connect(device)
    state = None
    if resume is not None:
        path, state = load_state(resume, ranks.rank if chosen.divides == "stages" else 0)
        kept = kept_settings(state)
        settings |= {name: value for name, value in kept.items() if name in settings and name not in given}
        resample = kept.get("resample") if resample is None else resample
        options = kept_options(state, options, ranks.size, path)
        problem = in_saved_units(problem, state.get("config", {}).get("scales"))
    options = dict(options or {})
    if chosen.divides:
        if parts is not None:
            options["parts"] = parts
        options.setdefault("parts", _default_parts(chosen, ranks.size, settings["network"]))
    elif parts is not None:
        raise InputError(f"method {method!r} has no parts; drop parts={parts}, or use a SAPTS method")
    measure = error_measure(problem)
    if target_error is not None and not target_error > 0:
        raise InputError(f"target_error must be positive, not {target_error:g}")
    if target_error is not None and measure is None:
        raise InputError(f"target_error needs a reference solution, and {problem.name} has none")
    _try_quantities(problem)
    generator = torch.Generator().manual_seed(seed)
    precision = PRECISIONS[dtype]
    with _fixed_global_seed(seed):
        model: Model | ShardedModel
        if chosen.divides == "stages":
            architecture = settings["network"], precision, settings["activation"]
            model = ShardedModel(problem, generator, *architecture, options["parts"], ranks)
        else:
            net = network_of(problem, settings["network"], generator, precision, settings["activation"])
            model = Model(
                problem,
                net.to(_device(device)),
                network_maker(settings["network"], precision, settings["activation"]),
            )
    collocation = Collocation(
        problem,
        settings["points"],
        settings["condition_points"],
        settings["sampler"],
        settings["adaptive"],
        generator,
        model,
    )
    folder, goes_on = run_path(out) if out is not None else None, False
    config = {
        "problem": problem.name, "source": source, "method": method, "budget": str(limits), "seed": seed,
        "target_error": target_error, **{k: _describe(v) for k, v in settings.items()}, "resample": resample,
        "dtype": dtype, "device": device, "options": options, "threads": torch.get_num_threads(),
        "world_size": ranks.size, "symmetry": problem.symmetry, "description": str(problem),
        "scales": problem.natural.as_json(), "fingerprint": fingerprint(problem), "versions": versions(),
    }  # fmt: skip
    own = ("source", "threads", "fingerprint", "versions")  # a rank's own
    alike = {name: value for name, value in config.items() if name not in own}
    if ranks.size > 1:  # of one rank there is nothing to compare
        check_same(ranks, code=code_fingerprint(), settings=str(alike))
    if state is not None:
        check_resumable(state, config, path)
        if chosen.divides == "stages" and state["world_size"] != ranks.size:
            raise InputError(
                f"{path} holds the stages of one of {state['world_size']} ranks; "
                f"resume with as many, not {ranks.size}"
            )
        folder = folder or path.parent
        goes_on = folder.resolve() == path.parent.resolve()
        overwrite = overwrite or goes_on
    writes = folder is not None and ranks.rank == 0
    writers: list[Callback] = [_Writer(folder, config)] if folder is not None else []
    trainer = Trainer(
        model,
        collocation,
        chosen,
        limits,
        measure,
        target_error,
        [*callbacks, *writers],
        resample,
        options,
        started,
        ranks,
    )
    if state is not None:
        trainer.load_state_dict(state["trainer"])
        trainer.redraws = redrawn(state, settings, path)
        spent = limits.used(trainer.seconds, trainer.iteration, state["trainer"]["counters"][1])
        if spent >= 1:
            raise InputError(
                f"the budget {limits} is already spent by the run in {path}; give a larger one to go on"
            )
    if writes and folder is not None:  # only now: a wrong setting leaves no trace
        prepare_folder(folder, overwrite, keep=goes_on)
        write_config(folder, config, _files(ranks.size if trainer.sharded else 1))
    trainer.run()
    if trainer.failure is not None:
        raise _told(trainer, config, folder if writes else None)
    result = summary(trainer, config)
    if writes and folder is not None:  # what follows takes seconds, in which the user may lose patience
        _write_result(folder, result)
    whole = model.assemble() if isinstance(model, ShardedModel) else model
    remarks: list[str] = []
    nothing: dict[str, Any] = {}
    spread = _afterwards(lambda: _uncertainty(whole, trainer), None, "standard errors", remarks)
    numerical = _afterwards(lambda: _numerical_errors(whole, trainer), nothing, "numerical errors", remarks)
    looked = _afterwards(lambda: _audited(whole, trainer, ranks), None, "audit", remarks)
    examined, said = ranks.gather_objects(looked)[0] or (None, [])
    remarks += said
    result |= {
        "status": _status(trainer, examined),
        "audit": None if examined is None else examined.as_json(),
        "standard_errors": {} if spread is None else _finite(spread.standard_errors),
        "noise": {} if spread is None else spread.noise,
        "numerical_errors": _finite(numerical or nothing),
        "remarks": [*([] if spread is None else spread.remarks), *remarks],
    }
    found = _afterwards(lambda: _diagnosis(whole, trainer, examined), None, "diagnosis", result["remarks"])
    result["diagnosis"] = ranks.gather_objects(found)[0]  # histories tell each rank's time
    result["symmetry"] = whole.problem.symmetry_words
    if whole.frozen is not None:
        result["remarks"].append("a symmetry did not hold at points of the training and was dropped")
    solution = Solution(whole.problem, whole, config, trainer.history, result, spread)
    if problem.quantities:
        result["quantities"] = _afterwards(
            lambda: solution.quantities, nothing, "quantities", result["remarks"]
        )
    if trainer.status.reason is not StopReason.FAILED:
        if ranks.rank == 0:
            _afterwards(solution.add_estimate, None, "error estimate", result["remarks"])
        found = ranks.gather_objects({k: result.get(k) for k in ("error_estimate", "remarks")})[0]
        result.update(found)
    if writes and folder is not None:
        _write_result(folder, solution.result)
        if isinstance(model, ShardedModel) and ranks.size > 1:  # the checkpoint has the shard of rank 0 only
            save_checkpoint(folder / "model.pt", {"config": identity(config), "model": whole.state_dict()})
    return solution


class _Writer(CheckpointWriter):
    """Checkpoints that also know which run they belong to."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        super().__init__(folder)
        self.config = config

    def state(self, trainer: RunView) -> dict[str, Any]:
        return {
            "config": identity(self.config),
            "settings": {name: self.config[name] for name in (*KEPT, "options")},
            "world_size": trainer.communicator.size,
            "trainer": trainer.state_dict(),
        }


def _told(trainer: Trainer, config: Mapping[str, Any], folder: Path | None) -> Exception:
    """What ended a run, with a note where its state is; the result says so, too."""
    assert trainer.failure is not None
    if folder is None:
        return trainer.failure
    if trainer.communicator.size == 1:
        _write_result(folder, summary(trainer, config))
    if (folder / "checkpoint.pt").is_file():
        trainer.failure.add_note(
            f"the run up to step {trainer.iteration} is in {folder}; go on with it by solve(..., "
            f"resume={str(folder)!r})"
        )
    return trainer.failure


def _write_result(folder: Path, result: dict[str, Any]) -> None:
    """Write result.json; a disk that is full by now takes nothing away from the solution in memory."""
    try:
        write_json(folder / "result.json", result)
    except OSError as error:
        warnings.warn(not_written(folder, error, "save the solution elsewhere"), UserWarning, stacklevel=3)


def _files(shards: int) -> list[str]:
    """What a run is about to write into its folder, with a checkpoint for each shard of the model."""
    return ["history.csv", "result.json", *(checkpoint_name(rank) for rank in range(shards))]


@contextmanager
def _fixed_global_seed(seed: int) -> Iterator[None]:
    """Modules that draw their own weights use PyTorch's global generator: seed it, and put it back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _default_parts(chosen: Method, ranks: int, network: NetworkSpec) -> int:
    """One part a rank; four in one process, if a network given by widths has so many layers."""
    if ranks > 1:
        return ranks
    if chosen.divides != "data" and isinstance(network, Sequence) and not isinstance(network, nn.Module):
        return min(4, len(network) + 1)
    return 4


def _try_quantities(problem: Problem) -> None:
    """Compute the quantities of an untrained network, so that mistakes in them show before the training."""
    net = network_of(problem, (2,), torch.Generator().manual_seed(0), torch.float64)
    _ = Solution(problem, Model(problem, net), {}, [], {}).quantities


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name!r} is not available here; use 'cpu'") from error
    return device


def _describe(value: Any) -> Any:
    """A setting as JSON: numbers, strings and lists as they are, modules by their printed form."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    return list(value) if isinstance(value, (tuple, list)) else repr(value)


def _coefficients(trainer: Trainer) -> dict[str, float]:
    model = trainer.model
    if isinstance(model, ShardedModel):
        return model.chain.coefficients()
    assert isinstance(model, Model)
    return model.values()


def _weights(trainer: Trainer) -> dict[str, float]:
    """Of all terms of the loss at the end."""
    assert isinstance(trainer.collocation, Collocation)
    problem, balanced = trainer.collocation.problem, trainer.collocation.weights
    return {term.name: balanced.get(term.name, term.weight) for term in problem.terms}


def _uncertainty(model: Model, trainer: Trainer) -> Uncertainty | None:
    """What noise does to the estimates, where there are any."""
    if not model.problem.estimates or trainer.status.reason is StopReason.FAILED:
        return None
    return uncertainty(model, trainer.collocation.sites, trainer.threads)


def _numerical_errors(model: Model, trainer: Trainer) -> dict[str, float]:
    """What training and collocation leave uncertain of the coefficients."""
    if not model.problem.coefficients or trainer.status.reason is StopReason.FAILED:
        return {}
    return numerical_errors(model, trainer.collocation.sites, trainer.threads)


def _afterwards(
    look: Callable[[], Found], otherwise: Found | None, what: str, remarks: list[str]
) -> Found | None:
    """A look at the trained model; what goes wrong in it, Ctrl-C included, is remarked and loses no run."""
    try:
        return look()
    except Aborted:  # of a command, which says where the run is
        raise
    except (Exception, KeyboardInterrupt) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        log.warning("the %s of this run could not be found (%s)", what, said, exc_info=error)
        remarks.append(f"the {what} of this run could not be found ({said})")
        return otherwise


def _audited(model: Model, trainer: Trainer, ranks: Communicator) -> tuple[Audit | None, list[str]]:
    """Objections to the solution; one rank looks for all."""
    if ranks.rank or trainer.status.reason is StopReason.FAILED:
        return None, []
    return audited(model, trainer.collocation.sites)


def _status(trainer: Trainer, examined: Audit | None) -> Status:
    """The status of a run whose solution was examined: no success where the audit objects."""
    if examined is None or examined.passed or trainer.status.reason is not StopReason.CONVERGED:
        return trainer.status
    return StopReason.OBJECTED.status()


def _diagnosis(model: Model, trainer: Trainer, examined: Audit | None) -> dict[str, Any] | None:
    """What limits the run; nothing does when it failed or reached its target."""
    if trainer.status.reason in (StopReason.FAILED, StopReason.TARGET):
        return None
    objections = () if examined is None else examined.objections
    found = diagnose(
        model, trainer.collocation.sites, trainer.history, trainer.threads, trainer.converged, objections
    )
    return None if found is None else found.as_json()


def _finite(errors: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which knows no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in errors.items()}


def summary(trainer: Trainer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of result.json; all ranks make it together."""
    ranks = trainer.communicator
    functions, gradients = trainer.total_work()
    return {
        "problem": config["problem"],
        "method": config["method"],
        "seed": config["seed"],
        "parts": config["options"].get("parts", 1),
        "parameter_bytes": parameter_bytes(trainer.model, ranks),
        "world_size": ranks.size,
        "parameters": parameter_count(trainer.model, ranks),
        "points": sum(s.points.shape[0] for s in trainer.collocation.sites.values()),
        "dtype": config["dtype"],
        "device": config["device"],
        "threads": config["threads"],
        "iterations": trainer.iteration,
        "function_evaluations": functions,
        "gradient_evaluations": gradients,
        "collectives": ranks.traffic.collectives,
        "messages": ranks.traffic.messages,
        "bytes_sent": ranks.traffic.bytes,
        "communication_seconds": ranks.traffic.seconds,
        "seconds": trainer.seconds,
        "seconds_to_first_step": trainer.seconds_to_first_step,
        "loss": trainer.loss,
        "weights": _weights(trainer),
        "relative_l2_error": ranks.gather_objects(trainer.error)[0],
        "coefficients": _coefficients(trainer),
        "scales": config["scales"],
        "status": trainer.status,
        "slow_path": trainer.objective.slow_path,  # why compiled code was not used, None if it was
    }


__all__ = ["Solution", "solve"]
