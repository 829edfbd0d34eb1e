"""Seconds from the command to the first accepted step, on a warm disk.

`seconds_to_first_step` of result.json begins when the command line's module is loaded.  What the
interpreter needs until then is added here: the monotonic clock is read before the process is started and,
by the command line, where it begins.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..harness.child import ENVIRONMENT
from ..harness.options import Whole, at_least
from ..harness.report import Row, finish, folder_for, header, machine, say, spread, table

# What the script `sapts-pinn` does, and then when it began.
COMMAND = """
import sys
from sapts_pinn import cli
from sapts_pinn.cli.app import STARTED
status = cli.main(sys.argv[1:])
print(STARTED)
sys.exit(status)
"""


def run(*, problem: str = "burgers", repeats: Whole = 5, seed: Whole = 0, out: Path | None = None) -> None:
    """Seconds from the command to the first accepted step.

    Args:
        problem: What to solve.
        repeats: Runs with a warm cache of compiled kernels; one with an empty cache comes first.
        seed: Of weights and points.
        out: Folder for the results. [default: bench-results/first-step]
    """
    from ...solving.sources import load_source

    at_least(1, repeats=repeats)
    at_least(0, seed=seed)
    source = load_source(problem)
    folder = folder_for("first-step", out)
    facts = machine()
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for i in range(repeats + 1):
            say("with an empty cache" if i == 0 else f"run {i} of {repeats}")
            rows.append({"cache": "empty" if i == 0 else "warm", **measure(source.text, seed, cache)})
    settings = {
        "command": f"sapts-pinn solve {source.short}", "method": "tr", "precision": "float64",
        "threads": facts["threads"], "seed": seed, "budget": "the first accepted step", "repeats": repeats,
    }  # fmt: skip
    names = {
        "from_outside": "process start to first accepted step",
        "seconds_to_first_step": "  as in result.json",
        "until_started": "  interpreter, before that",
        "whole": "whole command, pictures and report included",
    }
    cells = [
        [
            text,
            *(
                spread([row[key] for row in rows if row["cache"] == cache], ".2f")
                for cache in ("warm", "empty")
            ),
        ]
        for key, text in names.items()
    ]
    text = "\n".join(
        [
            header("Seconds to the first accepted step, median [min, max]", facts, settings),
            table(["seconds", "warm cache", "empty cache"], cells),
        ]
    )
    warm = statistics.median(row["from_outside"] for row in rows if row["cache"] == "warm")
    finish(folder, "first-step", text, facts, settings, rows, seconds=warm)


def measure(problem: str, seed: int, cache: str) -> Row:
    """Time one run of the command line.

    Raises:
        RuntimeError: It failed, or accepted no step.
    """
    environment = {**os.environ, **ENVIRONMENT, "SAPTS_PINN_CACHE": cache}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-c",
            COMMAND,
            "solve",
            problem,
            "--seed",
            str(seed),
            "--out",
            f"{folder}/run",
        ]
        command += ["--budget", "10 iterations", "--quiet"]
        spawned = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        ended = time.monotonic()
        if done.returncode != 0:
            raise RuntimeError(
                f"sapts-pinn solve {problem} failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}"
            )
        result = json.loads((Path(folder) / "run" / "result.json").read_text())
    inside, before = result["seconds_to_first_step"], float(done.stdout.split()[-1]) - spawned
    if inside is None:
        raise RuntimeError("none of the first ten steps was accepted")
    return {
        "from_outside": before + inside,
        "seconds_to_first_step": inside,
        "until_started": before,
        "whole": ended - spawned,
    }
