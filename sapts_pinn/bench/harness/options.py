"""Options that several suites have: their types, defaults and checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token

from ...errors import InputError

if TYPE_CHECKING:
    from ...solving.sources import Source
    from .report import Facts


def _words(type_: object, tokens: Sequence[Token]) -> list[str]:
    return [word for token in tokens for word in token.value.split(",") if word]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{text!r} is not a whole number") from None


Names = Annotated[list[str], Parameter(converter=_words, n_tokens=1, negative="")]
Whole = Annotated[int, Parameter(converter=lambda type_, tokens: _integer(tokens[0].value), n_tokens=1)]
Wholes = Annotated[
    list[int],
    Parameter(
        converter=lambda type_, tokens: [_integer(w) for w in _words(type_, tokens)], n_tokens=1, negative=""
    ),
]


def at_least(least: float, **options: float | Sequence[float]) -> None:
    """Check numbers a user gave.

    Raises:
        InputError: One is too small, or a list is empty.
    """
    for name, value in options.items():
        values = value if isinstance(value, Sequence) else [value]
        option = f"--{name.replace('_', '-')}"
        if not values:
            raise InputError(f"{option} is empty; give at least one number")
        for number in values:
            if not number >= least:
                raise InputError(f"{option} must be at least {least}, not {number}")


def chosen_names(given: Sequence[str] | None, usual: Iterable[str]) -> list[str]:
    """Names that were given, or else the usual ones, each once."""
    return list(dict.fromkeys(given or usual))


def chosen_seeds(given: Sequence[int] | None, usual: Iterable[int]) -> list[int]:
    """Seeds that were given, or else the usual ones, each once.

    Raises:
        InputError: One is negative, or none was given.
    """
    seeds = list(dict.fromkeys(usual if given is None else given))
    at_least(0, seeds=seeds)
    return seeds


def chosen_threads(given: int | None, facts: Facts) -> int:
    """Number of threads that was given, or else that of the machine.

    Args:
        given: Value of the option.
        facts: Description of the machine.

    Raises:
        InputError: It is not positive.
    """
    threads = facts["threads"] if given is None else given
    at_least(1, threads=threads)
    return threads


def check_precision(precision: str) -> None:
    """Check the name of a floating-point format.

    Raises:
        InputError: It is not float32 or float64.
    """
    if precision not in ("float32", "float64"):
        raise InputError(f"--precision must be float32 or float64, not {precision!r}")


def with_reference(text: str) -> Source:
    """A problem whose error can be measured.

    Raises:
        InputError: It has no reference solution, or cannot be loaded.
    """
    from ...solving.sources import load_source

    source = load_source(text)
    if source.problem.reference is None:
        raise InputError(f"the error of {source.short} cannot be measured: it has no reference solution")
    return source
