"""Spectrum of the Gauss-Newton matrix J^T J of a trained network.

J [N, n] is the Jacobian of the weighted residuals, which the loss is half the sum of squares of.  Eigenvalues
below rounding times the largest one belong to directions of the parameters that the residuals do not see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator

from ..errors import InputError
from ..networks.model import Model
from ..objectives.least_squares import LeastSquares
from .uncertainty import MOST_BYTES

if TYPE_CHECKING:
    from .solution import Solution

ROWS = 4  # residuals for each parameter
CONDITION_POINTS = 512


def gauss_newton_spectrum(solution: Solution) -> dict[str, NDArray[np.float64]]:
    """Eigenvalues of J^T J at the solution, largest first, on fresh points.

    Args:
        solution: A trained solution.

    Returns:
        The n eigenvalues of the network, or of that of each window in time, by name.

    Raises:
        InputError: A network is too large for its dense Jacobian.
    """
    model = solution.model
    if isinstance(model, Model):
        return {"network": _of(model, solution)}
    return {f"window {i + 1}": _of(each, solution) for i, each in enumerate(model.windows)}


def _of(model: Model, solution: Solution) -> NDArray[np.float64]:
    n = sum(p.numel() for p in model.parameters() if p.requires_grad)
    terms = model.problem.terms
    count = ROWS * n // terms[0].rows + 1
    if 8 * n * ROWS * n > MOST_BYTES:
        raise InputError(
            f"the spectrum of {n:,} parameters needs {8 * ROWS * n * n / 1e9:.0f} GB; use a smaller network"
        )
    weights, generator = solution.result.get("weights", {}), Generator().manual_seed(0)
    sites = {
        term.name: replace(
            term.sites(count if i == 0 else CONDITION_POINTS, generator, "sobol"),
            weight=weights.get(term.name) if term.balanced else None,
        )
        for i, term in enumerate(terms)
    }
    jacobian = LeastSquares(model, sites).evaluate().jacobian().detach().cpu().double()
    values: NDArray[np.float64] = torch.linalg.svdvals(jacobian).square().numpy()
    return np.pad(values, (0, max(n - len(values), 0)))
