"""`sapts-pinn check`: what can be known of a problem before training."""

from __future__ import annotations

import json as json_
from contextlib import redirect_stdout
from sys import stderr

from .app import DONE, FAILED, Switch, app
from .messages import notes


@app.command
def check(problem: str, /, *, json: Switch = False, debug: Switch = False) -> int:
    """Say all that can be known of a problem before training, in seconds.

    Missing or contradictory conditions, unknowns that are not determined, the sign of the diffusion, singular
    coefficients, data that are not smooth or vary faster than the points can see, symmetries, mesh quality.
    Exit status: 0 when there is neither an error nor a warning, 1 when there is, 2 when the problem cannot be
    read or constructed.

    Args:
        problem: A name from `sapts-pinn list`, FILE.py or FILE.py:object.
        json: Print the report as JSON and nothing else.
        debug: Show the traceback of an error.
    """
    from ..solving.sources import load_source

    with notes(quiet=True):  # the report says the same
        with redirect_stdout(stderr):  # a user's functions may print
            report = load_source(problem).problem.check()
    print(json_.dumps(report.as_json(), indent=2) if json else report)
    return DONE if report.ok else FAILED
