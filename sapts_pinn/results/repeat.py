"""The command that repeats a run, from its config.json."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ..runs.content import Config

FOUND = (  # with windows whose lengths were found, as they are again where nothing is named
    "method", "network", "activation", "points", "condition_points", "sampler", "adaptive", "resample",
    "windows",
)  # fmt: skip
SETTINGS = (  # of config.json, in the order in which the command has them
    "method", "budget", "seed", "target_error", "network", "activation", "points", "condition_points",
    "sampler", "adaptive", "resample", "windows", "dtype", "device", "threads",
)  # fmt: skip


def command(config: Config) -> str | None:
    """Command line with all settings of a run; None where one cannot be written there, as a module cannot.

    Args:
        config: Content of config.json.
    """
    known = dict(config)
    source = known.get("task") or known.get("source")
    network = known.get("network")
    if not isinstance(source, str) or (isinstance(network, str) and "task" not in known):
        return None
    words = ["sapts-pinn", "train" if "task" in known else "solve", source]
    for name in SETTINGS:
        value = known.get(name)
        if value is not None and not (known.get("uneven") and name in FOUND):
            words += [f"--{name.replace('_', '-')}", _written(value)]
    words += [word for word in _options(known.get("options"))]
    if known.get("symmetry") is False:
        words.append("--no-symmetry")
    size = known.get("world_size")
    start = ["torchrun", f"--nproc-per-node={size}", "-m"] if isinstance(size, int) and size > 1 else []
    return shlex.join([*start, *(["sapts_pinn", *words[1:]] if start else words)])


def _options(options: object) -> Iterator[str]:
    """Settings of the method, each as --option name=value."""
    for name, value in options.items() if isinstance(options, dict) else ():
        yield from ("--option", f"{name}={_written(value)}")


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
