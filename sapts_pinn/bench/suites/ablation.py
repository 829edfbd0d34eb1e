"""Ablation of SAPTS: the methods' defaults, and one factor at a time changed from them.

All runs have the same budget of gradient work, in evaluations of the gradient on all points, and the plain
trust region runs beside them.  The error is measured every `1 / MEASURED` of the budget; that takes no part
in the work, and its time is taken off the seconds.  Results are written as they come: an interrupted suite
goes on where it was when the same command is given again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ..harness.child import in_child
from ..harness.journal import Journal
from ..harness.options import Names, Whole, Wholes, chosen_seeds, chosen_threads, with_reference
from ..harness.report import (
    Line,
    Row,
    Section,
    draw,
    folder_for,
    geometric,
    geometric_spread,
    header,
    machine,
    number,
    publish,
)

if TYPE_CHECKING:
    from ...training.budget import Budget
    from ...training.settings import Arguments

PROBLEMS = ("poisson-2d", "burgers", "allen-cahn")
PLAIN = "tr"
METHODS = (PLAIN, "sapts-d", "sapts-p", "sapts-ip")
SEEDS = (0, 1, 2)
TARGETS = (1e-2, 1e-3, 1e-4)
MEASURED = 100  # error measurements in a run
DEFAULT = "default"
FACTORS: dict[str, dict[str, Arguments]] = {
    "parts": {f"parts {n}": {"parts": n} for n in (1, 2, 4, 8)},
    "local-steps": {
        f"local steps {m}, fixed": {"adaptive": False, "local_steps": m, "global_steps": 1}
        for m in (1, 3, 10)
    },
    # Multiplicative parts are one group in one process, which leaves nothing to combine.
    "combination": {
        f"{how} of additive parts": {"order": "additive", "combination": how}
        for how in ("sum", "mean", "subspace")
    },
    "order": {order: {"order": order} for order in ("additive", "multiplicative")},
    "pooled": {"pooled": {"pooled": True}, "not pooled": {"pooled": False}},
}


def run(
    *,
    problems: Names | None = None,
    methods: Names | None = None,
    factors: Names | None = None,
    budget: str = "1000 evaluations",
    seeds: Wholes | None = None,
    points: Whole | None = None,
    network: Wholes | None = None,
    threads: Whole | None = None,
    out: Path | None = None,
) -> None:
    """Ablation: one factor at a time around the defaults of the SAPTS methods, at equal gradient work.

    Args:
        problems: Separated by commas: names of `sapts-pinn list`, FILE.py or FILE.py:object.
        methods: Separated by commas; tr comes with them. [default: tr,sapts-d,sapts-p,sapts-ip]
        factors: Separated by commas, of parts, local-steps, combination, order, pooled. [default: all]
        budget: Of every run, in evaluations of the full gradient.
        seeds: Separated by commas. [default: 0,1,2]
        points: Collocation points. [default: the problem's]
        network: Hidden widths, separated by commas. [default: the problem's]
        threads: Of every run. [default: one per core]
        out: Folder for the results, and for going on with them. [default: bench-results/ablation]
    """
    work = _gradient_work(budget)
    _check_factors(factors)
    methods = list(dict.fromkeys([PLAIN, *(methods or METHODS)]))
    found = {name: variants(name, factors or list(FACTORS)) for name in methods}
    seeds = chosen_seeds(seeds, SEEDS)
    sources = {source.short: source.text for source in map(with_reference, problems or PROBLEMS)}
    facts = machine()
    threads = chosen_threads(threads, facts)
    fixed = {
        "budget": str(work), "threads": threads, "precision": "float64",
        "points": points or "the problem's", "network": network or "the problem's",
    }  # fmt: skip
    folder = folder_for("ablation", out)
    journal = Journal(folder / "runs.jsonl", fixed)

    def measured(problem: str, method: str, variant: str, seed: int) -> Row:
        return in_child(
            measure,
            problem=sources[problem],
            method=method,
            options=found[method][variant],
            seed=seed,
            work=work.evaluations,
            points=points,
            network=network,
            threads=threads,
        )

    said = {
        **fixed, "seeds": seeds, "error measured every": f"{work.evaluations / MEASURED:g} gradients",
    }  # fmt: skip

    def published(rows: list[Row]) -> None:
        title = "SAPTS, one factor at a time: geometric mean [smallest, largest] over the seeds"
        picture = folder / "error-against-work.png"
        draw(picture, _curves(rows), xlabel="gradient evaluations", ylabel="relative L2 error", yscale="log")
        head, notes = header(title, facts, said), [*_refusals(rows), *journal.notes]
        sections = [section for problem in sources for section in _sections(problem, rows, len(seeds))]
        publish(folder, "ablation", head, sections, notes, facts, said, rows, picture=picture.name)

    journal.complete(_cells(sources, found, seeds), measured, published)


def _gradient_work(text: str) -> Budget:
    """A budget of gradient evaluations only.

    Raises:
        InputError: It limits something else, or nothing.
    """
    from ...training.budget import Budget

    limits = Budget.parse(text)
    if limits != Budget(evaluations=limits.evaluations) or math.isinf(limits.evaluations):
        raise InputError(
            f"--budget must be gradient work, the same for all, such as '1000 evaluations', not {text!r}"
        )
    return limits


def _check_factors(factors: Sequence[str] | None) -> None:
    """Check the names of factors.

    Raises:
        InputError: One is not in `FACTORS`.
    """
    unknown = [name for name in factors or () if name not in FACTORS]
    if unknown:
        raise InputError(f"there is no factor {unknown[0]!r}; choose one of {', '.join(FACTORS)}")


def _cells(
    problems: Iterable[str], found: Mapping[str, Mapping[str, Arguments]], seeds: Iterable[int]
) -> list[Row]:
    """Runs to do; seeds outermost, so that an interrupted suite compares everything."""
    return [
        {"problem": problem, "method": method, "variant": variant, "seed": seed}
        for seed in seeds
        for problem in problems
        for method, options in found.items()
        for variant in options
    ]


def variants(method: str, factors: Sequence[str]) -> dict[str, Arguments]:
    """Options of a method by what they are called: its default first, and none that comes to the same twice.

    Args:
        method: Its name; one that divides nothing has its default only.
        factors: Of `FACTORS`.
    """
    from ...optim.methods import method as find_method

    if not find_method(method).divides:
        return {DEFAULT: {}}
    found: dict[str, Arguments] = {DEFAULT: {}}
    known = [_meaning(method, {})]
    for factor in factors:
        for name, options in FACTORS[factor].items():
            meaning = _meaning(method, options)
            if meaning not in known:
                known.append(meaning)
                found[name] = options
    return found


def _meaning(method: str, options: Arguments) -> Arguments:
    """Arguments as they act in one process, without those that have no effect there."""
    import torch

    from ...optim.methods import method as find_method
    from ...optim.sapts.optimizer import SAPTS

    made = find_method(method).phases[0].make([torch.zeros(1, 1)], **options)
    assert isinstance(made, SAPTS)
    meaning = {"parts": made.count, **asdict(made.sweep)}
    one_group = made.sweep.order == "multiplicative" or made.count == 1
    if made.decomposition.sharded:  # their parameters are their own
        meaning["pooled"] = None
    if made.sweep.combination is None:
        meaning["combination"] = made.decomposition.combination
    return {**meaning, "combination": None} if one_group else meaning


def measure(
    problem: str,
    method: str,
    options: Arguments,
    seed: int,
    work: float,
    points: int | None,
    network: list[int] | None,
    threads: int,
) -> Row:
    """In the child: one run; a decomposition that is refused says why."""
    import torch

    from ...solving.run import solve
    from ...solving.sources import load_source
    from ..harness.error_watch import ErrorWatch

    torch.set_num_threads(threads)
    whole = load_source(problem).problem
    watch = ErrorWatch(whole, lambda trainer: trainer.counters.gradients, work / MEASURED)
    try:
        solution = solve(
            replace(whole, reference=None),
            method=method,
            budget=f"{work!r} evaluations",
            seed=seed,
            points=points,
            network=tuple(network) if network else None,
            options=options,
            callbacks=[watch],
        )
    except InputError as error:
        return {"refused": str(error)}
    return {
        **watch.rows[-1],
        "function_evaluations": solution.result["function_evaluations"],
        "status": solution.result["status"],
        "work": solution.result["gradient_evaluations"],
        "curve": [(row["work"], row["error"]) for row in watch.rows],
    }


def _to(row: Row, target: float) -> float | None:
    """Work until the error was first seen to be so small."""
    return next((work for work, error in row["curve"] if error is not None and error <= target), None)


def _sections(problem: str, rows: Sequence[Row], seeds: int) -> list[Section]:
    """Two tables: what the budget reached, and the work to target errors beside that of the plain method."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["problem"] == problem and "refused" not in row:
            groups.setdefault((row["method"], row["variant"]), []).append(row)
    plain = {row["seed"]: row for row in groups.get((PLAIN, DEFAULT), ())}
    reached, targets = [], []
    for (method, variant), members in groups.items():
        name = f"{method}, {variant}"
        errors = [number(row["error"]) for row in members]
        reached.append(
            [
                name,
                f"{len(members)}/{seeds}",
                geometric_spread(errors),
                geometric_spread([number(row["loss"]) for row in members]),
                f"{geometric([row['work'] for row in members]):.0f}",
                f"{geometric([row['iterations'] for row in members]):.0f}",
                _share(members, "sweeps_accepted", "sweeps"),
                _share(members, "accepted", "iterations"),
                geometric_spread([row["seconds"] for row in members], ".1f"),
            ]
        )
        line = [name]
        for target in TARGETS:
            works = [work for row in members if (work := _to(row, target)) is not None]
            pairs = [
                (_to(row, target), _to(plain[row["seed"]], target)) for row in members if row["seed"] in plain
            ]
            ratios = [own / other for own, other in pairs if own and other]
            line.append(_of(works, len(members), ".0f"))
            line.append(_of(ratios, len(pairs), ".2f"))
        targets.append(line)
    columns = [
        "",
        "runs",
        "error",
        "loss",
        "gradients",
        "steps",
        "sweeps accepted",
        "steps accepted",
        "seconds",
    ]
    heads = [head for target in TARGETS for head in (f"to {target:.0e}", f"/ {PLAIN}")]
    return [
        (f"{problem}: what the budget reached", columns, reached),
        (
            f"{problem}: gradient work to an error, and its ratio to that of {PLAIN}, seed by seed",
            ["", *heads],
            targets,
        ),
    ]


def _of(values: Sequence[float], count: int, form: str) -> str:
    """The geometric mean, with how many there are if some are missing."""
    if not values:
        return "-"
    return f"{geometric(values):{form}}" + (f" ({len(values)}/{count})" if len(values) < count else "")


def _share(rows: Sequence[Row], part: str, whole: str) -> str:
    total = sum(row[whole] for row in rows)
    return f"{sum(row[part] for row in rows) / total:.0%}" if total else "-"


def _refusals(rows: Sequence[Row]) -> list[str]:
    """Each sentence once."""
    found = {
        f"refused: {row['problem']}, {row['method']}, {row['variant']}: {row['refused']}"
        for row in rows
        if "refused" in row
    }
    return sorted(found)


def _curves(rows: Sequence[Row]) -> dict[str, list[Line]]:
    """Error against work of the defaults."""
    panels: dict[str, list[Line]] = {row["problem"]: [] for row in rows}
    for row in rows:
        if row["variant"] == DEFAULT and "refused" not in row:
            work, errors = zip(*row["curve"], strict=True)
            panels[row["problem"]].append((row["method"], work, [number(e) for e in errors], "-"))
    return panels
