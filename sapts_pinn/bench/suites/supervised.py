"""Networks trained on data sets: our methods as they come, first-order ones with tuned learning rates.

The learning rate of every peer is swept with the first seed, and the best one repeated with the others.  It
is chosen by the test metric of these very runs, which favours the peers, and the sweep is not charged to
them.  The test metric is measured every `1 / MEASURED` of the budget, off the clock.  Results are written as
they come: an interrupted suite goes on where it was when the same command is given again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, chosen_names, chosen_seeds, chosen_threads
from ..harness.report import Row, Section, draw, entries, failed, folder_for, header, machine, publish, say
from ..harness.supervised_report import (
    draw_curves,
    figures,
    final_table,
    sensitivity_lines,
    sensitivity_table,
    sweep_table,
    tuned,
)

if TYPE_CHECKING:
    from ...callbacks.base import Callback, RunView
    from ...training.budget import Budget

OURS = (
    "tr", "sapts-d", "sapts-p", "sapts-ip", "thesis-sapts-d", "thesis-sapts-p", "thesis-sapts-ip",
)  # fmt: skip
RATES = {
    "sgd": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "adam": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "adamw": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}
BUDGETS = {"mnist": "3min", "cifar10": "10min", "tinyshakespeare": "10min"}
SEEDS = (0, 1, 2)
MEASURED = 20  # measurements of the test metric in a run

SENSITIVE = ("tr", "sapts-d", "sapts-p", "sapts-ip", "sgd", "adam")
STEPS = tuple(10.0**p for p in range(-6, 1))  # learning rates, and initial radii
SHORT = {"mnist": "1min", "cifar10": "2min", "tinyshakespeare": "2min"}  # budgets of the sensitivity study

KEPT = (
    "gradient_evaluations",
    "function_evaluations",
    "seconds",
    "iterations",
    "loss",
    "status",
)  # of result.json


def run(
    *,
    tasks: Names | None = None,
    methods: Names | None = None,
    budget: str | None = None,
    seeds: Wholes | None = None,
    data: Path | None = None,
    threads: Whole | None = None,
    constant: bool = False,
    sensitivity: bool = False,
    out: Path | None = None,
) -> None:
    """Our methods untuned, and SGD, Adam and AdamW with tuned learning rates, on data sets.

    Args:
        tasks: Separated by commas. [default: mnist,cifar10,tinyshakespeare]
        methods: Separated by commas. [default: tr, sapts-d, -p, -ip, thesis-sapts-d, -p, -ip, sgd, adam,
            adamw]
        budget: Of every run: "3min", "500 iterations", "20 evaluations" (epochs of gradients). [default: 3min
            for mnist, 10min for the others; with --sensitivity 1min and 2min]
        seeds: Separated by commas; learning rates are chosen with the first. [default: 0,1,2; with
            --sensitivity 0]
        data: Folder that holds the files of the data sets, or shall hold them. [default: a cache, or the
            folder that the variable SAPTS_PINN_DATA names]
        threads: Of every run. [default: one per core]
        constant: Constant learning rates instead of linear decay to zero.
        sensitivity: Instead: the final metric for learning rates, and initial radii, from 1e-6 to 1.
        out: Folder for the results, and for going on with them. [default: bench-results/supervised, or
            bench-results/supervised-sensitivity]
    """
    from ...supervised.tasks import find as find_task

    plan = _Plan.chosen(tasks, methods, budget, seeds, constant, sensitivity)
    facts = machine()
    threads = chosen_threads(threads, facts)
    for task in plan.tasks:  # fetched, and known to be whole, before anything is measured
        find_task(task).load(data)
    suite = "supervised-sensitivity" if sensitivity else "supervised"
    folder = folder_for(suite, out)
    fixed = {"threads": threads, "precision": "float32"}
    said = {
        **fixed, "budget": [f"{name} {text}" for name, text in plan.budgets.items()], "seeds": plan.seeds,
        "learning rates": "constant" if constant else "linear decay to zero",
    }  # fmt: skip
    journal = Journal(folder / "runs.jsonl", fixed)

    def measured(task: str, method: str, budget: str, seed: int, **options: float) -> Row:
        cell = {"task": task, "method": method, "budget": budget, "seed": seed, "options": options}
        try:
            return in_child(measure, **cell, threads=threads, data=None if data is None else str(data))
        except RuntimeError as error:  # the journal says what it was called with
            raise RuntimeError(str(error).rpartition(" failed: ")[2]) from error

    def published(rows: list[Row]) -> None:
        found = (_sensitivity if sensitivity else _comparison)(rows, plan, folder)
        notes = [*found.notes, *(f"note: {_name(r)}: {r['status']}" for r in rows if failed(r))]
        notes += dict.fromkeys(journal.notes)  # two lists of runs may say the same
        head = header(found.title, facts, said)
        settings = {**said, "budget": plan.budgets}
        publish(folder, suite, head, found.sections, notes, facts, settings, rows, **found.summary)

    if sensitivity:
        cells = plan.steps()
        plan.say_hours(cells)
        journal.complete(cells, measured, published)
    else:
        _compare(plan, journal, measured, published)


def _compare(
    plan: _Plan, journal: Journal, measured: Callable[..., Row], published: Callable[[list[Row]], None]
) -> None:
    """Sweep the learning rates with the first seed, then repeat the best ones with the others."""
    first = plan.sweep()
    plan.say_hours(first, repetitions=len(plan.seeds) - 1)
    swept: list[Row] = []
    try:
        journal.complete(first, measured, swept.extend)
    except KeyboardInterrupt:
        published(swept)
        raise
    again = plan.repetitions(_chosen(swept, plan.tasks, plan.methods, plan.seeds[0]))
    # What has failed is tried again the next time, not now.
    done = [one for one in first if any(one.items() <= row.items() for row in swept)]
    journal.complete([*done, *again], measured, published)


@dataclass(frozen=True)
class _Plan:
    """Choice of the runs.

    Attributes:
        tasks: Names of the data sets.
        methods: Names of the methods.
        seeds: Seeds; learning rates are chosen with the first.
        limits: Budget of a run, by task.
        constant: Constant learning rates of the peers.
    """

    tasks: list[str]
    methods: list[str]
    seeds: list[int]
    limits: dict[str, Budget]
    constant: bool

    @classmethod
    def chosen(
        cls,
        tasks: Sequence[str] | None,
        methods: Sequence[str] | None,
        budget: str | None,
        seeds: Sequence[int] | None,
        constant: bool,
        sensitivity: bool,
    ) -> _Plan:
        """The plan for options as they were given; None stands for the usual.

        Raises:
            InputError: A name, a seed or the budget is wrong.
        """
        from ...supervised.methods import find as find_method
        from ...supervised.tasks import find as find_task
        from ...training.budget import Budget

        tasks = chosen_names(tasks, BUDGETS)
        for name in tasks:
            find_task(name)
        methods = chosen_names(methods, SENSITIVE if sensitivity else (*OURS, *RATES))
        for name in methods:
            find_method(name)
        seeds = chosen_seeds(seeds, SEEDS[:1] if sensitivity else SEEDS)
        usual = SHORT if sensitivity else BUDGETS
        limits = {name: Budget.parse(usual[name] if budget is None else budget) for name in tasks}
        return cls(tasks, methods, seeds, limits, constant)

    @property
    def budgets(self) -> dict[str, str]:
        """Budget of a run, by task, as text."""
        return {name: str(limit) for name, limit in self.limits.items()}

    def cell(self, task: str, method: str, seed: int, **options: float) -> Row:
        """A run, with the options of its method."""
        schedule = {"decay": False} if self.constant and method in RATES else {}
        budget = self.budgets[task]
        return {"task": task, "method": method, "budget": budget, "seed": seed, **options, **schedule}

    def steps(self) -> list[Row]:
        """Runs with every learning rate or initial radius."""
        return [
            self.cell(task, method, seed, **{"lr" if method in RATES else "radius": step})
            for seed in self.seeds
            for task in self.tasks
            for step in STEPS
            for method in self.methods
        ]

    def sweep(self) -> list[Row]:
        """Runs with the first seed: of peers with every learning rate of their grid."""
        return [
            self.cell(task, method, self.seeds[0], **options)
            for task in self.tasks
            for method in self.methods
            for options in ([{"lr": rate} for rate in RATES[method]] if method in RATES else [{}])
        ]

    def repetitions(self, rates: Mapping[str, Mapping[str, float]]) -> list[Row]:
        """Runs with the other seeds: of peers with their best learning rate, by task and method."""
        return [
            self.cell(task, method, seed, **({"lr": rates[task][method]} if method in RATES else {}))
            for seed in self.seeds[1:]
            for task in self.tasks
            for method in self.methods
            if method not in RATES or method in rates[task]
        ]

    def say_hours(self, cells: Sequence[Row], repetitions: int = 0) -> None:
        """Say how long the cells take, and so many repetitions of every method on every task."""
        limits = [self.limits[cell["task"]] for cell in cells]
        limits += [self.limits[task] for task in self.tasks for _ in self.methods for _ in range(repetitions)]
        hours = sum(limit.seconds for limit in limits) / 3600
        if math.isfinite(hours):
            say(f"{hours:.2g} hours of training altogether")


def measure(
    task: str,
    method: str,
    budget: str,
    seed: int,
    options: dict[str, float],
    threads: int,
    data: str | None,
) -> Row:
    """In the child: one run."""
    import torch

    from ...supervised.train import train

    torch.set_num_threads(threads)
    curve: list[tuple[float, float, float]] = []
    found = train(task, method, budget, seed, data=data, options=options, callbacks=[_watch(curve)])
    return {"metric": curve[-1][2], "curve": curve, **entries(found.result, KEPT)}


def _watch(curve: list[tuple[float, float, float]]) -> Callback:
    """A callback that measures the test metric instead of the run itself, off its clock.

    Args:
        curve: Gets gradient evaluations, seconds and metric of the measurements, one of them at the start.
    """
    from ...callbacks.base import Callback

    class Watch(Callback):
        def on_start(self, trainer: RunView) -> None:
            self.metric = trainer.hand_over_measure()
            self.look(trainer)

        def on_step(self, trainer: RunView) -> None:
            if trainer.used * MEASURED >= self.next:
                self.look(trainer)

        def on_end(self, trainer: RunView) -> None:
            if trainer.iteration != self.iteration:
                self.look(trainer)

        def look(self, trainer: RunView) -> None:
            seconds, self.iteration = trainer.seconds, trainer.iteration
            self.next = int(trainer.used * MEASURED) + 1
            assert self.metric is not None
            curve.append((trainer.counters.gradients, seconds, self.metric(trainer.model)))
            trainer.discount(trainer.seconds - seconds)

    return Watch()


@dataclass(frozen=True)
class Findings:
    """Result of a suite: its title, tables, notes, and further entries of bench.json."""

    title: str
    sections: list[Section]
    notes: list[str]
    summary: dict[str, object]


def _comparison(rows: list[Row], plan: _Plan, folder: Path) -> Findings:
    tasks, methods = plan.tasks, plan.methods
    peers = [name for name in methods if name in RATES]
    sections = [final_table(rows, task, methods, plan.seeds, peers) for task in tasks]
    rates = _chosen(rows, tasks, peers, plan.seeds[0])
    sections += [sweep_table(rows, task, peers, plan.seeds[0]) for task in tasks if rates[task]]
    picture = folder / "metric-against-work-and-time.png"
    draw_curves(picture, rows, tasks, methods, peers)
    notes = []
    if peers:
        notes.append(
            f"note: the learning rates of {', '.join(peers)} were chosen by the test metric with seed "
            f"{plan.seeds[0]}, which favours them, and the sweep is not charged to them"
        )
    notes += [
        f"note: {task}: the best learning rate of {method}, {rate:g}, is at the end of its grid"
        for task, found in rates.items()
        for method, rate in found.items()
        if rate in (RATES[method][0], RATES[method][-1])
    ]
    title = "Test metric by our methods untuned, and by first-order methods with tuned learning rates"
    return Findings(title, sections, notes, {"learning_rates": rates, "picture": picture.name})


def _sensitivity(rows: list[Row], plan: _Plan, folder: Path) -> Findings:
    tasks, methods = plan.tasks, plan.methods
    sections = [sensitivity_table(rows, task, methods, STEPS) for task in tasks]
    picture = folder / "metric-against-step.png"
    axes = {"xscale": "log", "yscale": "log", "xlabel": "learning rate or initial radius"}
    draw(picture, sensitivity_lines(rows, tasks), ylabel="test metric at the end", **axes)
    found = {task: figures(rows, task, methods) for task in tasks}
    title = "Final test metric against the learning rate, and against the initial radius"
    return Findings(title, sections, [], {"figures": found, "picture": picture.name})


def _chosen(
    rows: Sequence[Row], tasks: Sequence[str], methods: Sequence[str], seed: int
) -> dict[str, dict[str, float]]:
    """The learning rates of the peers, by task and method."""
    found: dict[str, dict[str, float]] = {task: {} for task in tasks}
    for task in tasks:
        for method in methods:
            rate = tuned(rows, task, method, seed) if method in RATES else None
            if rate is not None:
                found[task][method] = rate
    return found


def _name(row: Row) -> str:
    kept = ("task", "method", "lr", "radius", "seed")
    return ", ".join(f"{name} {row[name]}" for name in kept if name in row)
