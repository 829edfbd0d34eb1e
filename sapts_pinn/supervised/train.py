"""`train`: a comparison by name, trained by any method within a budget, with the run folder of `solve`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Generator, nn

from ..callbacks.functions import Given, as_callbacks
from ..errors import InputError
from ..networks.build import PRECISIONS
from ..optim.methods import Method
from ..parallel.communicator import Communicator
from ..parallel.torchrun import connect
from ..pipeline.partition import most_stages
from ..runs.content import Config
from ..runs.folder import versions
from ..training.budget import Budget
from ..training.clock import Clock
from ..training.course import Course
from ..training.lifecycle import Earlier, Session, told_to
from ..training.monitor import ErrorMonitor
from ..training.result import facts
from ..training.settings import Arguments, whole
from ..training.train_settings import TrainSettings
from ..training.trainer import Trainer
from .augmentation import CropAndFlip
from .datasets import Images, Text
from .methods import ON_MICRO_BATCHES
from .methods import find as find_method
from .samples import Samples
from .staged import ShardedNetwork
from .tasks import Task, build, measured, samples
from .tasks import find as find_task
from .trained import Trained, TrainResult

PARTS = 4  # of the parameters, or stages, if there are so many layers
BLOCKS = 2  # of the parameters on mini-batches: each takes as many gradients as the undivided network
OF_A_RANK = ("threads", "data", "versions")  # entries of config.json that may differ


def train(
    task: str,
    method: str = "sapts-d",
    budget: str | float | Budget = "3min",
    seed: int = 0,
    network: str | None = None,
    data: Images | Text | Path | str | None = None,
    options: Mapping[str, object] | None = None,
    dtype: str = "float32",
    parts: int | None = None,
    out: Path | str | None = None,
    resume: Path | str | None = None,
    overwrite: bool = False,
    callbacks: Given | Iterable[Given] = (),
    started: float | None = None,
    communicator: Communicator | None = None,
) -> Trained:
    """Train a network on a data set.

    Args:
        task: "mnist", "cifar10" or "tinyshakespeare".
        method: Its name, of `methods.METHODS`.
        budget: "3min", "500 iterations", "20 evaluations" (epochs of gradients), or several of these.
        seed: Of weights, order and variations.
        network: Of the task's networks, by default the first.
        data: The data, or the folder of their files; by default a cache that is filled when needed.
        options: Keyword arguments of the method: `lr`, `batch`, `radius`, ...
        dtype: "float32" or "float64".
        parts: Parts of a SAPTS method, a multiple of the number of ranks.
        out: Run folder: config.json, history.csv, result.json, checkpoint.pt.
        resume: Folder of a run, or its checkpoint, to go on with.
        overwrite: Whether `out` may hold an earlier run.
        callbacks: Told after every step: `Callback` objects, or functions of the run, f(run).
        started: `time.monotonic()` when the user's command began.
        communicator: The ranks; by default those that torchrun has started, or this process alone.  Every
            rank calls `train` with the same arguments and gets the same network; rank 0 writes the folder.
            By default each has one part.

    Raises:
        InputError: A setting is wrong; one sentence with the value and the fix.
        DataError: The data cannot be had.
    """
    arguments = dict(locals())
    began = time.monotonic() if started is None else started
    chosen, how = find_task(task), find_method(method)
    first = {"network": next(iter(chosen.networks))}
    settings = TrainSettings.merged(first, TrainSettings.given(arguments))
    ranks = communicator or connect()
    _check_parts(settings, parts, how, ranks.size)

    def make() -> nn.Module:
        return build(chosen, settings.network, settings.seed).to(PRECISIONS[settings.dtype])

    made = make()
    usual, blocks = ({"batch": chosen.batch}, BLOCKS) if method in ON_MICRO_BATCHES else ({}, PARTS)
    asked = {} if parts is None else {"parts": whole("parts", parts)}
    given: Arguments = {**usual, **_parts(how, made, ranks.size, blocks), **settings.options, **asked}
    settings = replace(settings, options=given)
    net = ShardedNetwork(make, given["parts"], ranks) if how.sharded else made
    session = Session(out, resume, overwrite, ranks, sharded=how.sharded)
    _check_resumable(session.earlier, settings)
    session.check_folder()  # before data are fetched and read
    found = data if isinstance(data, (Images, Text)) else chosen.load(data)
    inputs, targets = samples(found, train=True)
    varied = CropAndFlip(len(inputs), Generator().manual_seed(seed)) if chosen.augmented else None
    config = _configuration(settings, chosen, data, len(inputs), ranks)
    session.check_alike(config, OF_A_RANK)
    test = samples(found, train=False)
    callbacks = as_callbacks(callbacks)
    trainer = Trainer(
        net,
        Samples(inputs, targets, augmentation=varied),
        Course(how, given),
        Clock(settings.budget, ranks, began),
        ErrorMonitor(lambda net: chosen.metric(net, *test), chosen.column),
        [*callbacks, *session.writers(config, {"config": settings.identity()})],
    )
    session.restore(trainer)
    trainer.run()
    if trainer.failure is not None:
        raise session.failed(trainer, lambda: _summary(trainer, config).as_json(), "resume it there")
    result = _summary(trainer, config).as_json()
    complete = net.assemble() if isinstance(net, ShardedNetwork) else net
    session.write_result(result)
    session.write_whole({"config": settings.identity()}, complete.state_dict())
    return told_to(callbacks, Trained(chosen, complete, found, config, trainer.history, result))


def _check_parts(settings: TrainSettings, parts: int | None, how: Method, ranks: int) -> None:
    """Make sure that a method can be divided as it is asked for.

    Raises:
        InputError: It has no parts.
    """
    if how.divides:
        return
    name = settings.method
    if parts is not None:
        raise InputError(f"method {name!r} has no parts; drop parts={parts}, or use a SAPTS method")
    if ranks > 1:
        raise InputError(
            f"method {name!r} trains in one process, not on {ranks} ranks; "
            "take tr, sapts-d, sapts-p or sapts-ip, or start it without torchrun"
        )


def _check_resumable(earlier: Earlier | None, settings: TrainSettings) -> None:
    """Make sure that a checkpoint continues the run that is asked for.

    Raises:
        InputError: They differ; the message says in what.
    """
    if earlier is None:
        return
    saved = earlier.state.get("config") or Config()
    for name, value in settings.identity().items():
        if saved.get(name) != value:
            raise InputError(
                f"{earlier.path} is of another run: its {name} is {saved.get(name)!r}, not {value!r}; "
                f"give the same {name}"
            )


def _configuration(
    settings: TrainSettings,
    task: Task,
    data: Images | Text | Path | str | None,
    count: int,
    ranks: Communicator,
) -> Config:
    """The content of config.json."""
    return {
        **settings.as_json(),
        "threads": torch.get_num_threads(),
        "world_size": ranks.size,
        "metric": task.metric_name,
        "data": str(Path(data).absolute()) if isinstance(data, (Path, str)) else None,
        "samples": count,
        "versions": versions(),
    }


def _parts(method: Method, network: nn.Module, ranks: int, blocks: int) -> dict[str, int]:
    """The option that says how many parts there are by default: one a rank, or a few in one process.

    Args:
        method: The method.
        network: The network.
        ranks: Number of ranks.
        blocks: At most so many parts of the parameters in one process.
    """
    if method.divides and ranks > 1:
        return {"parts": ranks}
    if method.sharded:
        return {"parts": min(PARTS, most_stages(network))}
    if method.divides and not method.divides_points:
        layers = sum(any(True for _ in m.parameters(recurse=False)) for m in network.modules())
        return {"parts": min(blocks, layers)}
    return {}  # as the method has it


def _summary(trainer: Trainer, config: Config) -> TrainResult:
    """Facts of a run; all ranks make them together."""
    error = trainer.communicator.gather_objects(trainer.error)[0]
    return TrainResult(
        **vars(facts(trainer, config)),
        task=config["task"],
        network=str(config["network"]),
        samples=config["samples"],
        metric=config["metric"],
        measured=measured(find_task(config["task"]), error),
    )
