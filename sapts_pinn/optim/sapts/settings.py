"""The settings of a sweep over the parts."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from ..radius import RadiusRule
from .combine import COMBINATIONS

ORDERS = ("additive", "multiplicative")


@dataclass(frozen=True)
class Sweep:
    """Settings of a sweep over the parts.

    Attributes:
        kind: How they are cut: of `decomposition.DATA_KINDS` (or a coordinate), or `PARAMETER_KINDS`; None as
            the decomposition does by itself.
        overlap: By how much data parts are enlarged.
        local_steps: At most so many trust-region steps of a part in one sweep; 0 leaves the plain method.
        adaptive: Whether their number follows rho; else it is fixed, and so is the global pass.
        order: "multiplicative" (in one process all parts are one group) or "additive" (each is its own).
        visits: Parts of a group visited in one sweep, in random order; 0 for all.
        combination: Of the groups: "sum", "mean" or "subspace"; None for the mean of data parts and the sum
            of the others.
        pooled: Whether the parts' pairs feed the one model of the curvature.
        consistent: Whether data parts have the gradient of f at theta_k.
        global_steps: Steps of the trust region on f after every sweep.
        local_curvature: The parts' own model; None for that of the whole.
        local_rule: Acceptance and radius of the parts' steps; None for the rule of the whole.
        batch: Share of the residuals in the first batch, which overlaps the next by a third; batches grow
            when they are overfitted.  1 for all residuals.
        pieces: Of the points, in which f is summed where parts are blocks of parameters; 0 for one per rank.
            A process sums as N ranks do, rounding included, with N.
        low: m shrinks when a sweep's rho is below.
        high: m grows when it is above.
    """

    kind: str | None = None
    overlap: float = 0.0
    local_steps: int = 20
    adaptive: bool = True
    order: str = "multiplicative"
    visits: int = 1
    combination: str | None = None
    pooled: bool = True
    consistent: bool = True
    global_steps: int = 0
    local_curvature: str | None = None
    local_rule: RadiusRule | None = None
    batch: float = 1.0
    pieces: int = 0
    low: float = 0.1
    high: float = 0.3

    def __post_init__(self) -> None:
        for name, value, known in (
            ("order", self.order, ORDERS),
            ("combination", self.combination, (None, *COMBINATIONS)),
        ):
            if value not in known:
                raise InputError(
                    f"unknown {name} {value!r}; choose one of {', '.join(k for k in known if k)}"
                )
        for name, number in (
            ("local_steps", self.local_steps),
            ("visits", self.visits),
            ("global_steps", self.global_steps),
            ("pieces", self.pieces),
        ):
            if number < 0:
                raise InputError(f"{name} must not be negative, and is {number}")
        if not 0 <= self.low <= self.high < 1:
            raise InputError(f"0 <= low <= high < 1 is needed, not {self.low} and {self.high}")
