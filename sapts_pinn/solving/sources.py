"""Source of a command's problem: a name of the zoo, or an object in the user's file.

A source is written NAME, FILE.py or FILE.py:object; `Source.text` writes it so that a later command in
another folder finds the same problem.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from ..errors import InputError
from ..problems import Problem

MODULE = "sapts_pinn_user_problem"  # name of the user's file as a module


@dataclass(frozen=True)
class Source:
    """A problem with its source.

    Attributes:
        problem: The problem.
        text: Name in the zoo, or absolute path and object of the file.
        short: A name for a folder.
    """

    problem: Problem
    text: str
    short: str


def load_source(text: str) -> Source:
    """The problem that a NAME, FILE.py or FILE.py:object stands for.

    Raises:
        InputError: There is none, or its file is wrong; one sentence that says what to do.
    """
    found = re.fullmatch(r"(?P<file>.*\.py)(?::(?P<name>.*))?", text, flags=re.DOTALL)
    if found is None:
        from ..problems.zoo import build

        problem = build(text)
        return Source(problem, text, text)
    path = Path(found["file"]).expanduser().absolute()
    name, problem = _pick(_run(path), found["name"], path)
    # "problem" is what a problem is called that was given no name.
    return Source(problem, f"{path}:{name}", path.stem if problem.name == "problem" else problem.name)


def _run(path: Path) -> ModuleType:
    """Import a file; what it prints goes to standard error, so that standard output stays ours."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a Python file")
    if not path.is_file():
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "check the path"
        raise InputError(f"there is no file {path}; {hint}")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles of the file look themselves up
    try:
        with redirect_stdout(sys.stderr), _beside(path):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        raise InputError(f"{error.filename or path}{where}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise InputError(f"{path}{where}: {kind}{error}") from error
    return module


def raised_by_user(error: BaseException) -> bool:
    """Return whether an exception passed through a function of the user's file, or of a module beside it."""
    file = getattr(sys.modules.get(MODULE), "__file__", None)
    if file is None:
        return False
    folder = Path(file).parent
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name, code = str(frame.f_globals.get("__name__")), Path(frame.f_code.co_filename)
        if name == MODULE:
            return True
        ours = name.partition(".")[0] == __name__.partition(".")[0]
        if folder in code.parents and not ours and "site-packages" not in code.parts:
            return True
    return False


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let a file import the modules in its folder, as a script can."""
    sys.path.insert(0, str(path.parent))
    try:
        yield
    finally:
        if str(path.parent) in sys.path:
            sys.path.remove(str(path.parent))


def _pick(module: ModuleType, name: str | None, path: Path) -> tuple[str, Problem]:
    """The object of that name, or the only problem there is."""
    problems: dict[str, Problem] = {}
    for key, value in vars(module).items():
        if isinstance(value, Problem) and not any(value is known for known in problems.values()):
            problems[key] = value
    choices = ", ".join(f"{path.name}:{key}" for key in problems)
    if name:
        named: object = vars(module).get(name)
        if isinstance(named, Problem):
            return name, named
        hint = f"choose one of {choices}" if problems else "write name = Problem(...) in it"
        if name not in vars(module):
            raise InputError(f"{path} has no object {name!r}; {hint}")
        raise InputError(f"{name!r} in {path} is no Problem, its type is {type(named).__name__}; {hint}")
    if not problems:
        raise InputError(f"{path} holds no Problem; write name = Problem(...) in it")
    if len(problems) > 1:
        raise InputError(f"{path} holds {len(problems)} problems; choose one of {choices}")
    return next(iter(problems.items()))
