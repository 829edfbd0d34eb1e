"""The perceptron for digits."""

from __future__ import annotations

import torch

from draws import rng
from sapts_pinn.supervised.models import MLP


def test_it_has_the_layers_of_its_widths_and_no_activation_at_the_end() -> None:
    assert sum(p.numel() for p in MLP().parameters()) == 101_770
    network = MLP((16, 5, 4, 3)).double()
    digits = torch.randint(256, (6, 1, 4, 4), generator=rng(), dtype=torch.uint8)
    x = ((digits.double() / 255 - 0.1307) / 0.3081).reshape(6, 16)
    weights = list(network.parameters())
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = (x @ W.T + b).clamp(min=0)
    assert torch.allclose(network(digits), x @ weights[-2].T + weights[-1], rtol=1e-5, atol=1e-6)
