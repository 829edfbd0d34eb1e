"""Weights of soft terms, balanced against the equation by the traces of their tangent kernels.

A condition that the ansatz cannot build in is a term w_k mean r_k^2 / 2 of the loss.  Under gradient flow a
term's residuals decay at the rates of its tangent kernel J_k J_k^T, whose diagonal is |J_k,i|^2 at point i.
What is typical of it is

    t_k = median over i of |J_k,i|^2 :

in most problems that is about the mean, the trace divided by the number of points.  But beside a corner the
second derivatives of a network that follows the solution, and with them the mean, have no bound.

For a condition on u beside an equation of second order it is smaller by the fourth power of the scale on
which u varies, and the network solves the equation with wrong boundary values first.  So a condition that was
given no weight gets

    w_k = t_equation / t_k,

and all terms are learned equally fast.  Source: Wang, Yu and Perdikaris, arXiv:2007.14527, where the trace is
over all points instead.  As it has the units of w_k, the weights do not depend on those of the
equation and the coordinates.

Values on the boundary start with `HELD` times as much, and their weights never fall: where a smooth function
satisfies the equation the ratio gets small, and the network would stay at that function.

t_k changes by orders of magnitude while a network finds its scales, soon and then ever more slowly: the
weights are set at the start and after 50, 100, 200, 400, ... steps, and only by factors of two and more,
since each change makes another function of the loss.  In between they are constant, so that value, gradient,
curvature and the reductions of a step are of one function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch

from ..parallel.communicator import Communicator
from ..pipeline.trainable_model import TrainableModel
from ..problems import Sites, Term

FIRST = 50  # steps after which weights are set for the second time
CHANGE = 2.0  # factor by which a weight changes at least
ROUNDING = 1e24  # ratio of the traces beyond which the smaller one is nothing but rounding
POINTS = 256  # at which a trace is measured
HELD = 10.0  # more for values on the boundary


def is_due(steps: int) -> bool:
    """Return whether weights are set after so many steps: FIRST times a power of two."""
    times, rest = divmod(steps, FIRST)
    return times > 0 and rest == 0 and times & (times - 1) == 0


def balanced(model: TrainableModel, sites: Mapping[str, Sites], ranks: Communicator) -> dict[str, float]:
    """The weights of all terms that the user gave none, at the current parameters; collective.

    Args:
        model: The model.
        sites: For each term of its problem the places, with the weights so far.
        ranks: Who trains it; all get the weights of rank 0.

    Returns:
        The weights by term, of two digits.
    """
    terms = [t for t in model.problem.terms if t.balanced]
    if not terms:
        return {}
    equation = typical_rate(model, model.problem.terms[0], sites["equation"])
    found = [
        _next(term, sites[term.name].weight, equation, typical_rate(model, term, sites[term.name]))
        for term in terms
    ]
    told = ranks.broadcast(torch.tensor(found, dtype=torch.float64)).tolist()
    return dict(zip((t.name for t in terms), told, strict=True))


def _next(term: Term, weight: float | None, equation: float, own: float) -> float:
    """The weight of a term after the one that it has, if any, from the typical rates."""
    ratio = equation / own if own > 0 else math.inf
    if not 1 / ROUNDING < ratio < ROUNDING:  # one of the two does not depend on the parameters
        return term.weight if weight is None else weight
    if weight is None:
        ratio *= HELD if term.held else 1.0
    elif ratio < CHANGE * weight and (term.held or ratio > weight / CHANGE):
        return weight
    return float(f"{ratio:.1e}")


def typical_rate(model: TrainableModel, term: Term, sites: Sites) -> float:
    """Typical value of |J_i|^2 of a term without its weight, on some of its points; collective.

    It is the median over the points, or of a sharded model the mean.

    Args:
        model: The model.
        term: A term of its problem.
        sites: The places where the term is evaluated.
    """
    count = sites.points.shape[0] // sites.fold
    some = torch.linspace(0, count - 1, min(count, POINTS)).long()
    return model.typical_rate(term, replace(sites.of(some), weight=1.0), len(some))
