r"""The exact subproblem of a compact model, ``B = gamma I + Psi W^-1 Psi^T`` with few columns.

`obs` (Brust, Erway and Marcia 2017, arXiv:1506.07222): exact, for ``B = gamma I + Psi W^-1 Psi^T`` with few
columns. An orthonormal basis of range(Psi) in which ``B`` is diagonal turns the problem into `secular` with
the eigenvalues on the range and, once more, ``gamma`` for the part of ``g`` orthogonal to it. The paper
takes the basis from a Cholesky factor of ``Psi^T Psi``, which does not exist when the columns are dependent.
Here it comes from the eigendecomposition of that Gram matrix, columns first scaled to unit norm and
directions below rounding dropped; doing so twice makes it orthonormal to rounding (SVQB, Stathopoulos and
Wu 2002). Only inner products of vectors are needed.

"""

from dataclasses import dataclass
from math import isfinite, sqrt

import torch
from torch import Tensor

from .exact import secular_many
from .step import Dot, InnerProducts, Step, _refused, _step, _zero, plain_dot


@dataclass(frozen=True)
class Spectrum:
    """``B = gamma I + basis^T diag(eigenvalues - gamma) basis``: a multiple of I but for a few directions.

    Attributes:
        gamma: the eigenvalue of every vector that is orthogonal to the basis.
        eigenvalues: of the basis vectors, [r], in float64 on the CPU.
        basis: orthonormal eigenvectors, in rows, [r, n].
        complete: the basis spans the whole space, so that gamma is no eigenvalue at all.
    """

    gamma: float
    eigenvalues: Tensor
    basis: Tensor
    complete: bool

    def mv(self, v: Tensor, dot: Dot = plain_dot) -> Tensor:
        """Return ``B v``."""
        weights = (self.eigenvalues - self.gamma) * products(self.basis, v, dot)
        return self.gamma * v + combine(weights, self.basis)

    def split(self, v: Tensor, dot: Dot = plain_dot) -> tuple[Tensor, Tensor]:
        """Return the coordinates of ``v`` in the basis, [r], and what is orthogonal to it, [n]."""
        coordinates = products(self.basis, v, dot)
        rest = v - combine(coordinates, self.basis)
        again = products(self.basis, rest, dot)  # or the rest of a vector near the range is not orthogonal
        return coordinates + again, rest - combine(again, self.basis)


def products(rows: Tensor, v: Tensor, dot: Dot) -> Tensor:
    """Return the inner products of each row with ``v``, [r], in float64 on the CPU."""
    if dot is plain_dot:
        return (rows @ v).double().cpu()
    if isinstance(dot, InnerProducts):
        return dot.gram(rows, v.unsqueeze(0))[:, 0]
    return torch.tensor([dot(row, v) for row in rows], dtype=torch.float64)


def combine(weights: Tensor, rows: Tensor) -> Tensor:
    """Return the sum of the rows, [n], with the weights [r], which may be of another type or device."""
    return weights.to(rows) @ rows


def _products(rows: Tensor, others: Tensor, dot: Dot) -> Tensor:
    """Return the inner products of the rows with the others, [r, k]."""
    if isinstance(dot, InnerProducts):
        return dot.gram(rows, others)
    return torch.stack([products(others, row, dot) for row in rows])


def _gram(rows: Tensor, dot: Dot) -> Tensor:
    """Return the inner products of the rows with each other, [k, k], in float64 on the CPU."""
    if dot is plain_dot:
        wide = rows.double()
        return (wide @ wide.T).cpu()
    if isinstance(dot, InnerProducts):
        return dot.gram(rows, rows)
    gram = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for i in range(len(rows)):
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = dot(rows[i], rows[j])
    return gram


def _orthonormal(rows: Tensor, dot: Dot) -> Tensor:
    """Return an orthonormal basis of the span of the rows, in rows, [r, n] with r the numerical rank."""
    # Combinations of unit rows shorter than the root of this are rounding error, of the products or the rows.
    eps = torch.finfo(rows.dtype).eps
    tolerance = max(1e3 * len(rows) * torch.finfo(torch.float64).eps, 100 * eps * eps)
    for _ in range(2):
        gram = _gram(rows, dot)
        norms = gram.diagonal().sqrt()
        scale = torch.where(norms > 0, 1 / norms, 0.0)
        lam, V = torch.linalg.eigh(scale[:, None] * gram * scale)
        keep = lam > tolerance
        rows = (V[:, keep] / lam[keep].sqrt() * scale[:, None]).T.to(rows) @ rows
    return rows


def spectrum(gamma: float, psi: Tensor, middle: Tensor, dot: Dot = plain_dot) -> Spectrum:
    """Diagonalise ``B = gamma I + Psi W^-1 Psi^T``.

    Args:
        gamma: the multiple of the identity, of any sign.
        psi: [n, k] with ``k`` small; the columns may be dependent.
        middle: the symmetric, invertible ``W``, [k, k].
        dot: the inner product.

    Returns:
        The spectrum; its eigenvalues are NaN, and so will be every prediction, where the numbers were not
        finite or ``W`` was singular.
    """
    rows = psi.T
    whole = psi.new_ones(len(psi))
    dimension = dot(whole, whole)
    inverse, _ = torch.linalg.inv_ex(middle.double().cpu())
    finite = (
        bool(torch.isfinite(inverse).all()) and isfinite(gamma) and isfinite(float(_gram(rows, dot).sum()))
    )
    if not finite:
        return Spectrum(float("nan"), inverse.new_zeros(0), rows[:0], False)
    basis = _orthonormal(rows, dot)
    R = _products(basis, rows, dot) if len(basis) else inverse.new_zeros(0, len(rows))
    K = R @ inverse @ R.T
    theta, U = torch.linalg.eigh((K + K.T) / 2)
    return Spectrum(gamma, gamma + theta, U.T.to(basis) @ basis, len(basis) >= round(dimension))


def obs(g: Tensor, gamma: float, psi: Tensor, middle: Tensor, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the exact step for ``B = gamma I + Psi W^-1 Psi^T``, which may be indefinite.

    Args:
        g: the gradient, [n].
        gamma: the multiple of the identity.
        psi: [n, k] with ``k`` small; the columns may be dependent.
        middle: the symmetric, invertible ``W``, [k, k].
        radius: the trust-region radius.
        dot: the inner product.
    """
    return obs_spectrum(g, spectrum(gamma, psi, middle, dot), radius, dot)


def obs_spectrum(g: Tensor, model: Spectrum, radius: float, dot: Dot = plain_dot) -> Step:
    """Return the exact step for a model already diagonalised, as often as the radius changes.

    Args:
        g: the gradient, [n].
        model: what `spectrum` returned.
        radius: the trust-region radius.
        dot: the inner product, as `spectrum` had it.
    """
    gg = dot(g, g)
    if gg == 0:
        return _zero(g)
    if not (isfinite(gg) and isfinite(model.gamma)):
        return _refused(g)
    along, rest = model.split(g, dot)
    size = sqrt(dot(rest, rest))
    if model.complete or size <= 10 * torch.finfo(g.dtype).eps * sqrt(gg):
        size = 0.0
    gt, eigenvalues = along, model.eigenvalues
    if not model.complete:
        gt = torch.cat([gt, gt.new_tensor([size])])
        eigenvalues = torch.cat([eigenvalues, gt.new_tensor([model.gamma])])
    steps, lambdas, predicted = secular_many(gt, eigenvalues, gt.new_tensor([radius]))
    c = steps[0]
    s = combine(c[: len(along)], model.basis)
    if size > 0:
        s = s + (float(c[-1]) / size) * rest
    elif not model.complete and c[-1] != 0:
        s = s + float(c[-1]) * _outside(model, g, dot)
    return _step(s, float(predicted[0]), bool(lambdas[0] > 0), float(c.norm()))


def _outside(model: Spectrum, like: Tensor, dot: Dot) -> Tensor:
    """Return some unit vector orthogonal to the basis: the hard case where gamma is the lowest eigenvalue."""
    index = torch.arange(1, len(like) + 1, dtype=like.dtype, device=like.device)
    best, largest = like, 0.0
    for frequency in range(1, len(model.basis) + 2):  # independent vectors, one more than the basis can hold
        _, rest = model.split(torch.cos(frequency * index), dot)
        norm = sqrt(dot(rest, rest))
        if norm > largest:
            best, largest = rest / norm, norm
    _, best = model.split(best, dot)
    return best / sqrt(dot(best, best))
