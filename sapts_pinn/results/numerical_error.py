r"""The numerical error of coefficients: by unfinished training and by too few collocation points.

The standard errors of `uncertainty.py` are those of noise in the data; where these are exact, as for the
eigenvalue in u_xx + lambda u = 0, they tell nothing.  Here the equation is asked at points where it was not
trained.  With r and J the residuals of the loss and their Jacobian there, the Gauss-Newton step

    d = -H^-1 J^T r,      H = J^T J,

leads to the parameters that solve the equation at these points, so that its share in a coefficient c is what
training and collocation still owe it: it vanishes only if r is orthogonal to all that the network can do.
What the network cannot do is left in r as if it were noise of the equation.  It moves the step by about

    s_c = | diag(r) J H^-1 e_c |,      over the rows of the equation and the conditions, not of the data,

the heteroscedasticity-consistent standard error (White, Econometrica 48 (1980)).  The numerical error is
|d_c| + s_c: the first is the systematic part, the second how well it is known.  H is factorised as in
`uncertainty.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Generator, Tensor

from ..networks.model import Model
from ..objectives.least_squares import LeastSquares
from ..objectives.residual_block import ResidualBlock
from ..problems import Sites
from .uncertainty import LEAST_ROWS, MOST_BYTES, factorised, inverse, slopes

SEED = 20_171  # never that of a run
LEAST_POINTS = 1024
CONDITION_POINTS = 512


def numerical_errors(
    model: Model, sites: Mapping[str, Sites], threads: int | None = None
) -> dict[str, float]:
    """The numerical error of every trained coefficient; infinite where the equation does not determine it.

    Args:
        model: The trained model.
        sites: The points it was trained on, by term: for their weights, and for the observations.
        threads: Of the compiled kernel.

    Returns:
        By name; empty without coefficients, or for a network too large for its Jacobian.
    """
    names = [name for name, p in model.coefficients.items() if p.requires_grad]
    n, p = sum(q.numel() for q in model.parameters() if q.requires_grad), len(names)
    fresh = _fresh(model, sites, n)
    rows = {term.name: term.rows for term in model.problem.terms}
    total = sum(rows[name] * len(s.points) // s.fold for name, s in fresh.items())
    if not names or 8 * n * total > MOST_BYTES:
        return {}
    look = LeastSquares(model, fresh, threads=threads).evaluate()
    J, r = look.jacobian(), look.residual()
    if not (torch.isfinite(J).all() and torch.isfinite(r).all()):
        return {}
    eps = torch.finfo(J.dtype).eps
    J, r = J.to(torch.float64, copy=True), r.double()
    R, undetermined = factorised(J, p, eps)
    unit = torch.eye(n, dtype=R.dtype, device=R.device)[n - p :]
    shares = (J @ inverse(R, unit)) * r[:, None]  # of each residual in each step, [N, p]
    parameters = {name: model.coefficients[name].detach().double() for name in model.coefficients}
    noisy = torch.cat(
        [_is_data(piece, r) for piece, r in zip(look.objective.blocks, look._rows, strict=True)]
    )
    sizes = (shares.sum(0).abs() + shares[~noisy].norm(dim=0)) * slopes(model, names, parameters).abs()
    return {
        name: math.inf if lost else float(size)
        for name, size, lost in zip(names, sizes, undetermined.tolist(), strict=True)
    }


def _is_data(piece: ResidualBlock, rows: Tensor) -> Tensor:
    """For each residual of a term whether it is a misfit of data, whose noise is in the standard errors."""
    return torch.full((rows.numel(),), piece.term.fixed is not None, device=rows.device)


def _fresh(model: Model, sites: Mapping[str, Sites], n: int) -> dict[str, Sites]:
    """Other points of the equation and the conditions with the weights they have; the same observations."""
    generator = Generator().manual_seed(SEED)
    equation = max(LEAST_ROWS * n, LEAST_POINTS)
    found: dict[str, Sites] = {}
    for term in model.problem.terms:
        if term.name not in sites or term.fixed is not None:
            found |= {term.name: sites[term.name]} if term.name in sites else {}
            continue
        count = equation if term.name == "equation" else CONDITION_POINTS
        drawn = term.sites(count, generator, "uniform")
        found[term.name] = replace(drawn, weight=sites[term.name].weight)
    return found
