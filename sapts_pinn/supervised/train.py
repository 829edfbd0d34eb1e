"""`train`: a comparison by name, trained by any method within a budget, with the run folder of `solve`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..budget import Budget
from ..callbacks import Callback, CheckpointWriter
from ..checkpoint import load_checkpoint, write_json
from ..run_folder import prepare_folder, versions
from ..solution import PRECISIONS
from ..training import Trainer
from .augmentation import CropAndFlip
from .datasets import Images, Text
from .methods import find as find_method
from .samples import Samples
from .tasks import Task, build, samples
from .tasks import find as find_task

PARTS = 4  # of the parameters, if there are so many layers
ALIKE = ("task", "network", "method", "seed", "dtype")  # what two sessions of one run have in common


@dataclass(frozen=True)
class Trained:
    """What `train` returns.

    Attributes:
        task: The comparison.
        network: The trained network.
        data: What it was trained and tested on.
        config: What the run depends on.
        history: Rows, as in history.csv.
        result: As in result.json.
    """

    task: Task
    network: nn.Module
    data: Images | Text
    config: dict[str, Any]
    history: list[dict[str, Any]]
    result: dict[str, Any]


def train(
    task: str,
    method: str = "tr",
    budget: str | float | Budget = "3min",
    seed: int = 0,
    network: str | None = None,
    data: Images | Text | Path | str | None = None,
    options: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    out: Path | str | None = None,
    resume: Path | str | None = None,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
    started: float | None = None,
) -> Trained:
    """Train a network on a data set.

    Args:
        task: "mnist", "cifar10" or "tinyshakespeare".
        method: Its name, of `methods.METHODS`.
        budget: "3min", "500 iterations", "20 evaluations" (epochs of gradients), or several of these.
        seed: Of weights, order and variations.
        network: Of the task's networks, by default the first.
        data: The data, or the folder of their files; by default a cache that is filled when needed.
        options: Keyword arguments of the method: `lr`, `batch`, `parts`, `radius`, ...
        dtype: "float32" or "float64".
        out: Run folder: config.json, history.csv, result.json, checkpoint.pt.
        resume: Folder of a run, or its checkpoint, to go on with.
        overwrite: Whether `out` may hold an earlier run.
        callbacks: Told after every step.
        started: `time.monotonic()` when the user's command began.

    Raises:
        ValueError: A setting is wrong; one sentence with the value and the fix.
        DataError: The data cannot be had.
    """
    chosen, how, limits = find_task(task), find_method(method), Budget.parse(budget)
    if dtype not in PRECISIONS:
        raise ValueError(f"dtype must be float64 or float32, not {dtype!r}")
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed!r}")
    net = build(chosen, network, seed).to(PRECISIONS[dtype])
    found = data if isinstance(data, (Images, Text)) else chosen.load(data)
    inputs, targets = samples(found, train=True)
    options = dict(options or {})
    if how.divides == "parameters":
        layers = sum(any(True for _ in m.parameters(recurse=False)) for m in net.modules())
        options.setdefault("parts", min(PARTS, layers))
    varied = CropAndFlip(len(inputs), torch.Generator().manual_seed(seed)) if chosen.augmented else None
    config = {
        "task": task, "network": network or next(iter(chosen.networks)), "method": method,
        "budget": str(limits), "seed": seed, "dtype": dtype, "options": options,
        "threads": torch.get_num_threads(), "metric": chosen.metric_name, "versions": versions(),
    }  # fmt: skip
    folder = Path(out) if out is not None else None
    state = None
    if resume is not None:
        path = Path(resume)
        path = path / "checkpoint.pt" if path.is_dir() or path.suffix != ".pt" else path
        state = load_checkpoint(path)
        for name in ALIKE:
            if state.get("config", {}).get(name) != config[name]:
                was = state.get("config", {}).get(name)
                raise ValueError(f"{path} is of another run: its {name} is {was!r}, not {config[name]!r}")
        folder = folder or path.parent
        overwrite = overwrite or folder == path.parent
    test = samples(found, train=False)
    writers = [] if folder is None else [_Writer(folder, config)]
    trainer = Trainer(
        net,
        Samples(inputs, targets, augmentation=varied),
        how,
        limits,
        lambda net: chosen.metric(net, *test),
        callbacks=[*callbacks, *writers],
        options=options,
        started=time.monotonic() if started is None else started,
        error_name="test_" + chosen.metric_name.replace(" ", "_"),
    )
    if state is not None:
        trainer.load_state_dict(state["trainer"])
    if folder is not None:
        prepare_folder(folder, overwrite, keep=resume is not None)
        write_json(folder / "config.json", config)
    trainer.run()
    result = _summary(trainer, config)
    if folder is not None:
        write_json(folder / "result.json", result)
    return Trained(chosen, net, found, config, trainer.history, result)


class _Writer(CheckpointWriter):
    """Checkpoints that also know which run they belong to."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        super().__init__(folder)
        self.config = config

    def state(self, trainer: Trainer) -> dict[str, Any]:
        return {"config": {name: self.config[name] for name in ALIKE}, "trainer": trainer.state_dict()}


def _summary(trainer: Trainer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of result.json."""
    return {
        **{name: config[name] for name in ALIKE},
        "parts": config["options"].get("parts", 1),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "samples": len(trainer.collocation.sites["samples"].points),
        "threads": config["threads"],
        "iterations": trainer.iteration,
        "function_evaluations": trainer.counters.functions,
        "gradient_evaluations": trainer.counters.gradients,
        "seconds": trainer.seconds,
        "seconds_to_first_step": trainer.seconds_to_first_step,
        "loss": trainer.loss,
        "metric": config["metric"],
        trainer.error_name: trainer.error,
        "status": trainer.status,
    }
