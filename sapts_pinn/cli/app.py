"""The program, its exit statuses, and the kinds of its arguments.  Nothing here loads PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, fields, make_dataclass
from operator import getitem
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter, Token

from .. import catalogue
from .._version import __version__
from ..errors import InputError
from ..training.settings import Arguments, Settings

Plain = bool | int | float | str | None
STARTED = time.monotonic()
DONE, FAILED, WRONG = 0, 1, 2


def _whole(type_: object, tokens: Sequence[Token]) -> int:
    """Cyclopts would round 1.5 to 2."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise InputError(f"{tokens[0].value!r} is not a whole number") from None


def _folder(type_: object, tokens: Sequence[Token]) -> Path:
    """An empty name would be the current folder."""
    if not tokens[0].value.strip():
        raise InputError("the name of the folder is empty")
    return Path(tokens[0].value)


def _option(text: str) -> Plain:
    """A value of a setting of a method: a number, a truth value or a word."""
    words: dict[str, Plain] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    kinds: tuple[Callable[[str], Plain], ...] = (int, float)
    for kind in kinds:
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def method_options(texts: Iterable[str]) -> Arguments:
    """Settings of a method, written as name=value.

    Raises:
        InputError: One is written otherwise.
    """
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals and value):
            raise InputError(f"cannot read the option {text!r}; write name=value, such as lr=0.01")
        options[name] = _option(value)
    return options


def _problems(context: object) -> dict[str, str]:
    """Names that a shell completes, with what they stand for."""
    return {name: row.summary for name, row in catalogue.PROBLEMS.items()}


def _everything(context: object) -> dict[str, str]:
    sets = {name: row.summary for name, row in catalogue.DATA_SETS.items()}
    return _problems(context) | catalogue.METHODS | sets


RUN, METHOD, NETWORK, POINTS, OUTPUT = (
    Group(title, sort_key=place)
    for place, title in enumerate(("Run", "Method", "Network", "Points and weights", "Machine and output"))
)
GROUPS = {  # of settings; others are of the run
    METHOD: ("method", "options", "parts"),
    NETWORK: ("network", "activation", "windows", "dtype"),
    POINTS: ("points", "condition_points", "sampler", "adaptive", "resample"),
    OUTPUT: ("device",),
}
Name = Annotated[str, Parameter(completer=_everything)]
ProblemName = Annotated[str | None, Parameter(completer=_problems)]
DataName = Annotated[str | None, Parameter(completer=lambda context: [*catalogue.DATA_SETS])]
OfRun, OfMethod, OfOutput = Parameter(group=RUN), Parameter(group=METHOD), Parameter(group=OUTPUT)
Folder = Annotated[Path, Parameter(converter=_folder, n_tokens=1)]
Whole = Annotated[int, Parameter(converter=_whole, n_tokens=1)]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]
Several = Annotated[list[str], Parameter(negative="")]

TYPES: dict[type, Any] = {int: Whole, list: Several}  # others are as they are


def options_of(settings: type[Settings], *others: str, methods: Iterable[str] = ()) -> type:
    """A record of the options of a command, one for each setting.

    Args:
        settings: The settings; `options` becomes `--option`, to be repeated.
        *others: Settings without an option of their own.
        methods: Names that a shell completes after `--method`.
    """
    known = list(methods)
    rows = []
    for item in fields(settings):
        if item.name not in others:
            name = "option" if item.name == "options" else item.name
            kind = TYPES.get(item.metadata["option"], item.metadata["option"])
            group = next((group for group, names in GROUPS.items() if item.name in names), RUN)
            named = (lambda context: known) if name == "method" else None
            about = Parameter(help=item.metadata["help"], group=group, completer=named)
            hint = getitem(Annotated, (kind | None, about))
            rows.append((name, hint, field(default=None)))
    name, inside = (
        f"{settings.__name__}Options",
        {"__module__": __name__},
    )  # Cyclopts opens only records of a module
    return Parameter(name="*")(make_dataclass(name, rows, frozen=True, namespace=inside))


def given_options(options: object | None) -> Arguments:
    """The settings that a command was given, those of the method as `options`.

    Args:
        options: Of a class that `options_of` made; None without any.
    """
    given = {name: value for name, value in vars(options).items() if value is not None} if options else {}
    if "option" in given:
        given["options"] = method_options(given.pop("option"))
    return given


app = App(
    name="sapts-pinn",
    version=__version__,
    help="Solve PDEs with physics-informed neural networks, by trust-region methods that need no settings.",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # Ctrl-C is ours to answer
)
app.register_install_completion_command(help="Let the shell complete commands, options and names.")
