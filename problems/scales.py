r"""Natural units: sizes of the unknowns, and of the terms that are subtracted in each equation.

A network puts out numbers of order one, and a loss compares residuals with each other.  Both make sense in
natural units only, so the ansatz is u_j = g_j + U_j l_j N_j, and every row of residuals r_k is divided by
R_k.  A unit of measurement must not matter: when an unknown, a coordinate or an equation is multiplied by any
number, U and R have to follow.  They are found before training, from the problem alone.

Around a state v (g at first) the rows are linear in w_j = l_j N_j,

    r_k(v + w) = r_k(v) + sum_j L_kj w_j,

and trial functions w = l_j sin(a . z + b), z the network's inputs, a and b random, give the size of each
block, C_kj = rms L_kj w.  Three steps follow.

1.  Equilibration.  Factors log u_j and log s_k that bring all blocks to one in the least-squares sense,
    min sum (log C_kj + log u_j - log s_k)^2 over the blocks that are not zero, make everything that follows
    independent of units (Curtis and Reid, J. Inst. Maths Applics 10 (1972) 118-124).  They relate unknowns to
    each other: a pressure balances the momentum that velocities carry.
2.  How large the unknowns themselves are the data tell: sources, initial and boundary values, observations,
    all of them in r_k(v).  A linear least-squares problem over a few dozen trial functions of each unknown,
    with columns of one norm and Tikhonov's regularisation, is a coarse solution of the problem; for a
    nonlinear one it is repeated from where it led to, as in the Gauss-Newton method, while the residual
    falls.
3.  U_j is the larger of the root mean squares of what was found, over that of l_j, and of the spread of g_j,
    which counts as far as residual is left: where the coarse solution cannot follow a wave, the data from
    which that wave starts tell how high it is; where it solves the problem, what it adds to g is known.
    Where some unknown is measured, what is sought beside it makes a coarse solution a poor one.  But values
    of one unknown alone, measured ones or prescribed ones that are not built in, need no solution: U_j is at
    least what they ask for, less their noise.
    R_k is the largest of the contributions D_ki U_j of each derivative i of each unknown j at the end (or at
    the start, from the data alone), and of r_k(v).

The least-squares problem is posed at points of a low-discrepancy sequence.  Drawn at random, a source of many
waves looks like noise, of which smooth functions take their share M / n, and, as L is smallest for them, they
grow with it.  Only data in a small part of the domain are looked for by drawing more points where they are.

U and R are rounded to DIGITS decimal digits: last bits depend on where in memory numbers lie, and a run that
is resumed has to have the same.  Powers of two would be exact, but would not follow the units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import torch
from torch import Generator, Tensor

from ..errors import InputError
from ..geometry import Domain, Interval
from .ansatz.ansatz import Ansatz
from .conditions.base import Known, is_finite
from .pointwise import Pointwise, pointwise
from .trials import EACH, WAVES, Look, Place, Trials, thinned

if TYPE_CHECKING:
    from .term import Term

POINTS = 512  # at which the equation is probed
OTHERS = 128  # at which a condition is
CANDIDATES = 8  # of which one is taken, more often where the data are
SOLVED = 0.1  # of the residual is left where a coarse solution tells all sizes
RIDGE = 1e-3  # Tikhonov's parameter, columns having norm one
STEPS = 4  # of Gauss and Newton
DIGITS = 7  # of the sizes
NOTHING = 1e-13  # of the data: rounding
LEAST = 0.01  # of an unknown, relative to what balances the others

FALLS = 0.5  # by at least this factor the residual falls where another step is worth its while
LENGTHS = (1.0, 0.25, 0.0625)


class SavedScales(TypedDict):
    """Natural sizes in config.json and result.json, see `Scales`."""

    unknowns: dict[str, float]
    rows: dict[str, list[float]]


@dataclass(frozen=True)
class Scales:
    """Natural sizes of the unknowns and of the residuals of a problem.

    Attributes:
        unknowns: U_j by unknown, in its unit.
        rows: R_k of every row, by the name of the term.
        notes: Sizes that could not be found, in words.
    """

    unknowns: Mapping[str, float]
    rows: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = "; ".join(
            f"{name} {', '.join(f'{r:.3g}' for r in sizes)}" for name, sizes in self.rows.items()
        )
        return f"{', '.join(f'{name} {size:.3g}' for name, size in self.unknowns.items())}; {rows}"

    def as_json(self) -> SavedScales:
        """The scales as JSON, for config.json and result.json."""
        return {"unknowns": dict(self.unknowns), "rows": {name: list(r) for name, r in self.rows.items()}}

    @classmethod
    def from_json(cls, saved: SavedScales) -> Scales:
        """Read scales that `as_json` wrote."""
        rows = {name: tuple(map(float, sizes)) for name, sizes in saved["rows"].items()}
        return cls({name: float(size) for name, size in saved["unknowns"].items()}, rows)


def check_given(scales: Mapping[str, float], unknowns: Sequence[str], domain: Domain) -> None:
    """Refuse scales of unknown names, and those that are not positive.

    Raises:
        InputError: A name is that of no unknown and no interval coordinate, or a number is not positive.
    """
    lines = [shape.names[0] for shape in domain.factors() if isinstance(shape, Interval)]
    for name, value in scales.items():
        if name in domain.names and name not in lines:
            raise InputError(
                f"scales: {name!r} is no coordinate of an interval, whose length could be another; drop it"
            )
        if name not in (*unknowns, *lines):
            raise InputError(
                f"scales: there is no {name!r} among {', '.join((*unknowns, *lines))}; rename it"
            )
        if not (is_finite(value) and value > 0):
            raise InputError(f"scales: {name!r} must be a positive number, not {value!r}")


def find(
    form: Ansatz,
    names: tuple[str, ...],
    terms: Sequence[Term],
    known: Known,
    given: Mapping[str, float],
) -> Scales:
    """Find the natural units of a problem.

    Args:
        form: Its ansatz, with U = 1.
        names: Its coordinates.
        terms: The equation, and the conditions that are not built in.
        known: Trained parameters of the coefficients, at the start.
        given: U_j of unknowns whose scale the user knows.
    """
    generator = Generator().manual_seed(20_250_107)
    trials = Trials(form, names, generator)
    places = []
    for term in terms:
        wanted = POINTS if term is terms[0] else OTHERS
        sites = term.sites(CANDIDATES * wanted, generator, "sobol")
        places.append(Place(term, *thinned(term, sites, wanted, form, names, known, generator), form, trials))
    return _Search(form, places, known, given).run()


def varying(form: Ansatz, names: tuple[str, ...], term: Term, known: Known) -> Pointwise | None:
    """Find how the equation varies in size from point to point (`pointwise.py`); arguments as of `find`."""
    generator = Generator().manual_seed(20_250_107)
    trials = Trials(form, names, generator)
    sites = term.sites(POINTS, generator, "sobol")
    place = Place(term, sites, sites.points.new_ones(len(sites.points) // sites.fold), form, trials)
    search = _Search(form, [place], known, {})
    if not search.free:  # positive unknowns come with their size
        return None
    units = search.equilibrated()[0]
    return pointwise(place, names, units, known)


class _Search:
    """Search for the natural units of a problem in three steps."""

    def __init__(
        self, form: Ansatz, places: Sequence[Place], known: Known, given: Mapping[str, float]
    ) -> None:
        self.form, self.places, self.known, self.given = form, places, known, given
        self.free = tuple(name for name in form.factor if name not in form.positive)
        self.weights = {name: torch.zeros(len(WAVES) * EACH, dtype=torch.float64) for name in self.free}
        self.looks = self._look(self.weights)
        self.start = self.looks
        self.units = dict.fromkeys(self.free, 1.0)

    def run(self) -> Scales:
        """Carry out all three steps."""
        for _ in range(STEPS if self.free else 0):  # positive unknowns come with their size
            self.units, rows = self.equilibrated()
            before = self._norm(self.looks, rows)
            if not self._advance(rows, before) or self._norm(self.looks, rows) > FALLS * before:
                break
        sizes = self._sizes()
        unknowns, notes = {}, []
        for name in self.form.factor:
            unknowns[name] = self.given.get(name, _rounded(sizes.get(name, 1.0)))
            if not unknowns[name] > 0:
                unknowns[name] = 1.0
                notes.append(
                    f"nothing tells how large {name} is: its scale is taken as 1; give it by "
                    f"scales={{{name!r}: ...}}"
                )
        return Scales(unknowns, self._rows(unknowns), tuple(notes))

    def _look(self, weights: Mapping[str, Tensor]) -> list[Look]:
        return [place.look(weights, self.known) for place in self.places]

    def equilibrated(self) -> tuple[dict[str, float], list[Tensor]]:
        """Units of the free unknowns and of all rows that bring the blocks C_kj to one."""
        sizes = []
        for place, (_, D) in zip(self.places, self.looks, strict=True):
            blocks = [place.size(place.block(D, name)[..., :EACH]) for name in self.free]
            sizes.append(torch.stack(blocks, 1))
        C = torch.cat(sizes).numpy()  # [rows, unknowns]
        k, j = np.nonzero(C)
        A = np.zeros((len(k), len(C) + len(self.free)))
        A[np.arange(len(k)), k], A[np.arange(len(k)), len(C) + j] = -1.0, 1.0
        # Only ratios count, whatever constant the solution of least norm has.
        logs = np.linalg.lstsq(A, -np.log(C[k, j]), rcond=None)[0] if len(k) else np.zeros(A.shape[1])
        unknowns = dict(zip(self.free, np.exp(logs[len(C) :]).tolist(), strict=True))
        rows = torch.from_numpy(np.exp(logs[: len(C)])).split([len(size) for size in sizes])
        return unknowns, list(rows)

    def _norm(self, looks: Sequence[Look], rows: Sequence[Tensor]) -> float:
        found = zip(self.places, looks, rows, strict=True)
        return math.hypot(*(float((p.size(r) / unit).norm()) for p, (r, _), unit in found))

    def _advance(self, rows: Sequence[Tensor], before: float) -> bool:
        """Take a Gauss-Newton step, shortened until the residual falls; return whether it does."""
        columns, targets = [], []
        for place, (r, D), unit in zip(self.places, self.looks, rows, strict=True):
            blocks = [self.units[name] * place.block(D, name) for name in self.free]
            share = (place.density / place.count).sqrt() / unit.unsqueeze(1)
            columns.append((torch.cat(blocks, 2) * share.unsqueeze(2)).flatten(0, 1))
            targets.append((r * share).flatten())
        A, b = torch.cat(columns), -torch.cat(targets)
        norms = A.norm(dim=0)
        A = A / torch.where(norms > 0, norms, 1.0)
        damped = torch.cat([A, RIDGE * torch.eye(A.shape[1], dtype=A.dtype)])
        y = torch.linalg.lstsq(damped, torch.cat([b, b.new_zeros(A.shape[1])]).unsqueeze(1)).solution[:, 0]
        c = torch.where(norms > 0, y / torch.where(norms > 0, norms, 1.0), 0.0)
        step = dict(zip(self.free, c.split(len(WAVES) * EACH), strict=True))
        for length in LENGTHS:
            trial = {name: w + length * self.units[name] * step[name] for name, w in self.weights.items()}
            ahead = self._look(trial)
            if self._norm(ahead, rows) < before:
                self.weights, self.looks = trial, ahead
                return True
        return False

    def _sizes(self) -> dict[str, float]:
        """Sizes U_j from the coarse solution and the spread of g_j; LEAST times those of others at least."""
        if not self.free:
            return {}
        place, found = self.places[0], {}
        rows = self.equilibrated()[1]
        before = self._norm(self.start, rows)
        doubt = min(1.0, self._norm(self.looks, rows) / (SOLVED * before)) if before else 1.0
        for name in self.free:
            g, added = (values[: place.count] for values in place.values(name, self.weights[name]))
            factor = self.form.factor[name]
            whole = 1.0 if factor is None else place.rms(factor(place.sites.points[: place.count]))
            found[name] = max(place.rms(added) / whole, doubt * place.rms(g - (place.density * g).mean()))
        told = self._told()
        found = {name: max(size, told.get(name, 0.0)) for name, size in found.items()}
        largest = max((found[name] / self.units[name] for name in self.free), default=0.0)
        found = {name: max(size, LEAST * largest * self.units[name]) for name, size in found.items()}
        # Beside the data themselves, rounding is no size: with u(0) = 0.05 alone the spread of g is 1e-18.
        data = {name: place.rms(place.start[name, ()][: place.count]) for name in self.free}
        return {name: size if size > NOTHING * data[name] else data[name] for name, size in found.items()}

    def _told(self) -> dict[str, float]:
        """Sizes that values of one unknown alone, less their noise, ask of its network."""
        sizes: dict[str, float] = {}
        if all(place.term.data is None for place in self.places):  # a direct problem has a coarse solution
            return sizes
        for place, (r, D) in zip(self.places[1:], self.start[1:], strict=True):
            read = [key for key, slope in D.items() if bool(slope.any())]
            if len({name for name, _ in read}) != 1 or read[0][0] not in self.free:
                continue
            if place.term.data is None and any(index for _, index in read):
                continue  # a slope at a wall may be that of a layer
            name = read[0][0]
            signal = float(place.size(r).square().sum()) - (place.term.noise or 0.0) ** 2
            unit = math.sqrt(2) * float(place.size(place.block(D, name)[..., :EACH]).norm())
            sizes[name] = max(sizes.get(name, 0.0), math.sqrt(max(signal, 0.0)) / unit)
        return sizes

    def _rows(self, unknowns: Mapping[str, float]) -> dict[str, tuple[float, ...]]:
        """Sizes R_k: the largest contribution to each row, or what is left of it."""
        out = {}
        for place, look, start in zip(self.places, self.looks, self.start, strict=True):
            size = place.size(look[0])
            for name in self.form.factor:
                unit = 1.0 if name in self.form.positive else unknowns[name]
                for _, D in (look, start):
                    size = torch.maximum(size, unit * place.contributions(D, name))
            out[place.term.name] = tuple(_rounded(s) if s > 0 else 1.0 for s in size.tolist())
        return out


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")
