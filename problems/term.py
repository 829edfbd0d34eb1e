"""A term of the loss: a residual on points of its own, with a weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from .conditions.base import Fields, Known, Sites

Residual = Callable[[Fields, Sites, Known], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Term:
    """A term of the loss: w * mean over its sites of half (residual / units)^2, summed over its rows.

    Attributes:
        name: Short name, a column of the history.
        weight: w.
        rows: Number of residuals at a site (equations of a system).
        needs: For each unknown the derivatives that the residual reads.
        sites: Draws about n sites: (n, generator, sampler) -> Sites.
        residual: (fields, sites, parameters of the coefficients) -> tuple of `rows` tensors [N].
        fixed: The number of sites when it is not free (observations), else None.
        noise: Standard deviation of the residuals of observations, where it is known.
        balanced: Whether its weight is only a first guess, to be balanced against the equation.
        held: Whether it is balanced so that it holds more tightly: values on the boundary.
        units: The natural size of each residual, by which the loss divides it; ones where it is not known.
    """

    name: str
    weight: float
    rows: int
    needs: Mapping[str, tuple[MultiIndex, ...]]
    sites: Callable[[int, Generator, str], Sites]
    residual: Residual
    fixed: int | None = None
    noise: float | None = None
    balanced: bool = False
    held: bool = False
    units: tuple[float, ...] = ()

    @property
    def row_units(self) -> Tensor:
        """`units` as a column [rows, 1]."""
        return torch.tensor(self.units or (1.0,) * self.rows, dtype=torch.float64).unsqueeze(1)
