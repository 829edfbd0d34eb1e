"""Solutions of one problem from several seeds, for how far the answers differ; `solve(seeds=...)` makes them.

Where networks that start differently agree, the answer is not an accident of one of them; the spread is a
hint at the error that needs no reference (deep ensembles: Lakshminarayanan, Pritzel and Blundell,
arXiv:1612.01474; for PINNs Haitsiukevich and Ilin, arXiv:2204.05108).  It does not see what all share: a
wrong equation, or an ansatz that cannot follow the solution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import InputError
from ..problems import Problem
from ..problems.answers import Answer, Points
from ..results.solution import Solution
from .members import Solve, as_before, member, own_folder


@dataclass(frozen=True)
class Ensemble:
    """Solutions of one problem from several seeds.

    Attributes:
        solutions: By seed.
    """

    solutions: dict[int, Solution]

    @property
    def best(self) -> Solution:
        """The one with the lowest loss."""
        return min(self.solutions.values(), key=lambda s: float(s.result["loss"]))

    def predict(
        self, points: Points | None = None, extrapolate: bool = False, **coordinates: ArrayLike | Tensor
    ) -> Answer:
        """The mean of the unknowns at points; arguments and result as for `Solution.predict`."""
        return self._over(lambda values: values.mean(0), points, extrapolate, **coordinates)

    def spread(
        self, points: Points | None = None, extrapolate: bool = False, **coordinates: ArrayLike | Tensor
    ) -> Answer:
        """The standard deviation of the unknowns at points, likewise."""

        def deviation(values: Answer) -> Answer:
            return (((values - values.mean(0)) ** 2).sum(0) / (len(values) - 1)) ** 0.5

        return self._over(deviation, points, extrapolate, **coordinates)

    def _over(
        self, function: Callable[[Answer], Answer], points: Points | None, extrapolate: bool, **named: Answer
    ) -> Answer:
        found = [s.predict(points, extrapolate, **named) for s in self.solutions.values()]

        def over(values: list[Answer]) -> Answer:
            return function(torch.stack(values) if isinstance(values[0], Tensor) else np.stack(values))

        if isinstance(found[0], dict):
            return {name: over([f[name] for f in found]) for name in found[0]}
        return over(found)

    def __str__(self) -> str:
        lines = [f"{'seed':>6}  {'loss':>9}  {'error':>9}  limited by"]
        for seed, s in self.solutions.items():
            error, found = s.result["relative_l2_error"], s.result.get("diagnosis")
            shown = "-" if error is None else f"{error:.2e}"
            lines.append(
                f"{seed:>6}  {s.result['loss']:>9.2e}  {shown:>9}  {found['limit'] if found else '-'}"
            )
        return "\n".join(lines)


def each_seed(
    train: Solve,
    problem: Problem,
    seeds: int | Iterable[int],
    *,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    init: Solution | None = None,
    **settings: Any,
) -> Ensemble:
    """Solve a problem from several seeds, one after the other.

    Args:
        train: `solve`.
        problem: What to solve.
        seeds: How many, or which ones.
        out: Folder to write, with a run folder for each seed, `seed0`, `seed1`, ...
        resume: Such a folder to go on with: what has ended is read, what was interrupted is continued.
        init: Refused.
        **settings: Other arguments of `solve`.

    Returns:
        All solutions.

    Raises:
        InputError: There are fewer than two different seeds, or a setting is wrong.
    """
    wanted = _listed(seeds)
    if settings.pop("seed", 0) != 0:
        raise InputError("an ensemble is told its seeds: drop seed, and give seeds")
    if init is not None:
        raise InputError("init would give all seeds the same start: drop init, or seeds")
    folder = own_folder(out, resume, "seeds")
    found: dict[int, Solution] = {}
    for seed in wanted:
        place = None if folder is None else folder / f"seed{seed}"
        if resume is None or folder is None or place is None:
            found[seed] = train(problem, seed=seed, out=place, **settings)
            continue
        known = next((f for s in wanted if ((f := folder / f"seed{s}") / "checkpoint.pt").is_file()), place)
        found[seed] = member(train, problem, place, seed=seed, **as_before(known, settings))
    return Ensemble(found)


def _listed(seeds: int | Iterable[int]) -> list[int]:
    """The different seeds, at least two.

    Raises:
        InputError: There are fewer.
    """
    wanted: list[int] = []
    if isinstance(seeds, int):
        wanted = [*range(seeds)]
    elif isinstance(seeds, Iterable):
        wanted = [*dict.fromkeys(seeds)]
    if len(wanted) < 2:
        raise InputError(f"an ensemble needs two or more different seeds, not {seeds!r}")
    return wanted
