"""Complex unknowns: an equation in complex form, solved for the real and the imaginary part.

    Problem(
        domain=Interval(-5, 5, name="x") * Time(0, pi / 2),
        unknowns=Complex("h"),
        equation=lambda h: 1j * h.t + 0.5 * h.xx + abs(h) ** 2 * h,
        conditions=[Periodic("x"), Initial("h", lambda x: 2 / torch.cosh(x))],
    )

A problem with h is stated in two real unknowns h_re and h_im from the moment it is made: every function of h
is wrapped into one of h_re and h_im, and every complex value becomes two real ones.  All that examines and
solves problems sees real numbers; only a user's functions and answers see h.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..geometry import Domain
from .conditions.base import Condition
from .fields import Field, call_by_name, parameter_names
from .references import Reference
from .unknowns import Unknown, listed

if TYPE_CHECKING:
    from .problem import Problem

PROBES = 16  # points at which it is seen whether data are complex
SUFFIXES = ("_re", "_im")
Data = float | complex | Callable[..., Any]


@dataclass(frozen=True)
class Complex:
    """A complex unknown h, by whose name equations and conditions ask.

    The equation may use h.conj(), abs(h), h.real and h.imag; it returns complex numbers, of which the real
    and the imaginary part vanish.  Conditions take complex values, `predict` gives them.  The parts are
    unknowns of their own, h_re and h_im: pictures and error estimates name them.

    Args:
        name: Name of the unknown.
        of: The coordinates it depends on; None: all of them.
    """

    name: str
    of: str | Sequence[str] | None = None

    @property
    def parts(self) -> tuple[Unknown, Unknown]:
        """The real and the imaginary part."""
        re, im = (Unknown(self.name + suffix, of=self.of, part_of=self.name) for suffix in SUFFIXES)
        return re, im


class ComplexField(Field):
    """A complex unknown at N points; as a `Field`, with its conjugate and its parts."""

    __slots__ = ()

    @classmethod
    def of(cls, name: str, re: Field, im: Field) -> ComplexField:
        """The unknown of which two fields are the parts."""

        def channels(index: MultiIndex) -> Tensor:
            return torch.complex(re._channels(index), im._channels(index))

        return cls(name, re._names, channels)

    def _mapped(self, kind: type[Field], function: Callable[[Tensor], Tensor]) -> Any:
        channels = self._channels
        return kind(self._name, self._names, lambda index: function(channels(index)), self._index)

    def conj(self) -> ComplexField:
        """The complex conjugate."""
        found: ComplexField = self._mapped(ComplexField, torch.conj_physical)
        return found

    @property
    def real(self) -> Field:
        """The real part."""
        found: Field = self._mapped(Field, torch.real)
        return found

    @property
    def imag(self) -> Field:
        """The imaginary part."""
        found: Field = self._mapped(Field, torch.imag)
        return found


@dataclass(frozen=True)
class Parts:
    """The complex unknowns of a problem, with the names of their parts.

    Attributes:
        names: Real and imaginary part by complex unknown.
        domain: The domain.
    """

    names: Mapping[str, tuple[str, str]]
    domain: Domain

    @classmethod
    def of(cls, unknowns: Sequence[Unknown], domain: Domain) -> Parts:
        """The complex unknowns that some unknowns are parts of, in pairs."""
        found: dict[str, list[str]] = {}
        for unknown in unknowns:
            if unknown.part_of is not None:
                found.setdefault(unknown.part_of, []).append(unknown.name)
        return cls({name: (re, im) for name, (re, im) in found.items()}, domain)

    @property
    def words(self) -> list[str]:
        """Each complex unknown by its parts, in words."""
        return [f"{name} = {re} + 1j * {im}" for name, (re, im) in self.names.items()]

    def written(self, function: Callable[..., Any], split: bool = True) -> Callable[..., Any]:
        """Return a function of the parts in place of the complex unknowns that one asks for.

        Args:
            function: Written in complex unknowns, coordinates and coefficients.
            split: Whether each complex result becomes two real ones.
        """
        if not callable(function):
            return function  # refused elsewhere
        asked = parameter_names(function)
        real = [part for name in asked for part in self.names.get(name, (name,))]

        @wraps(function)
        def in_parts(**known: Any) -> Any:
            own = {name: ComplexField.of(name, *(known[p] for p in self.names[name]))
                   for name in asked if name in self.names}  # fmt: skip
            result = function(**{name: own[name] if name in own else known[name] for name in asked})
            return apart(result) if split else result

        keyword = inspect.Parameter.KEYWORD_ONLY
        signature = inspect.Signature([inspect.Parameter(name, keyword) for name in dict.fromkeys(real)])
        in_parts.__signature__ = signature  # type: ignore[attr-defined]  # by which arguments are matched
        in_parts.in_complex = function  # type: ignore[attr-defined]  # of which formulas are made
        return in_parts

    def given(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function in complex unknowns of which `written` has made this one; itself if it has not."""
        found: Callable[..., Any] = getattr(function, "in_complex", function)
        return found

    def asked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function as `written`, whose complex results stay; unchanged without complex unknowns."""
        return self.written(function, split=False) if self.names else function

    def chosen(self, function: Callable[..., Any], number: int) -> Callable[..., Any]:
        """A function of the parts, reduced to one of its results."""

        @wraps(function)
        def one(**known: Any) -> Any:
            return function(**known)[number]

        one.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return one

    def data(self, value: Data | None) -> tuple[Any, Any]:
        """The real and the imaginary part of prescribed values; that of real ones is the number 0."""
        if value is None:
            return None, None
        if not callable(value):
            number = complex(value)
            return number.real, number.imag
        function = value
        points = self.domain.interior(PROBES, Generator().manual_seed(7))
        columns = {name: points[:, i] for i, name in enumerate(self.domain.names)}
        if not {*parameter_names(function)} <= {*columns}:  # coefficients: real, as far as is known
            return function, 0.0
        found = call_by_name(function, columns, "a prescribed value")
        if not _is_complex(found):
            return function, 0.0
        return _part(function, torch.real), _part(function, torch.imag)

    def reference(self, given: Reference | Callable[..., Any] | None) -> Any:
        """A reference of the parts in place of one of the complex unknowns."""
        if isinstance(given, Reference):
            evaluate = given.evaluate
            return Reference(
                given.source, given.accuracy, lambda points: self._values(evaluate(points)), given.test_points
            )
        if not callable(given):
            return given
        function = given

        @wraps(function)
        def in_parts(**known: Any) -> dict[str, Any]:
            found = function(**known)
            return self._values(found if isinstance(found, Mapping) else {next(iter(self.names)): found})

        keyword = inspect.Parameter.KEYWORD_ONLY
        names = [inspect.Parameter(name, keyword) for name in parameter_names(function)]
        in_parts.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
        return in_parts

    def _values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        out = dict(values)
        for name, parts in self.names.items():
            if name in out:
                given = out.pop(name)
                array = given if isinstance(given, Tensor) else np.asarray(given)
                imaginary = array.imag if _is_complex(array) else 0.0 * array
                out |= dict(zip(parts, (array.real, imaginary), strict=True))
        return out

    def joined(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Complex values in place of those of the parts."""
        out = dict(values)
        for name, (re, im) in self.names.items():
            out[name] = torch.complex(out.pop(re), out.pop(im))
        return out


def in_real_parts(problem: Problem) -> dict[str, object]:
    """Attributes of a problem in complex unknowns, stated in their parts; none without such unknowns."""
    unknowns = listed(problem.unknowns)
    if not any(isinstance(u, Complex) for u in unknowns):
        return {}
    real = [p for u in unknowns for p in (u.parts if isinstance(u, Complex) else (u,))]
    parts = Parts.of([u for u in real if isinstance(u, Unknown)], problem.domain)
    derived = {f"|{name}|": _size_of(name) for name in parts.names} | dict(problem.derived)
    known = [(n, parts.data(f) if n in parts.names else (f,)) for n, f in problem.particular.items()]
    return {
        "unknowns": tuple(real),
        "equation": parts.written(problem.equation),
        "conditions": tuple(
            one
            for c in problem.conditions
            for one in (c.in_parts(parts) if isinstance(c, Condition) else (c,))
        ),
        "reference": parts.reference(problem.reference),
        "particular": {
            p: f
            for n, values in known
            for p, f in zip(parts.names.get(n, (n,)), values, strict=True)
            if callable(f)
        },
        "derived": {n: parts.written(f, split=False) for n, f in derived.items()},
        "scales": {p: v for n, v in problem.scales.items() for p in parts.names.get(n, (n,))},
    }


def _size_of(name: str) -> Callable[..., Any]:
    def size(**known: Any) -> Any:
        return abs(known[name])

    keyword = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
    size.__signature__ = inspect.Signature([keyword])  # type: ignore[attr-defined]
    return size


def apart(result: Any) -> Any:
    """Real rows in place of complex ones, in a tuple where there are several."""
    rows = result if isinstance(result, (tuple, list)) else (result,)
    out: list[Any] = []
    for row in rows:
        value = row.value if isinstance(row, Field) else row
        if isinstance(value, complex):
            value = torch.tensor(value, dtype=torch.complex128)
        out += [value.real, value.imag] if _is_complex(value) else [row]
    return tuple(out) if len(out) > 1 or isinstance(result, (tuple, list)) else out[0]


def _is_complex(value: Any) -> bool:
    return bool(np.iscomplexobj(value)) if not isinstance(value, Tensor) else value.is_complex()


def _part(function: Callable[..., Any], take: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """A part of complex data, of the same coordinates."""

    @wraps(function)
    def part(**known: Any) -> Tensor:
        found = function(**known)
        return take(torch.as_tensor(found) if isinstance(found, (Number, np.ndarray)) else found)

    keyword = inspect.Parameter.KEYWORD_ONLY
    names = [inspect.Parameter(name, keyword) for name in parameter_names(function)]
    part.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
    return part
