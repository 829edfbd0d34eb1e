"""Kinds of the options of a method, read from the annotations of what takes them.

An option that is written on the command line is a number, a truth value or a word.  Whether the parameter of
its name takes such a value is known before anything is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import NoneType
from typing import Any, get_args, get_type_hints, is_typeddict

Option = Any  # value of a keyword argument of an optimizer, which is checked where it is used
KINDS: dict[type, tuple[tuple[type, ...], str]] = {  # annotation: types of values, in words
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
    str: ((str,), "a word"),
    NoneType: ((NoneType,), "none"),
}


def hints(taker: Callable[..., object]) -> dict[str, object]:
    """Annotations of the parameters of a function or of a constructor, by name.

    Keywords that are collected by `**options: Unpack[Options]` are those of the `TypedDict`.
    """
    found: dict[str, object] = {}
    for name, parameter in signature(taker, eval_str=True).parameters.items():
        unpacked = [kind for kind in get_args(parameter.annotation) if is_typeddict(kind)]
        found |= get_type_hints(unpacked[0]) if unpacked else {name: parameter.annotation}
    return found


def misfit(name: str, value: object, taker: Callable[..., object]) -> str | None:
    """The kind that an option must be of, in words, if its value is of another.

    Args:
        name: The option; one that is not among the keywords is left to the call, which refuses it.
        value: A number, a truth value, a word or None.
        taker: The function or the record that takes the option.
    """
    hint = hints(taker).get(name)
    if hint is None:
        return None
    kinds = [KINDS[kind] for kind in get_args(hint) or (hint,) if kind in KINDS]
    if any(type(value) in types for types, _ in kinds):
        return None
    return " or ".join(words for _, words in kinds) or "an object of Python"
