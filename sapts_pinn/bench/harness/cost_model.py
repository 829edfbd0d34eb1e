"""Cost model of a step on several ranks, for the scaling suite.

For a step of a method on p ranks, with c collectives and messages in it and b bytes sent,

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
from collections.abc import Sequence

from .report import Row, geometric

METHODS = ("tr", "sapts-d")  # by default, the one that the others are compared with first


def methods_of(rows: Sequence[Row]) -> list[str]:
    """Methods of the rows, in the order of their first appearance."""
    return list(dict.fromkeys(row["method"] for row in rows))


def _per_step(row: Row) -> tuple[float, float, float]:
    """Seconds, collectives and messages, bytes."""
    steps = max(row["iterations"], 1)
    return row["seconds"] / steps, (row["collectives"] + row["messages"]) / steps, row["bytes"] / steps


def _least_squares(
    columns: list[list[float]], seconds: list[float], known: list[float]
) -> tuple[list[float], list[float]]:
    """Non-negative least squares of the relative error of seconds = known + columns x; x, and the errors."""
    import numpy as np
    from scipy.optimize import nnls

    A, y = np.array(columns) / np.array(seconds)[:, None], 1 - np.array(known) / np.array(seconds)
    scale = np.maximum(A.max(0), 1e-300)
    x = nnls(A / scale, y)[0] / scale
    return x.tolist(), np.abs(A @ x - y).tolist()


def fit(rows: Sequence[Row], cores: int) -> Row:
    """The constants of the cost model from the measurements; empty for fewer than two numbers of ranks."""
    import numpy as np

    several = [row for row in rows if row["ranks"] > 1]
    probes = [p for row in several if row["ranks"] <= cores for p in row["probes"]]
    probes = probes or [p for row in several for p in row["probes"]]
    steps = {m: [row for row in rows if row["method"] == m and row["iterations"]] for m in methods_of(rows)}
    steps = {m: found for m, found in steps.items() if len({row["ranks"] for row in found}) > 1}
    if not probes or not steps:
        return {}
    lines = [[1.0, sent] for sent, _ in probes]
    (latency, per_byte), _ = _least_squares(lines, [seconds for _, seconds in probes], [0.0] * len(probes))
    work: dict[str, Row] = {}
    off: list[float] = []
    for method, found in steps.items():
        lines, spent, talk = [], [], []
        for row in found:
            seconds, operations, sent = _per_step(row)
            q = max(1.0, row["ranks"] / cores)
            lines.append([q, q / row["ranks"]])
            spent.append(seconds)
            talk.append((latency + 1e-3 * row["delay"]) * operations + per_byte * sent)
        (replicated, divided), errors = _least_squares(lines, spent, talk)
        work[method] = {"replicated": replicated, "divided": divided}
        off += errors
    model: Row = {"latency": latency, "seconds_per_byte": per_byte, "work": work}
    return {**model, "off_typically": float(np.median(off)), "off_at_most": max(off)}


def predict(model: Row, row: Row, ranks: int, delay: float, cores: float = math.inf) -> float:
    """Seconds of a step by the cost model.

    Args:
        model: As of `fit`.
        row: A measurement on several ranks, whose traffic a step is taken to have.
        ranks: Number of ranks.
        delay: Seconds added to every collective and message.
        cores: That the ranks share; by default each has its own.
    """
    own, others = model["work"][row["method"]], ranks - 1
    operations = (row["collectives"] + row["messages"]) / max(row["iterations"], 1)
    copies = others if ranks <= 8 else 2 * others / ranks
    sent = row["summed_per_step"] * copies + row["gathered_per_step"] * others
    work = own["replicated"] + own["divided"] / ranks
    talk = (model["latency"] + delay) * operations + model["seconds_per_byte"] * sent
    return float(max(1.0, ranks / cores) * work + (talk if others else 0.0))


def reference_runs(rows: Sequence[Row], method: str, delay: int) -> list[Row]:
    """The runs that stand for a method among many ranks: those on most ranks, over the seeds."""
    several = [r for r in rows if r["method"] == method and r["delay"] == delay and r["ranks"] > 1]
    most = max((row["ranks"] for row in several), default=0)
    return [row for row in several if row["ranks"] == most and row["reached"]]


def seconds_to_target(rows: Sequence[Row], model: Row, ranks: int, delay: int) -> float:
    """Seconds to the target if it takes as many steps as measured."""
    return geometric([row["iterations"] * predict(model, row, ranks, 1e-3 * delay) for row in rows])
