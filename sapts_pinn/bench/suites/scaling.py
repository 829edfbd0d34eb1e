"""Ranks: SAPTS over the data against the same trust region, synchronously data-parallel.

Under several ranks `tr` forms value and gradient of every evaluation in one collective, while the ranks of
`sapts-d` take local steps between two.  What that is worth depends on the network; in its stead a delay is
added to every collective and message of processes on one machine, each with one thread.

The error is measured by rank 0 every `EVERY` seconds, while the others wait; that time is taken off.  Time,
synchronisations and bytes are those of the first measurement at or below the target, so they are known to
`EVERY` seconds and one step.

**Cost model.**  For a step of a method on p ranks, with c collectives and messages in it and b bytes sent,

    T = q (replicated + divided / p) + (latency + delay) c + b / bandwidth,   q = max(1, p / cores):

the divided work is that on points, the replicated work what every rank repeats, such as the algebra of the
curvature.  Latency and bandwidth are those of this machine, from a line through the times of collectives of
several sizes, which the ranks probe after a run; from the steps alone bandwidth and divided work cannot be
told apart.  The two kinds of work, of each method, then follow from the steps.  Both fits are non-negative
least squares of the relative error.  For more ranks the bytes follow from the sizes of the messages: up to 8
ranks everybody sends everything to all, and beyond sums go round a ring.
"""

from __future__ import annotations

import math
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..harness.child import Child
from ..harness.report import (
    Journal,
    Line,
    Row,
    Section,
    Whole,
    Wholes,
    at_least,
    draw,
    folder_for,
    geometric,
    geometric_spread,
    header,
    machine,
    publish,
    with_reference,
)
from .ablation import watch

if TYPE_CHECKING:
    from ...parallel.communicator import Communicator

METHODS = ("tr", "sapts-d")
PROBES = 20  # collectives of each size
EVERY = 0.5  # seconds between two measurements of the error
PREDICTED = tuple(2**i for i in range(3, 11))  # ranks
STAND_IN = "a stand-in for a network"


def run(
    *,
    problem: str = "burgers",
    target: float = 1e-4,
    budget: str = "5min",
    ranks: Wholes | None = None,
    delays: Wholes | None = None,
    seeds: Wholes | None = None,
    parts_per_rank: Whole | None = None,
    points: Whole | None = None,
    network: Wholes | None = None,
    out: Path | None = None,
) -> None:
    """Time, synchronisations and bytes to an error: sapts-d against tr, over ranks and delays.

    Args:
        problem: A name of `sapts-pinn list`, FILE.py or FILE.py:object.
        target: The relative L2 error to reach.
        budget: When a run that does not reach it is given up.
        ranks: Separated by commas. [default: 1,2,4]
        delays: Milliseconds added to every collective and message, separated by commas. [default: 0,5,20]
        seeds: Separated by commas. [default: 0,1,2]
        parts_per_rank: Of sapts-d. [default: 4 on one rank, else 1]
        points: Collocation points. [default: the problem's]
        network: Hidden widths, separated by commas. [default: the problem's]
        out: Folder for the results, and for going on with them. [default: bench-results/scaling]
    """
    from ...training.budget import Budget

    if not 0 < target < math.inf:
        raise InputError(f"--target must be a positive error, not {target:g}")
    limits = str(Budget.parse(budget))
    counts = sorted(set([1, 2, 4] if ranks is None else ranks))
    waits = sorted(set([0, 5, 20] if delays is None else delays))
    seeds = list(dict.fromkeys([0, 1, 2] if seeds is None else seeds))
    at_least(1, ranks=counts)
    at_least(0, delays=waits, seeds=seeds)
    if parts_per_rank is not None:
        at_least(1, parts_per_rank=parts_per_rank)
    source = with_reference(problem)
    facts = machine()
    fixed = {
        "problem": source.short, "target": target, "budget": limits, "precision": "float64",
        "points": points or "the problem's", "network": network or "the problem's",
        "parts per rank": parts_per_rank or "4 on one rank, else 1", "threads": "1 per rank",
    }  # fmt: skip
    folder = folder_for("scaling", out)
    journal = Journal(folder / "runs.jsonl", fixed)
    cells = [
        {"method": method, "ranks": count, "delay": delay, "seed": seed}
        for seed in seeds
        for count in counts
        for delay in (waits if count > 1 else [0])  # a rank alone has nobody to wait for
        for method in METHODS
    ]

    def measured(method: str, ranks: int, delay: int, seed: int) -> Row:
        parts = (parts_per_rank or (4 if ranks == 1 else 1)) * ranks
        return launch(
            ranks,
            problem=source.text,
            method=method,
            parts=parts if method == "sapts-d" else None,
            delay=1e-3 * delay,
            seed=seed,
            budget=limits,
            target=target,
            points=points,
            network=network,
        )

    def published(rows: list[Row]) -> None:
        cores = facts["cores"]
        said = {
            **fixed, "ranks": counts, "delays": f"{', '.join(map(str, waits))} ms, {STAND_IN}",
            "seeds": seeds, "error measured every": f"{EVERY} s by rank 0, not counted",
        }  # fmt: skip
        model = fit(rows, cores)
        sections = [section for delay in waits for section in _sections(rows, delay, cores, len(seeds))]
        sections += _predictions(rows, model, waits)
        picture = folder / "prediction.png"
        _draw(picture, rows, model, waits, cores, target)
        title = f"Ranks: sapts-d against synchronous data-parallel tr, to an error of {target:g}"
        head, notes = header(title, facts, said), [*_words(model), *journal.notes]
        publish(
            folder, "scaling", head, sections, notes, facts, said, rows, model=model, picture=picture.name
        )

    journal.complete(cells, measured, published)


def launch(ranks: int, **arguments: Any) -> Row:
    """Run `measure` on so many processes of this machine, each with one thread; what rank 0 says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The children go first, also when interrupted: the threads wait for them.
    with ThreadPoolExecutor(ranks) as pool, ExitStack() as stack:
        children = [
            stack.enter_context(
                Child(
                    RANK=str(rank),
                    LOCAL_RANK=str(rank),
                    WORLD_SIZE=str(ranks),
                    LOCAL_WORLD_SIZE=str(ranks),
                    MASTER_ADDR="127.0.0.1",
                    MASTER_PORT=str(port),
                    OMP_NUM_THREADS="1",
                )
            )
            for rank in range(ranks)
        ]
        answers: list[Row] = list(pool.map(lambda child: child.call(measure, **arguments), children))
        return answers[0]


def measure(
    problem: str,
    method: str,
    parts: int | None,
    delay: float,
    seed: int,
    budget: str,
    target: float,
    points: int | None,
    network: list[int] | None,
) -> Row:
    """On every rank: one run, until the target."""
    import torch
    from torch import Tensor

    from ...parallel.torchrun import connect
    from ...solving.run import solve
    from ...solving.sources import load_source
    from ..harness.delayed import Delayed

    class Counting(Delayed):
        """Tells apart what is summed and what is gathered: more ranks make different traffic of them."""

        summed = gathered = 0

        def all_reduce(self, tensor: Tensor) -> Tensor:
            self.summed += tensor.nbytes
            return super().all_reduce(tensor)

        def all_gather(self, tensor: Tensor) -> list[Tensor]:
            self.gathered += tensor.nbytes
            return super().all_gather(tensor)

    torch.set_num_threads(1)
    ranks = Counting(connect(), delay)
    whole = load_source(problem).problem
    rows: list[dict[str, float]] = []
    watching = watch(whole, rows, lambda trainer: trainer.seconds, EVERY, target)
    try:
        result = solve(
            replace(whole, reference=None),
            method=method,
            parts=parts,
            budget=budget,
            seed=seed,
            points=points,
            network=tuple(network) if network else None,
            callbacks=[] if ranks.rank else [watching],
            communicator=ranks,
        ).result
        probes = _probe(ranks.inner)
    finally:
        ranks.close()
    if not rows:
        return {}
    found = next((row for row in rows if row["error"] <= target), None)
    steps = max(result["iterations"], 1)
    return {
        **(found or rows[-1]),
        "reached": found is not None,
        "status": result["status"],
        "communication_seconds": result["communication_seconds"],
        "probes": probes,
        "summed_per_step": ranks.summed / steps,
        "gathered_per_step": ranks.gathered / steps,
    }


def _probe(ranks: Communicator) -> list[tuple[float, float]]:
    """Bytes sent and seconds of collectives of several sizes, medians; none for a rank alone."""
    import torch

    found = []
    for size in (1, 1_000, 10_000, 100_000) if ranks.size > 1 else ():
        tensor, before, times = torch.zeros(size, dtype=torch.float64), ranks.traffic.bytes, []
        for _ in range(PROBES):
            begin = time.perf_counter()
            ranks.all_gather(tensor)
            times.append(time.perf_counter() - begin)
        found.append(((ranks.traffic.bytes - before) / PROBES, statistics.median(times)))
    return found


# -- the cost model --------------------------------------------------------------------------------


def _per_step(row: Row) -> tuple[float, float, float]:
    """Seconds, collectives and messages, bytes."""
    steps = max(row["iterations"], 1)
    return row["seconds"] / steps, (row["collectives"] + row["messages"]) / steps, row["bytes"] / steps


def fit(rows: Sequence[Row], cores: int) -> dict[str, Any]:
    """The constants of the cost model from the measurements; empty for fewer than two numbers of ranks."""
    import numpy as np
    from scipy.optimize import nnls

    def relative(columns: list[list[float]], seconds: list[float], known: list[float]) -> tuple[Any, Any]:
        A, y = np.array(columns) / np.array(seconds)[:, None], 1 - np.array(known) / np.array(seconds)
        scale = np.maximum(A.max(0), 1e-300)
        x = nnls(A / scale, y)[0] / scale
        return x.tolist(), np.abs(A @ x - y)

    several = [row for row in rows if row["ranks"] > 1]
    probes = [p for row in several if row["ranks"] <= cores for p in row["probes"]]
    probes = probes or [p for row in several for p in row["probes"]]
    steps = {m: [row for row in rows if row["method"] == m and row["iterations"]] for m in METHODS}
    steps = {m: found for m, found in steps.items() if len({row["ranks"] for row in found}) > 1}
    if not probes or not steps:
        return {}
    lines = [[1.0, sent] for sent, _ in probes]
    (latency, per_byte), _ = relative(lines, [seconds for _, seconds in probes], [0.0] * len(probes))
    model: dict[str, Any] = {"latency": latency, "seconds_per_byte": per_byte}
    off: list[float] = []
    for method, found in steps.items():
        lines, spent, talk = [], [], []
        for row in found:
            seconds, operations, sent = _per_step(row)
            q = max(1.0, row["ranks"] / cores)
            lines.append([q, q / row["ranks"]])
            spent.append(seconds)
            talk.append((latency + 1e-3 * row["delay"]) * operations + per_byte * sent)
        (replicated, divided), errors = relative(lines, spent, talk)
        model[method] = {"replicated": replicated, "divided": divided}
        off += errors.tolist()
    return {**model, "off_typically": float(np.median(off)), "off_at_most": max(off)}


def predict(model: Mapping[str, Any], row: Row, ranks: int, delay: float, cores: float = math.inf) -> float:
    """Seconds of a step by the cost model.

    Args:
        model: As of `fit`.
        row: A measurement on several ranks, whose traffic a step is taken to have.
        ranks: Number of ranks.
        delay: Seconds added to every collective and message.
        cores: That the ranks share; by default each has its own.
    """
    own, others = model[row["method"]], ranks - 1
    operations = (row["collectives"] + row["messages"]) / max(row["iterations"], 1)
    copies = others if ranks <= 8 else 2 * others / ranks
    sent = row["summed_per_step"] * copies + row["gathered_per_step"] * others
    work = own["replicated"] + own["divided"] / ranks
    talk = (model["latency"] + delay) * operations + model["seconds_per_byte"] * sent
    return float(max(1.0, ranks / cores) * work + (talk if others else 0.0))


def _models(rows: Sequence[Row], method: str, delay: int) -> list[Row]:
    """The runs that stand for a method among many ranks: those on most ranks, over the seeds."""
    several = [r for r in rows if r["method"] == method and r["delay"] == delay and r["ranks"] > 1]
    most = max((row["ranks"] for row in several), default=0)
    return [row for row in several if row["ranks"] == most and row["reached"]]


def _predicted(rows: Sequence[Row], model: Mapping[str, Any], ranks: int, delay: int) -> float:
    """Seconds to the target if it takes as many steps as measured."""
    return geometric([row["iterations"] * predict(model, row, ranks, 1e-3 * delay) for row in rows])


# -- tables and the picture ------------------------------------------------------------------------


def _sections(rows: Sequence[Row], delay: int, cores: int, seeds: int) -> list[Section]:
    groups: dict[tuple[int, str], dict[int, Row]] = {}
    for row in rows:
        if row["delay"] == delay or row["ranks"] == 1:
            groups.setdefault((row["ranks"], row["method"]), {})[row["seed"]] = row
    lines, ratios = [], []
    for (ranks, method), members in groups.items():
        name = _named(ranks, cores)
        reached = [row for row in members.values() if row["reached"]]
        lines.append(
            [
                f"{name}, {method}",
                f"{len(reached)}/{seeds}",
                geometric_spread([row["seconds"] for row in reached], ".1f"),
                geometric_spread([row["iterations"] for row in reached], ".0f"),
                geometric_spread([row["collectives"] + row["messages"] for row in reached], ".0f"),
                geometric_spread([row["bytes"] / 1e6 for row in reached], ".3g"),
            ]
        )
        other = groups.get((ranks, METHODS[0]), {})
        pairs = [
            (row, other[seed])
            for seed, row in members.items()
            if seed in other and row["reached"] and other[seed]["reached"]
        ]
        if method != METHODS[0] and pairs:
            ratios.append(
                [
                    name,
                    f"{len(pairs)}/{seeds}",
                    *(_ratio(pairs, key) for key in ("seconds", "collectives", "bytes")),
                ]
            )
    said = f"{delay} ms added to every collective and message, {STAND_IN}"
    columns = ["", "reached", "seconds", "steps", "synchronisations", "MB sent by rank 0"]
    sections: list[Section] = [(said, columns, lines)]
    if ratios:
        heads = ["", "pairs", "seconds", "synchronisations", "bytes"]
        sections.append((f"sapts-d / tr, seed by seed; {said}", heads, ratios))
    return sections


def _named(ranks: int, cores: int) -> str:
    return f"{ranks} rank{'s' * (ranks > 1)}{' (oversubscribed)' if ranks > cores else ''}"


def _ratio(pairs: Sequence[tuple[Row, Row]], key: str) -> str:
    return geometric_spread([a[key] / b[key] for a, b in pairs if a[key] and b[key]], ".2f")


def _predictions(rows: Sequence[Row], model: Mapping[str, Any], delays: Sequence[int]) -> list[Section]:
    lines = [
        [f"{delay} ms, {method}", *(f"{_predicted(found, model, p, delay):.3g}" for p in PREDICTED)]
        for delay in delays
        for method in METHODS
        if method in model and (found := _models(rows, method, delay))
    ]
    title = (
        "PREDICTION, not measured: seconds to the target by the cost model, a core for every rank, as many "
        f"steps as measured on the most ranks; by the delay added, {STAND_IN}"
    )
    return [(title, ["", *(f"{p:,} ranks" for p in PREDICTED)], lines)] if lines else []


def _words(model: Mapping[str, Any]) -> list[str]:
    if not model:
        return ["note: no cost model, for it needs runs with at least two numbers of ranks"]
    speed = model["seconds_per_byte"]
    works = [
        f"{m}: {1e3 * model[m]['replicated']:.3g} ms replicated + {1e3 * model[m]['divided']:.3g} ms / ranks"
        for m in METHODS
        if m in model
    ]
    wire = f"{1e-6 / speed:.3g} MB/s" if speed else "not seen to matter"
    return [
        f"cost of a step: {'; '.join(works)}; latency {1e3 * model['latency']:.3g} ms beside the delay; "
        f"bandwidth {wire}; off by {model['off_typically']:.0%} typically, {model['off_at_most']:.0%} at most"
    ]


def _draw(
    path: Path,
    rows: Sequence[Row],
    model: Mapping[str, Any],
    delays: Sequence[int],
    cores: int,
    target: float,
) -> None:
    """Measured seconds to the target, and those predicted."""
    panels: dict[str, list[Line]] = {}
    for delay in delays:
        lines = panels.setdefault(f"{delay} ms added, {STAND_IN}", [])
        for method in METHODS:
            own = [r for r in rows if r["method"] == method and r["reached"] and r["delay"] in (delay, 0)]
            own = [r for r in own if r["delay"] == delay or r["ranks"] == 1]
            fits = [r for r in own if r["ranks"] <= cores]
            beyond = [r for r in own if r["ranks"] > cores]
            lines.append((method, [r["ranks"] for r in fits], [r["seconds"] for r in fits], "o"))
            lines.append((method, [r["ranks"] for r in beyond], [r["seconds"] for r in beyond], "x"))
            found = _models(rows, method, delay)
            if method in model and found:
                predicted = [_predicted(found, model, p, delay) for p in PREDICTED]
                lines.append((method, PREDICTED, predicted, "--"))
    draw(
        path,
        panels,
        title="o measured, x measured with more ranks than cores, -- a PREDICTION by the cost model",
        xlabel="ranks",
        ylabel=f"seconds to an error of {target:g}",
        xscale="log",
        yscale="log",
    )
