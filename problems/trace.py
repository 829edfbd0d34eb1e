"""The trace of a user's function: one evaluation on random numbers in place of the unknowns.

It finds how many residuals the function returns and which derivatives it reads, and refuses functions that
could not be trained with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from .conditions.base import Sites
from .expressions import Note, noting
from .fields import Field
from .mistakes import mistake
from .term import Residual, Trace
from .wellposed.expressions import refuse_blind, refuse_jumps
from .wellposed.sensitivity import refuse_hidden, refuse_random

if TYPE_CHECKING:
    from .description import Description

PROBES = 7  # points of the trace


def trace(problem: Description, residual: Residual, sites: Sites, what: str) -> Trace:
    """Number of residuals at a site, and the derivatives that are read of each unknown.

    Args:
        problem: The problem.
        residual: The function, as that of a term.
        sites: Where it is evaluated.
        what: Its name in messages.

    Raises:
        InputError: It fails, returns nothing or no finite numbers, hides its arguments from autograd, or
            mixes the values at different points.
    """
    found = _probe(problem, residual, sites, what)
    _check_pointwise(problem, residual, sites, what)
    return found


def _probe(problem: Description, residual: Residual, sites: Sites, what: str) -> Trace:
    names, parameters = problem.domain.names, problem.initial_parameters
    asked: dict[str, dict[MultiIndex, Tensor]] = {name: {} for name in problem.unknown_names}
    generator = Generator().manual_seed(3)
    n = sites.points.shape[0]

    def channels(name: str) -> Callable[[MultiIndex], Tensor]:
        def value(index: MultiIndex) -> Tensor:
            if index not in asked[name]:
                asked[name][index] = torch.rand(n, generator=generator, dtype=torch.float64) + 0.5
            return asked[name][index]

        return value

    fields = {name: Field(name, names, channels(name)) for name in problem.unknown_names}
    # NumPy refuses tensors that require a gradient; those of a derivative of the residual would not.
    tracked = replace(sites, points=sites.points.clone().requires_grad_())
    notes: list[Note] = []
    try:
        with noting(notes):
            rows = residual(fields, tracked, parameters)
        refuse_random(rows, residual(fields, tracked, parameters), what)
    except RuntimeError as error:
        raise mistake(what, error) from error
    needs = {name: tuple(sorted(found, key=lambda i: (len(i), i))) for name, found in asked.items()}
    if notes:
        sources = {name: channels(name) for name in asked}
        refuse_blind(residual, sites, what, names, sources, parameters)
        inside = sites.normals is None and sites.values is None and sites.fold == 1
        if inside and not problem.materials:  # which jump, and whose derivative is zero beside
            refuse_jumps(residual, what, problem.domain, problem.unknown_names, parameters)
    if not rows:
        raise InputError(f"{what} returned nothing; return what must vanish")
    read = {name: {index: found[index] for index in needs[name]} for name, found in asked.items()}
    refuse_hidden(residual, sites, what, names, read, parameters)
    for row in rows:
        if not torch.isfinite(row).all():
            raise InputError(
                f"{what} gives NaN or infinity at ordinary points of {problem.domain!r}; check it for "
                "divisions by zero, logarithms and roots of negative numbers"
            )
    return Trace(len(rows), needs)


def _check_pointwise(problem: Description, residual: Residual, sites: Sites, what: str) -> None:
    """Refuse a residual that mixes points, as a mean does: it would depend on the points drawn."""
    n = sites.points.shape[0] // sites.fold
    halves = torch.arange(n).tensor_split(2)  # the largest value is in one of them only

    def at(sites: Sites) -> Tensor:
        def channels(phase: int) -> Callable[[MultiIndex], Tensor]:
            return lambda index: torch.sin(sites.points.sum(1) + phase + len(index)) + 2

        names = problem.domain.names
        fields = {u: Field(u, names, channels(j)) for j, u in enumerate(problem.unknown_names)}
        return torch.stack(residual(fields, sites, problem.initial_parameters))

    if n < 2:
        return
    whole, part = at(sites), torch.cat([at(sites.of(half)) for half in halves], 1)
    close = torch.isclose(whole, part, rtol=1e-9, atol=1e-12 * float(whole.abs().max()), equal_nan=True)
    if not close.all():
        raise InputError(
            f"{what}: the value at a point depends on the other points, as a mean, a sum or a maximum "
            "over them does; use values at the point itself, and for an integral "
            "Integral('I', lambda u: u, over='x'), which the equation takes as a parameter"
        )
