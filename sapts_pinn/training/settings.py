"""Settings as frozen records: one field for the argument, the entry of config.json, and the command's option.

A subclass of `Settings` declares each setting once, by `setting(...)`: its default, what reads and checks its
value, the help of its option on the command line, and what a resumed run does with it.  Nothing here loads
PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Self, cast

from ..errors import InputError
from ..runs.content import Config
from .budget import Budget

DTYPES = ("float64", "float32")
Arguments = dict[str, Any]  # of `solve` or `train`, by name; a record of settings checks them
Reader = Callable[[str, Any], object]  # from the name of a setting and a value given to the value used


def setting(
    default: object, read: Reader, help: str, option: type = str, kept: bool = False, drawn: bool = False
) -> Any:
    """Declare a setting.

    Args:
        default: Its value where none is given.
        read: Checks and converts a value.
        help: What the command line says of its option.
        option: Type of the option on the command line; a list for one that may be repeated.
        kept: Whether a resumed run takes it from the checkpoint unless another value is given.
        drawn: Whether another value in a resumed run means that the points are drawn anew; kept as well.
    """
    about = {"read": read, "help": help, "option": option, "kept": kept or drawn, "drawn": drawn}
    return field(default_factory=lambda: default, metadata=about)


@dataclass(frozen=True)
class Settings:
    """The settings of a run, checked.

    Raises:
        InputError: A value is wrong; one sentence with the value and the fix.
    """

    def __post_init__(self) -> None:
        """Read every setting."""
        for item in fields(self):
            value = item.metadata["read"](item.name, getattr(self, item.name))
            object.__setattr__(self, item.name, value)

    @classmethod
    def names(cls, about: str | None = None) -> tuple[str, ...]:
        """Names of the settings: of all, or of those that are "kept" or "drawn" in a resumed run."""
        return tuple(item.name for item in fields(cls) if about is None or item.metadata[about])

    @classmethod
    def given(cls, arguments: Mapping[str, object]) -> Arguments:
        """The settings among some arguments; None stands for a value that is not given."""
        return {name: arguments[name] for name in cls.names() if arguments.get(name) is not None}

    @classmethod
    def merged(cls, *layers: Mapping[str, object]) -> Self:
        """Settings from layers of arguments, of which later ones win."""
        values: Arguments = {}
        for layer in layers:
            values |= cls.given(layer)
        return cls(**values)

    @classmethod
    def arguments(cls, config: Config) -> Arguments:
        """Arguments that repeat the run of a config.json, as far as they can be written there."""
        return cls.given(config)

    def as_json(self, about: str | None = None) -> Config:
        """Entries of config.json: all, or those that are "kept" or "drawn" in a resumed run."""
        return cast("Config", {name: _plain(getattr(self, name)) for name in self.names(about)})


def _plain(value: object) -> object:
    """A setting as JSON: numbers, words and options as they are, sequences as lists, others as printed."""
    if isinstance(value, (str, int, float, dict)) or value is None:
        return value
    if isinstance(value, Budget):
        return str(value)
    return list(value) if isinstance(value, (tuple, list)) else repr(value)


# -- readers ---------------------------------------------------------------------------------------------


def word(name: str, value: object) -> str:
    """Read a name."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be a name, not {value!r}")
    return value


def whole(name: str, value: object) -> int:
    """Read a whole number."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    return int(value)


def real(name: str, value: object) -> float:
    """Read a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {value!r}")
    return float(value)


def steps(name: str, value: object) -> int | None:
    """Read a number of steps, 0 for never, or None."""
    if value is None:
        return None
    count = whole(name, value)
    if count < 0:
        raise InputError(f"{name} must not be negative, and is {count}; give 0 for never")
    return count


def positive(name: str, value: object) -> float | None:
    """Read a positive number, or None."""
    if value is None:
        return None
    number = real(name, value)
    if not number > 0:
        raise InputError(f"{name} must be positive, not {number:g}")
    return number


def seed(name: str, value: object) -> int:
    """Read a seed of a generator of random numbers."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{name} must be a non-negative integer, not {value!r}")
    if value >= 2**64:
        raise InputError(f"{name} must be below 2**64, and is {value}")
    return value


def dtype(name: str, value: object) -> str:
    """Read a precision: its name, or the type of that name in PyTorch or NumPy."""
    words = str(value)
    for known in DTYPES:
        if words in (known, f"torch.{known}", f"<class 'numpy.{known}'>"):
            return known
    raise InputError(f"{name} must be {' or '.join(DTYPES)}, not {value!r}")


def budget(name: str, value: str | float | Budget) -> Budget:
    """Read a budget."""
    return Budget.parse(value)


def options(name: str, value: object) -> dict[str, object]:
    """Read keyword arguments of a method; the record has a copy."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InputError(f'{name} must be a dict such as {{"radius": 0.1}}, not {value!r}')
    return dict(value)
