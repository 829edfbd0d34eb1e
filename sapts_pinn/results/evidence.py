r"""Size of a network's parameters as a prior, found by the evidence: for the bands of unknown fields.

An unknown field between and among noisy data is not determined by them alone: a network of many parameters
can move it, along directions that the data hardly show, by much more than the estimate, which training has
left where it is smooth, is likely to be wrong by.  What the data say of such directions is said with a
prior, theta ~ N(0, I / lambda), whose lambda maximises the evidence of the linearised problem: with the
rows J theta = t + e in units of their standard deviations, t = J theta^ - r,

    -2 log p(t | lambda) = log det(I + J J^T / lambda) + t^T (I + J J^T / lambda)^-1 t

(MacKay, Neural Computation 4, 1992; Wahba, J. R. Statist. Soc. B 45, 1983: such bands cover a fixed smooth
function at 95 % of the points, not at each).  In the eigenvectors of H = J^T J, with the values E_i and b =
V^T J^T t, that is a sum over i of log(1 + E_i / lambda) + (b_i^2 / E_i) / (1 + E_i / lambda) up to a
constant.

Where the data determine every direction, as in a fit of few parameters, nothing is assumed.
"""

from __future__ import annotations

import torch
from torch import Tensor

DECADES = (-8, 8)  # of lambda
EACH = 8  # values of lambda in a decade
SEEN = 1e-13  # of the largest eigenvalue: rounding is below
DETERMINED = 100.0  # times lambda: eigenvalues that make a prior needless


def precision(J: Tensor, r: Tensor, theta: Tensor) -> float:
    """The precision lambda of the parameters by the evidence; zero where no prior is needed.

    Args:
        J: [N, n], in units of the standard deviations of the rows.
        r: [N], residuals likewise, at `theta`.
        theta: [n].
    """
    gram = J.T @ J
    values, vectors = torch.linalg.eigh(gram)
    b = vectors.T @ (gram @ theta - J.T @ r)
    seen = values > SEEN * values[-1]
    E, share = values[seen], b[seen].square() / values[seen]
    grid = torch.logspace(*DECADES, (DECADES[1] - DECADES[0]) * EACH + 1, dtype=J.dtype)[:, None]
    found = float(grid[(torch.log1p(E / grid) + share / (1 + E / grid)).sum(1).argmin()])
    determined = bool(seen.all()) and float(values[0]) > DETERMINED * found
    return 0.0 if determined else found
