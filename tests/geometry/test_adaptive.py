"""Adaptive samplers: RAD and RAR-D."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from draws import rng
from sapts_pinn.geometry import Ball, Interval, Time, rad, rar_d


def bump(x: Tensor) -> Tensor:
    return torch.exp(-50 * (x[:, 0] - 0.5) ** 2)


def test_rad_follows_its_density() -> None:
    domain = Interval(-1, 1) * Time(0, 1)
    points = rad(domain, 2000, bump, rng(), candidates=100_000)
    assert points.shape == (2000, 2) and domain.inside(points).all() and len(points.unique(dim=0)) == 2000
    grid = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    density = bump(grid[:, None])
    density = density / density.mean() + 1
    cdf = density.cumsum(0) / density.sum()

    def exact(q):  # type: ignore[no-untyped-def]
        return cdf[((torch.from_numpy(q) + 1) / 2 * 2000).round().long()].numpy()

    # without replacement from a finite pool the peak is a little thinned, hence a bound and not a p-value
    assert stats.kstest(points[:, 0].numpy(), exact).statistic < 0.05
    assert stats.kstest(points[:, 1].numpy(), "uniform").pvalue > 1e-3
    sharper = rad(domain, 500, bump, rng(), power=4, offset=0)
    assert (sharper[:, 0] - 0.5).std() < 0.8 * (points[:, 0] - 0.5).std()
    assert torch.equal(sharper, rad(domain, 500, bump, rng(), power=4, offset=0))


def test_rar_d_adds_points_where_the_residual_is_large() -> None:
    domain = Ball((0, 0), 2) - Ball((0, 0), 1, tag="inner")
    start = domain.interior(30, rng())
    grown = rar_d(domain, start, 20, lambda x: (x[:, 0] > 1).double(), rng())
    assert grown.shape == (50, 2) and torch.equal(grown[:30], start)
    assert (grown[30:, 0] > 1).all() and domain.inside(grown).all()


def test_adaptive_sampling_of_awkward_residuals() -> None:
    domain = Interval(-1, 1)

    def half_broken(x: Tensor) -> Tensor:
        return torch.full_like(x[:, 0], 1e200).where(x[:, 0] <= 0, math.nan)

    assert (rad(domain, 50, half_broken, rng(), power=2) <= 0).all()
    zero = rad(domain, 400, lambda x: 0 * x[:, 0], rng(), offset=0)
    assert stats.kstest((zero[:, 0].numpy() + 1) / 2, "uniform").pvalue > 1e-3
    # fewer points of positive weight than asked for: all of them, and others
    few = rad(domain, 100, lambda x: (x[:, 0] > 0.99).double(), rng(), offset=0, candidates=1000)
    assert len(few.unique()) == 100 and (few > 0.99).any()
    x = torch.zeros(1, requires_grad=True)
    assert not rad(domain, 5, lambda p: p[:, 0] + x, rng()).requires_grad
    with pytest.raises(ValueError, match="only 0 of 10000 candidates have a finite residual"):
        rad(domain, 50, lambda x: x[:, 0] * math.nan, rng())
    with pytest.raises(ValueError, match=r"must have shape \[10000\]; got \[10000, 1\]"):
        rad(domain, 50, lambda x: x, rng())
    with pytest.raises(ValueError, match="raise candidates to at least 50"):
        rad(domain, 50, bump, rng(), candidates=10)
    with pytest.raises(ValueError, match="power=-1"):
        rad(domain, 50, bump, rng(), power=-1)
