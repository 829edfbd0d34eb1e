"""Examination of a solution after its training: audit, uncertainty, diagnosis; a fault in it loses no run.

Each finding stands by itself: where it fails, result.json gets a sentence that says so, the exception is
logged, and the others are made all the same.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TypeVar, cast

from ..audit import Audit, audited
from ..callbacks.base import Estimate
from ..estimation.error_estimate import CHEAP, estimate_error
from ..networks.model import Model
from ..results.diagnosis import diagnose
from ..results.numerical_error import numerical_errors
from ..results.reference_error import compared
from ..results.uncertainty import Uncertainty, uncertainty
from ..runs.content import AuditContent, DiagnosisContent, Result
from ..runs.status import Status, StopReason
from ..training.interrupts import Aborted
from ..training.trainer import Trainer

Found = TypeVar("Found")

log = logging.getLogger(__name__)


@dataclass
class Examination:
    """Findings about a solution; `as_json` is their part of result.json.

    Attributes:
        status: Why the run ended; no success where the audit objects.
        audit: Objections to the solution, as JSON.
        standard_errors: Of the coefficients, by noise of the data; None where it is infinite.
        noise: Standard deviation of each set of observations.
        numerical_errors: Of the coefficients, by training and collocation; None where it is infinite.
        remarks: Sentences for people, such as what could not be found.
        diagnosis: What limits the run, as JSON.
        symmetry: Symmetries of the network, in words.
        uncertainty: Standard errors of the unknowns; not in result.json.
    """

    status: Status
    audit: AuditContent | None = None
    standard_errors: dict[str, float | None] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)
    numerical_errors: dict[str, float | None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    diagnosis: DiagnosisContent | None = None
    symmetry: dict[str, str] = field(default_factory=dict)
    uncertainty: Uncertainty | None = None

    def as_json(self) -> Result:
        """Entries of result.json."""
        names = (item.name for item in fields(self) if item.name != "uncertainty")
        return cast("Result", {name: getattr(self, name) for name in names})


def attempt(find: Callable[[], Found], otherwise: Found, what: str, remarks: list[str]) -> Found:
    """Look for something; what goes wrong, Ctrl-C included, is logged and becomes a remark.

    Args:
        find: Looks for it.
        otherwise: Is returned where that fails.
        what: Its name in the remark.
        remarks: Gets the remark.

    Raises:
        Aborted: A signal to a command, which says itself where the run is.
    """
    try:
        return find()
    except Aborted:
        raise
    except (Exception, KeyboardInterrupt) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        log.warning("the %s of this run could not be found (%s)", what, said, exc_info=error)
        remarks.append(f"the {what} of this run could not be found ({said})")
        return otherwise


def quick_estimate(model: Model) -> Estimate | None:
    """Estimate the relative error of a model with least effort; None where it is infinite."""
    found, _ = estimate_error(model, (CHEAP,), compared(model.problem) or None)
    return Estimate(found.relative, found.reliable) if math.isfinite(found.relative) else None


def examine(model: Model, trainer: Trainer) -> Examination:
    """Examine a trained model; all ranks do so together, and one looks for all where it can.

    Args:
        model: The whole model.
        trainer: Its run.
    """
    ranks, remarks = trainer.communicator, list[str]()
    spread = attempt(lambda: _uncertainty(model, trainer), None, "standard errors", remarks)
    unknown: dict[str, float] = {}
    numerical = attempt(lambda: _numerical_errors(model, trainer), unknown, "numerical errors", remarks)
    nothing: tuple[Audit | None, list[str]] = (None, [])
    looked = attempt(lambda: _audited(model, trainer), nothing, "audit", remarks)
    examined, said = ranks.gather_objects(looked)[0]
    found = Examination(
        status=_status(trainer, examined),
        audit=None if examined is None else examined.as_json(),
        standard_errors={} if spread is None else _finite(spread.standard_errors),
        noise={} if spread is None else spread.noise,
        numerical_errors=_finite(numerical),
        remarks=[*([] if spread is None else spread.remarks), *remarks, *said],
        symmetry=model.problem.symmetry_words,
        uncertainty=spread,
    )
    limit = attempt(lambda: _diagnosis(model, trainer, examined), None, "diagnosis", found.remarks)
    found.diagnosis = ranks.gather_objects(limit)[0]  # histories tell each rank's time
    if model.frozen is not None:
        found.remarks.append("a symmetry did not hold at points of the training and was dropped")
    return found


def _uncertainty(model: Model, trainer: Trainer) -> Uncertainty | None:
    """Standard errors of the estimates by noise of the data, where there are any."""
    if not model.problem.estimates or trainer.status.reason is StopReason.FAILED:
        return None
    return uncertainty(model, trainer.collocation.sites, trainer.threads)


def _numerical_errors(model: Model, trainer: Trainer) -> dict[str, float]:
    """Uncertainty of the coefficients that training and collocation leave."""
    if not model.problem.coefficients or trainer.status.reason is StopReason.FAILED:
        return {}
    return numerical_errors(model, trainer.collocation.sites, trainer.threads)


def _audited(model: Model, trainer: Trainer) -> tuple[Audit | None, list[str]]:
    """Objections to the solution; rank 0 looks for all."""
    if trainer.communicator.rank or trainer.status.reason is StopReason.FAILED:
        return None, []
    return audited(model, trainer.collocation.sites)


def _status(trainer: Trainer, examined: Audit | None) -> Status:
    """The status of a run whose solution was examined: no success where the audit objects."""
    if examined is None or examined.passed or trainer.status.reason is not StopReason.CONVERGED:
        return trainer.status
    return StopReason.OBJECTED.status()


def _diagnosis(model: Model, trainer: Trainer, examined: Audit | None) -> DiagnosisContent | None:
    """Limit of the run; there is none when it failed or reached its target."""
    if trainer.status.reason in (StopReason.FAILED, StopReason.TARGET, StopReason.ACCURATE):
        return None
    objections = () if examined is None else examined.objections
    ended = trainer.converged or trainer.exhausted
    found = diagnose(model, trainer.collocation.sites, trainer.history, trainer.threads, ended, objections)
    return None if found is None else found.as_json()


def _finite(errors: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers for JSON, which knows no infinity."""
    return {name: value if math.isfinite(value) else None for name, value in errors.items()}
