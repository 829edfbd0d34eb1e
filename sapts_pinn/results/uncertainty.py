r"""Standard errors of unknown coefficients and fields: the Gauss-Newton (Laplace) approximation.

The loss is f = |r|^2 / 2 in all parameters theta = (network, coefficients), r = (r_e, r_d): the residuals of
the equation and of weighted conditions, and the weighted misfits of the observations.  At a minimum, to first
order in the errors e of the data,

    theta^ - theta = H^-1 J_d^T e,      H = J^T J = J_e^T J_e + J_d^T J_d,

so that data with independent errors of standard deviation s_i (that of the weighted misfit i) give

    Cov theta^ = H^-1 J_d^T S^2 J_d H^-1,      S = diag s.                                            (1)

What the weight of the equation means.  The assumption is that the equation holds exactly, and that the
network can follow its solution: then r_e = 0 at the true parameters whatever its weight is, the equation is a
penalty for a constraint, and only the data are random.  That is why (1) has H on both sides and S^2 on the
data's rows only: J_e^T J_e stiffens the estimate and adds no variance.  For an infinite weight of the
equation and misfits weighted by 1 / s, (1) becomes the usual inverse of J_d^T J_d reduced to the solutions of
the equation (Bates and Watts, Nonlinear Regression Analysis, Wiley 1988, ch. 2; Nocedal and Wright, Numerical
Optimization, ch. 10).  With a smaller weight the network may leave the equation to follow the noise, and (1)
grows: it is the spread of this very estimate, never less than what the best one has (Gauss-Markov).  Not in
(1): errors of the equation itself, of the network's form, and of a training that has not ended.  Of the last
there is a test, the Gauss-Newton step that would still be taken.

The standard deviations s are given (`Observations(noise=...)`), or estimated from each set's misfit by
s^2 = |r_k|^2 / (N_k - tr(2 A_k - A_k A_k^T)), with A_k the set's block of the matrix A = J_d H^-1 J_d^T that
maps the data to their fit (Hastie and Tibshirani, Generalized Additive Models, 1990, ch. 3).

H is not formed, as that would square the condition number: R of the QR factorisation of
[J_net J_c; delta I 0] has H = R^T R.  The damping delta = eps sqrt(n) |J_net|_F is that of rounding;
directions of the network below it change nothing that can be seen in J.  With the coefficients' columns last,
the block R_cc of R in the lower right corner is a factor of the Schur complement of the network,
(H^-1)_cc = (R_cc^T R_cc)^-1.  Where R_cc is singular to rounding the network makes up for any change of a
coefficient: the data do not determine it.

The standard error of an unknown needs more.  Along a direction that the data hardly show, (1) lets noise
move it at will, between the points of a steep solution or in all of a field, while the training has left it
where it is smooth.  For unknowns there is a prior of precision lambda, found by `evidence.py`: with mu =
lambda s^2, s the size of S, and y = (H + mu)^-1 g for the gradient g of the unknown by the parameters,

    variance = |S J_d y|^2 + mu s^2 |y|^2,                                                          (2)

of which the second part is the mean square of what the prior leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from ..networks.model import Model
from ..objectives.flat import gather
from ..objectives.least_squares import LeastSquares, LeastSquaresEvaluation
from ..objectives.residual_block import ResidualBlock
from ..problems import Sites, Term
from ..problems.term import Trace
from ..runs.content import Result
from .evidence import precision

MOST_BYTES = 5e8  # of J: beyond it the equation is looked at in fewer points,
LEAST_ROWS = 2  # for each parameter at least so many


@dataclass(frozen=True)
class Uncertainty:
    """Standard errors of estimates by noise of the data.

    Attributes:
        standard_errors: Of each trained coefficient; infinite where the data do not determine it.
        covariance: Of the coefficients, [p, p], in their order.
        noise: Standard deviation of each set of observations, given or estimated, by the term's name.
        remarks: Sentences about coefficients that are not determined, or have not settled.
    """

    standard_errors: dict[str, float]
    covariance: Tensor = field(repr=False)
    noise: dict[str, float]
    remarks: tuple[str, ...]
    _model: Model = field(repr=False)
    _factor: Tensor = field(repr=False)  # R, [n, n]
    _data: Tensor = field(repr=False)  # S J_d, [N_d, n]
    _prior: tuple[float, float] = field(repr=False)  # the roots of mu and of mu s^2

    @cached_property
    def _damped(self) -> Tensor:
        """R with the prior of the network's parameters."""
        n, p = len(self._factor), len(self.standard_errors)
        damping = self._prior[0] * torch.eye(n - p, n, dtype=self._factor.dtype)
        R: Tensor = torch.linalg.qr(torch.cat([self._factor, damping]), mode="r")[1]
        return R

    def of(self, unknown: str, points: Tensor) -> Tensor:
        """The standard error of an unknown at points [M, dim], [M]."""
        rows = []
        for chunk in points.split(2048):
            gradients = _gradients(self._model, unknown, chunk).to(self._factor)
            y = inverse(self._damped, gradients)
            left = self._prior[1] * y[: len(y) - len(self.standard_errors)]
            rows.append(torch.cat([self._data @ y, left]).norm(dim=0))
        return torch.cat(rows)

    def of_all(self, unknowns: Sequence[str], points: Tensor) -> Tensor:
        """The standard errors of unknowns at points [M, dim], [M, m] on the processor."""
        return torch.stack([self.of(name, points).cpu() for name in unknowns], 1)


def uncertainty(model: Model, sites: Mapping[str, Sites], threads: int | None = None) -> Uncertainty | None:
    """The standard errors at a model's current parameters.

    Args:
        model: The trained model.
        sites: The points it was trained on, by term.
        threads: Of the compiled kernel.

    Returns:
        None when there is nothing to estimate from: no observations, or a network too large for its Jacobian.
    """
    data = [t for t in model.problem.terms if t.fixed is not None and t.name in sites]
    n = sum(p.numel() for p in model.parameters() if p.requires_grad)
    most = int(MOST_BYTES / (8 * n))
    if not data or most < LEAST_ROWS * n + sum(t.fixed or 0 for t in data):
        return None
    objective = LeastSquares(model, _thinned(model, sites, most), threads=threads)
    look = objective.evaluate()
    J, r = look.jacobian(), look.residual()
    if not (torch.isfinite(J).all() and torch.isfinite(r).all()):
        return None
    gradient = (J.T @ r).to("cpu", torch.float64)
    eps = torch.finfo(J.dtype).eps
    J = J.to("cpu", torch.float64, copy=True)  # once: what follows is small
    names = [name for name, p in model.coefficients.items() if p.requires_grad]
    p = len(names)
    R, undetermined = factorised(J, p, eps)
    noise, scaled, spreads = _noise(look, R, J, {t.name: t for t in data})
    found = inverse(R, torch.eye(n, dtype=R.dtype)[n - p :])  # columns of H^-1
    spread = scaled @ found
    parameters = {name: c.detach().to("cpu", torch.float64) for name, c in model.coefficients.items()}
    rates = slopes(model, names, parameters)
    covariance = rates[:, None] * (spread.T @ spread) * rates
    values = model.values()
    errors = {
        name: math.inf if undetermined[i] else math.sqrt(float(covariance[i, i]))
        for i, name in enumerate(names)
    }
    steps = -(found.T @ gradient) * rates
    remarks = [
        sentence
        for name, step in zip(names, steps.tolist(), strict=True)
        if (sentence := _remark(name, values[name], errors[name], step))
    ]
    prior = _prior(model, J[:, : n - p], r.to(J), spreads)
    return Uncertainty(errors, covariance, noise, tuple(remarks), model, R, scaled, prior)


def _prior(model: Model, J: Tensor, r: Tensor, spreads: Tensor) -> tuple[float, float]:
    """The roots of mu and of mu s^2, see (2).

    Args:
        model: The trained model.
        J: [N, n], of the network's parameters.
        r: [N].
        spreads: Standard deviations of the weighted residuals, [N]; zero of those that are no data.
    """
    data = spreads[spreads > 0]
    if not len(data):
        return 0.0, 0.0
    s = float(data.log().mean().exp())
    unit = torch.where(spreads > 0, spreads, s)
    theta = gather([p.detach() for p in model.network.parameters() if p.requires_grad]).to(J)
    root = math.sqrt(precision(J / unit[:, None], r / unit, theta)) * s
    return root, root * s


def _remark(name: str, value: float, error: float, step: float) -> str | None:
    if math.isinf(error):
        return (
            f"{name} is not determined by the data: other values fit them as well, with another solution; "
            "observe more, or give conditions"
        )
    if error > abs(value):
        return f"{name} is not determined by the data: its standard error is larger than the estimate"
    if abs(step) > error and abs(step) > 1e-12 * abs(value):
        return (
            f"{name} has not settled: a Gauss-Newton step would still move it by {abs(step):.1e}, more than "
            "its standard error; train longer"
        )
    return None


def _thinned(model: Model, sites: Mapping[str, Sites], most: int) -> dict[str, Sites]:
    """Thin out the equation's points to limit the rows; weights keep its share in the loss."""
    rows = {t.name: t.rows for t in model.problem.terms}
    total = sum(rows[name] * len(s.points) // s.fold for name, s in sites.items())
    if total <= most:
        return dict(sites)
    whole = len(sites["equation"].points) // sites["equation"].fold
    keep = max(whole - -(-(total - most) // rows["equation"]), 1)
    chosen = torch.linspace(0, whole - 1, keep).long()
    return {**sites, "equation": sites["equation"].of(chosen)}


def factorised(J: Tensor, p: int, eps: float) -> tuple[Tensor, Tensor]:
    """R of the damped Jacobian [N, n], and of which of its last p parameters, coefficients, it says nothing.

    The columns of these in J are set to zero, in place: they take no part.
    """
    n = J.shape[1]
    sizes = J[:, n - p :].norm(dim=0)
    R = _factor(J, p, eps)
    corner = R[n - p :, n - p :] / sizes.clamp(min=torch.finfo(R.dtype).tiny)
    undetermined = _null_space(corner, 100 * eps * math.sqrt(len(J)))
    if undetermined.any():
        J[:, n - p :][:, undetermined] = 0.0
        R = _factor(J, p, eps)
    return R, undetermined


def _factor(J: Tensor, p: int, eps: float) -> Tensor:
    """R, [n, n], of the damped Jacobian; the last p columns, the coefficients', are not damped."""
    n = J.shape[1]
    delta = eps * math.sqrt(n) * float(J[:, : n - p].norm())
    damping = torch.eye(n - p, n, dtype=J.dtype, device=J.device) * delta
    R: Tensor = torch.linalg.qr(torch.cat([J, damping]), mode="r")[1]
    return R


def _null_space(corner: Tensor, tolerance: float) -> Tensor:
    """Mark the coefficients, bool [p], in directions that the scaled factor [p, p] maps to zero."""
    if not len(corner):
        return torch.zeros(0, dtype=torch.bool)
    _, values, directions = torch.linalg.svd(corner)
    shares: Tensor = directions[values <= tolerance].abs()
    return (shares > 1e-3).any(0)


def inverse(R: Tensor, rows: Tensor) -> Tensor:
    """(R^T R)^-1 applied to rows [k, n], as columns [n, k]; a parameter without a column in R stays put."""
    dead = R.diagonal() == 0
    if dead.any():
        R = R + torch.diag(dead.to(R))
        rows = rows * ~dead
    y = torch.linalg.solve_triangular(R.T, rows.T, upper=False)
    out: Tensor = torch.linalg.solve_triangular(R, y, upper=True)
    return out


def _noise(
    look: LeastSquaresEvaluation, R: Tensor, J: Tensor, data: Mapping[str, Term]
) -> tuple[dict[str, float], Tensor, Tensor]:
    """Standard deviations by term, the data's rows of J times those of weighted misfits, and the latter."""
    noise, rows, start = {}, [], 0
    spreads = torch.zeros(len(J), dtype=J.dtype)
    for piece, r in zip(look.objective.blocks, look._rows, strict=True):
        end = start + r.numel()
        if (term := data.get(piece.term.name)) is not None:
            block, scale = J[start:end], float(piece.scale)  # observations have one row
            if term.noise is not None:
                sigma = term.noise
            else:
                sigma = _estimated(r.reshape(-1).to(R), R, block) / scale
            noise[term.name] = sigma
            rows.append(block * (sigma * scale))
            spreads[start:end] = sigma * scale
        start = end
    return noise, torch.cat(rows), spreads


def _estimated(r: Tensor, R: Tensor, block: Tensor) -> float:
    """The standard deviation of weighted misfits [N_k] from their size and the degrees of freedom left."""
    dead = R.diagonal() == 0
    W = torch.linalg.solve_triangular((R + torch.diag(dead.to(R))).T, block.T, upper=False)
    small = W @ W.T if len(W) < W.shape[1] else W.T @ W
    used = 2 * float(small.diagonal().sum()) - float((small * small).sum())
    left = max(len(r) - used, 1.0)
    return float(r.norm()) / math.sqrt(left)


def slopes(model: Model, names: list[str], parameters: Mapping[str, Tensor]) -> Tensor:
    """The derivatives of the coefficients by their parameters, [p]."""
    if not names:
        return torch.zeros(0, dtype=torch.float64)
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    values = model.problem.values_of(leaves)
    found = [torch.autograd.grad(values[name], leaves[name])[0] for name in names]
    return torch.stack(found)


def _gradients(model: Model, unknown: str, points: Tensor) -> Tensor:
    """The derivatives [M, n] of an unknown at points by all parameters."""
    term = Term(
        unknown,
        1.0,
        Trace(1, {unknown: ((),)}),
        lambda n, generator, sampler: Sites(points),
        lambda fields, sites, known: (fields[unknown].value,),
    )
    piece = ResidualBlock(model, term, Sites(points), 1, ())
    theta = gather([p for p in model.parameters() if p.requires_grad])
    _, stamp = piece.residual(theta)
    return piece.jacobian(theta, stamp).T.detach()


def combined_errors(result: Result) -> dict[str, float]:
    """The error of each coefficient by noise of the data and by numerics together, from result.json."""
    known: dict[str, list[float]] = {}
    for errors in (result.get("standard_errors"), result.get("numerical_errors")):
        for name, value in (errors or {}).items():
            known.setdefault(name, []).append(math.inf if value is None else value)
    return {name: math.hypot(*values) for name, values in known.items()}


def estimate(value: float, error: float | None, sign: str = "+-") -> str:
    """A number with its error, to the digits that this leaves: "3.1831e-03 +- 2.1e-06"."""
    if error is None or not 0 < error < math.inf or value == 0:
        return f"{value:.8g}" + (f" {sign} inf" if error == math.inf else "")
    digits = min(max(math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1, 1), 15)
    return f"{value:.{digits}e} {sign} {error:.1e}"
