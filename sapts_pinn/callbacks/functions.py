"""Plain functions as callbacks: `solve(..., callbacks=[f])` calls f(run) after every step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

from ..errors import InputError
from .base import Callback, RunView

AfterStep = Callable[[RunView], object]
Given = Callback | AfterStep


class EachStep(Callback):
    """Calls a function with the run after every step.

    What the function returns is ignored, as Keras does; `run.stop("why")` ends the run.

    Args:
        function: Function of one argument, the run.
    """

    def __init__(self, function: AfterStep) -> None:
        self.function = function

    def on_step(self, trainer: RunView) -> None:
        """Call the function."""
        self.function(trainer)


def as_callbacks(given: object) -> tuple[Callback, ...]:
    """Read the callbacks of a run: objects and functions, a list of them or one by itself.

    Raises:
        InputError: One is neither a `Callback` nor a function of the run.
    """
    return tuple(_as_callback(one) for one in (given if isinstance(given, Iterable) else (given,)))


def _as_callback(given: object) -> Callback:
    if isinstance(given, Callback):
        return given
    if isinstance(given, type):
        raise InputError(f"callbacks: {given.__name__} is a class; give an object of it, {given.__name__}()")
    if not callable(given):
        raise InputError(
            f"callbacks must be a list of Callback objects or of functions of the run, and {given!r} is none"
        )
    try:
        inspect.signature(given).bind(None)
    except TypeError:
        raise InputError(
            f"callbacks: {given!r} cannot be called with the run alone; a function of one argument is "
            "called after every step, such as lambda run: print(run.iteration, run.loss)"
        ) from None
    except ValueError:  # a built-in without a signature, such as print
        pass
    return EachStep(given)
