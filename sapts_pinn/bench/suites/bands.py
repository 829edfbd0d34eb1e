"""Share of the points at which an unknown field lies inside its band, over draws of the noise.

`Solution.standard_error` of the source in `source-inverse`; 95 % of the points are meant to lie within two
standard errors, on average over the points and over the noise.
"""

from __future__ import annotations

from pathlib import Path

from ..harness.child import in_child
from ..harness.options import Whole, at_least
from ..harness.report import Row, finish, folder_for, header, machine, say, table

POINTS = 101
MEANT = (0.90, 0.98)


def run(*, draws: Whole = 20, steps: Whole = 150, method: str = "tr", out: Path | None = None) -> None:
    """Coverage of the band of an unknown field.

    Args:
        draws: Draws of places and noise.
        steps: Of each run.
        method: Training method.
        out: Folder for the results. [default: bench-results/bands]
    """
    from ...optim.methods import method as find_method

    at_least(1, draws=draws, steps=steps)
    find_method(method)
    folder, facts = folder_for("bands", out), machine()
    rows = []
    for seed in range(draws):
        say(f"draw {seed}")
        rows.append({"draw": seed, **in_child(measure, seed=seed, steps=steps, method=method)})
    share = sum(float(row["inside"]) for row in rows) / draws
    settings = {
        "method": method,
        "threads": facts["threads"],
        "precision": "float64",
        "seeds": f"0 to {draws - 1}",
        "budget": f"{steps} iterations",
    }
    cells = [
        [str(row["draw"]), f"{row['inside']:.0%}", f"{row['error']:.2f}", f"{row['band']:.2f}"]
        for row in rows
    ]
    meant = MEANT[0] <= share <= MEANT[1]
    text = "\n".join(
        [
            header("Band of an unknown source", facts, settings),
            table(["draw", "inside 2 sigma", "rms error", "rms sigma"], cells),
            f"\ninside on average: {share:.1%}, {'as' if meant else 'NOT as'} meant",
        ]
    )
    finish(folder, "bands", text, facts, settings, rows, share=share, meant=meant)


def measure(seed: int, steps: int, method: str) -> Row:
    """In the child: share of the points inside two standard errors, and sizes of error and band."""
    import numpy as np

    from ...problems.zoo.inverse import source_inverse
    from ...solving.run import solve

    problem = source_inverse(seed=seed)
    solution = solve(
        problem, method=method, seed=seed, network=(20, 20), points=256, budget=f"{steps} iterations"
    )
    at = {"x": np.linspace(0, 1, POINTS)}
    found, true, band = solution.predict(at), solution.reference(at), solution.standard_error(at)
    assert isinstance(found, dict) and isinstance(true, dict) and isinstance(band, dict)
    off, sigma = np.abs(np.asarray(found["s"]) - np.asarray(true["s"])), np.asarray(band["s"])
    return {
        "inside": float((off <= 2 * sigma).mean()),
        "error": float(np.sqrt((off**2).mean())),
        "band": float(np.sqrt((sigma**2).mean())),
    }
