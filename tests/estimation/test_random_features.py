"""Linear least squares over random features."""

import torch
from torch import Generator, Tensor

from sapts_pinn.derivatives.taylor import Channels
from sapts_pinn.estimation.random_features import Features, inputs_of, solve_on_check
from sapts_pinn.objectives.tall import triangle


def test_features_have_right_derivatives() -> None:
    features = Features.draw(7, (3.0, 5.0), "sin", Generator().manual_seed(1))
    points = torch.rand(5, 2, generator=Generator().manual_seed(2), dtype=torch.float64)
    columns = [lambda p: 2 * p[:, 0] - 1, lambda p: p[:, 0] * p[:, 1]]
    channels = Channels([(0, 1)])
    h, position = 1e-4, channels.position[(0, 1)]

    def at(dx: float, dy: float) -> Tensor:
        moved = points + torch.tensor([dx, dy], dtype=torch.float64)
        return features.bundle(inputs_of(columns, moved, Channels([()])), Channels([()]))[0]

    found = features.bundle(inputs_of(columns, points, channels), channels)[position]
    difference = (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h)
    assert torch.allclose(found, difference, atol=1e-4)


def test_the_rank_is_chosen_on_other_rows() -> None:
    generator = Generator().manual_seed(3)
    a, check = (torch.randn(60, 40, generator=generator, dtype=torch.float64) for _ in range(2))
    for m in (a, check):
        m[:, 20:] = m[:, :20]  # half of the columns say the same again
    x = torch.randn(40, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(60, 1, generator=generator, dtype=torch.float64)
    target = torch.cat([a @ x, noise], 1)
    fit = solve_on_check(triangle([torch.cat([a, target], 1)]), 40, check, torch.cat([check @ x, -noise], 1))
    assert int(fit.ranks[0]) == 20 and float(fit.unexplained[0]) < 1e-12
    assert float(fit.unexplained[1]) > 0.9  # noise explains nothing elsewhere
