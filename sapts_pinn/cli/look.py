"""`sapts-pinn show`, `gallery` and `bench`: reports, pictures and measurements."""

from __future__ import annotations

import shlex
import webbrowser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ..errors import InputError
from ..runs.content import Config
from ..runs.manifest import read_config, refuse_foreign
from . import runs
from .app import DONE, Folder, Switch, Whole, app
from .messages import notes, say


@app.command
def show(
    *folders: Folder,
    problem: str | None = None,
    data: Path | None = None,
    out: Path | None = None,
    training: Path | None = None,
    open: Switch = False,
    debug: Switch = False,
) -> int:
    """Draw the pictures and the report of a run folder again, and print its summary; compare several.

    Args:
        folders: Run folder. Of several the figures are printed beside each other, and written into a page.
        problem: FILE.py or FILE.py:object of the run; needed where it is not one of `sapts-pinn list`.
        data: Folder of the data set, if it has moved since `train`.
        out: Page of a comparison. [default: comparison.html in the folder that holds them all]
        training: Folder for pictures of how a run of `solve` went: convergence, weights, sweeps, parts,
            points, and of a small network the spectrum of its Gauss-Newton matrix.
        open: Open the report, or the comparison, in the browser.
        debug: Show the traceback of an error.
    """
    if not folders:
        raise InputError("give a run folder, such as runs/burgers-tr-seed0, or several to compare them")
    if len(folders) > 1:
        if training is not None:
            raise InputError("--training draws how one run went; name one folder")
        page = _compared(folders, out)
    else:
        page = _shown(folders[0], problem, data, training)
    if open:
        webbrowser.open(page.absolute().as_uri())
    return DONE


def _compared(folders: Sequence[Path], out: Path | None) -> Path:
    """Print and write a comparison of runs."""
    from ..results.comparison import compare_folders
    from ..results.report import write_comparison

    found = compare_folders(folders)
    page = out or found.folder / "comparison.html"
    if page.suffix.lower() != ".html":
        raise InputError(
            f"cannot write the comparison as {page.name!r}: give --out a name that ends in .html"
        )
    write_comparison(found, page)
    print(f"{found}\ncomparison: {page}")
    return page


def _shown(folder: Path, problem: str | None, data: Path | None, training: Path | None) -> Path:
    """Draw a run again, and print its summary."""
    config = read_config(folder)
    refuse_foreign(folder)
    with notes(quiet=True):
        is_training = runs.kind_of(config) == "train"
        if is_training and training is not None:
            raise InputError(f"--training is for runs of `solve`, and {folder} is one of `train`")
        run = _trained(folder, data) if is_training else _solved(folder, config, problem, training)
    print(f"{run}\n  report             {folder / 'report.html'}")
    return folder / "report.html"


def _solved(folder: Path, config: Config, problem: str | None, training: Path | None) -> object:
    from ..results.solution import Solution
    from ..results.training_pictures import training_pictures
    from .solve import load_problem, pictures

    text = runs.named_problem(problem, config, f"sapts-pinn show {shlex.quote(str(folder))} --problem FILE")
    solution = Solution.load(folder, load_problem(text, config.get("symmetry") is False).problem)
    runs.draw(pictures(solution, folder))
    if training is not None:
        training.mkdir(parents=True, exist_ok=True)
        runs.draw(
            (title, partial(draw, training / f"{title.lower().replace(' ', '-')}.png"))
            for title, draw in training_pictures(folder, solution).items()
        )
    return solution


def _trained(folder: Path, data: Path | None) -> object:
    from ..supervised.trained import Trained
    from .train import pictures

    trained = Trained.load(folder, data)
    _ = trained.data  # or all pictures would fail one by one
    runs.draw(pictures(trained, folder))
    return trained


@app.command
def gallery(
    *,
    problems: str | None = None,
    budget: str = "10s",
    method: str = "auto",
    seed: Whole = 0,
    out: Path = Path("runs/gallery.png"),
    threads: Whole | None = None,
    debug: Switch = False,
) -> int:
    """Train every problem for seconds and draw them all on one contact sheet.

    Args:
        problems: Names of `sapts-pinn list`, separated by commas. [default: all]
        budget: Of each: "10s", "100 iterations", "1000 evaluations".
        method: Training method.
        seed: Of every run.
        out: The picture, a .png file; it is written again after every problem.
        threads: Of PyTorch. [default: one per core]
        debug: Show the traceback of an error.
    """
    from ..solving.gallery import gallery as draw

    runs.use_threads(threads, None)
    names = None if problems is None else [name.strip() for name in problems.split(",") if name.strip()]
    with notes(quiet=True):
        path = draw(
            out, names, budget=budget, method=method, seed=seed,
            told=lambda name, caption: say(f"{name}: {caption}"),
        )  # fmt: skip
    print(path)
    return DONE


@app.command(help_flags=[])
def bench(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Measure speed, memory and accuracy on this machine; `sapts-pinn bench --help` lists the suites.

    Args:
        arguments: SUITE and its options.
    """
    from ..bench import main as measure

    return measure(arguments)
