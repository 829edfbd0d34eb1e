"""A network that `train` has trained, with its history: use, draw, load."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import Generator, Tensor, nn

from ..errors import InputError
from ..networks.build import PRECISIONS
from ..results.report import merits
from ..runs.checkpoint import load_checkpoint
from ..runs.content import Config, Result, Row, TrainerState
from ..runs.files import write_text
from ..runs.history import read_history
from ..runs.manifest import read_config
from ..runs.result import RunResult, unfinished
from .datasets import Images, Text
from .models import GPT
from .tasks import Task, build, measured, outputs, samples
from .tasks import find as find_task

SAMPLE = 1_000  # characters of sample.txt


@dataclass(frozen=True, kw_only=True)
class TrainResult(RunResult):
    """Facts of a run of `train`.

    Attributes:
        task: Name of the data set.
        network: Name of the network.
        samples: Number of training samples.
        metric: What the test measures, in words.
        measured: The test metric under its names in result.json.
    """

    task: str
    network: str
    samples: int
    metric: str
    measured: dict[str, float | None]

    def as_json(self) -> Result:
        """Content of result.json."""
        found: dict[str, object] = {**super().as_json()}
        del found["measured"]
        return cast("Result", {**found, **self.measured})


@dataclass
class Trained:
    """Result of `train`.

    Attributes:
        task: The comparison.
        network: The trained network.
        source: The data, or the folder of their files, None for the cache; see `data`.
        config: What the run depends on.
        history: Rows, as in history.csv.
        result: As in result.json.
    """

    task: Task
    network: nn.Module
    source: Images | Text | Path | str | None = field(repr=False)
    config: Config = field(repr=False)
    history: list[Row] = field(repr=False)
    result: Result

    @cached_property
    def data(self) -> Images | Text:
        """Data of training and test; those of a run that was loaded are read when they are first needed."""
        return self.source if isinstance(self.source, (Images, Text)) else self.task.load(self.source)

    def predict(self, inputs: Any) -> Any:
        """Probabilities of the classes of pictures, or of the next characters of texts.

        Args:
            inputs: Pictures [N, channels, height, width] of bytes 0 ... 255, or numbers of characters [N, T];
                a tensor or a NumPy array.

        Returns:
            [N, classes] or [N, T, characters], a tensor or an array as the inputs are.

        Raises:
            InputError: The inputs are of another shape.
        """
        given = torch.as_tensor(inputs)
        axes, shape = (2, "[N, T]") if isinstance(self.network, GPT) else (4, "[N, C, H, W]")
        if given.dim() != axes or not len(given):
            raise InputError(f"inputs must be {shape} with N at least 1, not {list(given.shape)}")
        if isinstance(self.network, GPT) and given.shape[1] > self.network.length:
            raise InputError(f"texts may have {self.network.length} characters, not {given.shape[1]}")
        found = outputs(self.network, given).softmax(-1)
        return found if isinstance(inputs, Tensor) else found.numpy()

    def sample(
        self, length: int = SAMPLE, prompt: str | None = None, temperature: float = 0.8, seed: int = 0
    ) -> str:
        """Text that the network writes.

        Args:
            length: Characters to add to the prompt.
            prompt: What it begins with; by default a line break, or the text's first character.
            temperature: Below 1 likely characters become likelier, above 1 unlikely ones.
            seed: Of what is drawn.

        Returns:
            The prompt and what follows.

        Raises:
            InputError: The network writes no text, or an argument is wrong.
        """
        if not isinstance(self.network, GPT) or not isinstance(self.data, Text):
            raise InputError(f"a network of {self.config['task']} writes no text; use predict")
        if length < 0:
            raise InputError(f"length must not be negative, and is {length}")
        if not temperature > 0:
            raise InputError(f"temperature must be positive, not {temperature:g}")
        if prompt is None:
            prompt = "\n" if "\n" in self.data.characters else self.data.characters[0]
        if not prompt:
            raise InputError("the prompt is empty; give at least one character")
        generator = Generator().manual_seed(seed)
        start = self.data.encode(prompt)
        return self.data.decode(self.network.generate(start, length, generator, temperature))

    def plot(self, out: str | Path) -> list[Path]:
        """Draw the run into a folder.

        Args:
            out: Where; it is made if there is none.

        Returns:
            curves.png; for pictures confusion.png and mistakes.png, for texts sample.txt.
        """
        from .pictures import plot_confusion, plot_curves, plot_mistakes

        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        title = "   ·   ".join([self.config["task"], str(self.config["network"]), self.config["method"]])
        made = [plot_curves(self.history, self.task, folder / "curves.png", title)]
        if isinstance(self.data, Text):
            write_text(folder / "sample.txt", self.sample(SAMPLE) + "\n")
            return [*made, folder / "sample.txt"]
        inputs, labels = samples(self.data, train=False)
        found, classes = self.predict(inputs), self.data.classes
        made.append(plot_confusion(labels, found.argmax(-1), classes, folder / "confusion.png", title))
        made.append(plot_mistakes(inputs, labels, found, classes, folder / "mistakes.png", title))
        return made

    def draw_into(self, folder: Path) -> list[Path]:
        """Draw the pictures of `plot`, for a callback that shows them elsewhere."""
        return [path for path in self.plot(folder) if path.suffix == ".png"]

    @classmethod
    def load(cls, folder: str | Path, data: Images | Text | Path | str | None = None) -> Trained:
        """Read a run folder.

        Args:
            folder: Written by `train(out=...)`.
            data: The data, or the folder of their files, if it is another one than in training.

        Raises:
            InputError: The folder holds no run of `train`, or one whose network is not all there.
        """
        target = Path(folder)
        config = read_config(target)
        if "task" not in config:
            raise InputError(f"{target} holds a run of solve; load it by sapts_pinn.Solution")
        task, whole = find_task(config["task"]), (target / "model.pt").is_file()
        path = target / ("model.pt" if whole else "checkpoint.pt")
        state = load_checkpoint(path)
        if not whole and config["method"].endswith("sapts-ip") and config["world_size"] > 1:
            raise InputError(
                f"{path} holds the stages of rank 0 only; resume the run on {config['world_size']} ranks"
            )
        network = build(task, str(config["network"]), 0).to(PRECISIONS[config["dtype"]])
        network.load_state_dict(state["model"] if whole else state["trainer"]["model"])
        result_file = target / "result.json"
        result: Result
        if result_file.is_file():
            result, history = json.loads(result_file.read_text()), read_history(target / "history.csv")
        else:
            history = state["trainer"]["history"]
            result = _unfinished(task, network, config, state["trainer"])
        return cls(task, network, config.get("data") if data is None else data, config, history, result)

    def __str__(self) -> str:
        r = self.result
        lines = [f"{r['task']} by {r['method']}: {r['status']}"]
        lines += [f"  {name:<18} {value}" for name, value in merits(r)]
        lines.append(f"  loss               {math.nan if r['loss'] is None else r['loss']:.3e}")
        lines.append(
            f"  work               {r['iterations']} steps, {r['gradient_evaluations']:.1f} gradients "
            f"on {r['samples']} samples, {r['seconds']:.1f} s"
        )
        lines.append(f"  network            {r['network']}, {r['parameters']} parameters, {r['dtype']}")
        return "\n".join(lines)


def _unfinished(task: Task, network: nn.Module, config: Config, state: TrainerState) -> Result:
    """A summary of a run that was killed, from its last checkpoint."""
    errors = [row.get(task.column) for row in state["history"]]
    run = TrainResult(
        **vars(unfinished(config, state, network.parameters())),
        task=config["task"],
        network=str(config["network"]),
        samples=config["samples"],
        metric=config["metric"],
        measured=measured(task, next((e for e in reversed(errors) if e is not None), None)),
    )
    return run.as_json()
