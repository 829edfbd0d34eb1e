"""The prior of a network's parameters: found where it was drawn, none where the data say all."""

import pytest
import torch
from torch import Generator

from sapts_pinn.results.evidence import precision

DRAWN = Generator().manual_seed(4)


def rows(n, columns, smallest):
    """A matrix with singular values from 100 down to the smallest."""
    left, _ = torch.linalg.qr(torch.randn(n, columns, generator=DRAWN, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(columns, columns, generator=DRAWN, dtype=torch.float64))
    return left * torch.logspace(2, smallest, columns, dtype=torch.float64) @ right.T


@pytest.mark.parametrize("true", [0.01, 1.0, 100.0])
def test_the_precision_that_parameters_were_drawn_with_is_found(true):
    """300 directions of which the data see about half; theta ~ N(0, 1 / true), unit noise."""
    J = rows(600, 300, -3)
    theta = torch.randn(300, generator=DRAWN, dtype=torch.float64) / true**0.5
    data = J @ theta + torch.randn(600, generator=DRAWN, dtype=torch.float64)
    anywhere = torch.randn(
        300, generator=DRAWN, dtype=torch.float64
    )  # the evidence is that of the data alone
    found = precision(J, J @ anywhere - data, anywhere)
    assert true / 2 < found < true * 2


def test_nothing_is_assumed_where_the_data_determine_everything():
    J = rows(60, 3, 1.5)
    theta = torch.ones(3, dtype=torch.float64)
    assert precision(J, torch.randn(60, generator=DRAWN, dtype=torch.float64), theta) == 0.0
