"""Data that an ansatz must not be built on, as they would make it worse than a weighted term.

Data that are not smooth (`functions/given.py`), or not on the circle that a periodic coordinate closes, would
leave their kink in u for ever.  Data that vary over the faces of many coordinates cost too much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ...errors import InputError
from ..conditions.base import Condition
from ..fields import parameter_names
from ..functions.given import OPAQUE, Slice, is_opaque, spline_of, unsmooth
from ..symmetry.seam import smooth_across
from .candidates import Candidates
from .data import PrescribedData

SMOOTH = 1e-7  # a relative jump below this is rounding
INSIDE = 0.01  # so far from the walls, in lengths, a known part has to be smooth
BLENDED = 3  # coordinates between whose faces varying data are interpolated


class Suitability:
    """Examination of the data of conditions: those that do not suit an exact construction are refused.

    Args:
        candidates: The conditions.
        data: Their data; those that autograd cannot differentiate are replaced by splines.
        orders: Highest derivative of an unknown in the equation, by coordinate.
    """

    def __init__(self, candidates: Candidates, data: PrescribedData, orders: Mapping[str, int]) -> None:
        self.candidates, self.data, self.orders = candidates, data, orders
        self.domain = candidates.domain

    def refuse_expensive(self) -> None:
        """Refuse data over many coordinates: the boolean sum over k of them evaluates its data 3^k times."""
        for name in self.candidates.unknowns:
            data = [
                c
                for c, given in self.candidates.prescribing()
                if not given.start
                and given.unknown == name
                and callable(given.value)
                and self.candidates.possible(c, given)
            ]
            faces = {face for c in data for face in c.faces(self.domain)}
            count = sum(bool(faces & set(c.shape.faces)) for c in self.candidates.coordinates.values())
            if count > BLENDED:
                for condition in data:
                    if condition.hard is None:
                        self.candidates.refuse(
                            condition,
                            f"{condition.describe(self.domain)} varies over the faces of {count} "
                            f"coordinates, more than the {BLENDED} that an exact construction is worth: "
                            "it is a weighted term",
                        )

    def refuse_unsmooth(self) -> None:
        """Refuse data with kinks and jumps, and replace those that autograd cannot differentiate.

        Raises:
            InputError: They belong to a condition with hard=True, or to an opaque particular part.
        """
        self._examine_particular_parts()
        for condition, given in self.candidates.prescribing():
            if not self.candidates.possible(condition, given):
                continue
            for which, value in enumerate(given.both):
                if callable(value):
                    self._examine(condition, given.unknown, which, value)

    def _examine_particular_parts(self) -> None:
        whole = Slice(self.domain, tuple(range(self.domain.dim)), ())
        orders = {name: max(self.orders.get(name, 0), 1) for name in self.domain.names}
        for name in self.data.particular:
            if is_opaque(self.data.part(name), whole, orders):
                raise InputError(f"the particular part of {name}: {OPAQUE}; write it with torch functions")
            reason = unsmooth(self.data.part(name), replace(whole, inset=INSIDE), self.orders)
            if reason:
                message = (
                    f"the particular part of {name}: {reason} inside the domain, where it stays in the "
                    "solution as if a source sat there"
                )
                self.candidates.messages.append(message)
                self.candidates.contradictions.append(message)

    def _examine(self, condition: Condition, unknown: str, which: int, value: Callable[..., Tensor]) -> None:
        what, names = condition.describe(self.domain), self.domain.names
        asked = {names.index(name) for name in parameter_names(value, what)}
        as_written = self.data.of(condition, which, known_part=False)
        parts = self._slices(condition, asked)
        if any(is_opaque(as_written, part, self.orders) for part in parts.values()):
            common = set(parts.values())
            whole = common.pop() if len(common) == 1 else Slice(self.domain, tuple(sorted(asked)), ())
            spline = spline_of(as_written, whole, self.orders)
            if isinstance(spline, str):
                self.candidates.refuse_as_unsmooth(condition, spline)
                return
            self.data.replaced[id(condition), which] = spline
            self.candidates.messages.append(
                f"{what}: {OPAQUE}: a spline through it, accurate to 1e-10, is built in"
            )
        if unknown in self.data.known_parts:
            parts = self._slices(condition, set(range(len(names))))
        for part in set(parts.values()):
            axis = next((i for i, _ in part.pinned), None)
            data = self.data.of(condition, which, axis)
            reason = unsmooth(data, part, self.orders, self.data.of(condition, which, known_part=False))
            if reason:
                self.candidates.refuse_as_unsmooth(condition, reason)
                return

    def _slices(self, condition: Condition, asked: set[int]) -> dict[str, Slice]:
        """Parts of the domain where functions of some coordinates, by position, matter, by face."""
        parts = {}
        for face in condition.faces(self.domain):
            shape = next(s for s in self.candidates.outline.factors if face in s.faces)
            axis = self.domain.names.index(shape.names[0])
            end = float(shape.bounds[shape.faces.index(face), 0])
            pinned = ((axis, end),) if axis in asked else ()
            parts[face] = Slice(self.domain, tuple(sorted(asked - {axis})), pinned)
        return parts

    def refuse_kinks_at_seams(self) -> None:
        """Refuse data that are not smooth on the circle of a periodic coordinate, unless hard=True."""
        for coordinate in self.candidates.coordinates.values():
            if not coordinate.periodic:
                continue
            name = coordinate.shape.names[0]
            orders = max(self.orders.get(name, 0), 2) + 1
            for condition, given in self.candidates.prescribing():
                for which, value in enumerate(given.both) if condition.hard is not False else ():
                    if not callable(value) or not self.candidates.may(condition):
                        continue
                    data = self._on_face(condition, which)
                    whole = self.data.of(condition, which, known_part=False)
                    jump = smooth_across(data, self.domain, coordinate.axis, orders, whole)
                    if jump > SMOOTH:
                        self._refuse_kink(condition, name, orders, jump)

    def _on_face(self, condition: Condition, which: int) -> Callable[[Tensor], Tensor]:
        """Data of a condition, on its face if it has only one: a known part differs elsewhere."""
        faces = condition.faces(self.domain)
        shape = next((s for s in self.domain.factors() if faces[0] in s.faces), None) if faces else None
        if len(faces) != 1 or shape is None or shape.dim != 1:
            return self.data.of(condition, which)
        axis = self.domain.names.index(shape.names[0])
        place = shape.bounds[shape.faces.index(faces[0]), 0]
        data = self.data.of(condition, which, axis)

        def function(points: Tensor) -> Tensor:
            pinned = points.unbind(1)
            return data(
                torch.stack([*pinned[:axis], place.expand(len(points)).to(points), *pinned[axis + 1 :]], 1)
            )

        return function

    def _refuse_kink(self, condition: Condition, name: str, orders: int, jump: float) -> None:
        message = (
            f"{condition.describe(self.domain)} is not smooth across the seam of the periodic coordinate "
            f"{name} (a derivative of order up to {orders} jumps by {jump:.2g} relative to its size): "
        )
        if condition.hard:
            self.candidates.messages.append(message + "built in all the same, as hard=True asks")
        else:
            self.candidates.refuse(condition, message + "it is a weighted term")
