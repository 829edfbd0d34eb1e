"""A run as callbacks see it, with what they ask for and nothing else."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from sapts_pinn.parallel.communicator import SingleProcess


def seen(**given: Any) -> Any:
    """A view of a run; `stopped` holds the reasons that callbacks gave."""
    stopped: list[str] = []
    usual = {
        "iteration": 7,
        "loss": 1.0,
        "error": None,
        "error_estimate": None,
        "error_name": "relative_l2_error",
        "seconds": 12.34,
        "common_seconds": 0.0,
        "seconds_left": math.inf,
        "used": 0.25,
        "optimizer": SimpleNamespace(info={}),
        "counters": SimpleNamespace(gradients=8.0),
        "communicator": SingleProcess(),
        "sharded": False,
        "history": [],
        "state_dict": dict,
        "failure": None,
        "discount": lambda seconds: None,
        "stop": stopped.append,
        "stopped": stopped,
    }
    return SimpleNamespace(**{**usual, **given})
