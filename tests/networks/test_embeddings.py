"""Embeddings of the inputs: what they compute and refuse."""

import math

import pytest
import torch

from draws import rng
from sapts_pinn.networks.embeddings import FourierFeatures, PeriodicEmbedding


def test_fourier_features():
    embedding = FourierFeatures(2, 4000, 1.5, rng()).double()
    x = torch.rand(5, 2, generator=rng(1), dtype=torch.float64)
    angle = x @ embedding.frequencies.T
    assert torch.equal(embedding(x), torch.cat([angle.cos(), angle.sin()], 1))
    assert float(embedding.frequencies.std()) == pytest.approx(1.5 * math.pi, rel=0.02)
    assert not list(embedding.parameters()) and "frequencies" in embedding.state_dict()
    assert torch.equal(FourierFeatures(2, 3, 1.0, rng()).frequencies,
                       FourierFeatures(2, 3, 1.0, rng()).frequencies)  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_periodic_embedding_repeats(axis):
    embedding = PeriodicEmbedding(axis, 0.7, 2)
    x = torch.rand(6, 3, generator=rng(), dtype=torch.float64)
    moved = x.clone()
    moved[:, axis] += 0.7
    torch.testing.assert_close(embedding(x), embedding(moved), rtol=0, atol=1e-13)
    others = [i for i in range(3) if i != axis]
    assert torch.equal(embedding(x)[:, :2], x[:, others]) and embedding(x).shape == (6, 2 + 4)


@pytest.mark.parametrize("arguments", [(0, 0.0), (0, -1.0), (0, 1.0, 0)])
def test_periodic_embedding_refuses(arguments):
    with pytest.raises(ValueError, match="period must be positive and count at least 1"):
        PeriodicEmbedding(*arguments)
