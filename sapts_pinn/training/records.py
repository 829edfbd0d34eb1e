"""Rows of the history."""

from __future__ import annotations

from collections.abc import Mapping

from ..objectives.base import Counters, Objective
from ..optim.base import Optimizer, StepInfo
from ..problems import Sites
from ..runs.content import Row

EVERY = 10  # steps between rows, after the first hundred
EARNED = {"accepted": "sweeps_accepted"}  # columns of `Earnings`: `accepted` is the step's own


class Records:
    """The history of a run: one row for each step of the first hundred, later one in `every`.

    Attributes:
        rows: The rows, by column.
        every: Steps between rows after the first hundred.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.every = EVERY
        self._terms: dict[str, float] = {}  # of the loss at the current parameters, as far as known

    def is_due(self, iteration: int) -> bool:
        """Return whether a step has a row."""
        return iteration <= 100 or iteration % self.every == 0

    def forget_terms(self) -> None:
        """Forget the terms of the loss: it is another function now."""
        self._terms = {}

    def take_terms(self, info: StepInfo, objective: Objective, changed: bool) -> None:
        """Keep the terms of the loss at the current parameters.

        The last evaluation may be of a rejected trial: until a step is accepted they are not known.

        Args:
            info: The step.
            objective: The loss.
            changed: Whether its value has changed.
        """
        if info.accepted is not False:
            self._terms = dict(objective.last_terms)
        elif changed:  # a sweep was taken, the step after it was not
            self._terms = {}

    def add(
        self,
        start: Row,
        objective: Objective,
        sites: Mapping[str, Sites],
        optimizer: Optimizer,
        counters: Counters,
        error: Row,
    ) -> None:
        """Add a row, or replace that of the same iteration.

        Args:
            start: Iteration, seconds and loss.
            objective: The loss, for the names of its terms.
            sites: The points, for the weights of the terms.
            optimizer: What has made the step.
            counters: Evaluations of this rank.
            error: Columns of the error.
        """
        if self.rows and self.rows[-1]["iteration"] == start["iteration"]:
            self.rows.pop()
        info = optimizer.info
        row = dict(start)
        row |= {f"loss_{name}": self._terms.get(name) for name in objective.last_terms}
        row |= {f"weight_{name}": s.weight for name, s in sites.items() if s.weight is not None}
        row |= {
            "radius": info.radius,
            "rho": info.rho,
            "accepted": None if info.accepted is None else int(info.accepted),
            "function_evaluations": counters.functions,
            "gradient_evaluations": counters.gradients,
        }
        if optimizer.count:
            row |= sweep_columns(info, optimizer.count)
        if optimizer.earned is not None:
            row |= {EARNED.get(name, name): value for name, value in optimizer.earned.state_dict().items()}
        self.rows.append({**row, **error})


def sweep_columns(info: StepInfo, parts: int) -> Row:
    """Columns of a sweep over subdomains; a step without a sweep has no local steps.

    Args:
        info: What the optimizer says of its step.
        parts: Number of subdomains.
    """
    sweep = info.sweep
    row: Row = {
        "sweep_rho": None if sweep is None else sweep.rho,
        "sweep_accepted": None if sweep is None else int(sweep.accepted),
        "local_steps": 0 if sweep is None else sweep.local_steps,
    }
    records = {int(record.number): record for record in info.parts or ()}
    for number in range(parts):
        record = records.get(number)
        for name in ("gain", "radius", "steps", "accepted", "work"):
            row[f"part{number + 1}_{name}"] = None if record is None else record[name]
    return row
