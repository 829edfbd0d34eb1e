"""Test of autograd on a residual: finite differences show dependences that it misses.

Training follows the gradient of the residual in the unknowns' values and derivatives.  A part that went
through `.detach()`, NumPy or a function without a derivative counts in the residual and not in the gradient,
and the run ends anywhere.  So the derivative along a random direction of every input is compared with central
differences, which a step of 1e-4 makes accurate to some 1e-8 for inputs of order 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Generator, Tensor

from ...derivatives.multi_index import MultiIndex
from ...errors import InputError
from ..conditions.base import Fields, Known, Sites
from ..fields import Field
from ..mistakes import mistake

STEPS = (1e-4, 1e-3, 1e-5, 1e-6)
ACCURACY = 1e-5  # of the differences, relative to the derivative
ROUNDING = 1e-13  # relative to the residual, before it is divided by the step

Rows = tuple[Tensor, ...]


def hidden(evaluate: Callable[[Mapping[str, Tensor]], Rows], inputs: Mapping[str, Tensor]) -> list[str]:
    """The inputs whose influence on a residual autograd misses, wholly or in part.

    Args:
        evaluate: Gives rows [N] from the inputs.
        inputs: Tensors of order 1, by name.

    Raises:
        RuntimeError: PyTorch's, where a derivative does not exist at all.
    """
    generator = Generator().manual_seed(37)
    leaves = {name: value.detach().clone().requires_grad_() for name, value in inputs.items()}
    with torch.enable_grad():
        rows = [row.double() for row in evaluate(leaves)]
    weights = [torch.rand(row.shape, generator=generator, dtype=torch.float64) + 0.5 for row in rows]
    scales = [float((row.detach().abs() * w).sum()) for row, w in zip(rows, weights, strict=True)]
    gradients: list[tuple[Tensor | None, ...]] = []
    for row, w in zip(rows, weights, strict=True):
        total = (row * w).sum()
        gradients.append(
            torch.autograd.grad(total, list(leaves.values()), retain_graph=True, allow_unused=True)
            if total.requires_grad
            else (None,) * len(leaves)
        )

    def totals(name: str, value: Tensor) -> Tensor:
        with torch.no_grad():
            changed = evaluate({**inputs, name: value})
        return torch.stack([(row.double() * w).sum() for row, w in zip(changed, weights, strict=True)])

    found = []
    for i, (name, value) in enumerate(inputs.items()):
        direction = torch.rand(value.shape, generator=generator, dtype=torch.float64).to(value) + 0.5
        own = [g[i] for g in gradients]
        slopes = torch.stack(
            [direction.new_zeros(()) if g is None else (g * direction).sum() for g in own]
        ).double()
        right = torch.zeros(len(rows), dtype=torch.bool)
        for step in STEPS:
            ahead, behind = totals(name, value + step * direction), totals(name, value - step * direction)
            difference = (ahead - behind) / (2 * step)
            noise = ROUNDING * torch.tensor(scales, dtype=torch.float64) / step
            allowed = ACCURACY * torch.maximum(slopes.abs(), difference.abs()) + noise
            right |= ((difference - slopes).abs() <= allowed) | ~torch.isfinite(difference)
            if right.all():
                break
        if not right.all():
            found.append(name)
    return found


def refuse_random(first: Rows, second: Rows, what: str) -> None:
    """Refuse a residual that differs between two calls with the same arguments.

    Raises:
        InputError: It does, as with random numbers that are drawn at every call.
    """
    for a, b in zip(first, second, strict=True):
        if not torch.equal(a.detach().nan_to_num(), b.detach().nan_to_num()):
            raise InputError(
                f"{what} gives other values every time it is called; draw random numbers once, outside of "
                "the function, and let it look them up"
            )


def refuse_hidden(
    residual: Callable[[Fields, Sites, Known], Rows],
    sites: Sites,
    what: str,
    names: tuple[str, ...],
    channels: Mapping[str, Mapping[MultiIndex, Tensor]],
    parameters: Known,
) -> None:
    """Refuse a residual whose dependence on unknowns or coefficients autograd does not see.

    Args:
        residual: Gives the rows from fields, sites and parameters.
        sites: Sites at which it is evaluated.
        what: How to call it in a message.
        names: Names of the coordinates.
        channels: Values of the derivatives that it reads, by unknown.
        parameters: Trained parameters of the coefficients.

    Raises:
        InputError: Such a dependence was found, or a derivative does not exist.
    """
    keys = [(unknown, index) for unknown, values in channels.items() for index in values]
    labels = {repr(Field(u, names, channels[u].__getitem__, index)): (u, index) for u, index in keys}
    inputs = {label: channels[u][index] for label, (u, index) in labels.items()} | dict(parameters)

    def evaluate(values: Mapping[str, Tensor]) -> Rows:
        def of(unknown: str) -> Callable[[MultiIndex], Tensor]:
            own = {index: values[label] for label, (u, index) in labels.items() if u == unknown}
            return own.__getitem__

        fields = {u: Field(u, names, of(u)) for u in channels}
        return residual(fields, sites, {name: values[name] for name in parameters})

    try:
        found = hidden(evaluate, inputs)
    except RuntimeError as error:
        raise mistake(what, error) from error
    if found:
        raise InputError(
            f"{what} uses {', '.join(found)} in a way that PyTorch does not differentiate (through "
            ".detach(), NumPy, or a function without a derivative such as torch.special.bessel_j0), so that "
            "training would ignore it; write it with differentiable torch functions"
        )
