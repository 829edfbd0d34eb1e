"""Loads DeepXDE with its PyTorch backend.

Without a choice DeepXDE looks for TensorFlow first, writes the file `~/.deepxde/config.json` and prints; with
the variable DDE_BACKEND set it does none of it.
"""

from __future__ import annotations

import os
import sys

OLDEST = (1, 12)  # DeepXDE of an older version has no `config.autodiff`
VARIABLES = ("DDE_BACKEND", "DDEBACKEND")


def choose_pytorch() -> None:
    """Make DeepXDE use PyTorch.

    Raises:
        ImportError: It was told to use, or uses already, another backend; or is too old.
    """
    chosen = next(((name, os.environ[name]) for name in VARIABLES if os.environ.get(name)), None)
    loaded = sys.modules.get("deepxde")
    if loaded is None:
        if chosen is None:
            os.environ[VARIABLES[0]] = "pytorch"
        elif chosen[1] != "pytorch":
            raise ImportError(
                f"sapts_pinn.deepxde needs DeepXDE's backend 'pytorch', and {chosen[0]}={chosen[1]!r}; "
                f"unset {chosen[0]} or set it to pytorch"
            )
    elif loaded.backend.backend_name != "pytorch":
        raise ImportError(
            "sapts_pinn.deepxde needs DeepXDE's backend 'pytorch', and DeepXDE was imported with "
            f"{loaded.backend.backend_name!r}; set DDE_BACKEND=pytorch, or import sapts_pinn.deepxde first"
        )
    import deepxde

    version = tuple(int(part) for part in deepxde.__version__.split(".")[:2])
    if version < OLDEST:
        raise ImportError(
            f"sapts_pinn.deepxde needs DeepXDE 1.12 or newer, not {deepxde.__version__}: "
            "pip install -U deepxde"
        )
