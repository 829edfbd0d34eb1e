r"""A problem as a function of the outer layer of a network with one hidden layer, linearised.

With units phi_k = s(z_k), z_k = w_k . x + b_k of the network's inputs x, an unknown's network is N = c_0 +
sum_k c_k phi_k.  A residual r depends on its jet, so that at a function u

    dr / dc_k = sum over channels a of  (dr / dN_a)  D^a phi_k,

the slopes dr / dN_a being found pointwise, with the ansatz, by reverse mode.  Faa di Bruno's formula for
D^a phi_k is summed by the order of s:

    dr / dc_k = sum over p of s^(p)(z_k) sum over a, its partitions into p blocks b  (dr / dN_a) prod D^b z_k,

whose term of p = 1 is the product of w_k with sum_a (dr / dN_a) D^a x, a vector for each point.  So no jet of
a unit is ever formed, and points are taken so few at a time that all of it stays in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..derivatives.activations import Derivatives
from ..derivatives.taylor import apply_elementwise
from ..networks.model import Location, Model
from ..networks.random_units import Units
from ..problems import Sites, Term

AT_ONCE = 96  # points


@dataclass(frozen=True)
class Slopes:
    """A term at its sites, linearised at a function.

    Attributes:
        values: [rows, n], the residuals.
        by_jet: [rows, C, m, n fold], their derivatives by the jet of the network.
        by_coefficient: [rows, p, n fold], and by the trained coefficients.
    """

    values: Tensor
    by_jet: Tensor
    by_coefficient: Tensor

    def along(self, jet: Tensor, fold: int) -> Tensor:
        """The linear part applied to a jet [C, m, n fold], [rows, n]."""
        return _folded((self.by_jet * jet).sum((1, 2)), fold)


class OuterTerm:
    """A term of a problem at its sites, in terms of the outer layer.

    Args:
        model: The model.
        term: The term.
        sites: n of them.
        derivatives: Of the units' function s.
    """

    def __init__(self, model: Model, term: Term, sites: Sites, derivatives: Derivatives) -> None:
        like = model.like
        self.term, self.derivatives = term, derivatives
        self.sites = replace(
            sites,
            points=sites.points.to(like),
            normals=None if sites.normals is None else sites.normals.to(like),
            values=None if sites.values is None else sites.values.to(like),
        )
        self.location = Location(model, sites.points, term.needs)
        self.channels = self.location.channels
        self.n = len(sites.points) // sites.fold
        self.scale = (math.sqrt(1 / self.n) / term.units_at(self.sites)).to(like)
        self.unknowns = len(model.problem.unknown_names)

    def jet(self, units: Units, outer: Tensor) -> Tensor:
        """Jet [C, m, n fold] of the network with such units and an outer layer [m, K + 1]."""
        found = []
        for x in self.location.inputs.split(AT_ONCE, 1):
            z = x @ units.weights.T
            z[0] += units.shifts
            found.append(apply_elementwise(self.derivatives, z, self.channels) @ outer[:, :-1].T)
        jet = torch.cat(found, 1).transpose(1, 2).contiguous()
        jet[0] += outer[:, -1:]
        return jet

    def rest(self) -> Tensor:
        """Jet of a network that is zero."""
        return self.location.inputs.new_zeros(len(self.channels), self.unknowns, len(self.sites.points))

    def values(self, jet: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        """Residuals [rows, n] at a jet, and at values of the coefficients' parameters."""
        rows = self.term.residual(self.location.fields(jet), self.sites, known)
        return self.scale * torch.stack([row.expand(self.n) for row in rows])

    def linearised(self, jet: Tensor, known: Mapping[str, Tensor], trained: Sequence[str]) -> Slopes:
        """Slopes at a jet.

        Args:
            jet: [C, m, n fold].
            known: Parameters of the coefficients.
            trained: Names of those that are sought.
        """
        with torch.enable_grad():
            leaf = jet.detach().clone().requires_grad_()
            spread = {
                name: value.detach().expand(jet.shape[2]).clone().requires_grad_(name in trained)
                for name, value in known.items()
            }
            values = self.values(leaf, spread)
            leaves = [leaf, *(spread[name] for name in trained)]
            by_jet, by_coefficient = [], []
            for row in values:
                bars: Sequence[Tensor | None] = [None] * len(leaves)
                if row.requires_grad:
                    bars = torch.autograd.grad(row.sum(), leaves, retain_graph=True, allow_unused=True)
                full = [
                    torch.zeros_like(a) if bar is None else bar for a, bar in zip(leaves, bars, strict=True)
                ]
                by_jet.append(full[0])
                by_coefficient.append(torch.stack(full[1:]) if trained else jet.new_zeros(0, jet.shape[2]))
        return Slopes(values.detach(), torch.stack(by_jet), torch.stack(by_coefficient))

    def matrix(self, slopes: Slopes, units: Units) -> Tensor:
        """dr/dc, [rows n, m (K + 1) + p]: by unknown with its constant last, then the coefficients."""
        rows, m, width = len(slopes.values), self.unknowns, units.count + 1
        out = slopes.values.new_empty(rows, self.n, m * width + slopes.by_coefficient.shape[1])
        if self.n < AT_ONCE < len(self.sites.points):  # few integrals, of many nodes each
            out.zero_()
            for at in torch.arange(len(self.sites.points)).split(AT_ONCE):
                there = slice(int(at[0]), int(at[-1]) + 1)
                out.index_add_(1, at.to(out.device) % self.n, self._block(slopes, units, there))
            return out.reshape(rows * self.n, -1)
        for at in torch.arange(self.n).split(AT_ONCE):
            first, last = int(at[0]), int(at[-1]) + 1
            for fold in range(self.sites.fold):
                there = slice(first + fold * self.n, last + fold * self.n)
                block = self._block(slopes, units, there)
                if fold:
                    out[:, first:last] += block
                else:
                    out[:, first:last] = block
        return out.reshape(rows * self.n, -1)

    def _block(self, slopes: Slopes, units: Units, there: slice) -> Tensor:
        """Rows of some points, [rows, points, columns]."""
        x, weights = self.location.inputs[:, there], units.weights
        s = self.derivatives(torch.addmm(units.shifts, x[0], weights.T), self.channels.order)
        jets: dict[int, Tensor] = {}

        def z(channel: int) -> Tensor:
            if channel not in jets:
                jets[channel] = x[channel] @ weights.T
            return jets[channel]

        out = []
        for bars, scalars in zip(
            slopes.by_jet[..., there], slopes.by_coefficient[..., there], strict=True
        ):  # of a row
            columns = []
            for bar in bars.unbind(1):  # of an unknown: [C, points]
                total = bar[0, :, None] * s[0]
                straight = torch.zeros_like(x[0])
                for c in range(1, len(bar)):
                    if not bool(bar[c].any()):
                        continue
                    for count, blocks in self.channels.chain[c]:
                        if len(blocks) == 1:
                            straight += bar[c, :, None] * x[c]
                            continue
                        product = (count * bar[c, :, None]) * s[len(blocks)]
                        for block in blocks:
                            product *= z(block)
                        total += product
                if bool(straight.any()):
                    total += s[1] * (straight @ weights.T)
                columns += [total, bar[0, :, None]]
            out.append(torch.cat([*columns, scalars.T], 1))
        return torch.stack(out)


def _folded(values: Tensor, fold: int) -> Tensor:
    """Sums over the points that belong to one residual, [rows, n fold] -> [rows, n]."""
    summed: Tensor = values.unflatten(-1, (fold, -1)).sum(-2)
    return summed
