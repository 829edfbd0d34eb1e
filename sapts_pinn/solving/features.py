"""Settings of `solve` for the method `features`, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from ..errors import InputError
from ..networks.build import independent
from ..optim.features import OVER
from ..problems import Problem
from ..training.settings import Arguments
from .settings import RunSettings, defaults_of

FEATURES = "features"
UNITS = (600, 800)  # at most, in one and in two dimensions
MANY = 1600  # in more
POINTS, FEWEST = 8192, 256  # of the equation, where each brings others along: all together, and itself
SEVERAL = 2  # times fewer, where there are several unknowns


def settings_of(problem: Problem, *asked: Arguments) -> RunSettings:
    """Settings from those that are asked for, of which later ones win, and from defaults."""
    method = next((a["method"] for a in reversed(asked) if a.get("method") is not None), None)
    given = usual(problem) if method == FEATURES else fewer(problem)
    return RunSettings.merged(defaults_of(problem), given, *asked)


def fewer(problem: Problem) -> Mapping[str, object]:
    """Default number of points where each brings others along."""
    fold = problem.companions.fold
    return {} if fold == 1 else {"points": max(POINTS // fold, FEWEST)}


def usual(problem: Problem) -> Mapping[str, object]:
    """Defaults of `features` for a problem, in place of the problem's own and of `solve`'s."""
    dim, m = problem.domain.dim, len(problem.unknown_names)
    units = UNITS[dim - 1] if dim <= len(UNITS) else MANY
    units //= 1 if m == 1 else SEVERAL
    points = OVER * m * (units + 1) // problem.equation_term.rows
    return {"network": (units,), "activation": "sin", "points": points}


def check_features(problem: Problem, settings: RunSettings, ranks: int, init: object) -> None:
    """Make sure that `features` can solve a problem with these settings, if it is their method.

    Raises:
        InputError: It cannot.
    """
    if settings.method == FEATURES and (why := refusal(problem, settings, ranks, init)) is not None:
        raise InputError(why)


def refusal(problem: Problem, settings: RunSettings, ranks: int, init: object) -> str | None:
    """Sentence that says why `features` cannot solve a problem with these settings; None where it can."""
    if init is not None:
        return "features solves from nothing, and has no use for a start: drop init"
    network = settings.network
    if isinstance(network, nn.Module) or not isinstance(network, Sequence) or len(network) != 1:
        return (
            "features draws one hidden layer, and network says how many units it has at most: write "
            f"network=(800,), not {network!r}"
        )
    if settings.dtype != "float64":
        return f"features solves to rounding, which dtype={settings.dtype!r} makes useless: drop dtype"
    if ranks > 1:
        return f"features runs in one process, and there are {ranks}: use sapts-d, or one process"
    if apart := independent(problem):
        return f"{apart[0]} has a network of its own, and features solves for one layer of units: use sapts-d"
    return None
