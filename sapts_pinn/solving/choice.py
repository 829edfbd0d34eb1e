"""The method of `solve` where none is named: chosen by a trial and by sizes, and said in one line.

Where random features suffice (`features_first.py`) nothing is trained.

`sapts-d` in two parts comes to the errors of `tr` sooner where the evaluation of a part takes half as long as
that of all points, and where a part says something of the whole (`sapts-pinn bench race`).  That is so on a
processor, with some thousands of points, and more residuals in each part than parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from ..networks.build import network_of
from ..optim.curvature.make import curvature_by_size
from ..optim.sapts.data import DataDecomposition
from ..problems import Problem
from .features_first import Trial
from .settings import AUTO, RunSettings

POINTS = 4096  # of the equation, below which a part takes about as long as the whole


@dataclass(frozen=True)
class Choice:
    """A method and why it was chosen.

    Attributes:
        method: Its name.
        why: The reason, half a sentence.
    """

    method: str
    why: str


def choose(problem: Problem, settings: RunSettings, ranks: int, parts: int | None = None) -> Choice:
    """Choose a method.

    Args:
        problem: What to solve.
        settings: Of the run; what their method is does not count.
        ranks: Number of ranks.
        parts: Number of parts asked for, None where none is.
    """
    if parts is not None:
        return Choice("sapts-d", "parts were asked for")
    if settings.options:
        return Choice("tr", "options were given without a method to take them")
    if ranks > 1:
        return Choice("sapts-d", f"there are {ranks} ranks, which meet less often by it")
    if not settings.device.startswith("cpu"):
        return Choice("tr", f"parts of the points are not known to pay on {settings.device}")
    if settings.points < POINTS:
        return Choice("tr", f"{settings.points} points are too few to divide")
    size = _parameters(problem, settings)
    if curvature_by_size(size) != "ssbroyden":
        return Choice("tr", f"parts of the points are not known to pay with {size} parameters")
    rows = settings.points * problem.equation_term.rows
    if rows < DataDecomposition.parts * size:
        return Choice("tr", f"{rows} residuals are too few to divide, of {size} parameters")
    return Choice("sapts-d", f"{settings.points} points are worth dividing")


def with_method(
    problem: Problem, settings: RunSettings, ranks: int, parts: int | None, trial: Trial | None = None
) -> tuple[RunSettings, str | None]:
    """The settings with a method of a name, and why it was chosen; None where it was named.

    Args:
        problem: What to solve.
        settings: Of the run.
        ranks: Number of ranks.
        parts: Number of parts asked for, None where none is.
        trial: Of random features, if there was one.
    """
    if settings.method != AUTO:
        return settings, None
    if trial is not None and trial.state is not None:
        return trial.settings, trial.words
    found = choose(problem, settings, ranks, parts)
    why = found.why if trial is None else f"{found.why}, and {trial.words}"
    return replace(settings, method=found.method), why


def _parameters(problem: Problem, settings: RunSettings) -> int:
    """Number of parameters of the network."""
    if isinstance(settings.network, nn.Module):
        return sum(p.numel() for p in settings.network.parameters())
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.random.fork_rng(devices=[]):  # of modules that draw their own weights
        network = network_of(problem, settings.network, generator, torch.float64, settings.activation)
    return sum(p.numel() for p in network.parameters())
