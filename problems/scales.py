r"""Natural units: how large the unknowns are, and how large what is subtracted in each equation.

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from ..geometry import Domain, Interval
from .ansatz.ansatz import Ansatz
from .conditions.base import Known, Sites, is_finite
from .fields import Field, derivatives

if TYPE_CHECKING:
    from .term import Term

POINTS = 512  # at which the equation is probed
OTHERS = 128  # at which a condition is
CANDIDATES = 8  # of which one is taken, more often where the data are
SOLVED = 0.1  # of the residual is left where a coarse solution tells all sizes
SPREAD = 0.1  # of the places: data that live on more are seen by few places as well
WAVES = (2.0, 8.0, 32.0)  # typical wave numbers of the trial functions, per half length
EACH = 24  # trial functions of each; those of the first are what sizes are measured with
RIDGE = 1e-3  # Tikhonov's parameter, columns having norm one
STEPS = 4  # of Gauss and Newton
DIGITS = 7  # of the sizes
NOTHING = 1e-13  # of the data: rounding
LEAST = 0.01  # of an unknown, relative to what balances the others

FALLS = 0.5  # by at least this factor the residual falls where another step is worth its while
LENGTHS = (1.0, 0.25, 0.0625)

Key = tuple[str, MultiIndex]
Look = tuple[Tensor, dict[Key, Tensor]]  # residuals [K, n] and their derivatives [K, N]


@dataclass(frozen=True)
class Scales:
    """The natural units of a problem.

    Attributes:
        unknowns: U_j by unknown, in its unit.
        rows: R_k of every row, by the name of the term.
        notes: What could not be found, in words.
    """

    unknowns: Mapping[str, float]
    rows: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        rows = "; ".join(
            f"{name} {', '.join(f'{r:.3g}' for r in sizes)}" for name, sizes in self.rows.items()
        )
        return f"{', '.join(f'{name} {size:.3g}' for name, size in self.unknowns.items())}; {rows}"

    def as_json(self) -> dict[str, Any]:
        """For config.json and result.json."""
        return {"unknowns": dict(self.unknowns), "rows": {name: list(r) for name, r in self.rows.items()}}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Scales:
        """Scales that `as_json` wrote."""
        rows = {name: tuple(map(float, sizes)) for name, sizes in saved["rows"].items()}
        return cls({name: float(size) for name, size in saved["unknowns"].items()}, rows)


def check_given(scales: Mapping[str, float], unknowns: Sequence[str], domain: Domain) -> None:
    """Refuse scales that are none.

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


class _Place:
    """A term at its sites, with the start and the trial functions of every unknown there.

    Args:
        term: The term.
        sites: n places.
        density: [n], how many places of a uniform set each stands for, 1 on the average.
        form: The ansatz.
        trials: The trial functions.
    """

    def __init__(self, term: Term, sites: Sites, density: Tensor, form: Ansatz, trials: _Trials) -> None:
        self.term, self.trials = term, trials
        self.sites, self.density = sites, density
        self.count = sites.points.shape[0] // sites.fold
        self.start: dict[Key, Tensor] = {}
        self.waves: dict[Key, Tensor] = {}
        for name, indices in term.needs.items():
            wanted = tuple(dict.fromkeys(((), *indices)))
            g, waves = form.extension[name], trials.of(name, sites.points, wanted)
            base = [torch.zeros_like(sites.points[:, 0])] * len(wanted)
            if g is not None:
                base = derivatives(g, sites.points, wanted)
            for index, value, wave in zip(wanted, base, waves, strict=True):
                if name in form.positive:
                    init = form.positive[name]
                    value, wave = init * value.exp() if not index else 0 * value, init * wave
                self.start[name, index], self.waves[name, index] = value, wave

    def look(self, weights: Mapping[str, Tensor], known: Known) -> Look:
        """The residuals [K, n] at the state plus some trial functions, and their derivatives [K, N]."""
        leaves = {
            key: (value + self.waves[key] @ weights[key[0]] if key[0] in weights else value)
            .detach()
            .requires_grad_()
            for key, value in self.start.items()
        }
        fields = {
            name: Field(name, self.trials.names, _lookup(leaves, name)) for name in self.trials.unknowns
        }
        slopes: dict[Key, list[Tensor]] = {key: [] for key in leaves}
        with torch.enable_grad():
            found = [r.expand(self.count) for r in self.term.residual(fields, self.sites, known)]
            sums = [r.sum() for r in found]
        for r in sums:
            grads: Sequence[Tensor | None] = [None] * len(leaves)
            if r.requires_grad:
                grads = torch.autograd.grad(r, [*leaves.values()], retain_graph=True, allow_unused=True)
            for (key, leaf), slope in zip(leaves.items(), grads, strict=True):
                slopes[key].append(torch.zeros_like(leaf) if slope is None else slope)
        r = torch.stack(found).detach()
        D = {key: torch.stack(rows) for key, rows in slopes.items()}
        good = torch.isfinite(r).all(0)
        for slope in D.values():
            good = good & torch.isfinite(slope).all(0).view(self.sites.fold, -1).all(0)
        everywhere = good.repeat(self.sites.fold)
        return torch.where(good, r, 0.0), {k: torch.where(everywhere, d, 0.0) for k, d in D.items()}

    def block(self, D: Mapping[Key, Tensor], name: str) -> Tensor:
        """What the trial functions of an unknown change in the rows, [K, n, M]."""
        parts = [D[key].unsqueeze(2) * self.waves[key] for key in D if key[0] == name]
        whole = torch.stack(parts).sum(0)
        return whole.view(len(whole), self.sites.fold, self.count, -1).sum(1)

    def contributions(self, D: Mapping[Key, Tensor], name: str) -> Tensor:
        """The largest root mean square of what one derivative of a trial function adds to each row, [K]."""
        density = self.density.repeat(self.sites.fold).unsqueeze(1)
        smooth = [(D[key].unsqueeze(2) * self.waves[key][:, :EACH]) for key in D if key[0] == name]
        return torch.stack([(density * part.square()).mean((1, 2)).sqrt() for part in smooth]).amax(0)

    def rms(self, values: Tensor) -> float:
        """Root mean square of values [n]."""
        return float(self.size(values.unsqueeze(0)))

    def size(self, rows: Tensor) -> Tensor:
        """Root mean square of values [K, n, ...], for each row."""
        weight = self.density.view(-1, *[1] * (rows.ndim - 2))
        return (weight * rows.square()).flatten(1).mean(1).sqrt()


def _lookup(leaves: Mapping[Key, Tensor], name: str) -> Callable[[MultiIndex], Tensor]:
    return lambda index: leaves[name, index]


class _Trials:
    """Trial functions l_j sin(a . z + b) of every unknown; none without a generator."""

    def __init__(self, form: Ansatz, names: tuple[str, ...], generator: Generator | None) -> None:
        self.form, self.names, self.unknowns = form, names, tuple(form.factor)
        self._drawn: dict[str, Tensor] = {}
        if generator is None:  # none at all
            return
        for name, inputs in form.inputs.items():
            draw = torch.randn(len(WAVES), EACH, len(inputs), generator=generator, dtype=torch.float64)
            wave = (draw * torch.tensor(WAVES).view(-1, 1, 1)).flatten(0, 1)
            phase = 2 * math.pi * torch.rand(len(wave), 1, generator=generator, dtype=torch.float64)
            self._drawn[name] = torch.cat([wave, phase], 1)

    def of(self, name: str, points: Tensor, indices: Sequence[MultiIndex]) -> list[Tensor]:
        """Derivatives of the trial functions of an unknown at points [N, dim], each [N, M]."""
        if name not in self._drawn:
            return [points[:, :0]] * len(indices)
        drawn, dim = self._drawn[name], points.shape[1]
        columns = [self.form.columns[i] for i in self.form.inputs[name]]
        factor = self.form.factor[name]

        def value(p: Tensor) -> Tensor:
            # Each row is a point with the wave vector and the phase of one function.
            x, wave, phase = p[:, :dim], p[:, dim:-1], p[:, -1]
            angle = phase + sum(wave[:, i] * column(x) for i, column in enumerate(columns))
            return torch.sin(angle) if factor is None else factor(x) * torch.sin(angle)

        n, m = len(points), len(drawn)
        pairs = torch.cat([points.repeat_interleave(m, 0), drawn.repeat(n, 1)], 1)
        return [found.view(n, m) for found in derivatives(value, pairs, indices)]


def find(
    form: Ansatz,
    names: tuple[str, ...],
    terms: Sequence[Term],
    known: Known,
    given: Mapping[str, float],
) -> Scales:
    """The natural units of a problem.

    Args:
        form: Its ansatz, with U = 1.
        names: Its coordinates.
        terms: The equation, and the conditions that are not built in.
        known: What is trained for the coefficients, at the start.
        given: U_j of unknowns whose scale the user knows.
    """
    generator = Generator().manual_seed(20_250_107)
    trials = _Trials(form, names, generator)
    places = []
    for term in terms:
        wanted = POINTS if term is terms[0] else OTHERS
        sites = term.sites(CANDIDATES * wanted, generator, "sobol")
        places.append(
            _Place(term, *_thinned(term, sites, wanted, form, names, known, generator), form, trials)
        )
    return _Search(form, places, known, given).run()


def _thinned(
    term: Term,
    sites: Sites,
    wanted: int,
    form: Ansatz,
    names: tuple[str, ...],
    known: Known,
    generator: Generator,
) -> tuple[Sites, Tensor]:
    """So many places, and how many of a uniform set each stands for, [n].

    They are those of a low-discrepancy sequence, unless the data live in a small part: a source in a small
    window is seen by few of many points, and by none of few.  Then half of them are drawn where the data are.
    """
    count = sites.points.shape[0] // sites.fold
    if count <= wanted:
        return sites, sites.points.new_ones(count)
    start = _Place(term, sites, sites.points.new_ones(count), form, _Trials(form, names, None))
    squares = start.look({}, known)[0].square()
    relative = squares / squares.amax(1, keepdim=True).clamp(min=1e-300)
    seen = relative.mean(1).square() / relative.square().mean(1).clamp(min=1e-300)  # share of the places
    if bool((seen[relative.amax(1) > 0] > SPREAD).all()):
        few = term.sites(wanted, generator, "sobol")
        if few.points.shape[0] // few.fold == wanted:  # measured places are given, as many as they are
            return few, few.points.new_ones(wanted)
    share = (squares / squares.sum(1, keepdim=True).clamp(min=1e-300)).mean(0)
    chance = 0.5 / count + 0.5 * share
    chance = chance / chance.sum()
    index = torch.multinomial(chance, wanted, replacement=True, generator=generator)
    return sites.of(index), 1 / (count * chance[index])


class _Search:
    """The three steps."""

    def __init__(
        self, form: Ansatz, places: Sequence[_Place], known: Known, given: Mapping[str, float]
    ) -> None:
        self.form, self.places, self.known, self.given = form, places, known, given
        self.free = tuple(name for name in form.factor if name not in form.positive)
        self.weights = {name: torch.zeros(len(WAVES) * EACH, dtype=torch.float64) for name in self.free}
        self.looks = self._look(self.weights)
        self.start = self.looks
        self.units = dict.fromkeys(self.free, 1.0)

    def run(self) -> Scales:
        """All of them."""
        for _ in range(STEPS if self.free else 0):  # positive unknowns come with their size
            self.units, rows = self._equilibrated()
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

    def _equilibrated(self) -> tuple[dict[str, float], list[Tensor]]:
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
        """A step of Gauss and Newton, shortened until the residual falls; whether it does."""
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
        """U_j from the coarse solution and the spread of g_j; an unknown without any balances the others."""
        if not self.free:
            return {}
        place, found = self.places[0], {}
        rows = self._equilibrated()[1]
        before = self._norm(self.start, rows)
        doubt = min(1.0, self._norm(self.looks, rows) / (SOLVED * before)) if before else 1.0
        for name in self.free:
            g, added = place.start[name, ()], place.waves[name, ()] @ self.weights[name]
            factor = self.form.factor[name]
            whole = 1.0 if factor is None else place.rms(factor(place.sites.points))
            found[name] = max(place.rms(added) / whole, doubt * place.rms(g - (place.density * g).mean()))
        largest = max((found[name] / self.units[name] for name in self.free), default=0.0)
        found = {name: max(size, LEAST * largest * self.units[name]) for name, size in found.items()}
        # Beside the data themselves, rounding is no size: with u(0) = 0.05 alone the spread of g is 1e-18.
        data = {name: place.rms(place.start[name, ()]) for name in self.free}
        return {name: size if size > NOTHING * data[name] else data[name] for name, size in found.items()}

    def _rows(self, unknowns: Mapping[str, float]) -> dict[str, tuple[float, ...]]:
        """R_k: the largest contribution to a row, or what is left of it."""
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
