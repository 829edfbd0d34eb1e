"""A problem's equation and conditions in terms of DeepXDE's tensors."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping

import deepxde as dde
import numpy as np
import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..problems import Problem, Sites, Term
from ..problems.fields import Field
from .geometry import own_generator
from .untyped import Array


class TermCondition:
    """A condition of a problem, as DeepXDE takes them.

    Args:
        problem: The problem.
        term: The condition as a term of its loss.
        points: About so many points.
        known: Gives the parameters of the unknown coefficients.

    Attributes:
        sites: Where it holds; new ones are drawn when DeepXDE asks for points.
    """

    def __init__(
        self, problem: Problem, term: Term, points: int, known: Callable[[], Mapping[str, Tensor]]
    ) -> None:
        self.problem, self.term, self.points, self.known = problem, term, points, known
        self.sites = term.sites(points, Generator().manual_seed(0), "uniform")

    def collocation_points(self, _: Array) -> Array:
        """The points, [n, dim]."""
        self.sites = self.term.sites(self.points, own_generator(), "uniform")
        return self.sites.points.numpy().astype(dde.config.real(np))

    def error(
        self, X: Array, inputs: Tensor, outputs: Tensor, beg: int, end: int, aux_var: object = None
    ) -> Tensor:
        """The residuals, [n, rows of the condition]."""
        sites = Sites(
            inputs[beg:end],
            _to(self.sites.normals, outputs),
            _to(self.sites.values, outputs),
            self.sites.fold,
        )
        fields = fields_of(self.problem, inputs, outputs, slice(beg, end))
        rows = self.term.residual(fields, sites, self.known())
        count = (end - beg) // self.sites.fold
        found = torch.stack([row.expand(count) for row in rows], 1)
        return math.sqrt(self.term.weight) * found / self.term.row_units.T.to(found)

    def restricted(self, rows: Array) -> TermCondition:
        """Restrict the condition to some of its points."""
        other, sites = copy.copy(self), self.sites
        index = torch.from_numpy(rows)
        other.sites = Sites(
            sites.points[index],
            None if sites.normals is None else sites.normals[index],
            None if sites.values is None else sites.values[index],
            sites.fold,
        )
        return other


def fields_of(problem: Problem, inputs: Tensor, outputs: Tensor, rows: slice) -> dict[str, Field]:
    """The unknowns at some rows of DeepXDE's tensors, with its derivatives."""

    def channels(j: int) -> Callable[[MultiIndex], Tensor]:
        return lambda index: _derivative(inputs, outputs, j, index)[rows]

    return {
        name: Field(name, problem.domain.names, channels(j)) for j, name in enumerate(problem.unknown_names)
    }


def _derivative(x: Tensor, y: Tensor, j: int, index: MultiIndex) -> Tensor:
    """Derivative of the j-th unknown, [N]; DeepXDE remembers what it has computed."""
    if not index:
        return y[:, j]
    if len(index) == 1:
        slope: Tensor = dde.grad.jacobian(y, x, i=j, j=index[0])
        return slope[:, 0]
    found: Tensor = dde.grad.hessian(y, x, component=j, i=index[0], j=index[1])
    for axis in index[2:]:
        found = dde.grad.jacobian(found, x, i=0, j=axis)
    return found[:, 0]


def _to(value: Tensor | None, like: Tensor) -> Tensor | None:
    return None if value is None else value.to(like)
