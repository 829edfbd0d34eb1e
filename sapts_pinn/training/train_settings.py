"""Settings of `train`: the one list for its arguments, config.json, a resumed run and the command line.

A new setting is a field here and a parameter of `train`.  Nothing here loads PyTorch, as importing the room
`supervised` does: the command line needs the list before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ..runs.content import Config
from . import settings as read
from .budget import Budget
from .settings import Arguments, Settings, setting

IDENTITY = ("task", "network", "method", "seed", "dtype")  # two sessions of one run have them in common


@dataclass(frozen=True)
class TrainSettings(Settings):
    """Settings of one run of `train`, whose docstring explains each."""

    task: str = setting("", read.word, "mnist, cifar10 or tinyshakespeare.")
    network: str = setting(
        "", read.word, "One of the data set's, see `sapts-pinn list`. [default: its first]"
    )
    method: str = setting(
        "sapts-d",
        read.word,
        "Training method, see the methods of `train` in `sapts-pinn list`. [default: sapts-d]",
    )
    seed: int = setting(0, read.seed, "Fixes the whole run. [default: 0]", int)
    dtype: str = setting("float32", read.dtype, "float32 or float64. [default: float32]")
    budget: Budget = setting(
        "3min",
        read.budget,
        '"3min", "500 iterations", "20 evaluations" (epochs of gradients). [default: 3min]',
    )
    options: Arguments = setting(
        {},
        read.options,
        "Setting of the method, as name=value, such as lr=0.01 or batch=256; may be repeated.",
        list,
    )

    def identity(self) -> Config:
        """The settings that two sessions of one run have in common."""
        return cast("Config", {name: getattr(self, name) for name in IDENTITY})
