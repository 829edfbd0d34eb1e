"""The gallery: every problem of the zoo, trained for seconds, on one contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InputError
from ..optim.methods import method as find_method
from ..problems.zoo import ZOO, build
from ..training.budget import Budget
from ..viz.tiles import check_sheet, describe, failed, tile, write_sheet
from .run import solve


def gallery(
    path: str | Path,
    problems: Sequence[str] | None = None,
    *,
    budget: str = "10s",
    method: str = "auto",
    seed: int = 0,
    told: Callable[[str, str], None] = lambda name, caption: None,
) -> Path:
    """Train problems and draw them all into one picture.

    The picture is written again after every problem, so that an interrupted gallery shows those that it has.
    A problem that fails gets a tile that says so.

    Args:
        path: A .png file.
        problems: Names of the zoo; by default all of them.
        budget: Of each: "10s", "100 iterations", "1000 evaluations".
        method: How they are trained.
        seed: Of every run.
        told: Called after each with its name and its caption.

    Returns:
        The path.

    Raises:
        InputError: An unknown problem or method, a budget that is none, or no .png file.
    """
    path, names = Path(path), list(dict.fromkeys(ZOO if problems is None else problems))
    check_sheet(path)
    Budget.parse(budget)
    find_method(method)
    for name in names:
        if name not in ZOO:
            build(name)  # says what is near
    if not names:
        raise InputError("a gallery needs at least one problem; leave out the names for all of them")
    path.parent.mkdir(parents=True, exist_ok=True)
    tiles = []
    for name in names:
        try:
            solution = solve(build(name), method=method, budget=budget, seed=seed)
            caption = f"{describe(solution.result)}, {solution.result['seconds']:.0f} s"
            tiles.append(tile(solution, caption, name))
        except Exception as error:  # whatever goes wrong with one, the others are drawn
            caption = f"{type(error).__name__}: {error}"
            tiles.append(failed(name, caption))
        told(name, caption)
        write_sheet(tiles, path)
    return path
