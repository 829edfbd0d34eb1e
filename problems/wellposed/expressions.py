"""Test of the derivatives of expressions: those that autograd gives are compared with differences.

What goes through `.detach()` or NumPy has no derivative in PyTorch, and a jump has one of zero on both of its
sides: a divergence form (k u.x).x would silently lack a term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...derivatives.multi_index import MultiIndex
from ...errors import InputError
from ...geometry import Domain
from ..conditions.base import Fields, Known, Sites
from ..expressions import Note, noting
from ..fields import Field

STEP = 1e-4  # of the differences
ACCURACY = 1e-4  # of the differences, relative to the largest derivative
ROUNDING = 1e-13  # relative to the expression, before it is divided by the step
LINE = 1025  # points along a coordinate, on which jumps are sought
JUMP = 0.01  # of the size of an expression: a smaller one is not seen
ZOOMS = 4  # times that a line is drawn again where the expression is steep

Rows = tuple[Tensor, ...]
Residual = Callable[[Fields, Sites, Known], Rows]


def refuse_blind(
    residual: Residual,
    sites: Sites,
    what: str,
    names: tuple[str, ...],
    channels: Mapping[str, Callable[[MultiIndex], Tensor]],
    parameters: Known,
) -> None:
    """Refuse a residual that differentiates an expression which autograd follows in part only.

    Args:
        residual: Gives the rows from fields, sites and parameters.
        sites: Sites at which it is evaluated.
        what: How to call it in a message.
        names: Names of the coordinates.
        channels: Values of derivatives by unknown; along an axis they change by those with one order more.
        parameters: Trained parameters of the coefficients.

    Raises:
        InputError: The derivative of an expression is not that of its values.
    """

    def noted(axis: int, shift: float) -> list[Note]:
        def of(unknown: str) -> Callable[[MultiIndex], Tensor]:
            own = channels[unknown]
            return lambda index: own(index) + shift * own(tuple(sorted((*index, axis))))

        points = sites.points.clone()
        points[:, axis] += shift
        fields = {u: Field(u, names, of(u)) for u in channels}
        notes: list[Note] = []
        with noting(notes):
            residual(fields, replace(sites, points=points), parameters)
        return notes

    here = noted(0, 0.0)
    for axis in sorted({note.axis for note in here}):
        for note, ahead, behind in zip(here, noted(axis, STEP), noted(axis, -STEP), strict=False):
            if note.axis != axis:
                continue
            difference = (ahead.values - behind.values) / (2 * STEP)
            noise = ROUNDING * note.values.abs().max() / STEP
            allowed = ACCURACY * torch.maximum(difference.abs(), note.slope.abs()).max() + noise
            if ((difference - note.slope).abs() > allowed).any():
                raise InputError(
                    f"{what} differentiates an expression by {names[axis]} whose derivative PyTorch does not "
                    "know (it goes through .detach(), NumPy, or a function without a derivative); "
                    "write it with differentiable torch functions"
                )


def refuse_jumps(
    residual: Residual, what: str, domain: Domain, unknowns: tuple[str, ...], known: Known
) -> None:
    """Refuse a residual that differentiates an expression which jumps inside the domain.

    The expression is evaluated along lines through the middle of the domain, with exp(s) in place of all
    unknowns, s being the sum of the coordinates over their lengths: it and its derivatives are known, so that
    a difference between neighbours that the slopes do not explain is a jump, if it stays when the line is
    drawn again between them.

    Args:
        residual: Gives the rows from fields, sites and parameters.
        what: How to call it in a message.
        domain: The domain.
        unknowns: Names of the unknowns.
        known: Trained parameters of the coefficients.

    Raises:
        InputError: There is one; the message says where.
    """
    lower, upper = domain.bounds.double().unbind(0)
    for axis, name in enumerate(domain.names):
        low, high = float(lower[axis]), float(upper[axis])
        for number, (ahead, at) in enumerate(_steepest(residual, domain, unknowns, known, axis, low, high)):
            if not ahead:
                continue
            place, width = at, (high - low) / (LINE - 1)
            for _ in range(ZOOMS):
                found = dict(
                    enumerate(_steepest(residual, domain, unknowns, known, axis, place, place + width))
                )
                if number not in found or found[number][0] < 0.5 * ahead:
                    break
                place, width = found[number][1], width / (LINE - 1)
            else:
                raise InputError(
                    f"{what} differentiates an expression by {name} that jumps near {name}={place:.4g}, "
                    "where it has no derivative; state an Interface there, or make the expression smooth"
                )


def _steepest(
    residual: Residual,
    domain: Domain,
    unknowns: tuple[str, ...],
    known: Known,
    axis: int,
    low: float,
    high: float,
) -> Iterator[tuple[float, float]]:
    """Largest unexplained difference of each expression between neighbours on a line, and its place.

    It is zero where it is small beside the expression, or where the expression belongs to another axis.
    """
    lower, upper = domain.bounds.double().unbind(0)
    length = upper - lower
    points = ((lower + upper) / 2).expand(LINE, -1).clone()
    points[:, axis] = torch.linspace(low, high, LINE, dtype=torch.float64)
    wave = torch.exp(((points - lower) / length).sum(1))

    def value(index: MultiIndex) -> Tensor:
        return wave / length[list(index)].prod()

    fields = {u: Field(u, domain.names, value) for u in unknowns}
    notes: list[Note] = []
    with noting(notes):
        residual(fields, Sites(points), known)
    h = (high - low) / (LINE - 1)
    for note in notes:
        explained = h * (note.slope[1:] + note.slope[:-1]) / 2
        left = (note.values.diff() - explained).abs().nan_to_num(0.0, 0.0, 0.0)
        size = float(note.values.abs().nan_to_num(0.0, 0.0, 0.0).max())
        worst = int(left.argmax())
        large = note.axis == axis and float(left[worst]) > JUMP * size > 0
        yield (float(left[worst]), float(points[worst, axis])) if large else (0.0, low)
