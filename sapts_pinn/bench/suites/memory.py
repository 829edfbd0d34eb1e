"""Peak resident memory of a short run of every problem of the zoo, at its defaults, against 2 GiB.

Short in steps only: a run holds all it ever will after its first resampling and its first error
measurement. Pictures and export, which the command line makes at the end, load large libraries and are
shown apart.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..harness.child import in_child, peak_memory
from ..harness.options import Names, Whole, at_least
from ..harness.report import MB, Row, finish, folder_for, header, machine, say, table

BOUND = 2 * 2**30


def run(
    *,
    problems: Names | None = None,
    steps: Whole = 30,
    method: str = "tr",
    seed: Whole = 0,
    out: Path | None = None,
) -> None:
    """Peak memory of a short run of every problem of the zoo.

    Args:
        problems: Some of them, separated by commas. [default: all]
        steps: Steps of each run; the points are drawn again halfway.
        method: Training method.
        seed: Of weights and points.
        out: Folder for the results. [default: bench-results/memory]
    """
    from ...optim.methods import method as find_method
    from ...problems import ZOO, build

    at_least(2, steps=steps)
    at_least(0, seed=seed)
    find_method(method)
    for name in problems or ():
        build(name)
    folder = folder_for("memory", out)
    facts = machine()
    rows = []
    for name in problems or ZOO:
        say(name)
        rows.append(
            {"problem": name, **in_child(measure, problem=name, steps=steps, method=method, seed=seed)}
        )
    worst = max(rows, key=lambda row: int(row["pictures"]))
    settings = {
        "method": method, "precision": "float64", "threads": facts["threads"], "seed": seed,
        "budget": f"{steps} iterations", "bound_MB": BOUND // MB,
    }  # fmt: skip
    columns = ["peak MB after", "import torch", "loading", "solving", "drawing", "solving / bound"]
    stages = ("torch", "loaded", "solve", "pictures")
    cells = [
        [row["problem"], *(f"{row[stage] / MB:.0f}" for stage in stages), f"{row['solve'] / BOUND:.0%}"]
        for row in rows
    ]
    verdict = "below" if worst["pictures"] < BOUND else "ABOVE"
    text = "\n".join(
        [
            header("Peak resident memory of a short run", facts, settings),
            table(columns, cells),
            f"\nthe largest, {worst['problem']}, is {verdict} the bound",
        ]
    )
    finish(folder, "memory", text, facts, settings, rows, bound=BOUND, below=worst["pictures"] < BOUND)


def measure(problem: str, steps: int, method: str, seed: int) -> Row:
    """In the child: peaks after each stage, in bytes."""
    import torch  # noqa: F401

    peaks = {"torch": peak_memory()}
    from ...problems import build
    from ...solving.run import solve

    chosen = build(problem)
    peaks["loaded"] = peak_memory()
    solution = solve(chosen, method=method, seed=seed, budget=f"{steps} iterations", resample=steps // 2)
    peaks["solve"] = peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        solution.plot(Path(folder) / "solution.png")
        solution.export(Path(folder) / "solution.vtu")
    peaks["pictures"] = peak_memory()
    return {
        **peaks,
        "points": solution.result["points"],
        "relative_l2_error": solution.result["relative_l2_error"],
    }
