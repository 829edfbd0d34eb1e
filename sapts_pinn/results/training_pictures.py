"""Pictures of how a run went, from the files of its folder: convergence, weights, sweeps, parts, points."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..errors import InputError
from ..geometry import Domain
from ..runs.checkpoint import load_checkpoint
from ..runs.history import read_history
from ..viz.history import plot_history, plot_parts, plot_sweeps, plot_weights
from ..viz.points import plot_points

Draw = Callable[[Path], Path | None]  # None where there is nothing to draw


def training_pictures(folder: Path, domain: Domain | None = None) -> dict[str, Draw]:
    """Functions that draw a run into a file, by title.

    Args:
        folder: Of the run; what it does not hold has no picture.
        domain: Of its problem, for the picture of the points.
    """
    rows = read_history(folder / "history.csv")
    found: dict[str, Draw] = {}
    if len(rows) > 1:
        found["Convergence"] = partial(plot_history, rows)
        found["Weights of the terms"] = partial(plot_weights, rows)
        found["Sweeps"] = partial(plot_sweeps, rows)
        found["Gains of the parts"] = partial(plot_parts, rows)
    checkpoint = folder / "checkpoint.pt"
    if domain is not None and checkpoint.is_file():
        found["Collocation points"] = partial(_points, checkpoint, domain)
    return found


def _points(checkpoint: Path, domain: Domain, path: Path) -> Path | None:
    """Draw the points of a checkpoint; nothing where it holds none, as that of a run in windows."""
    try:
        state = load_checkpoint(checkpoint)
    except InputError:  # of another version
        return None
    sites = state.get("trainer", {}).get("collocation", {}).get("sites", {})
    points = {name: site["points"].double().cpu().numpy() for name, site in sites.items()}
    return plot_points(domain, points, path) if points else None


__all__ = ["Draw", "training_pictures"]
