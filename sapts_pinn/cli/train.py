"""`sapts-pinn train`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..runs.status import Status
from ..training.budget import Budget
from . import runs
from .app import STARTED, Folder, Several, Switch, Whole, app

if TYPE_CHECKING:
    from ..callbacks.base import Callback
    from ..supervised.trained import Trained


@app.command
def train(
    data_set: str | None = None,
    /,
    *,
    method: str | None = None,
    budget: str | None = None,
    network: str | None = None,
    data: Path | None = None,
    seed: Whole | None = None,
    parts: Whole | None = None,
    option: Several | None = None,
    dtype: str | None = None,
    threads: Whole | None = None,
    out: Folder | None = None,
    overwrite: Switch = False,
    resume: Folder | None = None,
    json: Switch = False,
    quiet: Switch = False,
    debug: Switch = False,
) -> int:
    """Train a network on a data set, and write a run folder.

    Args:
        data_set: mnist, cifar10 or tinyshakespeare; not needed with --resume.
        method: Training method, see the methods of `train` in `sapts-pinn list`. [default: sapts-d]
        budget: "3min", "500 iterations", "20 evaluations" (epochs of gradients). [default: 3min]
        network: One of the data set's, see `sapts-pinn list`. [default: its first]
        data: Folder that holds the files of the data set, or shall hold them. [default: a cache, or the
            folder that the variable SAPTS_PINN_DATA names]
        seed: Fixes the whole run. [default: 0]
        parts: Parts of a SAPTS method, a multiple of the number of ranks. [default: the method's]
        option: Setting of the method, as name=value, such as lr=0.01 or batch=256; may be repeated.
        dtype: float32 or float64. [default: float32]
        threads: Threads to compute with. [default: one per core]
        out: Run folder. [default: runs/<data set>-<method>-seed<seed>]
        overwrite: Replace the run that the folder holds.
        resume: Run folder to continue, with its own settings.
        json: Print result.json on standard output and nothing else.
        quiet: Print nothing but errors.
        debug: Show the traceback of an error.
    """
    if budget is not None:
        Budget.parse(budget)  # answers before PyTorch is loaded
    options = _options(option or ())
    if data_set is None and resume is None:
        raise InputError("give a data set, mnist, cifar10 or tinyshakespeare, or --resume FOLDER")
    saved = {} if resume is None else runs.saved_settings(resume, "train")
    if saved and data_set not in (None, saved["task"]):
        raise InputError(f"{resume} holds a run on {saved['task']}, not {data_set}; drop {data_set}")
    given = {
        "task": data_set, "method": method, "budget": budget, "network": network, "data": data, "seed": seed,
        "dtype": dtype, "parts": parts,
    }  # fmt: skip
    settings: dict[str, Any] = {
        **{name: saved[name] for name in (*given, "options") if saved.get(name) is not None},
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
            runs.fit_ranks(settings, saved, ranks.size)
        settings["options"] = {**settings.get("options", {}), **options}
        name = f"{settings['task']}-{settings.get('method', 'sapts-d')}-seed{settings.get('seed', 0)}"
        folder = Path(ranks.gather_objects(str(out or resume or runs.fresh_folder(name)))[0])

        def run(callbacks: Sequence[Callback]) -> Trained:
            from ..supervised.train import train as train_

            try:
                return train_(
                    **settings,
                    callbacks=callbacks,
                    out=folder,
                    overwrite=overwrite,
                    resume=resume,
                    started=STARTED,
                    communicator=ranks,
                )
            except (TypeError, AttributeError) as error:  # of a word where a number belongs, or 1.5 for 2
                if not options:
                    raise
                raise InputError(
                    f"cannot use --option {' '.join(option or ())} ({error}); give values of another kind"
                ) from error

        trained = runs.watched(run, stop, folder, "train", quiet)
        stop.finish()
        ranks.close()
        status = Status.parse(trained.result["status"])
        if ranks.rank:
            return runs.exit_status(status)
        runs.draw(pictures(trained, folder))
    runs.tell(trained, status, folder, "train", json, quiet)
    return runs.exit_status(status)


def pictures(trained: Trained, folder: Path) -> list[runs.Step]:
    """What is drawn into a run folder."""
    from ..results.report import write_report

    return [
        ("a picture", lambda: trained.plot(folder)),
        ("report.html", lambda: write_report(folder, trained.result)),
    ]


def _options(texts: Iterable[str]) -> dict[str, Any]:
    """Settings of a method, written as name=value.

    Raises:
        InputError: One is written otherwise.
    """
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.isidentifier() and equals and value):
            raise InputError(f"cannot read the option {text!r}; write name=value, such as lr=0.01")
        options[name] = _value(value)
    return options


def _value(text: str) -> Any:
    """A number, a truth value or a word."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
