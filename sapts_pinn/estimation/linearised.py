"""A problem linearised at a trained model: what an error e of u does to the equation and to every condition.

To first order the residual of u + e is r(u) + sum over unknowns j and derivatives a of (dr / dq_ja) D^a e_j,
where q_ja = D^a u_j, plus (dr / dlambda) delta for coefficients lambda.  The slopes are found pointwise by
reverse mode, one pass for each row of a term.  Every condition enters as the user gave it, also one that is
built into the ansatz; nothing of the ansatz (symmetry, periodicity, factors) is used but the values and
derivatives of u.

Units.  Rows and unknowns come in the user's units.  Block (i, j), the rows of term i by the columns of
unknown j, has a size M_ij for features of order one; scales a_i, b_j that make a_i M_ij b_j nearly one come
least squares in the logarithms, and so follow every change of units.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..derivatives.taylor import Channels
from ..networks.model import Location, Model
from ..networks.time_windows import WindowedModel, spread
from ..problems import Problem, Sites, Term
from ..problems.fields import Field
from .joints import continuity
from .random_features import Column, Features, inputs_of

SITES = 256  # at a time
CONDITIONS = 10.0  # weight of a condition's row against one of the equation, both of size one


def in_double(model: Model | WindowedModel) -> Model | WindowedModel:
    """Copy of a model in float64 on the processor, so that rounding is not taken for an error."""
    return copy.deepcopy(model).to(device="cpu", dtype=torch.float64)


@dataclass
class Rows:
    """Term of a problem at its sites, linearised.

    Attributes:
        term: The term.
        sites: Where, n of them.
        share: [n], weights of the sites, of mean one: the reciprocal density where they are not uniform.
        channels: Of the derivatives.
        fields: [m, C, n fold], the unknowns' derivatives.
        values: [rows, n], the residuals.
        slopes: [rows, m, C, n fold], their derivatives by the fields.
        by_coefficient: [rows, p, n], and by the coefficients.
    """

    term: Term
    sites: Sites
    share: Tensor
    channels: Channels
    fields: Tensor
    values: Tensor
    slopes: Tensor
    by_coefficient: Tensor

    def points_of(self, sites: Tensor) -> Tensor:
        """The numbers of the points of some sites."""
        block = len(self.sites.points) // self.sites.fold
        return torch.cat([sites + i * block for i in range(self.sites.fold)])

    def of(self, chosen: Tensor, share: Tensor | None = None) -> Rows:
        """The rows of some sites, with weights that are theirs besides."""
        at = self.points_of(chosen)
        return Rows(
            self.term,
            self.sites.of(chosen),
            self.share[chosen] if share is None else share * self.share[chosen],
            self.channels,
            self.fields[:, :, at],
            self.values[:, chosen],
            self.slopes[..., at],
            self.by_coefficient[..., chosen],
        )

    def matrix(self, row: int, j: int, bundle: Tensor) -> Tensor:
        """The block [n, K] of a row and an unknown, from the features' bundle [C, n fold, K]."""
        product = self.slopes[row, j][0, :, None] * bundle[0]
        for c in range(1, len(self.channels)):
            if bool(self.slopes[row, j, c].any()):
                product += self.slopes[row, j, c][:, None] * bundle[c]
        return _folded(product, self.sites.fold, 0)

    def linear(self, fields: Tensor) -> Tensor:
        """The linear part applied to functions with derivatives `fields`, [rows, n]."""
        return _folded((self.slopes * fields).sum((1, 2)), self.sites.fold, 1)

    def beyond(self, model: Model | WindowedModel, moved: Tensor, by: Tensor) -> Tensor:
        """The residuals of other fields and coefficients less what the linear part says, [rows, n].

        Args:
            model: The model.
            moved: [m, C, n fold], what is added to the fields.
            by: [p], what is added to the coefficients.
        """
        known = {
            name: value.detach() + step for (name, value), step in zip(_coefficients(model), by, strict=True)
        }
        there = _residual(model, self.term, self.sites, self.channels, self.fields + moved, known)
        linear = self.values + self.linear(moved) + (self.by_coefficient * by[None, :, None]).sum(1)
        return torch.nan_to_num(torch.stack(there) - linear, nan=0.0, posinf=0.0, neginf=0.0)


def _folded(values: Tensor, fold: int, dim: int) -> Tensor:
    """Sums over the points that belong to one residual."""
    return torch.stack(values.chunk(fold, dim)).sum(0)


def fields_of(model: Model | WindowedModel, points: Tensor, channels: Channels) -> Tensor:
    """The unknowns' derivatives [m, C, N] at points."""
    names = model.problem.unknown_names
    out = torch.empty(len(names), len(channels), len(points), dtype=torch.float64)
    with torch.no_grad():
        for part, chosen in spread(model, points):
            location = Location(part, points[chosen], {name: channels.indices for name in names})
            fields = location.fields(location.network_jet())
            coordinates = model.problem.domain.names
            for j, name in enumerate(names):
                for c, index in enumerate(channels.indices):
                    out[j, c, chosen] = fields[name].d(*(coordinates[i] for i in index)).value
    return out


def _coefficients(model: Model | WindowedModel) -> list[tuple[str, Tensor]]:
    """Trained parameters of the coefficients, by name."""
    return list(model.coefficients.items()) if isinstance(model, Model) else []


def _residual(
    model: Model | WindowedModel,
    term: Term,
    sites: Sites,
    channels: Channels,
    values: Tensor,
    known: Mapping[str, Tensor],
) -> list[Tensor]:
    """The rows [n] of a term from the unknowns' derivatives [m, C, n fold]."""
    problem: Problem = model.problem

    def lookup(j: int) -> Callable[[MultiIndex], Tensor]:
        return lambda index: values[j, channels.position[index]]

    names = problem.unknown_names
    fields = {name: Field(name, problem.domain.names, lookup(j)) for j, name in enumerate(names)}
    n = len(sites.points) // sites.fold
    return [row.expand(n) for row in term.residual(fields, sites, known)]


def linearised(model: Model | WindowedModel, term: Term, sites: Sites, share: Tensor | None = None) -> Rows:
    """A term at sites, linearised at a model in float64."""
    channels = Channels(index for needs in term.needs.values() for index in needs)
    found = fields_of(model, sites.points, channels)
    n = len(sites.points) // sites.fold
    with torch.enable_grad():
        leaves = found.clone().requires_grad_()
        known = {
            name: value.detach().expand(len(sites.points)).clone().requires_grad_()
            for name, value in _coefficients(model)
        }
        rows = _residual(model, term, sites, channels, leaves, known)
        slopes = torch.zeros(len(rows), *leaves.shape, dtype=torch.float64)
        by_coefficient = torch.zeros(len(rows), len(known), n, dtype=torch.float64)
        for i, row in enumerate(rows):
            if not row.requires_grad:
                continue
            bars = torch.autograd.grad(
                row.sum(), [leaves, *known.values()], retain_graph=True, allow_unused=True
            )
            if bars[0] is not None:
                slopes[i] = bars[0]
            for p, bar in enumerate(bars[1:]):
                if bar is not None:
                    by_coefficient[i, p] = _folded(bar, sites.fold, 0)
    values = torch.stack([row.detach() for row in rows])
    share = torch.ones(n, dtype=torch.float64) if share is None else share
    # Where the equation is singular at a point, nothing can be said there.
    finite = torch.isfinite(values).all(0) & torch.isfinite(by_coefficient).all(1).all(0)
    finite &= torch.isfinite(slopes).all(2).all(1).all(0).unflatten(0, (sites.fold, -1)).all(0)
    finite &= torch.isfinite(found).all(1).all(0).unflatten(0, (sites.fold, -1)).all(0)
    # Nor where the prescribed values jump, as no smooth error can mend that.
    away = ~model.problem.jumps.near(sites.points)
    finite &= away.unflatten(0, (sites.fold, -1)).all(0)
    if not finite.all():
        whole = finite.repeat(sites.fold)
        values, share = torch.where(finite, values, 0.0), torch.where(finite, share, 0.0)
        slopes, found = torch.where(whole, slopes, 0.0), torch.where(whole, found, 0.0)
        by_coefficient = torch.where(finite, by_coefficient, 0.0)
    return Rows(term, sites, share, channels, found, values, slopes, by_coefficient)


@dataclass
class Sample:
    """All terms of a problem, linearised at points of their own.

    Attributes:
        rows: By term.
        columns: Inputs of the features.
    """

    rows: list[Rows]
    columns: Sequence[Column]

    @cached_property
    def inputs(self) -> list[Tensor]:
        """The bundle of the features' inputs, by term."""
        return [inputs_of(self.columns, rows.sites.points, rows.channels) for rows in self.rows]

    def blocks(self, rows: Rows, inputs: Tensor, features: Sequence[Features]) -> list[list[Tensor]]:
        """A of one term by row and unknown: [n, K_j], without scales."""
        bundles = [f.bundle(inputs, rows.channels) for f in features]
        return [[rows.matrix(i, j, b) for j, b in enumerate(bundles)] for i in range(len(rows.values))]

    def matrix(self, features: Sequence[Features], scales: Scales) -> Tensor:
        """A [all rows, all columns]: unknown by unknown, then the coefficients.

        It is computed by a few hundred sites at a time, as bundles of all of them leave the cache.
        """
        sizes = [f.count for f in features]
        p = self.rows[0].by_coefficient.shape[1]
        scale = torch.cat(
            [torch.repeat_interleave(scales.columns, torch.tensor(sizes)), torch.ones(p, dtype=torch.float64)]
        )
        height = sum(rows.values.numel() for rows in self.rows)
        out, start = torch.empty(height, sum(sizes) + p, dtype=torch.float64), 0
        for t, (rows, inputs) in enumerate(zip(self.rows, self.inputs, strict=True)):
            k, n = rows.values.shape
            weight = scales.rows[t][:, None] * (rows.share / n).sqrt()
            for at in torch.arange(n).split(SITES):
                block = self.blocks(rows.of(at), inputs[:, rows.points_of(at)], features)
                for i in range(k):
                    part = torch.cat([*block[i], rows.by_coefficient[i][:, at].T], 1)
                    out[start + i * n + at[0] : start + i * n + at[-1] + 1] = (
                        weight[i, at, None] * part * scale
                    )
            start += k * n
        return out

    def target(self, values: Sequence[Tensor], scales: Scales) -> Tensor:
        """A right-hand side [all rows] from its values [rows, n] by term."""
        parts = []
        for t, (rows, value) in enumerate(zip(self.rows, values, strict=True)):
            weight = scales.rows[t][:, None] * (rows.share / len(rows.share)).sqrt()
            parts.append((weight * value).reshape(-1))
        return torch.cat(parts)


@dataclass(frozen=True)
class Scales:
    """Weights of rows by term, and scales of the unknowns."""

    rows: list[Tensor]
    columns: Tensor


def scales_of(sample: Sample, features: Sequence[Features]) -> Scales:
    """Scales that make every block's size near one, and every row's exactly one."""
    sizes = []
    for rows, inputs in zip(sample.rows, sample.inputs, strict=True):
        for row in sample.blocks(rows, inputs, features):
            sizes.append([float((rows.share[:, None] * b.square()).mean().sqrt()) for b in row])
    m = np.array(sizes)
    i, j = np.nonzero(m)
    design = np.zeros((len(i), sum(m.shape)))
    design[np.arange(len(i)), i] = 1.0
    design[np.arange(len(i)), m.shape[0] + j] = 1.0
    logs = np.linalg.lstsq(design, -np.log(m[i, j]), rcond=None)[0] if len(i) else np.zeros(sum(m.shape))
    columns = np.exp(logs[m.shape[0] :])
    whole = np.sqrt(((m * columns) ** 2).sum(1))
    weights = np.where(whole > 0, 1 / np.where(whole > 0, whole, 1.0), 0.0)
    out, start = [], 0
    for t, rows in enumerate(sample.rows):
        count = len(rows.values)
        weight = torch.from_numpy(weights[start : start + count].copy())
        out.append(weight * (1.0 if t == 0 else CONDITIONS))
        start += count
    return Scales(out, torch.from_numpy(columns))


def draw(
    model: Model | WindowedModel, columns: Sequence[Column], points: int, others: int, generator: Generator
) -> Sample:
    """The equation at uniform points and at some where its residual is large, the conditions at fresh points.

    Half of the points are drawn with density p = (1 + |r| / mean |r|) / 2; weights 1 / p keep the sum of
    squares that of uniform points.
    """
    problem = model.problem
    term = problem.equation_term
    pool = problem.domain.interior(4 * points, generator, "uniform")
    first = linearised(model, term, problem.at(pool))
    size = torch.zeros(len(pool), dtype=torch.float64)
    for r in first.values:  # every equation in its own unit
        rms = r.square().mean().sqrt()
        size += r.square() / rms.square() if rms > 0 else 0.0
    size = size.sqrt()
    density = 0.5 + 0.5 * size / size.mean() if size.mean() > 0 else torch.ones_like(size)
    chosen = torch.multinomial(density, points, replacement=False, generator=generator)
    share = 1 / density[chosen]
    rows = [first.of(chosen, share / share.mean())]
    for condition in [
        *problem.condition_terms,
        *(continuity(model) if isinstance(model, WindowedModel) else ()),
    ]:
        sites = condition.sites(others, generator, "uniform")
        n = len(sites.points) // sites.fold
        if n > 2 * others:
            sites = sites.of(torch.randperm(n, generator=generator)[:others])
        rows.append(linearised(model, condition, sites))
    return Sample(rows, columns)
