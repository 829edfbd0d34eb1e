"""Numbers become tensors, and nothing else changes."""

import torch
from torch import nn

from sapts_pinn.results.exact_constants import ExactConstants


class Formula(nn.Module):
    def forward(self, x):
        y = 0.1 * x + x / 0.3 - (0.7 - x) ** 2.5 + torch.full_like(x, 0.9)
        return torch.where(y > 2, y.clamp(0.2, 5.5), 0.4) * torch.mul(y, 1.1) - torch.clamp(y, min=0.6)


def numbers(module):
    """The numbers of Python in the recorded program."""
    points = torch.linspace(0, 0.6, 7, dtype=torch.float64)
    program = torch.export.export(module, (points,), strict=False)
    assert torch.equal(program.module()(points), Formula()(points))
    return [a for node in program.graph.nodes for a in node.args if isinstance(a, float)]


def test_no_number_is_left_and_the_values_stay():
    assert numbers(Formula()) and not numbers(ExactConstants(Formula()))
