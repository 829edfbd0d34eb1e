"""`train`: a comparison by name, trained by any method within a budget, with the run folder of `solve`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..budget import Budget
from ..callbacks import Callback, CheckpointWriter, checkpoint_name
from ..checkpoint import save_checkpoint, write_json
from ..communicator import Communicator, check_same, code_fingerprint
from ..cutting import most_stages
from ..distributed import connect
from ..methods import Method
from ..resuming import load_state
from ..run_folder import check_folder, prepare_folder, run_path, versions, write_config
from ..sharded import parameter_bytes, parameter_count
from ..solution import PRECISIONS
from ..training import Trainer
from .augmentation import CropAndFlip
from .datasets import Images, Text
from .methods import ON_MICRO_BATCHES
from .methods import find as find_method
from .samples import Samples
from .staged import ShardedNetwork
from .tasks import build, measured, samples
from .tasks import find as find_task
from .trained import ALIKE, Trained

PARTS = 4  # of the parameters, or stages, if there are so many layers


def train(
    task: str,
    method: str = "sapts-d",
    budget: str | float | Budget = "3min",
    seed: int = 0,
    network: str | None = None,
    data: Images | Text | Path | str | None = None,
    options: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    parts: int | None = None,
    out: Path | str | None = None,
    resume: Path | str | None = None,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
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
        callbacks: Told after every step.
        started: `time.monotonic()` when the user's command began.
        communicator: The ranks; by default those that torchrun has started, or this process alone.  Every
            rank calls `train` with the same arguments and gets the same network; rank 0 writes the folder.
            By default each has one part.

    Raises:
        ValueError: A setting is wrong; one sentence with the value and the fix.
        DataError: The data cannot be had.
    """
    chosen, how, limits = find_task(task), find_method(method), Budget.parse(budget)
    if dtype not in PRECISIONS:
        raise ValueError(f"dtype must be float64 or float32, not {dtype!r}")
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed!r}")
    if parts is not None:
        if not how.divides:
            raise ValueError(f"method {method!r} has no parts; drop parts={parts}, or use a SAPTS method")
        options = {**(options or {}), "parts": parts}
    ranks = communicator or connect()
    if ranks.size > 1 and not how.divides:
        raise ValueError(
            f"method {method!r} trains in one process, not on {ranks.size} ranks; "
            "take tr, sapts-d, sapts-p or sapts-ip, or start it without torchrun"
        )

    def make() -> nn.Module:
        return build(chosen, network, seed).to(PRECISIONS[dtype])

    made = make()
    usual = {"batch": chosen.batch} if method in ON_MICRO_BATCHES else {}
    options = {**usual, **_parts(how, made, ranks.size), **(options or {})}
    net = ShardedNetwork(make, options["parts"], ranks) if how.divides == "stages" else made
    own = {
        "task": task, "network": network or next(iter(chosen.networks)), "method": method, "seed": seed,
        "dtype": dtype,
    }  # fmt: skip
    folder = run_path(out) if out is not None else None
    state, goes_on = None, False
    if resume is not None:
        path, state = load_state(resume, ranks.rank if how.divides == "stages" else 0)
        for name, value in own.items():
            if state.get("config", {}).get(name) != value:
                was = state.get("config", {}).get(name)
                raise ValueError(
                    f"{path} is of another run: its {name} is {was!r}, not {value!r}; give the same {name}"
                )
        if how.divides == "stages" and state["world_size"] != ranks.size:
            raise ValueError(
                f"{path} holds the stages of one of {state['world_size']} ranks; "
                f"resume with as many, not {ranks.size}"
            )
        folder = folder or path.parent
        goes_on = folder.resolve() == path.parent.resolve()
        overwrite = overwrite or goes_on
    if folder is not None and not ranks.rank:
        check_folder(folder, overwrite)  # before data are fetched and read
    found = data if isinstance(data, (Images, Text)) else chosen.load(data)
    inputs, targets = samples(found, train=True)
    varied = CropAndFlip(len(inputs), torch.Generator().manual_seed(seed)) if chosen.augmented else None
    config = {
        **own, "budget": str(limits), "options": options,
        "threads": torch.get_num_threads(), "world_size": ranks.size, "metric": chosen.metric_name,
        "data": str(Path(data).absolute()) if isinstance(data, (Path, str)) else None,
        "samples": len(inputs), "versions": versions(),
    }  # fmt: skip
    alike = {name: value for name, value in config.items() if name not in ("threads", "data", "versions")}
    if ranks.size > 1:  # of one rank there is nothing to compare
        check_same(ranks, code=code_fingerprint(), settings=str(alike))
    test = samples(found, train=False)
    writers = [] if folder is None else [_Writer(folder, config, overwrite, keep=goes_on)]
    trainer = Trainer(
        net,
        Samples(inputs, targets, augmentation=varied),
        how,
        limits,
        lambda net: chosen.metric(net, *test),
        callbacks=[*callbacks, *writers],
        options=options,
        started=time.monotonic() if started is None else started,
        communicator=ranks,
        error_name=chosen.column,
    )
    if state is not None:
        trainer.load_state_dict(state["trainer"])
        spent = limits.used(trainer.seconds, trainer.iteration, state["trainer"]["counters"][1])
        if spent >= 1:
            raise ValueError(
                f"the budget {limits} is already spent by the run in {path}; give a larger one to go on"
            )
    trainer.run()
    if trainer.failure is not None:
        if writers and writers[0].opened and ranks.size == 1 and folder is not None:
            write_json(folder / "result.json", _summary(trainer, config))
            trainer.failure.add_note(
                f"the run up to step {trainer.iteration} is in {folder}; resume it there"
            )
        raise trainer.failure
    result = _summary(trainer, config)
    whole = net.assemble() if isinstance(net, ShardedNetwork) else net
    if folder is not None and not ranks.rank:
        write_json(folder / "result.json", result)
        if trainer.sharded and ranks.size > 1:  # the checkpoint has the shard of rank 0 only
            save_checkpoint(folder / "model.pt", {"config": own, "model": whole.state_dict()})
    return Trained(chosen, whole, found, config, trainer.history, result)


def _parts(method: Method, network: nn.Module, ranks: int) -> dict[str, int]:
    """The option that says how many parts there are by default: one a rank, or a few in one process."""
    if method.divides and ranks > 1:
        return {"parts": ranks}
    if method.divides == "stages":
        return {"parts": min(PARTS, most_stages(network))}
    if method.divides == "parameters":
        layers = sum(any(True for _ in m.parameters(recurse=False)) for m in network.modules())
        return {"parts": min(PARTS, layers)}
    return {}  # as the method has it


class _Writer(CheckpointWriter):
    """Checkpoints that also know which run they belong to.

    The folder is made after the first step: a wrong setting leaves no trace, even if only its use shows.
    """

    def __init__(self, folder: Path, config: dict[str, Any], overwrite: bool, keep: bool) -> None:
        super().__init__(folder)
        self.config, self.overwrite, self.keep = config, overwrite, keep
        self.opened = False

    def on_step(self, trainer: Trainer) -> None:
        self._open(trainer)
        super().on_step(trainer)

    def on_end(self, trainer: Trainer) -> None:
        if trainer.failure is not None and not self.opened:
            return
        self._open(trainer)
        super().on_end(trainer)

    def _open(self, trainer: Trainer) -> None:
        if not self.opened and not trainer.communicator.rank:
            prepare_folder(self.folder, self.overwrite, self.keep)
            shards = trainer.communicator.size if trainer.sharded else 1
            files = ["history.csv", "result.json", *(checkpoint_name(rank) for rank in range(shards))]
            write_config(self.folder, self.config, files)
        self.opened = True

    def state(self, trainer: Trainer) -> dict[str, Any]:
        return {
            "config": {name: self.config[name] for name in ALIKE},
            "world_size": trainer.communicator.size,
            "trainer": trainer.state_dict(),
        }


def _summary(trainer: Trainer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of result.json; all ranks make it together."""
    ranks = trainer.communicator
    functions, gradients = trainer.total_work()
    return {
        **{name: config[name] for name in ALIKE},
        "parts": config["options"].get("parts", 1),
        "parameters": parameter_count(trainer.model, ranks),
        "parameter_bytes": parameter_bytes(trainer.model, ranks),
        "world_size": ranks.size,
        "samples": config["samples"],
        "threads": config["threads"],
        "iterations": trainer.iteration,
        "function_evaluations": functions,
        "gradient_evaluations": gradients,
        "seconds": trainer.seconds,
        "seconds_to_first_step": trainer.seconds_to_first_step,
        "loss": trainer.loss,
        "metric": config["metric"],
        **measured(find_task(config["task"]), ranks.gather_objects(trainer.error)[0]),
        "status": trainer.status,
    }
