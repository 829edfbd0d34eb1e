"""Parts of DeepXDE's data: what its losses are computed from, and how to take some of it.

A DeepXDE `Data` computes the terms of a loss from all its points at once, in the rows of one array: those of
every boundary condition first, those of the equation last; the terms come the other way round.  A `View` is a
copy of such a `Data` that holds some of the rows.  Each term is a mean over its rows, so that the term of a
part has to be multiplied by the part's share of the rows for the parts to add up to the whole.

The rows come in groups that are divided together: one for each condition, one for the equation (or all of its
equations).  Of a periodic condition the first half of the rows meets the second half.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping

import deepxde as dde
import numpy as np
import torch
from deepxde.icbc.boundary_conditions import npfunc_range_autocache
from numpy.typing import NDArray
from torch import Tensor

from ..problems import Sites
from .conditions import TermCondition
from .untyped import Arrays, BoundaryCondition, Data

PAIRED = (dde.icbc.PeriodicBC, dde.icbc.Interface2DBC)
AXES = ("x", "y", "z")
CACHE = npfunc_range_autocache.__code__.co_filename  # where functions with a cache are defined


class View(ABC):
    """A `Data`, or a part of one.

    Attributes:
        data: What computes the terms.
        inputs: Of the network: an array, or a tuple of them.
        targets: What they are compared with, if anything.
        auxiliary: Auxiliary variables of the network's inputs, or None.
        sites: Where the rows of each group lie.
        coordinates: Names of the coordinates of these places.
        kept: The terms that are left, as positions among all terms.
        factors: For each of them what its mean has to be multiplied by.
    """

    def __init__(self, data: Data, inputs: Arrays, targets: Arrays, auxiliary: Arrays, terms: int) -> None:
        self.data, self.inputs, self.targets, self.auxiliary = data, inputs, targets, auxiliary
        self.kept, self.factors = list(range(terms)), [1.0] * terms
        self.coordinates: tuple[str, ...] = ("x",)
        self.sites: dict[str, Sites] = {}

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the terms that are left."""

    @abstractmethod
    def take(self, part: Mapping[str, Tensor], estimate: bool) -> View:
        """Some of the rows; see `Separable.restrict`."""

    def places(self) -> list[tuple[Tensor, ...]] | None:
        """For each term the rows of the inputs that its errors belong to: one or two each, if it is so."""
        return None

    def count(self) -> int:
        """Number of rows of the inputs."""
        return len(self.inputs[0] if isinstance(self.inputs, tuple) else self.inputs)


class Whole(View):
    """Data that cannot be divided, such as integral equations, whose quadrature couples the rows."""

    def names(self) -> tuple[str, ...]:
        """By number."""
        return tuple(f"loss {k + 1}" for k in self.kept)

    def take(self, part: Mapping[str, Tensor], estimate: bool) -> View:
        """Take nothing."""
        raise TypeError(refusal(self.data))


def refusal(data: Data) -> str:
    """Why some data cannot be divided, and what to do."""
    return (
        f"the points of {type(data).__name__} cannot be divided, for a loss there depends on several of "
        "them; use 'tr', or 'sapts-p', which divides the parameters"
    )


class Points(View):
    """`PDE`, `TimePDE` and `PDEOperator`: groups of rows for the conditions and the equation."""

    def __init__(self, data: Data, inputs: Arrays, targets: Arrays, auxiliary: Arrays, terms: int) -> None:
        super().__init__(data, inputs, targets, auxiliary, terms)
        self.conditions: list[int] = list(range(len(self._problem.bcs)))  # numbers of those left
        geometry = self._problem.geom
        dim = (geometry.geometry if hasattr(geometry, "timedomain") else geometry).dim
        axes = AXES[:dim] if dim <= len(AXES) else tuple(f"x{i + 1}" for i in range(dim))
        self.coordinates = (*axes, "t") if geometry.dim > dim else axes
        self._locate()

    @property
    def _problem(self) -> Data:
        """The `PDE`: that of an operator is an attribute."""
        return self.data.pde if isinstance(self.data, dde.data.PDEOperator) else self.data

    def _locate(self) -> None:
        rows = self.inputs[1] if isinstance(self.inputs, tuple) else self.inputs
        ends = np.cumsum([0, *self.data.num_bcs])
        points = torch.from_numpy(np.asarray(rows, dtype=np.float64))
        for number, bc, start, end in zip(self.conditions, self._problem.bcs, ends, ends[1:], strict=False):
            if end > start:
                fold = _fold(bc)
                self.sites[f"condition {number + 1}"] = Sites(points[start:end], fold=fold)
        if len(points) > ends[-1]:
            self.sites["equation"] = Sites(points[ends[-1] :])

    def names(self) -> tuple[str, ...]:
        """Equations and conditions."""
        count = len(self.kept) - len(self.conditions)
        equations = ["equation"] if count == 1 else [f"equation {k + 1}" for k in range(count)]
        return (*equations, *(f"condition {number + 1}" for number in self.conditions))

    def places(self) -> list[tuple[Tensor, ...]]:
        """Points of the terms; those of the conditions come first in the inputs, and last in the loss."""
        ends = np.cumsum([0, *self.data.num_bcs]).tolist()
        rows = torch.arange(self.count())
        equations = len(self.kept) - len(self.conditions)
        places: list[tuple[Tensor, ...]] = [(rows[ends[-1] :],)] * equations
        for bc, start, end in zip(self._problem.bcs, ends, ends[1:], strict=False):
            places.append(rows[start:end].chunk(_fold(bc)))
        return places

    def take(self, part: Mapping[str, Tensor], estimate: bool) -> Points:
        """Some of the rows, in a shallow copy of the data."""
        data = copy.copy(self.data)
        problem = data
        if self._problem is not self.data:
            problem = data.pde = copy.copy(self._problem)
        ends = np.cumsum([0, *self.data.num_bcs])
        equations = len(self.kept) - len(self.conditions)
        kept, factors, conditions, bcs, counts, rows = [], [], [], [], [], []
        for place, (number, bc) in enumerate(zip(self.conditions, self._problem.bcs, strict=True)):
            index = part.get(f"condition {number + 1}")
            if index is None or not len(index):
                continue
            count = int(ends[place + 1] - ends[place])
            fold = _fold(bc)
            own = np.concatenate([index.numpy() + i * count // fold for i in range(fold)])
            bcs.append(_restricted(bc, own))
            rows.append(ends[place] + own)
            counts.append(len(own))
            conditions.append(number)
            kept.append(self.kept[equations + place])
            factors.append(1.0 if estimate else self.factors[equations + place] * len(own) / count)
        index = part.get("equation")
        if index is not None and len(index):
            rows.append(ends[-1] + index.numpy())
            share = len(index) / len(self.sites["equation"].points)
            kept = self.kept[:equations] + kept
            factors = [1.0 if estimate else f * share for f in self.factors[:equations]] + factors
        else:
            problem.pde = None
        problem.bcs, data.num_bcs = bcs, counts
        chosen = np.concatenate(rows).astype(int)
        view = copy.copy(self)
        view.data, view.conditions, view.kept, view.factors, view.sites = data, conditions, kept, factors, {}
        view.inputs = _rows(self.inputs, chosen)
        view.targets, view.auxiliary = _rows(self.targets, chosen), _rows(self.auxiliary, chosen)
        data.train_x, data.train_y, data.train_aux_vars = view.inputs, view.targets, view.auxiliary
        view._locate()
        return view


class Rows(View):
    """`DataSet`, `Function`, `Triple`: rows that are compared with targets."""

    def __init__(self, data: Data, inputs: Arrays, targets: Arrays, auxiliary: Arrays, terms: int) -> None:
        super().__init__(data, inputs, targets, auxiliary, terms)
        self.sites = {"data": Sites(_numbers(len(targets)))}

    def names(self) -> tuple[str, ...]:
        """There is one."""
        return ("data",)

    def places(self) -> list[tuple[Tensor, ...]]:
        """Every row has its own error."""
        return [(torch.arange(self.count()),)]

    def take(self, part: Mapping[str, Tensor], estimate: bool) -> Rows:
        """Some of the rows."""
        index = part["data"].numpy()
        view = copy.copy(self)
        view.inputs, view.targets = _rows(self.inputs, index), _rows(self.targets, index)
        view.auxiliary = _rows(self.auxiliary, index)
        view.factors = [1.0 if estimate else self.factors[0] * len(index) / len(self.targets)]
        view.sites = {"data": Sites(_numbers(len(index)))}
        return view


class Functions(View):
    """`PDEOperatorCartesianProd`: all points of some of the functions."""

    def __init__(self, data: Data, inputs: Arrays, targets: Arrays, auxiliary: Arrays, terms: int) -> None:
        super().__init__(data, inputs, targets, auxiliary, terms)
        self.sites = {"functions": Sites(_numbers(len(inputs[0])))}

    def names(self) -> tuple[str, ...]:
        """Equations and conditions."""
        count = len(self.kept) - len(self.data.pde.bcs)
        return tuple(
            f"equation {k + 1}" if k < count else f"condition {k - count + 1}" for k in range(len(self.kept))
        )

    def take(self, part: Mapping[str, Tensor], estimate: bool) -> Functions:
        """Some of the functions."""
        index = part["functions"].numpy()
        view, share = copy.copy(self), len(index) / len(self.inputs[0])
        view.data = copy.copy(self.data)
        view.inputs, view.auxiliary = (self.inputs[0][index], self.inputs[1]), self.auxiliary[index]
        view.data.num_func, view.data.batch_size = len(index), None
        view.data.train_x, view.data.train_aux_vars = view.inputs, view.auxiliary
        view.factors = [1.0 if estimate else f * share for f in self.factors]
        view.sites = {"functions": Sites(_numbers(len(index)))}
        return view


def kind_of(data: Data) -> type[View]:
    """View that divides some data."""
    own = type(data)
    for base, view in (
        (dde.data.PDE, Points),
        (dde.data.PDEOperator, Points),
        (dde.data.PDEOperatorCartesianProd, Functions),
        (dde.data.DataSet, Rows),
        (dde.data.Function, Rows),
        (dde.data.Triple, Rows),
    ):
        # A subclass with losses of its own, such as IDE and FPDE, may couple the rows.
        if isinstance(data, base) and all(
            getattr(own, name) is getattr(base, name) for name in ("losses", "losses_train")
        ):
            return view
    return Whole


def refresh(data: Data) -> None:
    """Forget what boundary conditions have cached.

    DeepXDE keeps their values by the `id` of the array of points and never lets go of them: once points have
    been drawn anew, values of another set may be taken for theirs.
    """
    problem = getattr(data, "pde", None) if not isinstance(data, dde.data.PDE) else data
    for bc in getattr(problem, "bcs", None) or ():
        _recache(bc)


def _recache(bc: BoundaryCondition) -> None:
    for name in ("func", "boundary_normal"):
        cached = getattr(bc, name, None)
        inner, code = getattr(cached, "__wrapped__", None), getattr(cached, "__code__", None)
        if inner is not None and code is not None and code.co_filename == CACHE:
            setattr(bc, name, npfunc_range_autocache(inner))


def _fold(bc: BoundaryCondition) -> int:
    """Number of rows that belong to one error."""
    if isinstance(bc, TermCondition):
        return bc.sites.fold
    return 2 if isinstance(bc, PAIRED) else 1


def _restricted(bc: BoundaryCondition, rows: NDArray[np.int64]) -> BoundaryCondition:
    """A condition on some of its rows, with a cache of its own; values given by points go along."""
    if isinstance(bc, TermCondition):
        return bc.restricted(rows)
    own = copy.copy(bc)
    _recache(own)
    if isinstance(bc, (dde.icbc.PointSetBC, dde.icbc.PointSetOperatorBC)):
        values = bc.values
        if getattr(bc, "batch_size", None) is not None:
            values, own.batch_size = values[torch.as_tensor(bc.batch_indices)], None
        own.values = values[torch.from_numpy(rows)] if values.dim() and len(values) > 1 else values
    return own


def _rows(value: Arrays, index: NDArray[np.int64]) -> Arrays:
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return tuple(_rows(v, index) for v in value)
    return np.ascontiguousarray(value[index])


def _numbers(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float64).unsqueeze(1)


def view_of(data: Data, inputs: Arrays, targets: Arrays, auxiliary: Arrays, terms: int) -> View:
    """All of some data; the terms of its loss are counted by evaluating it."""
    return kind_of(data)(data, inputs, targets, auxiliary, terms)
