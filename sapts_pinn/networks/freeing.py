"""Removal of a model's symmetries without changing the function that it represents.

Let u = g + U l N(features) be the unknown of an ansatz with symmetries.  The ansatz without them is
u = g' + U' l' N'(features'), in which u is a known part:

    u' = u + [what u lacks of the conditions] + U' l' N'(features').

A network N' whose last layer is zero makes u' = u, since u satisfies the conditions that are built in; from
there the training is free.  u stays as it is, with its weights frozen.  `Problem` has known parts already
(`particular`).
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..problems import Problem
from ..problems.scales import Scales, find
from .side_by_side import SideBySide


def freed(problem: Problem, network: nn.Module) -> Problem:
    """Copy of a problem without symmetries, with a network's function as a known part of the unknowns."""
    parts = {name: _part(problem, network, j) for j, name in enumerate(problem.unknown_names)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what there is to say of the problem has been said
        free = replace(problem, symmetry=False, particular=parts)
    # The same units, by which losses before and after compare, and which depend on no network.
    form, names, old = problem.ansatz, problem.domain.names, problem.natural
    terms = (problem.uniform_equation_term, *problem.condition_terms)
    rows = {**find(form, names, terms, problem.initial_parameters, old.unknowns).rows, **old.rows}
    return free.with_natural(Scales(old.unknowns, rows, old.notes))


def _part(problem: Problem, network: nn.Module, j: int) -> Callable[..., Tensor]:
    """Return unknown j of a network (its logarithm if positive) as a function of the coordinates by name."""
    ansatz, names = problem.ansatz, problem.domain.names
    size = problem.natural.unknowns[problem.unknown_names[j]]
    factor, extension = (of[problem.unknown_names[j]] for of in (ansatz.factor, ansatz.extension))

    def value(**coordinates: Tensor) -> Tensor:
        points = torch.stack([coordinates[name] for name in names], 1)
        like = next(network.parameters())
        out: Tensor = network(ansatz.features(points).to(like))[:, j].to(points) * size
        out = out if factor is None else out * factor(points)
        return out if extension is None else out + extension(points)

    keyword = inspect.Parameter.KEYWORD_ONLY
    value.__signature__ = inspect.Signature([inspect.Parameter(name, keyword) for name in names])  # type: ignore[attr-defined]
    return value


def silence(network: nn.Module) -> None:
    """Make a network return zero, by zero parameters of its last affine layers.

    Raises:
        InputError: It does not end with one.
    """
    for part in network.networks if isinstance(network, SideBySide) else [network]:
        layers = [layer for layer in part.modules() if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            for parameter in layers[-1].parameters() if layers else ():
                parameter.zero_()
            inputs = layers[0].in_features if layers else 1
            silent = bool(layers) and not part(torch.ones(2, inputs).to(layers[0].weight)).any()
        if not silent:
            raise InputError(
                f"a symmetry does not hold and {type(part).__name__} does not end with an affine layer, so "
                "that it cannot go on without; give symmetry=False to the problem"
            )
