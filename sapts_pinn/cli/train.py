"""`sapts-pinn train`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from .. import catalogue
from ..errors import InputError
from ..runs.content import Config
from ..training.settings import Arguments
from ..training.train_settings import TrainSettings
from . import runs
from .app import (
    STARTED,
    DataName,
    Folder,
    OfMethod,
    OfOutput,
    OfRun,
    Switch,
    Whole,
    app,
    given_options,
    options_of,
)

if TYPE_CHECKING:
    from ..callbacks.base import Callback
    from ..supervised.trained import Trained

    Options = object
else:
    Options = options_of(TrainSettings, "task", methods=catalogue.METHODS_ON_SAMPLES)

EXAMPLES = """\
Examples:
  sapts-pinn train mnist --budget 5min
  sapts-pinn train cifar10 --network resnet --method adam --option lr=0.001
"""


@app.command(help_epilogue=EXAMPLES)
def train(
    data_set: DataName = None,
    /,
    *,
    chosen: Options | None = None,
    data: Annotated[Path | None, OfRun] = None,
    out: Annotated[Folder | None, OfRun] = None,
    overwrite: Annotated[Switch, OfRun] = False,
    resume: Annotated[Folder | None, OfRun] = None,
    parts: Annotated[Whole | None, OfMethod] = None,
    threads: Annotated[Whole | None, OfOutput] = None,
    json: Annotated[Switch, OfOutput] = False,
    quiet: Annotated[Switch, OfOutput] = False,
    debug: Annotated[Switch, OfOutput] = False,
) -> int:
    """Train a network on a data set, and write a run folder.

    Args:
        data_set: mnist, cifar10 or tinyshakespeare; not needed with --resume.
        chosen: Settings of the run.
        data: Folder that holds the files of the data set, or shall hold them. [default: a cache, or the
            folder that the variable SAPTS_PINN_DATA names]
        parts: Parts of a SAPTS method, a multiple of the number of ranks. [default: the method's]
        threads: Threads to compute with. [default: one per core]
        out: Run folder. [default: runs/<data set>-<method>-seed<seed>]
        overwrite: Replace the run that the folder holds.
        resume: Run folder to continue, with its own settings.
        json: Print result.json on standard output and nothing else.
        quiet: Print nothing but errors.
        debug: Show the traceback of an error.
    """
    given = given_options(chosen)
    TrainSettings.merged(given)  # answers before PyTorch is loaded
    options = given.pop("options", {})
    if data_set is None and resume is None:
        raise InputError("give a data set, mnist, cifar10 or tinyshakespeare, or --resume FOLDER")
    saved = Config() if resume is None else runs.saved_settings(resume, "train")
    if saved and data_set not in (None, saved["task"]):
        raise InputError(f"{resume} holds a run on {saved['task']}, not {data_set}; drop {data_set}")
    given |= {"task": data_set, "data": data, "parts": parts}
    settings: Arguments = {
        **TrainSettings.arguments(saved),
        **{name: saved[name] for name in ("data", "parts") if saved.get(name) is not None},
        **{name: value for name, value in given.items() if value is not None},
    }
    with ExitStack() as stack:
        stop = runs.orderly(stack, aside=json or quiet, quiet=quiet)
        if quiet:
            import pooch

            pooch.get_logger().setLevel("WARNING")  # it tells what it downloads
        runs.use_threads(threads, saved.get("threads"))
        ranks = runs.connect_ranks("cpu", stack)
        if resume is not None:
            runs.fit_ranks(settings, ranks.size)
        settings["options"] = {**settings.get("options", {}), **options}
        name = f"{settings['task']}-{settings.get('method', 'sapts-d')}-seed{settings.get('seed', 0)}"
        folder = runs.agreed_folder(ranks, out or resume, name)

        def run(callbacks: Sequence[Callback]) -> Trained:
            from ..supervised.methods import find
            from ..supervised.train import train as train_

            runs.check_kinds(find(settings.get("method", "sapts-d")), options)
            return train_(
                **settings, callbacks=callbacks, out=folder, overwrite=overwrite, resume=resume,
                started=STARTED, communicator=ranks,
            )  # fmt: skip

        trained = runs.watched(run, stop, folder, "train", quiet)
        runs.close(stop, ranks, lambda: pictures(trained, folder))
    if not ranks.rank:
        runs.tell(trained, folder, "train", json, quiet)
    return runs.exit_status(trained)


def pictures(trained: Trained, folder: Path) -> list[runs.Step]:
    """Pictures and report of a run folder, with the functions that make them."""
    from ..results.report import write_report

    return [
        ("a picture", lambda: trained.plot(folder)),
        ("report.html", lambda: write_report(folder, trained.result)),
    ]
