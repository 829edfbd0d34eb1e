"""Formula of a user's function: it is called once with symbols, which note what is done with them.

What symbols do not know, such as a table or a branch, has no formula.  Nor has a formula that could not be
read.  Every formula is evaluated beside its function on random numbers, so that none is given out that says
something else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ...derivatives.multi_index import MultiIndex
from ..complex_unknowns import ComplexField, Parts
from ..elsewhere.companions import Placed, Places
from ..expressions import Followed, following
from ..fields import Field, call_by_name, parameter_names, parse_derivative, spell
from . import trees
from .symbols import FUNCTIONS, Symbol, call, node_of, size_of

CLOSE = 1e-9  # relative difference of a formula and its function by rounding


@dataclass(frozen=True)
class Words:
    """Names that a function may ask for.

    Attributes:
        points: Columns [N] of the coordinates by name, at which formulas are tried.
        unknowns: The unknown functions, those that the problem is solved for.
        numbers: Coefficients, materials, integrals and components of a normal.
        parts: Complex unknowns, in which the function may have been written.
    """

    points: Mapping[str, Tensor]
    unknowns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    parts: Parts | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return tuple(self.points)


@dataclass
class Formal(Followed):
    """Derivatives of expressions of symbols, which are noted as they stand: (k*u.x).x.

    Attributes:
        unknowns: Names of the unknown functions.
    """

    unknowns: tuple[str, ...] = ()

    def derivative(self, expression: object, index: MultiIndex) -> Any:
        """The derivative by coordinates, one order for each entry."""
        return Symbol(trees.slope(node_of(expression), index, self.names, self.unknowns), size_of(expression))

    def over(self, expression: Any, radius: str, slope: object = None) -> Any:
        """The quotient by a radius, which stands for its limit at the centre."""
        return expression / self.coordinates[self.names.index(radius)]


def formulas(function: Callable[..., object], words: Words) -> list[str] | None:
    """Formulas of what a user's function returns, in the syntax of Python.

    Args:
        function: Of unknowns, coordinates and numbers, matched by parameter name.
        words: The names that it may ask for.

    Returns:
        One formula for each expression, with derivatives as attributes (`u.xx`); None where there is none.
    """
    try:
        rows = _called(function, words)
        texts = [ast.unparse(node_of(row)) for row in rows]
        return texts if _agree(function, texts, words) else None
    except Exception:  # of the user's function, to which a symbol is no tensor
        return None


def _called(function: Callable[..., object], words: Words) -> Sequence[object]:
    """Results of the function with symbols as its arguments."""
    names, complex_names = words.names, tuple[str, ...]()
    if words.parts is not None and words.parts.names:
        function, complex_names = words.parts.given(function), tuple(words.parts.names)

    def symbols(name: str) -> Callable[[MultiIndex], Tensor]:
        base = ast.Name(name)
        made = lambda index: Symbol(ast.Attribute(base, spell(index, names)) if index else base)
        return cast("Callable[[MultiIndex], Tensor]", made)

    def elsewhere(of: Field, places: Places) -> Field:
        there = lambda index: call(ast.Attribute(node_of(of._of(index)), "at"), (), **places)
        return Field(of._name, names, cast("Callable[[MultiIndex], Tensor]", there), of._index)

    known: dict[str, object] = {name: Symbol(ast.Name(name)) for name in (*names, *words.numbers)}
    known |= {name: Placed(Field(name, names, symbols(name)), (), elsewhere) for name in words.unknowns}
    known |= {name: ComplexField(name, names, symbols(name)) for name in complex_names}
    coordinates = cast("tuple[Tensor, ...]", tuple(known[name] for name in names))
    functions = (*words.unknowns, *complex_names)
    with following(Formal(names, coordinates, parse_derivative, unknowns=functions)):
        return _rows(function(**{name: known[name] for name in parameter_names(function)}))


def _agree(function: Callable[..., object], texts: Sequence[str], words: Words) -> bool:
    """Test whether formulas have the values of their function, on random numbers."""
    count, names = len(next(iter(words.points.values()))), words.names
    generator = torch.Generator().manual_seed(7)
    drawn: dict[tuple[str, MultiIndex], Tensor] = {}

    def channels(name: str) -> Callable[[MultiIndex], Tensor]:
        def value(index: MultiIndex) -> Tensor:
            if (name, index) not in drawn:
                drawn[name, index] = torch.rand(count, generator=generator, dtype=torch.float64) + 0.5
            return drawn[name, index]

        return value

    def elsewhere(of: Field, places: Places) -> Field:
        columns = [torch.as_tensor(place) * (2 + names.index(name)) for name, place in places.items()]
        return Field(of._name, names, lambda index: torch.sin(of.channel(index) + sum(columns)), of._index)

    fields = {name: Field(name, names, channels(name)) for name in words.unknowns}
    known: dict[str, object] = {name: Placed(one, (), elsewhere) for name, one in fields.items()}
    known |= {name: torch.tensor(0.7 + 0.1 * i, dtype=torch.float64) for i, name in enumerate(words.numbers)}
    known |= {**words.points}
    theirs = _rows(call_by_name(function, known, "the function"))
    ours = _rows(call_by_name(_evaluated(texts, words, tuple(known)), known, "the formula"))
    return len(ours) == len(theirs) and all(_same(*pair, count) for pair in zip(ours, theirs, strict=True))


def _evaluated(texts: Sequence[str], words: Words, names: Sequence[str]) -> Callable[..., object]:
    """The function that formulas stand for, of the same arguments as the user's."""
    split = words.parts is not None and words.parts.names
    asked = (*names, *(words.parts.names if words.parts is not None else ()))
    used = {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    language = {**{name: function for name, (function, _) in FUNCTIONS.items()}, "where": torch.where}
    parameters = ", ".join(name for name in asked if name in used)
    made: Callable[..., object] = eval(
        f"lambda {parameters}: ({', '.join(texts)},)", {"__builtins__": {}, **language}
    )
    return words.parts.written(made) if words.parts is not None and split else made


def _rows(result: object) -> Sequence[object]:
    return result if isinstance(result, (tuple, list)) else (result,)


def _same(ours: object, theirs: object, count: int) -> bool:
    a, b = (
        torch.as_tensor(one.value if isinstance(one, Field) else one).to(torch.complex128).expand(count)
        for one in (ours, theirs)
    )
    return bool(torch.allclose(a, b, rtol=CLOSE, atol=CLOSE * float(b.abs().max())))
