"""Settings of a resumed run: taken over from its checkpoint, changed, or refused.

Method, seed, network, precision and problem must be the same (`run_folder.check_resumable`).  Points and how
they are drawn may change: they are drawn anew, which is said.  The options of the optimizer are part of its
saved state, and others would not take effect: they are refused.  What is not given is as it was.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .checkpoint import checkpoint_name, load_checkpoint
from .content import Checkpoint, Config

RANKS = ("parts",)  # options that follow the number of ranks


def load_state(resume: str | Path, shard: int = 0) -> tuple[Path, Checkpoint]:
    """Load the checkpoint of a run.

    Args:
        resume: Run folder, or checkpoint.
        shard: The rank, where every rank has a checkpoint of its own.

    Raises:
        InputError: There is none, or it is damaged.
    """
    if not isinstance(resume, (str, Path)):
        raise InputError(f"resume must be a run folder or a checkpoint, such as runs/a, not {resume!r}")
    path = Path(resume)
    path = path / "checkpoint.pt" if path.is_dir() or path.suffix != ".pt" else path
    if shard:
        path = path.with_name(checkpoint_name(shard))
    return path, load_checkpoint(path)


def kept_settings(state: Checkpoint) -> dict[str, object]:
    """Settings of a checkpoint that a resumed run keeps unless others are given."""
    own = state.get("config") or Config()
    widths = own.get("network")  # one in words is the user's own, which only the user can give
    network: dict[str, object] = {}
    if isinstance(widths, list):
        network = {"network": tuple(widths), "activation": own["activation"]}
    saved = state.get("settings")
    if saved is not None:
        return network | {name: value for name, value in saved.items() if name != "options"}
    sites = state["trainer"]["collocation"]["sites"]  # of an earlier version: what can be counted
    return network | ({"points": len(sites["equation"]["points"])} if "equation" in sites else {})


def saved_method(resume: str | Path) -> str | None:
    """Name of the method of a run, None where its checkpoint does not say.

    Args:
        resume: Run folder, or checkpoint.

    Raises:
        InputError: There is no checkpoint, or it is damaged.
    """
    return (load_state(resume)[1].get("config") or Config()).get("method")


def saved_pipeline(resume: str | Path) -> bool:
    """Return whether the ranks of a run with stages divided the parameters of these.

    Args:
        resume: Run folder, or checkpoint.
    """
    options = load_state(resume)[1].get("settings", {}).get("options")
    return not isinstance(options, dict) or bool(options.get("pipeline", True))


def kept_options(
    state: Checkpoint, given: Mapping[str, object] | None, ranks: int, path: Path
) -> dict[str, object]:
    """Options of the optimizer in a resumed run.

    Args:
        state: The checkpoint.
        given: What is asked for now; None for what it was.
        ranks: How many there are now.
        path: Of the checkpoint.

    Raises:
        InputError: One is asked for that the saved optimizer does not have.
    """
    saved = state.get("settings", {}).get("options")
    if not isinstance(saved, dict):
        return dict(given or {})
    if given is None:
        parts = saved.get("parts")
        same = ranks == state["world_size"] or (isinstance(parts, int) and parts % ranks == 0)
        return {name: value for name, value in saved.items() if same or name not in RANKS}
    for name in sorted((saved.keys() | given.keys()) - {*RANKS}):
        was, now = (_plain(options.get(name)) for options in (saved, given))
        if was != now:
            raise InputError(
                f"{path} is of a run with the option {name}={was}, which is part of its optimizer's state: "
                f"it cannot go on with {name}={now}; drop the option, or start anew"
            )
    return dict(given)


def redrawn(state: Checkpoint, drawn: Mapping[str, object], path: Path) -> bool:
    """Return whether points must be drawn anew, as their number or kind has changed; warns if so.

    Args:
        state: The checkpoint.
        drawn: The settings now by which points are drawn.
        path: Of the checkpoint.
    """
    saved = kept_settings(state)
    changed = [
        f"{name}={value} in place of {saved[name]}"
        for name, value in drawn.items()
        if name in saved and saved[name] != value
    ]
    if changed:
        warnings.warn(
            f"the run of {path} goes on with {', '.join(changed)}: its points are drawn anew",
            UserWarning,
            stacklevel=3,
        )
    return bool(changed)


def _plain(value: object) -> str:
    return json.dumps(value, default=repr)
