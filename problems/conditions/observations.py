"""Measured values, of an unknown or of an expression in the unknowns, with their noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

from ...errors import InputError
from ...geometry import Domain
from ..fields import call_by_name
from .base import Condition, Fields, Known, Measurements, Sites, as_column, is_finite
from .tables import numbers_of, read_table

if TYPE_CHECKING:
    from ..complex_unknowns import Parts

Numbers = np.ndarray | Tensor | Sequence[float] | float


@dataclass(frozen=True)
class Observations(Condition):
    """Measured values at scattered points.

    They are a term of the loss, w / N times the sum of (misfit / R)^2 / 2, R being the natural size of the
    misfit (`problems.scales`; printed under "scales").  Where the `noise` is given, misfits count by their
    standard deviations, as weighted least squares want it: misfit_i sigma / sigma_i, where 1 / sigma^2 is the
    mean of 1 / sigma_i^2, so that a common noise leaves the term as it is; several sets of observations then
    share one R, and get weights in proportion to N / sigma^2, the information in them.  What the weight of
    data against that of the equation means is derived in `sapts_pinn.results.uncertainty`.

    Args:
        of: Name of the unknown; or a function of unknowns (and coordinates, coefficients: matched by
            parameter name) such as `lambda u, v: u.x + v.y`, computed point by point.
        points: Coordinates by name, each [N].
        values: [N].  One number at one point fixes the constant of a pressure.
        noise: Standard deviation of the errors of the values, a number or [N].
        weight: Weight of the term, w, a pure number beside 1 of the equation; by default 10, or with known
            noise 0.01 sqrt(mean values^2) / sigma if that is less.

    Raises:
        InputError: There is no observation, lengths differ, a value is not finite, or a noise not positive.
    """

    mapped_by_reflections: ClassVar[bool] = False

    of: str | Callable[..., object]
    points: Mapping[str, Numbers]
    values: Numbers
    weight: float | None = None
    noise: Numbers | None = None
    hard: bool | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._check()
        values = _numbers(_size(self.values))
        if len(values) == 0:
            raise InputError(f"Observations of {self.what} hold no values; leave them out")
        columns = {**self.points, "values": values}
        if self.noise is not None and not is_finite(self.noise):
            columns["noise"] = _numbers(self.noise)
        for name, given in columns.items():
            column = _numbers(given)
            if len(column) != len(values):
                raise InputError(
                    f"Observations of {self.what}: {len(column)} numbers in {name!r} but {len(values)} values"
                )
            if not torch.isfinite(column).all():
                raise InputError(
                    f"Observations of {self.what}: {name!r} holds a NaN or an infinity; remove it"
                )
        if self.noise is not None and not (self._sigma > 0).all():
            raise InputError(
                f"Observations of {self.what}: the noise is a standard deviation and must be positive, not "
                f"{float(self._sigma.min()):g}; leave noise out where it is not known"
            )

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        of: str,
        column: str | None = None,
        noise: float | str | None = None,
        coordinates: Sequence[str] | None = None,
        weight: float | None = None,
    ) -> Observations:
        """Read observations from a text file with a line of column names.

        The encoding (UTF-8, UTF-16, Latin-1), the separator (comma, semicolon, tab) and decimal commas are
        recognised, see `tables.py`.

        Args:
            path: The file.
            of: The observed unknown.
            column: The column of the values, by default that of the unknown's name.
            noise: Standard deviation of all values, or the name of a column.
            coordinates: The columns of the coordinates; by default all others.
            weight: Weight of the term, as of the class.

        Raises:
            InputError: There is no such file, a column is missing, or an entry is not a number.
        """
        column = of if column is None else column
        table = read_table(path)
        used = {column} | ({noise} if isinstance(noise, str) else set())
        coordinates = [n for n in table if n not in used] if coordinates is None else coordinates
        for name in (column, *coordinates, *([noise] if isinstance(noise, str) else [])):
            if name not in table:
                raise InputError(f"{path} has no column {name!r}; its columns are {', '.join(table)}")
        sigma = numbers_of(table, noise, path) if isinstance(noise, str) else noise
        points = {name: numbers_of(table, name, path) for name in coordinates}
        return cls(of, points, numbers_of(table, column, path), weight, sigma)

    @property
    def what(self) -> str:
        """Name of the observed quantity, in words."""
        if isinstance(self.of, str):
            return self.of
        name = getattr(self.of, "__name__", "<lambda>")
        return "an expression" if name == "<lambda>" else name

    @property
    def count(self) -> int:
        """Number of values, N."""
        return len(_numbers(self.values))

    @property
    def _sigma(self) -> Tensor:
        """The standard deviations, [N]."""
        assert self.noise is not None
        return _numbers(self.noise).expand(self.count)

    @property
    def mean_noise(self) -> float | None:
        """The standard deviation sigma that stands for all; None if it is not known."""
        return None if self.noise is None else float((self._sigma**-2).mean() ** -0.5)

    @property
    def information(self) -> float:
        """The sum of 1 / sigma_i^2, where the noise is known."""
        return float((self._sigma**-2).sum())

    @property
    def relative_noise(self) -> float:
        """The noise over the root mean square of the values."""
        size = float(_numbers(self.values).square().mean().sqrt())
        return (self.mean_noise or 0.0) / size if size else 1.0

    def measurements(self) -> Measurements:
        """Number, unknown and noise of the values."""
        unknown = self.of if isinstance(self.of, str) else None
        if self.noise is None:
            return Measurements(self.count, unknown)
        return Measurements(self.count, unknown, self.mean_noise, self.information, self.relative_noise)

    def unknowns(self) -> tuple[str, ...]:
        """Name of the observed unknown; empty for an expression."""
        return (self.of,) if isinstance(self.of, str) else ()

    def in_parts(self, parts: Parts) -> tuple[Condition, ...]:
        """Observations of each part of a complex unknown, or of the parts of a complex expression.

        Raises:
            InputError: The values of a complex unknown are real.
        """
        values = np.asarray(self.values)
        if isinstance(self.of, str):
            if self.of not in parts.names:
                return (self,)
            if values.dtype.kind != "c":
                raise InputError(
                    f"Observations of {self.of} hold real numbers, and {self.of} is complex: give complex "
                    f"ones, or observe a part, such as lambda {self.of}: {self.of}.real"
                )
            of: tuple[str | Callable[..., object], ...] = parts.names[self.of]
        elif not parts.names:
            return (self,)
        elif values.dtype.kind != "c":
            return (replace(self, of=parts.written(self.of, split=False)),)
        else:
            both = parts.written(self.of)
            of = tuple(parts.chosen(both, i) for i in range(2))
        return tuple(
            replace(self, of=o, values=v) for o, v in zip(of, (values.real, values.imag), strict=True)
        )

    def faces(self, domain: Domain) -> tuple[str, ...]:
        """No faces: the points are scattered."""
        return ()

    def sites(self, domain: Domain, n: int, generator: Generator, sampler: str) -> Sites:
        """The points of the data with their values; n is ignored."""
        for name in domain.names:
            if name not in self.points:
                raise InputError(
                    f"Observations of {self.what} lack the coordinate {name!r}; add it to points"
                )
        for name in self.points:
            if name not in domain.names:
                raise InputError(
                    f"Observations of {self.what}: {name!r} is none of the coordinates "
                    f"{', '.join(domain.names)}; remove or rename it"
                )
        points = torch.stack([_numbers(self.points[name]) for name in domain.names], 1)
        outside = domain.distance(points) > 1e-6 * (domain.bounds[1] - domain.bounds[0]).max()
        if outside.any():
            first = int(outside.nonzero()[0])
            where = ", ".join(f"{k}={v:g}" for k, v in zip(domain.names, points[first].tolist(), strict=True))
            raise InputError(
                f"Observations of {self.what}: number {first}, at {where}, is outside {domain!r}; remove it"
            )
        values = _numbers(self.values)
        if self.noise is not None and not is_finite(self.noise):
            assert self.mean_noise is not None
            values = torch.stack([values, self._sigma / self.mean_noise], 1)
        return Sites(points, values=values)

    def residual(self, fields: Fields, sites: Sites, domain: Domain, known: Known) -> tuple[Tensor, ...]:
        """The misfits, each over its relative noise."""
        assert sites.values is not None
        if isinstance(self.of, str):
            found: Tensor = fields[self.of].value
        else:
            coordinates = {name: sites.points[:, i] for i, name in enumerate(domain.names)}
            what = self.describe(domain)
            given = call_by_name(self.of, {**fields, **coordinates, **known}, what)
            found = as_column(given, sites.points.shape[0], what, sites.points)
        if sites.values.ndim == 1:
            return (found - sites.values,)
        values, noise = sites.values.unbind(1)
        return ((found - values) / noise,)

    def describe(self, domain: Domain) -> str:
        """Short name such as `40 observations of u`."""
        return f"{self.count} observation{'s' if self.count > 1 else ''} of {self.what}"


def _size(values: Numbers) -> Numbers:
    """Absolute values of complex data, others as they are: for checks."""
    array = np.asarray(values)
    return np.abs(array) if array.dtype.kind == "c" else values


def _numbers(values: Numbers) -> Tensor:
    """Data of any shape as a flat tensor of float64.

    Raises:
        InputError: They are complex, or no numbers.
    """
    if not isinstance(values, Tensor):
        array = np.asarray(values)
        if array.dtype.kind == "c":
            values = torch.from_numpy(array)
        else:
            values = torch.from_numpy(array.astype(np.float64).reshape(-1))
    if values.is_complex():
        raise InputError(
            "Observations hold complex numbers: declare the unknown as unknowns=Complex('h'), or observe the "
            "real and the imaginary part as two unknowns"
        )
    return values.detach().to("cpu", torch.float64).reshape(-1)
