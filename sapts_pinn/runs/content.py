"""Typed content of the files of a run: config.json, result.json, checkpoints, rows of history.csv.

They are dictionaries, as users read and change them; here stand their entries and their types.  An entry that
not every run has may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import StateDict

    from ..problems.fingerprint import Fingerprint
    from ..problems.scales import SavedScales
    from ..problems.written import Statement

Row = dict[str, float | None]  # of the history, by column


def cell(row: Row, column: str) -> float:
    """Number in a row of the history, NaN where there is none."""
    value = row[column]
    return math.nan if value is None else value


class Config(TypedDict, total=False):
    """Content of config.json: all that a run depends on."""

    method: str
    seed: int
    budget: str
    dtype: str
    options: dict[str, object]
    threads: int
    world_size: int
    versions: dict[str, str]
    files: list[str]
    # of `solve`
    problem: str
    chosen: str | None
    source: str | None
    target_error: float | None
    network: list[int] | str  # of `train` the name, as of a network of one's own
    activation: str
    points: int
    own_points: str | None  # digest of points that the user gave
    init: StartContent | None
    condition_points: int
    sampler: str
    adaptive: float
    windows: int
    edges: list[float]
    uneven: bool  # windows whose lengths were found
    resample: int | None
    device: str
    symmetry: bool
    description: str
    statement: Statement
    machine: dict[str, str]
    scales: SavedScales | list[SavedScales]
    fingerprint: Fingerprint
    # of `train`
    task: str
    metric: str
    data: str | None
    samples: int
    parts: int | None


class StartContent(TypedDict):
    """Start of a run from an earlier solution, see `sapts_pinn.solving.warm_start`."""

    problem: str
    how: str
    points: int
    steps: int
    seconds: float
    misfit: float


class AuditFinding(TypedDict):
    """An objection in result.json, see `sapts_pinn.audit.Finding`."""

    topic: str
    words: str
    figures: dict[str, float]


class AuditContent(TypedDict):
    """The audit in result.json, see `sapts_pinn.audit.Audit`."""

    passed: bool
    objections: list[AuditFinding]
    figures: dict[str, float]


class DiagnosisContent(TypedDict):
    """The diagnosis in result.json, see `sapts_pinn.results.diagnosis.Diagnosis`."""

    limit: str
    words: str
    train_residual: float
    test_residual: float
    rounding: float
    trend: float | None
    terms: dict[str, float]
    opposed: list[str | float] | None


class EstimateContent(TypedDict):
    """The error estimate in result.json, see `sapts_pinn.estimation.error_estimate.ErrorEstimate`."""

    relative: float | None
    l2: dict[str, float | None]
    max: dict[str, float | None]
    relative_l2: dict[str, float | None]
    relative_max: dict[str, float | None]
    reliable: bool
    words: str
    unexplained: float | None
    seconds: float


class Result(TypedDict, total=False):
    """Content of result.json: what came out of a run."""

    method: str
    seed: int
    dtype: str
    parts: int
    parameter_bytes: dict[str, int]
    world_size: int
    parameters: int
    threads: int
    iterations: int
    function_evaluations: float
    gradient_evaluations: float
    seconds: float
    seconds_to_first_step: float | None
    loss: float  # null in the file where it is not finite
    status: str
    earnings: dict[str, float] | None
    # of `solve`
    problem: str
    chosen: str | None
    points: int
    device: str
    collectives: int
    messages: int
    bytes_sent: int
    communication_seconds: float
    weights: dict[str, float]
    relative_l2_error: float | None
    coefficients: dict[str, float]
    scales: SavedScales | list[SavedScales] | None
    slow_path: str | None
    init: StartContent | None
    audit: AuditContent | None
    standard_errors: dict[str, float | None]
    noise: dict[str, float]
    numerical_errors: dict[str, float | None]
    remarks: list[str]
    diagnosis: DiagnosisContent | None
    symmetry: dict[str, str]
    quantities: dict[str, dict[str, float | None]]
    error_estimate: EstimateContent | None
    # of `train`
    task: str
    network: str
    samples: int
    metric: str
    test_error_rate: float | None
    test_accuracy: float | None
    test_nats_per_character: float | None
    test_bits_per_character: float | None


class CourseState(TypedDict):
    """State of a method in a checkpoint: its optimizer and its phase."""

    optimizer: StateDict
    phase: int
    phase_start: int


class TrainerState(CourseState):
    """State of a training in a checkpoint."""

    model: Mapping[str, Tensor]
    collocation: StateDict
    iteration: int
    loss: float
    seconds: float
    counters: list[float]
    seconds_to_first_step: float | None
    history: list[Row]


class Checkpoint(TypedDict, total=False):
    """Content of a checkpoint, or of model.pt, which has a model in place of the trainer."""

    version: int
    config: Config
    settings: dict[str, object]
    init: StartContent | None
    world_size: int
    iteration: int
    trainer: TrainerState
    model: Mapping[str, Tensor]
