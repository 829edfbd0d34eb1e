"""Default devices of PyTorch: this library's is the processor, DeepXDE's a GPU where there is one.

`import deepxde` makes a GPU the default device of the whole process.  This library names the device of every
tensor that belongs elsewhere than on the processor, and draws with generators of the processor; so its own
code runs with the processor as the default, and DeepXDE's, which it calls, with the device of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def default_device(device: torch.device) -> AbstractContextManager[object]:
    """Make a context in which tensors are made on a device unless one is named.

    Args:
        device: Which.
    """
    return nullcontext() if torch.get_default_device() == device else device


def on_processor(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function run with the processor as the default device."""

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with default_device(torch.device("cpu")):
            return function(*args, **kwargs)

    return run
