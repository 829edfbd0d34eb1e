"""`continuation`: approach a hard value of a parameter by way of easier ones.

Each network starts where the one before, trained for a nearby value, has ended.  Source: Krishnapriyan et
al., arXiv:2109.01050, who call it curriculum regularisation; the idea is that of continuation methods
(Allgower and Georg, Numerical Continuation Methods, 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import nn

from .errors import InputError
from .optim.methods import method as find_method
from .problems import Problem
from .results.solution import Solution
from .solving.run import solve
from .training.budget import Budget

P = TypeVar("P")  # parameter of a family of problems


def continuation(
    build: Callable[[P], Problem],
    values: Sequence[P],
    *,
    budget: str | float | Budget = "2min",
    method: str = "auto",
    **settings: Any,
) -> Solution:
    """Solve a family of problems one after the other, each from the network of the one before.

        continuation(lambda beta: advection(beta), [1, 10, 20, 40], budget="4min")

    Args:
        build: Makes the problem for a value of the parameter.
        values: The values, from easy to hard.
        budget: Of all together: half of it for the last one, the rest shared by those before.
        method: As for `solve`; not of the family of sapts-ip, whose stages are no one network.
        **settings: Other arguments of `solve`; `out` is where the last one is written.

    Returns:
        The solution for the last value.

    Raises:
        InputError: There is no value, or a setting is wrong.
    """
    if not len(values):
        raise InputError("continuation needs at least one value of the parameter")
    if find_method(method).sharded:
        raise InputError(f"continuation needs one network, which {method!r} has not; use tr or sapts-d")
    limits, network = Budget.parse(budget), settings.pop("network", None)
    found: Solution | None = None
    last = {name: settings.pop(name) for name in ("out", "overwrite", "callbacks") if name in settings}
    for i, value in enumerate(values):
        final = i == len(values) - 1
        share = 1.0 if len(values) == 1 else 0.5 if final else 0.5 / (len(values) - 1)
        found = solve(
            build(value),
            budget=Budget(limits.seconds * share, limits.iterations * share, limits.evaluations * share),
            method=method,
            network=network if found is None else _network(found),
            **settings,
            **(last if final else {}),
        )
    assert found is not None
    return found


def _network(solution: Solution) -> nn.Module:
    network = solution.model.network
    assert isinstance(network, nn.Module)
    return network
