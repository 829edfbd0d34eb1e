"""A gradient of a DeepXDE model: DeepXDE's closure, the same loss as our objective, and in parts.

The closure is that of DeepXDE's `train_step`, called by an optimizer that does nothing. Ours is measured
with derivatives propagated, and with DeepXDE's own. The parts are what `sapts-d` divides the points into;
their gradients, all of them, are set against one of the whole. Cases take turns, in rounds (A B C ... A B C
...), on one thread; ratios are of one round.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..harness.child import in_child
from ..harness.options import Names, Whole, at_least, check_precision, chosen_names
from ..harness.report import Row, finish, folder_for, header, machine, say, spread, table
from .in_deepxde import PROBLEMS

CLOSURE, OWN, OURS, PARTS = "DeepXDE's closure", "ours, not propagated", "ours", "ours, all parts"
CASES = (CLOSURE, OWN, OURS, PARTS)
RATIOS = ((OWN, CLOSURE), (OURS, CLOSURE), (PARTS, OURS), (PARTS, CLOSURE))


def run(
    *,
    problems: Names | None = None,
    parts: Whole = 4,
    repeats: Whole = 9,
    seconds: float = 0.25,
    precision: str = "float64",
    seed: Whole = 0,
    out: Path | None = None,
) -> None:
    """Milliseconds of a gradient of DeepXDE models, whole and in parts, against DeepXDE's closure.

    Args:
        problems: Separated by commas, of those of `bench deepxde`.
        parts: Number of parts.
        repeats: Rounds; every case is measured once in each.
        seconds: Length of one measurement.
        precision: float64 or float32.
        seed: Of points and weights.
        out: Folder for the results. [default: bench-results/closure]
    """
    problems = chosen_names(problems, PROBLEMS)
    for name in problems:
        if name not in PROBLEMS:
            raise InputError(f"there is no problem {name!r} here; choose of {', '.join(PROBLEMS)}")
    at_least(1, parts=parts, repeats=repeats)
    at_least(0.001, seconds=seconds)
    at_least(0, seed=seed)
    check_precision(precision)
    facts = machine()
    folder = folder_for("closure", out)
    settings = {
        "parts": parts, "repeats": repeats, "seconds_each": seconds, "threads": 1, "precision": precision,
        "seed": seed,
    }  # fmt: skip
    rows: list[Row] = []
    for problem in problems:
        say(problem)
        times = in_child(
            measure,
            problem=problem,
            parts=parts,
            repeats=repeats,
            seconds=seconds,
            precision=precision,
            seed=seed,
        )
        ratios = {f"{a} / {b}": [x / y for x, y in zip(times[a], times[b], strict=True)] for a, b in RATIOS}
        rows.append({"problem": problem, "milliseconds": times, "ratios": ratios})
    body = [[row["problem"], *(spread(row["milliseconds"][case]) for case in CASES)] for row in rows]
    shares = [[row["problem"], *(spread(values) for values in row["ratios"].values())] for row in rows]
    text = "\n".join(
        [
            header("Milliseconds of a loss with its gradient, median [min, max]", facts, settings),
            table(["problem", *CASES], body),
            "",
            table(["ratio", *rows[0]["ratios"]], shares),
        ]
    )
    medians = {
        row["problem"]: {name: statistics.median(values) for name, values in row["ratios"].items()}
        for row in rows
    }
    finish(folder, "closure", text, facts, settings, rows, ratios=medians)


def measure(
    problem: str, parts: int, repeats: int, seconds: float, precision: str, seed: int
) -> dict[str, list[float]]:
    """In the child: milliseconds of every case, one for each round."""
    import deepxde as dde
    import torch

    import sapts_pinn.deepxde  # noqa: F401

    from ...objectives.partition import data_parts
    from ..harness.deepxde_models import CASES as MODELS

    class Idle(torch.optim.Optimizer):
        """Evaluates loss and gradient, and leaves the parameters where they are."""

        def step(self, closure: Any = None) -> Any:
            return closure()

    torch.set_num_threads(1)
    dde.config.set_default_float(precision)
    dde.config.set_random_seed(seed)
    case = MODELS[problem]()
    model, external = case.model, case.variables or None
    model.compile("sapts-d", verbose=0, external_trainable_variables=external)
    objective = model.opt.objective
    cut = data_parts(objective.sites, parts, "interleaved", torch.Generator().manual_seed(seed), ())
    pieces = [objective.restrict(part) for part in cut.owned]
    plain = objective.copy()
    plain.plan = None
    idle = Idle(objective.parameters, {})
    model.compile(idle, verbose=0, external_trainable_variables=external)
    points = model.data.train_x, model.data.train_y, model.data.train_aux_vars
    calls = {
        CLOSURE: lambda: model.train_step(*points),
        OWN: plain.value_and_grad,
        OURS: objective.value_and_grad,
        PARTS: lambda: [piece.value_and_grad() for piece in pieces],
    }
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            count, begin = 0, time.perf_counter()
            while (passed := time.perf_counter() - begin) < seconds or count == 0:
                call()
                count += 1
            times[name].append(1000.0 * passed / count)
    return times
