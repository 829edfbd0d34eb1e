"""Functions whose parameters have names of our choice, by which a problem passes arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

T = TypeVar("T")


class _Signed(Protocol):
    """An object that says which parameters it has."""

    __signature__: inspect.Signature


def with_signature(function: Callable[..., T], signature: inspect.Signature) -> Callable[..., T]:
    """Give a new function of any keyword arguments a signature, and return it."""
    cast(_Signed, function).__signature__ = signature
    return function


def keyword_only(names: Sequence[str]) -> inspect.Signature:
    """Signature of keyword-only parameters."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([inspect.Parameter(name, kind) for name in names])


def with_parameters(names: Sequence[str], function: Callable[..., T]) -> Callable[..., T]:
    """A function of keyword arguments that passes them on to a function of positional ones, in this order."""

    def call(**given: object) -> T:
        return function(*(given[name] for name in names))

    return with_signature(call, keyword_only(names))
