"""Trial functions l_j sin(a . z + b) of the unknowns, and the residuals of a term at an ansatz plus these.

`scales.py` measures the sizes of unknowns and residuals by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from .ansatz.ansatz import Ansatz
from .conditions.base import Known, Sites
from .fields import Field, derivatives
from .term import Term

SPREAD = 0.1  # of the sites: data that live on more are seen by few sites as well
WAVES = (2.0, 8.0, 32.0)  # typical wave numbers of the trial functions, per half length
EACH = 24  # trial functions of each; those of the first are what sizes are measured with

Key = tuple[str, MultiIndex]
Look = tuple[Tensor, dict[Key, Tensor]]  # residuals [K, n] and their derivatives [K, N]


class Place:
    """A term at its sites, with the start and the trial functions of every unknown there.

    Args:
        term: The term.
        sites: n places.
        density: [n], how many places of a uniform set each stands for, 1 on the average.
        form: The ansatz.
        trials: The trial functions.
    """

    def __init__(self, term: Term, sites: Sites, density: Tensor, form: Ansatz, trials: Trials) -> None:
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
                key = name, index
                if name in form.positive:
                    init = form.positive[name]
                    self.start[key] = init * value.exp() if not index else 0 * value
                    self.waves[key] = init * wave
                else:
                    self.start[key], self.waves[key] = value, wave

    def look(self, weights: Mapping[str, Tensor], known: Known) -> Look:
        """Residuals [K, n] at the state plus some trial functions, and their derivatives [K, N]."""
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

    def values(self, name: str, weights: Tensor) -> tuple[Tensor, Tensor]:
        """An unknown at the start, and what trial functions add to it, each [N]."""
        return self.start[name, ()], self.waves[name, ()] @ weights

    def block(self, D: Mapping[Key, Tensor], name: str) -> Tensor:
        """Change of the rows by each trial function of an unknown, [K, n, M]."""
        parts = [D[key].unsqueeze(2) * self.waves[key] for key in D if key[0] == name]
        whole = torch.stack(parts).sum(0)
        return whole.view(len(whole), self.sites.fold, self.count, -1).sum(1)

    def contributions(self, D: Mapping[Key, Tensor], name: str) -> Tensor:
        """The largest root mean square of what one derivative of a trial function adds to each row, [K]."""
        density = self.density.repeat(self.sites.fold).unsqueeze(1)
        smooth = [(D[key].unsqueeze(2) * self.waves[key][:, :EACH]) for key in D if key[0] == name]
        if self.sites.fold > 2:  # an integral is a sum of many; the two sides of a difference count singly
            density = self.density.unsqueeze(1)
            smooth = [part.abs().unflatten(1, (self.sites.fold, -1)).sum(1) for part in smooth]
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


class Trials:
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


def thinned(
    term: Term,
    sites: Sites,
    wanted: int,
    form: Ansatz,
    names: tuple[str, ...],
    known: Known,
    generator: Generator,
) -> tuple[Sites, Tensor]:
    """Select `wanted` sites, and the number of uniform sites that each of them stands for, [n].

    They are those of a low-discrepancy sequence, unless the data live in a small part: a source in a small
    window is seen by few of many points, and by none of few.  Then half of them are drawn where the data are.
    """
    count = sites.points.shape[0] // sites.fold
    if count <= wanted:
        return sites, sites.points.new_ones(count)
    start = Place(term, sites, sites.points.new_ones(count), form, Trials(form, names, None))
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
