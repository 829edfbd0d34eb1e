"""Relative error of a model against the reference of its problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from ..networks.model import Location, Model
from ..problems import Problem, Reference
from ..problems.answers import Answer
from ..problems.fields import call_by_name

Predictor = Callable[[Tensor], Tensor]  # a model: points [N, dim] to unknowns [N, m]

TEST_POINTS = 20_000  # where a solution is compared with an exact one given as a function


def test_grid(problem: Problem) -> Tensor:
    """Points [M, dim] on which solutions are compared with a function: a seeded Sobol set."""
    return problem.domain.interior(TEST_POINTS, torch.Generator().manual_seed(2_024), "sobol")


def reference_values(problem: Problem, points: Tensor) -> Tensor | None:
    """Reference values [M, unknowns] at points [M, dim], NaN where it has none; None without a reference."""
    reference = problem.reference
    if reference is None:
        return None
    columns = {name: points[:, i].cpu() for i, name in enumerate(problem.domain.names)}
    if isinstance(reference, Reference):
        values: object = reference.evaluate({name: c.numpy() for name, c in columns.items()})
    else:
        values = call_by_name(reference, columns, "the reference")
    by_name = values if isinstance(values, Mapping) else {problem.unknown_names[0]: values}
    if not any(name in by_name for name in problem.unknown_names):
        raise InputError(
            f"the reference gives no values of {problem.unknown_names[0]!r}; return a dict by unknown"
        )
    out = [
        torch.as_tensor(by_name.get(name, math.nan), dtype=torch.float64).expand(points.shape[0])
        for name in problem.unknown_names
    ]
    return torch.stack(out, 1)


def compared(problem: Problem) -> list[str] | None:
    """The unknowns of which the reference knows values; None without a reference."""
    if isinstance(problem.reference, Reference):
        flat = problem.reference.test_points()
        points = torch.stack([torch.as_tensor(flat[name]) for name in problem.domain.names], 1)
        points = points[:: max(len(points) // 64, 1)]
    else:
        points = problem.domain.interior(64, torch.Generator().manual_seed(2_024))
    values = reference_values(problem, points)
    if values is None:
        return None
    return [name for name, v in zip(problem.unknown_names, values.T, strict=True) if torch.isfinite(v).any()]


def error_measure(problem: Problem) -> Callable[[Predictor], float] | None:
    """A function that gives a model's relative L2 error, or None without a reference.

    It is taken over all unknowns and points of which the reference knows the value.

    The reference is evaluated once, when the function is first called.
    """
    if problem.reference is None:
        return None
    cache: list[tuple[Tensor, Tensor, Tensor]] = []
    places: list[Location] = []

    def error(model: Predictor) -> float:
        if not cache:
            if isinstance(problem.reference, Reference):
                flat = problem.reference.test_points()
                points = torch.stack([torch.as_tensor(flat[name]) for name in problem.domain.names], 1)
            else:
                points = test_grid(problem)
            exact = reference_values(problem, points)
            assert exact is not None
            known = torch.isfinite(exact)
            if not known.any():
                raise InputError(f"the reference of {problem.name} is NaN at every test point; check it")
            used = known.any(1)
            cache.append((points[used], exact[used].nan_to_num(0.0), known[used]))
        points, exact, known = cache[0]
        with torch.no_grad():
            if isinstance(model, Model):  # what does not depend on the parameters is computed once
                if not places:
                    places.append(Location(model, points, {name: ((),) for name in problem.unknown_names}))
                fields = places[0].fields(places[0].network_jet())
                found = torch.stack([field.value for field in fields.values()], 1)
            else:
                found = model(points)
        found = found.cpu().to(torch.float64)
        return float(((found - exact) * known).norm() / exact.norm())

    return error


def data_error(found: Answer, values: Answer, inside: NDArray[np.bool_]) -> float:
    """Relative L2 error of values of the unknowns against data, by unknown for a system; NaN is ignored."""
    pairs = [(found[n], values[n]) for n in found] if isinstance(found, Mapping) else [(found, values)]
    above = below = 0.0
    for ours, theirs in pairs:
        a, b = np.asarray(ours), np.asarray(theirs)
        known = np.isfinite(b) & inside
        above += float((np.abs((a - b)[known]) ** 2).sum())
        below += float((np.abs(b[known]) ** 2).sum())
    return math.sqrt(above / below)
