"""The term of the loss that a condition is when it is not built into the ansatz, and its weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Generator, Tensor

from .conditions.base import Condition, Fields, Known, Measurements, Sites, space_names
from .expressions import in_space
from .term import Balance, Term
from .trace import PROBES, trace

if TYPE_CHECKING:
    from .description import Description

SOFT_WEIGHT = 10.0  # of a condition's term, when the user gives none
NOISY_WEIGHT = 0.01  # of observations, times the signal over the noise


def condition_term(problem: Description, condition: Condition) -> Term:
    """Build the term of a condition, in the user's units.

    Raises:
        InputError: A function of the condition is wrong.
    """

    def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
        with in_space(space_names(problem.domain)):
            given = {**problem.by_region.at(sites.points), **problem.values_of(known)}
            return condition.residual(fields, sites, problem.domain, given)

    def sites(n: int, generator: Generator, sampler: str) -> Sites:
        return condition.sites(problem.domain, n, generator, sampler)

    what = condition.describe(problem.domain)
    probe = sites(PROBES + 1, Generator().manual_seed(3), "uniform")
    found = trace(problem, residual, probe, what)
    weight = SOFT_WEIGHT if condition.weight is None else float(condition.weight)
    if (data := condition.measurements()) is not None:
        if weighted_by_noise(condition) is not None:
            weight = _weight_of(problem, data)
        return Term(what, weight, found, sites, residual, data)
    return Term(what, weight, found, sites, residual, balance=_balance(condition))


def _balance(condition: Condition) -> Balance:
    if condition.weight is not None:
        return Balance.FIXED
    prescribed = condition.prescribed()
    return Balance.TIGHT if prescribed is not None and not prescribed.start else Balance.BALANCED


def weighted_by_noise(condition: Condition) -> Measurements | None:
    """The measurements of a condition whose weight follows from their known noise, else None."""
    data = condition.measurements()
    return data if data is not None and data.noise is not None and condition.weight is None else None


def _weight_of(problem: Description, data: Measurements) -> float:
    """The weight of observations whose noise is known.

    Several sets count by the information in them, N / sigma^2.  The noisier the best set is, the less may
    it bend the equation: 1 at one per cent of the root mean square of its values, and in inverse
    proportion, up to that of other conditions.
    """
    known = [found for c in problem.conditions if (found := weighted_by_noise(c)) is not None]
    best = max(known, key=lambda found: found.information)
    share = data.information / best.information
    return share * min(SOFT_WEIGHT, NOISY_WEIGHT / best.relative_noise)
