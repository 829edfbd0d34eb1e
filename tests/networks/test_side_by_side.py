"""Networks side by side: each sees its inputs and gives its outputs, in value and in derivatives."""

from __future__ import annotations

import torch

from draws import randn
from sapts_pinn.derivatives.taylor import Channels, by_nested_jvp, propagate
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.side_by_side import SideBySide


def pair() -> SideBySide:
    """Outputs 0 and 2 from the inputs 0 and 2, output 1 from the inputs 1 and 0."""
    return SideBySide([MLP((2, 5, 2)), MLP((2, 4, 1), "sin")], [[0, 2], [1, 0]], [[0, 2], [1]]).double()


def test_every_output_is_that_of_its_network() -> None:
    both, x = pair(), randn(6, 3)
    first, second = both.networks
    out = both(x)
    assert torch.equal(out[:, [0, 2]], first(x[:, [0, 2]])) and torch.equal(out[:, [1]], second(x[:, [1, 0]]))
    assert sum(p.numel() for p in both.parameters()) == 5 * 3 + 2 * 6 + 4 * 3 + 5


def test_jets_are_those_of_nested_forward_mode() -> None:
    both, channels = pair(), Channels([(0, 1, 2), (2, 2)])
    jet = randn(len(channels), 4, 3)
    exact = by_nested_jvp(both, jet, channels)
    assert torch.allclose(propagate(both, jet, channels), exact, rtol=1e-12, atol=1e-13)
