"""Unknowns and their derivatives at points: by Taylor propagation, or with a graph of the points."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor
from torch.func import functional_call

from ..derivatives.multi_index import MultiIndex
from ..networks.model import Location, Model
from ..networks.time_windows import WindowedModel, spread
from ..problems.fields import Field, slope

AT_ONCE = 16_384  # points, which bounds the memory of the jets


def derivative_at(model: Model | WindowedModel, points: Tensor, index: MultiIndex) -> dict[str, Tensor]:
    """A derivative of every unknown, [N] in float64 on the processor, at points [N, dim].

    Args:
        model: The model.
        points: Where; if they require a gradient, the answer is differentiable in them, to any order.
        index: Positions of the coordinates; () for the values.
    """
    return _with_graph(model, points, index) if points.requires_grad else _by_taylor(model, points, index)


def named(model: Model | WindowedModel, points: Tensor) -> dict[str, object]:
    """Arguments of a user's expression by name: unknowns as fields, coordinates [N], coefficients."""
    names = model.problem.domain.names
    everything = cache(partial(derivative_at, model, points))

    def channels(name: str) -> Callable[[MultiIndex], Tensor]:
        return lambda index: everything(index)[name]

    known: dict[str, object] = {n: Field(n, names, channels(n)) for n in model.problem.unknown_names}
    known |= {name: points[:, i] for i, name in enumerate(names)} | model.problem.by_region.at(points)
    return known | {n: torch.tensor(value, dtype=points.dtype) for n, value in model.values().items()}


def _by_taylor(whole: Model | WindowedModel, points: Tensor, index: MultiIndex) -> dict[str, Tensor]:
    names, coordinates = whole.problem.unknown_names, whole.problem.domain.names
    out = {name: torch.empty(len(points), dtype=torch.float64) for name in names}
    with torch.no_grad():
        for model, chosen in spread(whole, points):
            for chunk in chosen.split(AT_ONCE):
                location = Location(model, points[chunk], {name: (index,) for name in names})
                fields = location.fields(location.network_jet())
                for name in names:
                    field = fields[name].d(*(coordinates[i] for i in index))
                    out[name][chunk] = field.value.cpu().to(torch.float64)
    return out


def _with_graph(model: Model | WindowedModel, points: Tensor, index: MultiIndex) -> dict[str, Tensor]:
    weights = {name: p.detach() for name, p in model.named_parameters()}  # no gradients collect in the model

    def unknown(j: int, x: Tensor) -> Tensor:
        values: Tensor = functional_call(model, weights, (x,))
        return values[:, j]

    out = {}
    for j, name in enumerate(model.problem.unknown_names):
        function = partial(unknown, j)
        for axis in index:
            function = partial(slope, function, axis=axis)
        out[name] = function(points).to(device="cpu", dtype=torch.float64)
    return out
