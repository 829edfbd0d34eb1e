"""Start of a run from an earlier solution: from its parameters, or by a fit to its values.

The parameters are taken over where they represent the same function in the new model, which is tried: they do
where network and ansatz agree, although equation or points may not.  Elsewhere (another network, domain,
condition, natural size of an unknown) the new network is first fitted to the earlier solution v, by least
squares over values and those derivatives D that the equation reads:

    sum over unknowns j, derivatives D, N points of |D u_j - D v_j|^2 / (2 N s_jD^2),    s_jD = rms of D v_j,

with this package's trust region.  A fit to values alone would leave the derivatives, and with them the
equation's residual, far from those of v.  The time of the fit counts as time of the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from ..derivatives.multi_index import MultiIndex
from ..errors import InputError
from ..networks.model import Location, Model
from ..networks.time_windows import WindowedModel, spread
from ..objectives.least_squares import LeastSquares
from ..optim.methods import method
from ..parallel.communicator import Communicator
from ..pipeline.trainable_model import TrainableModel
from ..problems import Problem, Sites, Term
from ..problems.conditions.base import Fields, Known
from ..problems.term import Trace
from ..results.extrapolation import outside
from ..results.solution import Solution
from ..results.summary import start_words
from ..runs.content import StartContent
from ..training.settings import Arguments

POINTS = 2048  # of the fit
STEPS = 300  # of the fit, at most
ENOUGH = 1e-3  # misfit at which it ends
PATIENCE, PROGRESS = 25, 0.99  # steps in which the misfit falls by that factor, else it ends as well
SHARE = 0.1  # of a budget of time, at most

log = logging.getLogger(__name__)
Needs = Mapping[str, tuple[MultiIndex, ...]]


def check_start(given: object, problem: Problem) -> Solution:
    """Make sure that a run can start from what is given.

    Args:
        given: As `init` of `solve`.
        problem: What to solve.

    Raises:
        InputError: It is no solution, or one with other unknowns or coordinates.
    """
    if not isinstance(given, Solution):
        raise InputError(
            "init must be a Solution, as solve returns it, or Solution.load(folder, problem), not "
            f"{type(given).__name__}"
        )
    theirs = given.problem
    if theirs.domain.names != problem.domain.names:
        raise InputError(
            f"init is a solution in the coordinates {', '.join(theirs.domain.names)}, and {problem.name} has "
            f"{', '.join(problem.domain.names)}; give one in the same coordinates, in the same order"
        )
    if set(theirs.unknown_names) != set(problem.unknown_names):
        raise InputError(
            f"init is a solution for {', '.join(theirs.unknown_names)}, and {problem.name} has the unknowns "
            f"{', '.join(problem.unknown_names)}; give one for the same unknowns"
        )
    return given


def with_architecture(arguments: Arguments, start: Solution) -> Arguments:
    """Arguments of `solve` with the network of an earlier solution where none is given."""
    if arguments["network"] is not None:
        return arguments
    widths = start.config.get("network")
    if isinstance(widths, list):
        found = {
            "network": tuple(widths),
            "activation": arguments["activation"] or start.config["activation"],
        }
        return {**arguments, **found}
    if isinstance(start.model, WindowedModel):
        raise InputError(
            "init is a solution of several windows with networks of their own; give the network of this run"
        )
    return {**arguments, "network": deepcopy(start.model.network)}


def warm_start(model: TrainableModel, start: Solution, seconds: float, ranks: Communicator) -> StartContent:
    """Start a model from an earlier solution; all ranks together.

    Args:
        model: The untrained model.
        start: The earlier solution.
        seconds: Of the run, of which a fit takes a share at most.
        ranks: The ranks.

    Returns:
        How, for config.json.

    Raises:
        InputError: The domains have no points in common, or the earlier solution is not finite there.
    """
    began, whole = time.monotonic(), model.assemble()
    target = _Target.of(start, whole.problem)
    _take_coefficients(whole, start)
    deadline = began + SHARE * seconds
    misfit, steps = _taken_over(whole, start, target), 0
    how = "parameters taken over"
    if misfit > float(torch.finfo(whole.like.dtype).eps) ** 0.5:  # beyond rounding
        how = "fitted to its values"
        misfit, steps = _fitted(whole, target, deadline)
    with torch.no_grad():
        for parameter in whole.parameters():  # on other machines the last bits may differ
            parameter.copy_(ranks.broadcast(parameter.detach()))
    model.load_state_dict(whole.state_dict())
    found: StartContent = {
        "problem": start.problem.name,
        "how": how,
        "points": len(target.points),
        "steps": steps,
        "seconds": round(time.monotonic() - began, 3),
        "misfit": misfit,
    }
    found = ranks.gather_objects(found)[0]  # clocks, and with them fits, are each rank's own
    log.info("starts from the solution of %s: %s", found["problem"], start_words(found))
    return found


@dataclass(frozen=True)
class _Target:
    """Values and derivatives of an earlier solution, to which a model is fitted.

    Attributes:
        points: Where, [N, dim].
        names: Of the coordinates.
        needs: Which, by unknown of the new problem.
        values: Their numbers [N, K].
        units: Root mean square of each, [K].
    """

    points: Tensor
    names: tuple[str, ...]
    needs: Needs
    values: Tensor
    units: Tensor

    @classmethod
    def of(cls, start: Solution, problem: Problem) -> _Target:
        """The target of a problem."""
        drawn = problem.domain.interior(POINTS, Generator().manual_seed(7), "sobol").double()
        points = drawn[~outside(start.problem.domain, drawn)]
        if not len(points):
            raise InputError(
                f"init is a solution on {start.problem.domain!r}, which has no points in common with "
                f"{problem.domain!r}; give one on a domain that overlaps"
            )
        needs = {u: tuple(dict.fromkeys(((), *found))) for u, found in problem.equation_term.needs.items()}
        count = sum(map(len, needs.values()))
        values = torch.empty(len(points), count, dtype=torch.float64)
        for part, chosen in spread(start.model, points):
            values[chosen] = _values(part, points[chosen], needs)
        if not torch.isfinite(values).all():
            raise InputError("the solution given as init is not finite; give another one, or drop init")
        size = values.square().mean(0).sqrt()
        return cls(points, problem.domain.names, needs, values, torch.where(size > 0, size, 1.0))

    def misfit(self, model: Model) -> float:
        """Root mean square of the relative differences to a model."""
        found = (_values(model, self.points, self.needs) - self.values) / self.units
        return float(found.square().mean().sqrt())

    def term(self) -> Term:
        """The sum of squares as a term of a loss."""

        def residual(fields: Fields, sites: Sites, known: Known) -> tuple[Tensor, ...]:
            assert sites.values is not None
            rows = _rows(fields, self.needs, self.names)
            return tuple(row - value for row, value in zip(rows, sites.values.unbind(1), strict=True))

        trace = Trace(len(self.units), self.needs)
        return Term("start", 1.0, trace, lambda *_: self.sites(), residual, units=tuple(self.units.tolist()))

    def sites(self) -> Sites:
        """The points with their values."""
        return Sites(self.points, values=self.values)


def _rows(fields: Fields, needs: Needs, names: Sequence[str]) -> list[Tensor]:
    """Derivatives of unknowns, each [N], by the names of the coordinates."""
    return [fields[u].d(*(names[i] for i in index)).value for u, found in needs.items() for index in found]


def _values(model: Model, points: Tensor, needs: Needs) -> Tensor:
    """Derivatives of a model's unknowns at points, [N, K], float64."""
    with torch.no_grad():
        location = Location(model, points, needs)
        rows = _rows(location.fields(location.network_jet()), needs, model.problem.domain.names)
        return torch.stack(rows, 1).cpu().double()


def _take_coefficients(model: Model, start: Solution) -> None:
    """Start the coefficients from estimates of the same name, as far as their sign is allowed."""
    for coefficient in model.problem.coefficients:
        value = start.coefficients.get(coefficient.name)
        if value is not None and not (coefficient.positive and value <= 0):
            with torch.no_grad():
                model.coefficients[coefficient.name].fill_(coefficient.of(value))


def _taken_over(model: Model, start: Solution, target: _Target) -> float:
    """Misfit with the earlier parameters, which the network keeps where they are nearer than its own."""
    own, before = target.misfit(model), deepcopy(model.network.state_dict())
    if not isinstance(start.model, Model) or _shapes(before) != _shapes(start.model.network.state_dict()):
        return own
    model.network.load_state_dict(start.model.network.state_dict())
    theirs = target.misfit(model)
    if not theirs < own:
        model.network.load_state_dict(before)
    return min(theirs, own)


def _shapes(state: Mapping[str, Tensor]) -> Sequence[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(value.shape)) for name, value in state.items()]


def _fitted(model: Model, target: _Target, deadline: float) -> tuple[float, int]:
    """Fit the network to values and derivatives; returns the misfit and the number of steps."""
    fitted = Model(model.problem.with_terms((target.term(),)), model.network)
    fitted.coefficients.requires_grad_(False)
    objective = LeastSquares(fitted, {"start": target.sites()})
    optimizer, steps = method("tr").phases[0].make(objective.parameters), 0
    misfits = [target.misfit(model)]
    while misfits[-1] > ENOUGH and steps < STEPS and time.monotonic() < deadline:
        loss = float(optimizer.step(objective))
        misfits.append((2 * loss / len(target.units)) ** 0.5)
        steps += 1
        stands = steps >= PATIENCE and misfits[-1] > PROGRESS * misfits[-1 - PATIENCE]
        if stands or optimizer.info.converged:
            break
    return misfits[-1], steps
