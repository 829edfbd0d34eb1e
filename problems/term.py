"""A term of the loss: a residual on points of its own, with a weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from .conditions.base import Fields, Known, Measurements, Sites

Residual = Callable[[Fields, Sites, Known], tuple[Tensor, ...]]


class Trace(NamedTuple):
    """Shape and arguments of a residual.

    Attributes:
        rows: Number of residuals at a site (equations of a system).
        needs: For each unknown the derivatives that the residual reads.
    """

    rows: int
    needs: Mapping[str, tuple[MultiIndex, ...]]


class Balance(Enum):
    """Treatment of the weight of a term in training."""

    FIXED = "the weight stays as it is"
    BALANCED = "the weight is a first guess, and balanced against the equation"
    TIGHT = "balanced so that the term holds more tightly, as values on the boundary do"


@dataclass(frozen=True)
class Term:
    """A term of the loss: w * mean over its sites of half (residual / units)^2, summed over its rows.

    Attributes:
        name: Short name, a column of the history.
        weight: w.
        trace: Number of residuals at a site, and the derivatives that they read.
        sites: Draws about n sites: (n, generator, sampler) -> Sites.
        residual: (fields, sites, parameters of the coefficients) -> tuple of `rows` tensors [N].
        data: Summary of the measured values, for observations.
        balance: Treatment of the weight in training.
        units: Natural size of each residual, by which the loss divides it; ones where it is not known.
        pointwise: Sizes [rows, n] at sites, one on the average, by which the loss divides it besides; None
            where they are of one order everywhere.
    """

    name: str
    weight: float
    trace: Trace
    sites: Callable[[int, Generator, str], Sites]
    residual: Residual
    data: Measurements | None = None
    balance: Balance = Balance.FIXED
    units: tuple[float, ...] = ()
    pointwise: Callable[[Sites], Tensor] | None = None

    @property
    def rows(self) -> int:
        """Number of residuals at a site."""
        return self.trace.rows

    @property
    def needs(self) -> Mapping[str, tuple[MultiIndex, ...]]:
        """Derivatives that the residual reads, by unknown."""
        return self.trace.needs

    @property
    def fixed(self) -> int | None:
        """Number of sites where it is given, as for observations; None where it is free."""
        return None if self.data is None else self.data.count

    @property
    def noise(self) -> float | None:
        """Standard deviation of the residuals of observations; None where it is not known."""
        return None if self.data is None else self.data.noise

    @property
    def balanced(self) -> bool:
        """Test for a weight that is balanced in training."""
        return self.balance is not Balance.FIXED

    @property
    def held(self) -> bool:
        """Test for a weight that is balanced so that the term holds more tightly."""
        return self.balance is Balance.TIGHT

    @property
    def row_units(self) -> Tensor:
        """`units` as a column [rows, 1]."""
        return torch.tensor(self.units or (1.0,) * self.rows, dtype=torch.float64).unsqueeze(1)

    def units_at(self, sites: Sites) -> Tensor:
        """Sizes by which the loss divides the residuals at sites, [rows, 1] or [rows, n]."""
        return (
            self.row_units
            if self.pointwise is None
            else self.row_units * self.pointwise(sites).double().cpu()
        )
