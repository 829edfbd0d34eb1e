"""`ensemble`: the same problem from several seeds; `solve(problem, seeds=...)` does the same."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .problems import Problem
from .solving.run import solve
from .solving.seeds import Ensemble
from .training.budget import Budget


def ensemble(
    problem: Problem,
    seeds: int | Iterable[int] = 4,
    *,
    budget: str | float | Budget = "2min",
    out: str | Path | None = None,
    **settings: Any,
) -> Ensemble:
    """Solve a problem from several seeds, one after the other.

    Args:
        problem: What to solve.
        seeds: How many, or which ones.
        budget: Of each.
        out: Folder with a run folder for each seed, `seed0`, `seed1`, ...
        **settings: Other arguments of `solve`, such as `resume`, a folder of seeds that go on.

    Returns:
        All solutions.

    Raises:
        InputError: There are fewer than two different seeds, or a setting is wrong.
    """
    return solve(problem, seeds=seeds, budget=budget, out=out, **settings)


__all__ = ["Ensemble", "ensemble"]
