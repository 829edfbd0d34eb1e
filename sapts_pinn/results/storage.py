"""A solution in a folder: written, and read again.

The trained model stands in model.pt or in the checkpoint of its run, whichever has gone further.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..networks.build import PRECISIONS, NetworkSpec, network_maker, network_of
from ..networks.model import Model
from ..networks.time_windows import WindowedModel, edges, joined
from ..problems import Problem
from ..problems.fingerprint import fingerprint
from ..problems.scales import SavedScales
from ..runs.checkpoint import load_checkpoint, save_checkpoint
from ..runs.content import Checkpoint, Config, Result, Row, TrainerState
from ..runs.files import write_json
from ..runs.folder import (
    check_resumable,
    identity,
    in_saved_units,
    prepare_folder,
    run_path,
    saved_units,
    write_config,
)
from ..runs.history import read_history, write_history
from ..runs.manifest import read_config, run_of
from ..runs.result import unfinished
from .reference_error import error_measure


@dataclass(frozen=True)
class Stored:
    """The content of a run folder.

    Attributes:
        problem: What was solved.
        model: The trained model.
        config: As in config.json.
        history: Rows of history.csv.
        result: As in result.json.
    """

    problem: Problem
    model: Model | WindowedModel
    config: Config
    history: list[Row]
    result: Result


def store(run: Stored, folder: str | Path, overwrite: bool) -> Path:
    """Write a run into a folder; in that of its own checkpoint and pictures stay.

    Args:
        run: The run.
        folder: Where.
        overwrite: Whether it may hold another run, whose files are replaced.

    Raises:
        InputError: The folder holds files that no run has written, or cannot be written.
    """
    target = run_path(folder)
    prepare_folder(target, overwrite, keep=_is_of(run, target))
    write_config(target, run.config, ("model.pt", "result.json", "history.csv"))
    state: Checkpoint = {
        "config": identity(run.config),
        "iteration": run.result["iterations"],
        "model": run.model.state_dict(),
    }
    save_checkpoint(target / "model.pt", state)
    write_json(target / "result.json", run.result)
    write_history(target / "history.csv", run.history)
    return target


def _is_of(run: Stored, folder: Path) -> bool:
    """Return whether the checkpoint in a folder is of the same run and ends at the same step."""
    if run_of(folder) is None or not (folder / "checkpoint.pt").is_file():
        return False
    try:
        state = load_checkpoint(folder / "checkpoint.pt")
    except InputError:
        return False
    trainer = state["trainer"]
    losses = {trainer["loss"] if math.isfinite(trainer["loss"]) else None, run.result["loss"]}
    ended = trainer["iteration"] == run.result["iterations"] and len(losses) == 1
    return ended and state["config"] == identity(run.config)


def read(folder: str | Path, problem: Problem | None, network: NetworkSpec | None) -> Stored:
    """Read a run folder.

    Args:
        folder: Of a run of `solve`.
        problem: Needed when it is not one of the zoo.
        network: Needed when the network was not given by widths.

    Raises:
        InputError: The folder holds no run, or one of another problem.
    """
    target = run_path(folder)
    config = read_config(target)
    if "task" in config:
        raise InputError(f"{target} holds a run of train; load it by sapts_pinn.supervised.trained.Trained")
    if problem is None:
        from ..problems.zoo import build

        problem = build(config["problem"])
    path, state = _latest(target)
    spec = network if network is not None else config["network"]
    if isinstance(spec, str):
        raise InputError(
            f"{target} was trained with its own network, {spec.splitlines()[0]}; give it as network="
        )
    now = {"problem": problem.name, "description": str(problem), "fingerprint": fingerprint(problem)}
    check_resumable(state, {**config, **now}, path)
    model = _model(problem, spec, config, state)
    result_file = target / "result.json"
    result: Result = json.loads(result_file.read_text()) if result_file.is_file() else {}
    if "trainer" not in state:
        return Stored(model.problem, model, config, read_history(target / "history.csv"), result)
    assert isinstance(model, Model)
    if result.get("iterations") != state["trainer"]["iteration"]:  # none, or that of an earlier session
        result = _unfinished(model, config, state["trainer"])
    return Stored(model.problem, model, config, state["trainer"]["history"], result)


def _model(problem: Problem, spec: NetworkSpec, config: Config, state: Checkpoint) -> Model | WindowedModel:
    """The trained model of a checkpoint, in the natural units in which it was trained."""
    precision = PRECISIONS[config["dtype"]]

    def untrained(of: Problem) -> Model:
        network = network_of(of, spec, torch.Generator(), precision, config["activation"])
        return Model(of, network, network_maker(spec, precision, config["activation"]))

    weights = state["model"] if "model" in state else state["trainer"]["model"]
    units = saved_units(config)
    if len(units) > 1:
        meet = config.get("edges") or edges(problem, len(units))
        return _windows(problem, meet, units, untrained, weights)
    model = untrained(in_saved_units(problem, units[0]))
    model.load_state_dict(weights)
    return model


def _windows(
    problem: Problem,
    meet: Sequence[float],
    units: Sequence[SavedScales | None],
    untrained: Callable[[Problem], Model],
    weights: Mapping[str, Tensor],
) -> WindowedModel:
    """Load the networks of all windows; the problem of each follows from the trained one before it."""
    numbers = iter(range(len(units)))

    def trained(part: Problem) -> Model:
        number = next(numbers)
        model = untrained(in_saved_units(part, units[number]))
        prefix = f"models.{number}."
        model.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
        return model

    return joined(problem, meet, trained)


def _latest(folder: Path) -> tuple[Path, Checkpoint]:
    """The trained model of a run folder: the whole one, unless the checkpoint has gone on since.

    Raises:
        InputError: There is none, or it is damaged.
    """
    whole, checkpoint = folder / "model.pt", folder / "checkpoint.pt"
    if not whole.is_file():
        return checkpoint, load_checkpoint(checkpoint)
    state = load_checkpoint(whole)
    if checkpoint.is_file() and "iteration" in state:
        later = load_checkpoint(checkpoint)
        if later["world_size"] == 1 and later["trainer"]["iteration"] > state["iteration"]:
            return checkpoint, later
    return whole, state


def _unfinished(model: Model, config: Config, state: TrainerState) -> Result:
    """A summary of a run that was killed, from its last checkpoint."""
    measure = error_measure(model.problem)
    return {
        "problem": config["problem"],
        "points": sum(site["points"].shape[0] for site in state["collocation"]["sites"].values()),
        "device": config["device"],
        "relative_l2_error": None if measure is None else measure(model),
        "coefficients": model.values(),
        **unfinished(config, state, model.parameters()).as_json(),
    }
