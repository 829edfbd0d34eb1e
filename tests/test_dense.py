"""The dense kernels against PyTorch, for sizes that are no multiple of the vector width."""

import pytest
import torch

from sapts_pinn.kernels import dense as module
from sapts_pinn.kernels import product, rank_two_


@pytest.mark.parametrize("n", [1, 5, 63, 64, 257, 300, 515])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_product_and_update(n, threads, dtype, monkeypatch):
    monkeypatch.setattr(module, "SMALL", 1)
    generator = torch.Generator().manual_seed(n)
    H = torch.randn(n, n, generator=generator, dtype=torch.float64).to(dtype)
    x, *vectors = torch.randn(5, n, generator=generator, dtype=torch.float64).to(dtype)
    left, right = torch.stack(vectors[:2]), torch.stack(vectors[2:])
    tolerance = 200 * torch.finfo(dtype).eps * n**0.5
    assert float((product(H, x, threads) - H @ x).abs().max()) < tolerance
    expected = 0.7 * H + left[0].outer(right[0]) + left[1].outer(right[1])
    rank_two_(H, 0.7, left, right, threads)
    assert float((H - expected).abs().max()) < tolerance


def test_matrices_without_a_kernel_go_through_pytorch():
    H = torch.eye(600, dtype=torch.float64)[::2, ::2]  # not contiguous
    x = torch.arange(300, dtype=torch.float64)
    assert torch.equal(product(H, x, 2), x)
