"""Margins of the comparisons in a function."""

import torch

from sapts_pinn.problems.functions.margins import leaves_torch, margins


def test_margins_are_those_of_each_comparison():
    points = torch.tensor([[0.1], [0.5]]).double()
    first, second = margins(lambda p: ((p[:, 0] > 0.2) & (p[:, 0] < 0.4)).double(), points)
    torch.testing.assert_close(first, points[:, 0] - 0.2)
    torch.testing.assert_close(second, 0.4 - points[:, 0])  # where it stops being positive x < 0.4 flips
    assert leaves_torch(lambda p: torch.from_numpy(p.detach().numpy()[:, 0]), points)
    assert not leaves_torch(lambda p: p[:, 0], points)
