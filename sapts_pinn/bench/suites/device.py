"""Speed and accuracy on a GPU against the processor, at the defaults and for growing networks and point sets.

On the processor the network runs in the compiled kernel, on one core and on all; elsewhere in PyTorch.
Measured are a loss with its gradient, and a step of `tr` on fixed points.  Then each has the same time for
a run of `solve` at its defaults.  The first size whose gradient takes longer than PATIENCE is the last one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from ..harness.child import Child
from ..harness.options import Names, Whole, Wholes, at_least, check_precision, chosen_names, chosen_threads
from ..harness.report import Row, entries, folder_for, header, machine, number, publish, save, say

PROBLEMS = ("burgers", "kovasznay")
PRECISIONS = ("float64", "float32")
NETWORKS = ("3x30", "4x128", "8x360")
SIZES = (4096, 16_384, 65_536, 262_144)
GROWING = "burgers"  # of the table of growing sizes
PATIENCE = 1000.0  # milliseconds
SAMPLE, LEAST = 0.4, 3  # seconds of a measurement, and its fewest repetitions
GPUS = "CUDA_VISIBLE_DEVICES"
WARM = 3  # first steps, not counted


class Way(NamedTuple):
    """Where something is measured.

    Attributes:
        label: In words.
        device: For `solve`.
        threads: Of the process.
    """

    label: str
    device: str
    threads: int


def run(
    *,
    device: str = "cuda",
    problems: Names | None = None,
    precisions: Names | None = None,
    networks: Names | None = None,
    sizes: Wholes | None = None,
    seconds: float | None = None,
    threads: Whole | None = None,
    seed: Whole = 0,
    quick: bool = False,
    out: Path | None = None,
) -> None:
    """Speed and accuracy on a GPU against the processor.

    Args:
        device: What is compared with the processor; "cpu" measures that alone.
        problems: Solved at their defaults, separated by commas. [default: burgers,kovasznay]
        precisions: float64, float32 or both.
        networks: Layers x width, separated by commas. [default: 3x30,4x128,8x360]
        sizes: Numbers of points, separated by commas. [default: 4096,16384,65536,262144]
        seconds: Of every run of `solve`. [default: 10]
        threads: Of the processor; measured with one and with this many. [default: one per core]
        seed: Of weights and points.
        quick: Fewer networks and sizes, and runs of 3 s, by default.
        out: Folder for the results. [default: bench-results/device]
    """
    from ...problems import build

    problems = chosen_names(problems, PROBLEMS)
    for name in problems:
        build(name)
    precisions = chosen_names(precisions, PRECISIONS)
    for precision in precisions:
        check_precision(precision)
    networks = chosen_names(networks, NETWORKS[:2] if quick else NETWORKS)
    widths = {name: _widths(name) for name in networks}
    counts = sorted(set((SIZES[::2] if quick else SIZES) if sizes is None else sizes))
    seconds = seconds or (3.0 if quick else 10.0)
    at_least(1, sizes=counts)
    at_least(0.01, seconds=seconds)
    at_least(0, seed=seed)
    _check_device(device)
    facts = machine()
    ways = _ways(device, chosen_threads(threads, facts))
    folder = folder_for("device", out)
    visible = {GPUS: os.environ.get(GPUS)}  # which children do not see by default
    rows: list[Row] = []
    with ExitStack() as stack:
        children = {way: stack.enter_context(Child(**visible)) for way in ways}
        settings = {
            "device": children[ways[-1]].call(name_of, device=device), "precision": precisions,
            "threads": "as in the columns", "seed": seed, "seconds": seconds, "growing": GROWING,
            "patience_ms": PATIENCE,
        }  # fmt: skip
        grown = _grown(children, widths, precisions, counts, seed)
        for row in chain(grown, _usual(children, problems, precisions, seconds, seed)):
            rows.append(row)
            save(folder, "device", facts, settings, rows)  # an interrupted suite has measured something
    head = header("A GPU against the processor, milliseconds", facts, settings)
    usual, growing = ([row for row in rows if row["table"] == name] for name in ("defaults", "growing"))
    labels, pays = [way.label for way in ways], _pays(growing, ways)
    sections = [
        ("At the defaults", *_usual_table(usual, seconds)),
        (f"{GROWING}, growing: a loss with its gradient", *_grown_table(growing, labels, "gradient_ms")),
        (f"{GROWING}, growing: a step of tr", *_grown_table(growing, labels, "step_ms")),
    ]
    notes = [f"{name}: {what}" for name, what in pays.items()]
    publish(folder, "device", head, sections, notes, facts, settings, rows, pays=pays)


def _widths(name: str) -> list[int]:
    """Hidden widths of a network such as 3x30.

    Raises:
        InputError: It is written in another way.
    """
    layers, _, width = name.partition("x")
    if not (layers.isdecimal() and width.isdecimal() and int(layers) and int(width)):
        raise InputError(f"a network is given by layers x width, such as 3x30, not {name!r}")
    return [int(width)] * int(layers)


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # PyTorch without CUDA asserts
        raise InputError(
            f"--device {device} is not available here; give cpu to measure that alone"
        ) from error


def _ways(device: str, threads: int) -> list[Way]:
    """Ways to measure: on one core, on all, and on the device."""
    ways = [Way("1 thread", "cpu", 1)]
    if threads > 1:
        ways.append(Way(f"{threads} threads", "cpu", threads))
    return ways if device.startswith("cpu") else [*ways, Way(device, device, threads)]


def _usual(
    children: Mapping[Way, Child],
    problems: Sequence[str],
    precisions: Sequence[str],
    seconds: float,
    seed: int,
) -> Iterator[Row]:
    """Rows of the problems at their defaults: speed, and the error after some time."""
    for problem, precision, (way, child) in product(problems, precisions, children.items()):
        say(f"{problem}, {precision}, {way.label}: {seconds:g} s")
        given = {"problem": problem, "precision": precision, "device": way.device, "threads": way.threads}
        speed = child.call(measure, **given, network=None, points=None, seed=seed)
        error = child.call(solved, **given, seconds=seconds, seed=seed)
        yield {"table": "defaults", "way": way.label, **given, **speed, **error}


def _grown(
    children: Mapping[Way, Child],
    networks: Mapping[str, list[int]],
    precisions: Sequence[str],
    sizes: Sequence[int],
    seed: int,
) -> Iterator[Row]:
    """Rows of growing networks and numbers of points."""
    for (name, widths), precision in product(networks.items(), precisions):
        left = dict(children)
        for points in sizes:
            say(f"{name}, {precision}, {points} points")
            given = {"problem": GROWING, "precision": precision, "points": points}
            for way, child in list(left.items()):
                found = child.call(
                    measure, **given, network=widths, device=way.device, threads=way.threads, seed=seed
                )
                yield {"table": "growing", "way": way.label, **given, "network": name, **found}
                if found["gradient_ms"] > PATIENCE:
                    del left[way]


# -- tables ----------------------------------------------------------------------------------------------


def _usual_table(rows: Sequence[Row], seconds: float) -> tuple[list[str], list[list[str]]]:
    columns = ["problem", "precision", "where", "gradient", "step", f"error after {seconds:g} s", "steps"]
    cells = [
        [
            row["problem"],
            row["precision"],
            row["way"],
            _shown(row["gradient_ms"]),
            _shown(row["step_ms"]),
            f"{number(row['relative_l2_error']):.1e}",
            f"{row['iterations']} of {row['method']}",
        ]
        for row in rows
    ]
    return columns, cells


def _shown(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.3g}"


def _grown_table(
    rows: Sequence[Row], labels: Sequence[str], figure: str
) -> tuple[list[str], list[list[str]]]:
    cells: dict[tuple[str, str, int], dict[str, str]] = {}
    for row in rows:
        size = row["network"], row["precision"], row["points"]
        cells.setdefault(size, {})[row["way"]] = _shown(row[figure])
    body = [
        [network, precision, f"{points:,}", *(found.get(label, "-") for label in labels)]
        for (network, precision, points), found in cells.items()
    ]
    return ["network", "precision", "points", *labels], body


def _pays(rows: Sequence[Row], ways: Sequence[Way]) -> dict[str, str]:
    """From how many points on a step on the device is faster than on the processor, in words."""
    if ways[-1].device.startswith("cpu"):
        return {}
    here = {way.label for way in ways[:-1]}
    found: dict[str, str] = {}
    for name, precision in dict.fromkeys((row["network"], row["precision"]) for row in rows):
        own = [row for row in rows if (row["network"], row["precision"]) == (name, precision)]
        there = {r["points"]: r["step_ms"] for r in own if r["way"] == ways[-1].label and r["step_ms"]}
        best = {
            n: [r["step_ms"] or PATIENCE for r in own if r["way"] in here and r["points"] == n] for n in there
        }
        faster = {n: not best[n] or there[n] < min(best[n]) for n in there}
        first = next((n for n in sorted(there) if all(faster[m] for m in there if m >= n)), None)
        words = "not up to the largest size" if first is None else f"from {first:,} points on"
        found[f"{name}, {precision}"] = f"{ways[-1].device} pays {words}"
    return found


# -- in the child ----------------------------------------------------------------------------------------


def name_of(device: str) -> str:
    """The name of a card, or else of the kind of device."""
    import torch

    cuda = torch.device(device).type == "cuda"
    return f"{device}, {torch.cuda.get_device_name(device)}" if cuda else device


def measure(
    problem: str,
    network: Sequence[int] | None,
    points: int | None,
    precision: str,
    device: str,
    threads: int,
    seed: int,
) -> Row:
    """Milliseconds of a loss with its gradient and of a step of `tr`; None stands for a default."""
    import torch

    from ...objectives.base import Counters
    from ...optim.methods import method
    from ...parallel.communicator import SingleProcess
    from ...problems import build
    from ...solving.making import made
    from ...solving.settings import RunSettings, defaults_of

    chosen = build(problem)
    given = {"network": network, "points": points, "dtype": precision, "device": device, "seed": seed}
    settings = RunSettings.merged(defaults_of(chosen), {**given, "method": "tr"})
    torch.set_num_threads(threads)
    model, collocation = made(chosen, settings, SingleProcess())
    objective = model.objective(collocation.draw(), Counters(), threads)
    optimizer = method("tr").phases[0].make(objective.parameters)
    torch.set_num_threads(
        1 if objective.compiled and not optimizer.threaded else threads
    )  # as `Trainer` does
    gradient = _milliseconds(objective.value_and_grad, device, 1)
    steps = None
    if gradient <= PATIENCE:
        steps = _milliseconds(lambda: optimizer.step(objective), device, WARM)
    return {
        "gradient_ms": gradient,
        "step_ms": steps,
        "parameters": sum(p.numel() for p in objective.parameters),
        "points": settings.points,
        "compiled": objective.compiled,
    }


def _milliseconds(function: Callable[[], object], device: str, warm: int) -> float:
    """Median time of a call after some to warm up; of the first one, if it is long."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < warm + LEAST or time.perf_counter() - began < SAMPLE:
        start = time.perf_counter()
        function()
        _wait(device)
        times.append(1000 * (time.perf_counter() - start))
        if times[-1] > PATIENCE and len(times) > 1:
            return times[-1]
    return statistics.median(times[warm:])


def _wait(device: str) -> None:
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def solved(problem: str, precision: str, device: str, threads: int, seconds: float, seed: int) -> Row:
    """Error after some time, at the defaults of a problem."""
    import torch

    from ...problems import build
    from ...solving.run import solve

    torch.set_num_threads(threads)
    solution = solve(
        build(problem), budget=seconds, dtype=precision, device=device, seed=seed, progress=False
    )
    kept = entries(solution.result, ("relative_l2_error", "loss", "iterations", "seconds", "status"))
    return {**kept, "method": solution.config["method"]}
