"""Are the symmetries that are built in those of the equation, the conditions and the data?

A reflection R of coordinate i with signs s_j for the unknowns is a symmetry if F(q', R x) = s F(q, x) for
all channel values q, with q' = s_j (-1)^(number of i in the index) q and one sign s for each row.  The
channels are independent numbers, so that F(0, x), the part of the data, and F(q_c e_c, x) - F(0, x), the
part of each channel, are compared one by one, each relative to its own size: a load vanishes beside the
stiffness only when they are added.  Conditions are compared in the same way, with the condition on the
mirror image of the face.

Observations: what is left of the misfit.  A fit that is forced to be symmetric reaches the symmetric part of
the data only; then the misfits at mirrored places m(x) and s m(R x) have opposite signs, where noise knows
nothing of mirrors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..derivatives.multi_index import MultiIndex
from ..problems import Sites, Term
from ..problems.conditions.base import Condition
from .findings import Finding
from .state import Channels, State, rms

Rows = Callable[[Channels, Tensor], Tensor]  # channels and points -> [rows, N]

FACES = 256  # points of a face
AGREE = 1e-6  # relative to the part's own size
OPPOSED = 3.0  # ratio of the misfits' antisymmetric to their symmetric part
PAIRS = 8  # of observations, at least


def check(state: State) -> list[Finding]:
    """Judge the symmetries."""
    found = []
    for name, symmetry in state.problem.symmetries.items():
        axis = state.problem.domain.names.index(name)
        lower, upper = state.problem.domain.bounds[:, axis].tolist()
        mirrors = [("the middle", (lower + upper) / 2, symmetry.centre, False)]
        mirrors += [("its ends", end, symmetry.ends, True) for end in (lower, upper)]
        for where, about, signs, ends in mirrors:
            if signs is None:
                continue
            broken = _Mirror(state, axis, about, signs).broken(ends)
            if broken:
                words = (
                    f"the reflection of {name} about {where} is built in, but {broken} not symmetric: give "
                    "Problem(..., symmetry=False)"
                )
                found.append(Finding("symmetry", words))
                break
    return found


class _Mirror:
    """Examination of one reflection."""

    def __init__(self, state: State, axis: int, about: float, signs: tuple[int, ...]) -> None:
        self.state, self.axis, self.about = state, axis, about
        self.signs = dict(zip(state.problem.unknown_names, signs, strict=True))

    def image(self, points: Tensor) -> Tensor:
        out = points.clone()
        out[:, self.axis] = 2 * self.about - out[:, self.axis]
        return out

    def _numbers(self, keys: Sequence[tuple[str, MultiIndex]], count: int) -> Channels:
        """Channel values of the right size, of one place or another."""
        pick = torch.arange(count) % len(self.state.interior)
        return {key: self.state.everything[key][pick] for key in keys}

    def flip(self, key: tuple[str, MultiIndex]) -> int:
        name, index = key
        return self.signs[name] * (-1 if sum(i == self.axis for i in index) % 2 else 1)

    def broken(self, ends: bool) -> str:
        """Names of the functions that are not symmetric, with a verb; empty if all are."""
        state = self.state
        images = self.image(state.breaks)
        images = images[state.problem.domain.inside(images)]
        points = torch.cat([state.interior, state.breaks, images])
        try:
            channels = self._numbers(state.needs, len(points))
            if not self._same(
                state.needs, channels, state.equation, state.equation, points, self.image(points)
            ):
                return "the equation or its data are"
            for condition, term in zip(state.problem.conditions, state.problem.condition_terms, strict=True):
                if (data := condition.measurements()) is not None:
                    if not self._fits(data.unknown, term):
                        return f"{term.name} are"
                elif condition.mapped_by_reflections and condition.surface(state.problem.domain) is None:
                    for face in condition.faces(state.problem.domain):
                        if not (ends and self._own(face)) and not self._on(condition, term, face):
                            return f"{term.name} is"
        except (
            ValueError,
            RuntimeError,
            IndexError,
        ):  # a function that cannot be evaluated outside the domain
            return ""
        return ""

    def _parts(self, keys: Sequence[tuple[str, MultiIndex]], channels: Channels) -> Iterator[Channels]:
        """Channel values that single out the data and each channel."""
        zero = {key: torch.zeros_like(value) for key, value in channels.items()}
        yield zero
        for key in keys:
            value = channels[key]
            size = rms(value)
            yield {**zero, key: value + torch.where(size > 0, size, 1.0)}
        yield channels

    def _same(
        self,
        keys: Sequence[tuple[str, MultiIndex]],
        channels: Channels,
        here: Rows,
        there: Rows,
        points: Tensor,
        image: Tensor,
    ) -> bool:
        """Test that two residuals agree under the reflection, with one sign for each row."""
        agree: Tensor | None = None  # [rows, 2]
        base = None
        with torch.no_grad():
            for q in self._parts(keys, channels):
                a = here(q, points)
                b = there({key: self.flip(key) * value for key, value in q.items()}, image)
                if base is None:
                    base = a, b
                else:
                    a, b = a - base[0], b - base[1]
                good = torch.isfinite(a).all(0) & torch.isfinite(b).all(0)
                a, b = a[:, good], b[:, good]
                if not a.shape[1]:
                    continue
                size = torch.maximum(a.abs().amax(1), b.abs().amax(1))
                floor = 1e-9 * base[0][:, good].abs().amax(1)
                tolerance = AGREE * size + floor
                both = torch.stack(
                    [(a - b).abs().amax(1) <= tolerance, (a + b).abs().amax(1) <= tolerance], 1
                )
                agree = both if agree is None else agree & both
        return agree is None or bool(agree.any(1).all())

    def _own(self, face: str) -> bool:
        """True for a face of the reflected coordinate."""
        return face in self._partner(face)[1]

    def _partner(self, face: str) -> tuple[str, tuple[str, ...]]:
        """The mirror image of a face, and the faces of the reflected coordinate."""
        name = self.state.problem.domain.names[self.axis]
        own = next(f.faces for f in self.state.problem.domain.factors() if f.names == (name,))
        return (own[1 - own.index(face)] if face in own else face), own

    def _on(self, condition: Condition, term: Term, face: str) -> bool:
        """Test that the condition on a face agrees with the one on its mirror image."""
        domain = self.state.problem.domain
        drawn = domain.boundary(FACES, self.state.generator, on=face)
        here = Sites(drawn.points, drawn.normals)
        normals = drawn.normals.clone()
        normals[:, self.axis] *= -1
        there = Sites(self.image(drawn.points), normals)
        keys = [(name, index) for name, found in term.needs.items() for index in found]
        channels = self._numbers(keys, len(drawn.points))
        partner = self._partner(face)[0]
        others = [
            (c, t)
            for c, t in zip(self.state.problem.conditions, self.state.problem.condition_terms, strict=True)
            if condition.is_like(c) and partner in c.faces(domain)
        ]

        def read(t: Term, sites: Sites) -> Rows:
            def rows(q: Channels, points: Tensor) -> Tensor:
                found = t.residual(self.state.fields(q), sites, self.state.parameters)
                return torch.stack([row.expand(len(points)) for row in found])

            return rows

        return any(
            t.rows == term.rows
            and set(t.needs) == set(term.needs)
            and self._same(keys, channels, read(term, here), read(t, there), here.points, there.points)
            for _, t in others
        )

    def _fits(self, unknown: str | None, term: Term) -> bool:
        """Test that the misfits show no sign of a forced symmetry."""
        if unknown is None:
            return True
        from scipy.spatial import cKDTree  # slow to import

        sites = term.sites(1, self.state.generator, "uniform")
        assert sites.values is not None
        values = sites.values if sites.values.ndim == 1 else sites.values[:, 0]
        misfit = self.state.channels(sites.points, [(unknown, ())])[unknown, ()] - values
        place = ((sites.points - self.state.lower) / self.state.extent).numpy()
        image = ((self.image(sites.points) - self.state.lower) / self.state.extent).numpy()
        distance, index = cKDTree(place).query(image)
        spacing = len(place) ** (-1 / place.shape[1])
        near = torch.from_numpy(distance) < 0.5 * spacing
        # Beside the mirror a point is its own partner, or its neighbour is: that says nothing.
        near &= torch.from_numpy(abs(image - place).max(1)) > 2 * spacing
        if int(near.sum()) < PAIRS or float(rms(misfit)) < 1e-6 * float(rms(values)):
            return True
        other = self.signs[unknown] * misfit[torch.from_numpy(index)]
        apart, together = rms((misfit - other)[near]), rms((misfit + other)[near])
        return float(apart) < OPPOSED * float(together)
