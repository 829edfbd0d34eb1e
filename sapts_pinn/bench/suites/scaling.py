"""Ranks: SAPTS against the same trust region, synchronously data-parallel.

Under several ranks `tr` forms value and gradient of every evaluation in one collective, while the ranks of
`sapts-d` take local steps between two.  What that is worth depends on the network; in its stead a delay is
added to every collective and message of processes on one machine, each with one thread.

The error is measured by rank 0 every `EVERY` seconds, while the others wait; that of a network in stages by
all ranks together, every `STEPS` steps.  Time and traffic of that are taken off.  Time, synchronisations and
bytes are those of the first measurement at or below the target, so they are known to that interval.
"""

from __future__ import annotations

import math
import socket
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..harness.child import Child
from ..harness.cost_model import METHODS, fit
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, at_least, chosen_names, chosen_seeds, with_reference
from ..harness.report import Facts, Row, folder_for, header, machine, publish
from ..harness.scaling_report import STAND_IN, cost_in_words, draw_times, prediction_table, time_tables

if TYPE_CHECKING:
    from ...parallel.communicator import Communicator

PROBES = 20  # collectives of each size
EVERY = 0.5  # seconds between two measurements of the error
STEPS = 5  # steps between two, of a network in stages


def run(
    *,
    problem: str = "burgers",
    methods: Names | None = None,
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
    """Time, synchronisations and bytes to an error, over methods, ranks and delays.

    Args:
        problem: A name of `sapts-pinn list`, FILE.py or FILE.py:object.
        methods: Separated by commas; the others are compared with the first. [default: tr,sapts-d]
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
    from ...optim.methods import method as find_method
    from ...training.budget import Budget

    if not 0 < target < math.inf:
        raise InputError(f"--target must be a positive error, not {target:g}")
    limits = str(Budget.parse(budget))
    chosen = chosen_names(methods, METHODS)
    for name in chosen:
        find_method(name)
    counts, waits = _ranks_and_delays(ranks, delays)
    seeds = chosen_seeds(seeds, (0, 1, 2))
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

    def measured(method: str, ranks: int, delay: int, seed: int) -> Row:
        return launch(
            ranks,
            problem=source.text,
            method=method,
            parts=_parts(ranks, parts_per_rank) if method == "sapts-d" else None,
            delay=1e-3 * delay,
            seed=seed,
            budget=limits,
            target=target,
            points=points,
            network=network,
        )

    said = {
        **fixed, "ranks": counts, "delays": f"{', '.join(map(str, waits))} ms, {STAND_IN}",
        "seeds": seeds, "methods": chosen,
        "error measured every": f"{EVERY} s by rank 0, of stages every {STEPS} steps by all; not counted",
    }  # fmt: skip

    def published(rows: list[Row]) -> None:
        _publish(folder, rows, facts, said, waits, journal.notes)

    journal.complete(_cells(chosen, seeds, counts, waits), measured, published)


def _publish(
    folder: Path, rows: list[Row], facts: Facts, said: Row, waits: Sequence[int], notes: Sequence[str]
) -> None:
    """Write tables, the cost model and its picture, from the rows so far."""
    cores, target, picture = facts["cores"], said["target"], folder / "prediction.png"
    model = fit(rows, cores)
    sections = [table for delay in waits for table in time_tables(rows, delay, cores, len(said["seeds"]))]
    sections += prediction_table(rows, model, waits)
    draw_times(picture, rows, model, waits, cores, target)
    title = f"Ranks: {', '.join(said['methods'])}, to an error of {target:g}"
    head, words = header(title, facts, said), [*cost_in_words(model), *notes]
    publish(folder, "scaling", head, sections, words, facts, said, rows, model=model, picture=picture.name)


def _ranks_and_delays(
    ranks: Sequence[int] | None, delays: Sequence[int] | None
) -> tuple[list[int], list[int]]:
    """Numbers of ranks, and delays in milliseconds, both ascending.

    Raises:
        InputError: One is too small, or a list is empty.
    """
    counts = sorted({1, 2, 4} if ranks is None else set(ranks))
    waits = sorted({0, 5, 20} if delays is None else set(delays))
    at_least(1, ranks=counts)
    at_least(0, delays=waits)
    return counts, waits


def _parts(ranks: int, per_rank: int | None) -> int:
    """Number of parts of sapts-d on all ranks together."""
    return (per_rank or (4 if ranks == 1 else 1)) * ranks


def _cells(
    methods: Sequence[str], seeds: Sequence[int], counts: Sequence[int], delays: Sequence[int]
) -> list[Row]:
    """Runs to do; a rank alone has nobody to wait for, and so no delay."""
    return [
        {"method": method, "ranks": count, "delay": delay, "seed": seed}
        for seed in seeds
        for count in counts
        for delay in (delays if count > 1 else [0])
        for method in methods
    ]


def launch(ranks: int, **arguments: object) -> Row:
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

    from ...optim.methods import method as find_method
    from ...parallel.torchrun import connect
    from ...solving.run import solve
    from ...solving.sources import load_source
    from ..harness.delayed import Counting
    from ..harness.error_watch import ErrorWatch

    torch.set_num_threads(1)
    ranks = Counting(connect(), delay)
    whole = load_source(problem).problem
    in_stages = find_method(method).sharded
    if in_stages:
        watch = ErrorWatch(whole, lambda trainer: trainer.iteration, STEPS, target)
    else:
        watch = ErrorWatch(whole, lambda trainer: trainer.seconds, EVERY, target)
    try:
        result = solve(
            replace(whole, reference=None),
            method=method,
            parts=parts,
            budget=budget,
            seed=seed,
            points=points,
            network=tuple(network) if network else None,
            callbacks=[watch] if in_stages or not ranks.rank else [],
            communicator=ranks,
        ).result
        probes = _probe(ranks.inner)
    finally:
        ranks.close()
    rows = watch.rows
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
