"""Eigenvalues of a pencil of tall matrices, against a dense computation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from draws import rng
from sapts_pinn.networks.random_units import Units
from sapts_pinn.optim.features.pencil import Pencil, pairs


@dataclass
class Fixed:
    """A linearised sample with a given matrix."""

    matrix: Tensor

    @property
    def residual(self) -> Tensor:
        return self.matrix[:, 0]

    def rows(self, units: Units, targets: Tensor) -> Tensor:
        return self.matrix


def pencil_of(a: Tensor, b: Tensor, shift: float) -> Pencil:
    return Pencil(Fixed(a - shift * b), Fixed(a - (shift + 1) * b))


def test_consistent_pencils_have_the_eigenvalues_of_the_square_one():
    generator = rng(1)
    n, k = 60, 6
    exact = torch.tensor([1.0, 2.0, 2.0, 5.0, 9.0, 20.0], dtype=torch.float64)
    vectors = torch.randn(k, k, generator=generator).double()
    inner = vectors @ exact.diag() @ torch.linalg.inv(vectors)
    b = torch.randn(n, k, generator=generator).double()
    a = b @ inner  # A c = lambda B c has exact solutions
    other = torch.randn(40, k, generator=generator).double()
    units = Units(torch.zeros(k - 1, 1), torch.zeros(k - 1))
    found = pairs(units, pencil_of(a, b, 0.3), pencil_of(other @ inner, other, 0.3), 0.3, 4)
    assert torch.allclose(found.values.sort().values, exact[:4], rtol=1e-9)
    assert found.residuals.max() < 1e-9 and not found.complex
    assert torch.allclose(a @ found.columns, (b @ found.columns) * found.values, atol=1e-7)


def test_complex_ones_are_told():
    b = torch.randn(30, 2, generator=rng(2)).double()
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    units = Units(torch.zeros(1, 1), torch.zeros(1))
    pencil = pencil_of(b @ turn, b, 0.1)
    assert pairs(units, pencil, pencil, 0.1, 2).complex
