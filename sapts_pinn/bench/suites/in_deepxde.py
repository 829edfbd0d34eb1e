"""Our methods and DeepXDE's own on models as its examples write them, at equal time.

Every run is a process of its own, one after the other. The time is that of `compile` and `train`; the error
is measured twenty times on the way, which is taken off. Results are written as they come: an interrupted
suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, at_least, check_precision, chosen_names, chosen_seeds
from ..harness.report import (
    Line,
    Row,
    Section,
    draw,
    folder_for,
    geometric_spread,
    header,
    machine,
    number,
    publish,
)

if TYPE_CHECKING:
    import deepxde as dde

    from ..harness.deepxde_models import Case

PROBLEMS = (
    "burgers",
    "poisson-lshape",
    "allen-cahn",
    "helmholtz",
    "lorenz-inverse",
    "navier-stokes-inverse",
)
OURS = ("sapts-d", "tr")
PEERS = {"adam": "adam", "lbfgs": "L-BFGS", "nncg": "NNCG"}
SEEDS = (0, 1, 2)
MEASURED = 20


def run(
    *,
    problems: Names | None = None,
    methods: Names | None = None,
    seconds: Whole = 120,
    seeds: Wholes | None = None,
    precision: str = "float64",
    threads: Whole = 1,
    out: Path | None = None,
) -> None:
    """DeepXDE models trained by our methods and by its own.

    Args:
        problems: Separated by commas, of burgers, poisson-lshape, allen-cahn, helmholtz, lorenz-inverse,
            navier-stokes-inverse.
        methods: Separated by commas: adam, lbfgs, nncg (DeepXDE's), or of `sapts-pinn list`.
        seconds: Of every run.
        seeds: Separated by commas.
        precision: float64 or float32.
        threads: Of every run.
        out: Folder for the results, and for going on with them. [default: bench-results/deepxde]
    """
    from ...optim.methods import method as find

    problems = chosen_names(problems, PROBLEMS)
    methods = chosen_names(methods, (*OURS, *PEERS))
    seeds = chosen_seeds(seeds, SEEDS)
    at_least(1, seconds=seconds, threads=threads)
    for name in problems:
        if name not in PROBLEMS:
            raise InputError(f"there is no problem {name!r} here; choose of {', '.join(PROBLEMS)}")
    for name in methods:
        if name not in PEERS:
            find(name)
    check_precision(precision)
    facts = machine()
    folder = folder_for("deepxde", out)
    fixed = {"seconds": seconds, "threads": threads, "precision": precision}
    journal = Journal(folder / "runs.jsonl", fixed)
    # Seeds outermost, so that an interrupted suite compares everything.
    cells = [
        {"problem": problem, "method": method, "seed": seed}
        for seed in seeds
        for problem in problems
        for method in methods
    ]

    def measured(**cell: object) -> Row:
        return in_child(measure, **cell, **fixed)

    def published(rows: list[Row]) -> None:
        title = "DeepXDE models by our methods and by DeepXDE's own, at equal time"
        picture = folder / "error-against-time.png"
        draw(picture, _curves(rows), xlabel="seconds", ylabel="relative error", yscale="log")
        failed = [row for row in rows if row["status"] != "done"]
        notes = ["note: {problem}, {method}, seed {seed}: {status}".format(**row) for row in failed]
        publish(
            folder,
            "deepxde",
            header(title, facts, {**fixed, "seeds": seeds}),
            [_table(rows, "error", problems, methods), _table(rows, "loss", problems, methods)],
            [*notes, *journal.notes],
            facts,
            {**fixed, "seeds": seeds},
            rows,
            picture=picture.name,
        )

    journal.complete(cells, measured, published)


def measure(problem: str, method: str, seed: int, seconds: int, threads: int, precision: str) -> Row:
    """In the child: one run; the final error, loss and iterations, and the errors on the way."""
    import deepxde as dde
    import torch

    import sapts_pinn.deepxde  # noqa: F401

    from ..harness.deepxde_models import CASES

    torch.set_num_threads(threads)
    dde.config.set_default_float(precision)
    dde.config.set_random_seed(seed)
    case = CASES[problem]()
    model = case.model
    options = {"external_trainable_variables": case.variables} if case.variables else {}
    if method == "lbfgs":
        # Its callbacks are called after so many of its iterations.
        dde.optimizers.config.LBFGS_options.update(
            iter_per_step=25, fun_per_step=32, maxiter=10**9, ftol=0.0, gtol=0.0
        )
    status = "done"
    clock = _clock(case, seconds)
    try:
        model.compile(PEERS.get(method, method), lr=1e-3 if method == "adam" else None, verbose=0, **options)
        model.train(iterations=10**9, display_every=10**9, verbose=0, callbacks=[clock])
    except Exception as error:  # a peer that does not do this: its row says why
        status = f"{type(error).__name__}: {error}".partition("\n")[0]
    clock.measure()
    return {
        "status": status,
        "error": clock.errors[-1][1],
        "best": min(error for _, error in clock.errors),
        "loss": _loss(model) if status == "done" else None,
        "steps": int(model.train_state.step),
        "errors": clock.errors,
    }


def _loss(model: dde.Model) -> float:
    """Loss at the points; DeepXDE records none when a callback ends training."""
    data = model.data
    terms = model.outputs_losses_train(data.train_x, data.train_y, data.train_aux_vars)[1]
    return float(terms.detach().sum())


def _clock(case: Case, seconds: float) -> dde.callbacks.Callback:
    """A callback that ends training in time, and measures the error on the way."""
    import deepxde as dde

    class Clock(dde.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.errors: list[tuple[float, float]] = []
            self.began, self.lost = time.perf_counter(), 0.0

        def on_epoch_end(self) -> None:
            spent = time.perf_counter() - self.began - self.lost
            if spent >= seconds * (len(self.errors) + 1) / MEASURED:
                self.measure()
            if spent >= seconds:
                self.model.stop_training = True

        def measure(self) -> None:
            at = time.perf_counter()
            self.errors.append((at - self.began - self.lost, case.error()))
            self.lost += time.perf_counter() - at

    return Clock()


def _table(rows: list[Row], what: str, problems: list[str], methods: list[str]) -> Section:
    def found(problem: str, method: str) -> list[float]:
        return [
            number(row[what])
            for row in rows
            if (row["problem"], row["method"], row["status"]) == (problem, method, "done")
        ]

    body = [[problem, *(geometric_spread(found(problem, m)) for m in methods)] for problem in problems]
    return f"{what.capitalize()} at the end: geometric mean [smallest, largest]", ["problem", *methods], body


def _curves(rows: list[Row]) -> dict[str, list[Line]]:
    panels: dict[str, list[Line]] = {}
    for row in rows:
        seconds, errors = zip(*row["errors"], strict=True)
        panels.setdefault(row["problem"], []).append((row["method"], seconds, errors, "-"))
    return panels
