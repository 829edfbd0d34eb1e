"""Tables and the picture of the scaling suite, from the rows of its runs and the cost model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .cost_model import methods_of, reference_runs, seconds_to_target
from .report import Line, Row, Section, draw, geometric_spread

PREDICTED = tuple(2**i for i in range(3, 11))  # ranks
STAND_IN = "a stand-in for a network"


def time_tables(rows: Sequence[Row], delay: int, cores: int, seeds: int) -> list[Section]:
    """Tables of one delay: time and traffic to the target, and the ratios to the first method by seed."""
    first = methods_of(rows)[0]
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
                *_speed_up(members, groups.get((1, method), {}), ranks),
                geometric_spread([row["iterations"] for row in reached], ".0f"),
                geometric_spread([row["collectives"] + row["messages"] for row in reached], ".0f"),
                geometric_spread([row["bytes"] / 1e6 for row in reached], ".3g"),
            ]
        )
        other = groups.get((ranks, first), {})
        pairs = [
            (row, other[seed])
            for seed, row in members.items()
            if seed in other and row["reached"] and other[seed]["reached"]
        ]
        if method != first and pairs:
            ratios.append(
                [
                    f"{name}, {method}",
                    f"{len(pairs)}/{seeds}",
                    *(_ratio(pairs, key) for key in ("seconds", "collectives", "bytes")),
                ]
            )
    said = f"{delay} ms added to every collective and message, {STAND_IN}"
    columns = [
        "", "reached", "seconds", "speed-up", "efficiency", "steps", "synchronisations", "MB sent by rank 0",
    ]  # fmt: skip
    sections: list[Section] = [(said, columns, lines)]
    if ratios:
        heads = ["", "pairs", "seconds", "synchronisations", "bytes"]
        sections.append((f"ratios to {first}, seed by seed; {said}", heads, ratios))
    return sections


def _speed_up(members: dict[int, Row], alone: dict[int, Row], ranks: int) -> list[str]:
    """Speed-up over the same method on one rank, seed by seed, and its share of the number of ranks."""
    gains = [
        alone[seed]["seconds"] / row["seconds"]
        for seed, row in members.items()
        if seed in alone and row["reached"] and alone[seed]["reached"]
    ]
    return [geometric_spread(gains, ".2f"), geometric_spread([gain / ranks for gain in gains], ".0%")]


def _named(ranks: int, cores: int) -> str:
    return f"{ranks} rank{'s' * (ranks > 1)}{' (oversubscribed)' if ranks > cores else ''}"


def _ratio(pairs: Sequence[tuple[Row, Row]], key: str) -> str:
    return geometric_spread([a[key] / b[key] for a, b in pairs if a[key] and b[key]], ".2f")


def prediction_table(rows: Sequence[Row], model: Row, delays: Sequence[int]) -> list[Section]:
    """Table of the predicted seconds to the target on many ranks; none without a cost model."""
    lines = [
        [f"{delay} ms, {method}", *(f"{seconds_to_target(found, model, p, delay):.3g}" for p in PREDICTED)]
        for delay in delays
        for method in methods_of(rows)
        if model and method in model["work"] and (found := reference_runs(rows, method, delay))
    ]
    title = (
        "PREDICTION, not measured: seconds to the target by the cost model, a core for every rank, as many "
        f"steps as measured on the most ranks; by the delay added, {STAND_IN}"
    )
    return [(title, ["", *(f"{p:,} ranks" for p in PREDICTED)], lines)] if lines else []


def cost_in_words(model: Row) -> list[str]:
    """Sentence with the constants of the cost model."""
    if not model:
        return ["note: no cost model, for it needs runs with at least two numbers of ranks"]
    speed = model["seconds_per_byte"]
    works = [
        f"{m}: {1e3 * own['replicated']:.3g} ms replicated + {1e3 * own['divided']:.3g} ms / ranks"
        for m, own in model["work"].items()
    ]
    wire = f"{1e-6 / speed:.3g} MB/s" if speed else "not seen to matter"
    return [
        f"cost of a step: {'; '.join(works)}; latency {1e3 * model['latency']:.3g} ms beside the delay; "
        f"bandwidth {wire}; off by {model['off_typically']:.0%} typically, {model['off_at_most']:.0%} at most"
    ]


def draw_times(
    path: Path,
    rows: Sequence[Row],
    model: Row,
    delays: Sequence[int],
    cores: int,
    target: float,
) -> None:
    """Measured seconds to the target, and those predicted."""
    panels: dict[str, list[Line]] = {}
    for delay in delays:
        lines = panels.setdefault(f"{delay} ms added, {STAND_IN}", [])
        for method in methods_of(rows):
            own = [r for r in rows if r["method"] == method and r["reached"] and r["delay"] in (delay, 0)]
            own = [r for r in own if r["delay"] == delay or r["ranks"] == 1]
            fits = [r for r in own if r["ranks"] <= cores]
            beyond = [r for r in own if r["ranks"] > cores]
            lines.append((method, [r["ranks"] for r in fits], [r["seconds"] for r in fits], "o"))
            lines.append((method, [r["ranks"] for r in beyond], [r["seconds"] for r in beyond], "x"))
            found = reference_runs(rows, method, delay)
            if model and method in model["work"] and found:
                predicted = [seconds_to_target(found, model, p, delay) for p in PREDICTED]
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
