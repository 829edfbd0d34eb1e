"""Pictures of how a run went: convergence, weights, sweeps and parts, points, Gauss-Newton spectrum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..geometry import Domain
from ..runs.checkpoint import load_checkpoint
from ..runs.history import read_history
from ..viz.history import plot_history, plot_parts, plot_sweeps, plot_weights
from ..viz.points import plot_points
from ..viz.spectrum import plot_spectrum
from .spectrum import gauss_newton_spectrum

if TYPE_CHECKING:
    from .solution import Solution

LARGEST = 1000  # parameters up to which the spectrum takes seconds at most
Draw = Callable[[Path], Path | None]  # None where there is nothing to draw


def training_pictures(folder: Path, solution: Solution | None = None) -> dict[str, Draw]:
    """Functions that draw a run into a file, by title.

    Args:
        folder: Of the run; what it does not hold has no picture.
        solution: Its result, for the pictures of the points and of the spectrum.
    """
    rows = read_history(folder / "history.csv")
    found: dict[str, Draw] = {}
    if len(rows) > 1:
        found["Convergence"] = partial(plot_history, rows)
        found["Weights of the terms"] = partial(plot_weights, rows)
        found["Sweeps"] = partial(plot_sweeps, rows)
        found["Gains of the parts"] = partial(plot_parts, rows)
    checkpoint = folder / "checkpoint.pt"
    if solution is None:
        return found
    if checkpoint.is_file():
        found["Collocation points"] = partial(_points, checkpoint, solution.problem.domain)
    if sum(p.numel() for p in solution.model.parameters()) <= LARGEST:
        found["Spectrum of the Gauss-Newton matrix"] = partial(_spectrum, solution)
    return found


def _spectrum(solution: Solution, path: Path) -> Path:
    return plot_spectrum(gauss_newton_spectrum(solution), path)


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
