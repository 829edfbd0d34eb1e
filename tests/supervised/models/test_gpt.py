"""The small transformer: its size, that it sees what came before only, and texts that go on."""

from __future__ import annotations

import math

import pytest
import torch

from draws import randn, rng
from sapts_pinn.supervised.models import GPT
from sapts_pinn.supervised.models.gpt import Block, Embedding


def small(seed: int = 0) -> GPT:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GPT(characters=7, length=6, width=8, blocks=2, heads=2).double()


def test_it_has_its_size_and_starts_with_small_weights() -> None:
    network = GPT()
    assert sum(p.numel() for p in network.parameters()) == 212_545
    for name, p in network.named_parameters():
        deep = name.endswith(("out.weight", "narrow.weight"))
        if p.dim() > 1:
            assert float(p.detach().std()) == pytest.approx(0.02 / math.sqrt(8 if deep else 1), rel=0.1)
        elif name.endswith("bias"):
            assert not p.any(), name


def test_a_score_depends_on_no_later_character() -> None:
    network, text = small(), torch.tensor([[1, 4, 2, 2, 6, 0]])
    scores = network(text)
    assert scores.shape == (1, 6, 7)
    for place in range(6):
        changed = text.clone()
        changed[0, place] = (changed[0, place] + 3) % 7
        other = network(changed)
        assert torch.equal(other[0, :place], scores[0, :place])
        assert all(not torch.allclose(other[0, t], scores[0, t]) for t in range(place, 6))


def test_characters_are_told_apart_by_their_place() -> None:
    layer = Embedding(5, 4, 3)
    found = layer(torch.tensor([[2, 2, 0]]))
    exact = layer.token.weight[[2, 2, 0]] + layer.place.weight[:3]
    assert torch.equal(found[0], exact) and not torch.equal(found[0, 0], found[0, 1])


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_the_mean_of_the_values_by_the_weights_of_each_head(heads: int) -> None:
    block, x = Block(8, heads).double(), randn(2, 5, 24)
    q, k, v = x.split(8, -1)
    expected = torch.zeros(2, 5, 8).double()
    for columns in torch.arange(8).chunk(heads):
        for n in range(2):
            for t in range(5):
                scores = k[n, : t + 1][:, columns] @ q[n, t, columns] / math.sqrt(8 / heads)
                expected[n, t, columns] = scores.softmax(0) @ v[n, : t + 1][:, columns]
    assert torch.allclose(block._attend(x), expected, rtol=1e-12, atol=1e-14)


def test_a_text_goes_on_from_its_last_characters() -> None:
    """More of them than the network sees; a low temperature takes the likeliest."""
    network, start = small(), torch.tensor([3, 1, 4, 1, 5, 2, 6, 5, 3])
    found = network.generate(start, 4, rng(), temperature=1e-6)
    assert torch.equal(found[:9], start) and len(found) == 13
    for place in range(9, 13):
        assert int(found[place]) == int(network(found[None, place - 6 : place])[0, -1].argmax())
    hot = [network.generate(start, 20, rng(seed)).tolist() for seed in (0, 0, 1)]
    assert hot[0] == hot[1] != hot[2]
