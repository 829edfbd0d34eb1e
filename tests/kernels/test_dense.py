"""The dense kernel against PyTorch, for sizes that are no multiple of the vector width."""

import pytest
import torch

from sapts_pinn.kernels import dense as module
from sapts_pinn.kernels import load, product, symmetric_product


@pytest.mark.parametrize("n", [1, 3, 5, 63, 64, 257, 300, 515])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_product(n, threads, dtype, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 1)
    generator = torch.Generator().manual_seed(n)
    H = torch.randn(n, n, generator=generator, dtype=torch.float64).to(dtype)
    x = torch.randn(n, generator=generator, dtype=torch.float64).to(dtype)
    tolerance = 200 * torch.finfo(dtype).eps * n**0.5
    assert float((product(H, x, threads) - H @ x).abs().max()) < tolerance
    upper = torch.triu(H)
    symmetric = upper + torch.triu(H, 1).T
    if load(dtype == torch.float32) is not None:  # PyTorch's product has no triangle
        assert float((symmetric_product(upper, x, threads) - symmetric @ x).abs().max()) < tolerance
    assert float((symmetric_product(symmetric, x, threads) - symmetric @ x).abs().max()) < tolerance


def test_matrices_without_a_kernel_go_through_pytorch():
    H = torch.eye(600, dtype=torch.float64)[::2, ::2]  # not contiguous
    x = torch.arange(300, dtype=torch.float64)
    assert torch.equal(product(H, x, 2), x) and torch.equal(symmetric_product(H, x, 2), x)
