"""Facts of a run of `solve` that has ended, the first part of result.json."""

from __future__ import annotations

from dataclasses import dataclass

from ..pipeline.trainable_model import TrainableModel
from ..problems.scales import SavedScales
from ..runs.content import Config, StartContent
from ..training.collocation import Collocation
from ..training.result import RunResult, facts
from ..training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class SolveResult(RunResult):
    """Facts of a run of `solve`.

    Attributes:
        problem: Name of the problem.
        chosen: Why the method was chosen; None where it was named.
        points: Number of collocation points of all terms.
        device: Of the network.
        collectives: Collective operations of this rank.
        messages: Messages of this rank.
        bytes_sent: Bytes that this rank has sent.
        communication_seconds: Time in communication, in seconds.
        weights: Of the terms of the loss at the end.
        relative_l2_error: Against the reference; None without one.
        coefficients: Estimates of unknown coefficients.
        scales: Natural units of the problem.
        slow_path: Why compiled code was not used; None if it was.
        init: How the run started from an earlier solution; None if it did not.
    """

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
    scales: SavedScales | list[SavedScales]
    slow_path: str | None
    init: StartContent | None


def _coefficients(trainer: Trainer) -> dict[str, float]:
    assert isinstance(trainer.model, TrainableModel)
    return trainer.model.values()


def _weights(trainer: Trainer) -> dict[str, float]:
    """Weights of all terms of the loss at the end, by name."""
    assert isinstance(trainer.collocation, Collocation)
    problem, balanced = trainer.collocation.problem, trainer.collocation.weights
    return {term.name: balanced.get(term.name, term.weight) for term in problem.terms}


def summary(trainer: Trainer, config: Config) -> SolveResult:
    """Facts of a run; all ranks make them together."""
    ranks = trainer.communicator
    return SolveResult(
        **vars(facts(trainer, config)),
        problem=config["problem"],
        chosen=config["chosen"],
        points=sum(s.points.shape[0] for s in trainer.collocation.sites.values()),
        device=config["device"],
        collectives=ranks.traffic.collectives,
        messages=ranks.traffic.messages,
        bytes_sent=ranks.traffic.bytes,
        communication_seconds=ranks.traffic.seconds,
        weights=_weights(trainer),
        relative_l2_error=ranks.gather_objects(trainer.error)[0],
        coefficients=_coefficients(trainer),
        scales=config["scales"],
        slow_path=trainer.objective.slow_path,
        init=config["init"],
    )
