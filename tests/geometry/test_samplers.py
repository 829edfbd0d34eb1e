"""Samplers: counts, uniformity, reproducibility, grids, and the adaptive ones."""

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from draws import rng
from sapts_pinn.geometry import (
    SAMPLERS,
    Ball,
    Box,
    Domain,
    Interval,
    Polygon,
    Time,
    unit_points,
)

DOMAINS = [
    Interval(-1, 1),
    Interval(-1, 1) * Time(0, 1),
    Ball((0, 0), 1),
    Ball((0, 0, 0), 1) * Time(0, 1),
    Ball([0] * 5, 1),
    Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]) * Time(0, 1),
    Ball((0, 0), 2) - Ball((0, 0), 1, tag="inner"),
    Box((0, 0), (1, 1)) | Box((0.5, 0.5), (2, 2)),
]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
def test_counts_inside_and_reproducible(domain: Domain, sampler: str) -> None:
    for n in (1, 7, 100):
        x = domain.interior(n, rng(3), sampler)
        assert x.shape == (n, domain.dim) and x.dtype == torch.float64
        assert (domain.distance(x) <= 1e-13).all()
        assert torch.equal(x, domain.interior(n, rng(3), sampler))
        b = domain.boundary(n, rng(3), domain.faces, sampler)
        again = domain.boundary(n, rng(3), domain.faces, sampler)
        assert (
            len(b.points) == n and torch.equal(b.points, again.points) and torch.equal(b.index, again.index)
        )
    generator = rng(3)
    first, second = domain.interior(50, generator, sampler), domain.interior(50, generator, sampler)
    assert len(first.unique(dim=0)) == 50
    if sampler != "grid":  # the generator moved on
        assert not torch.equal(first, second)


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    for sampler in SAMPLERS:
        DOMAINS[3].interior(20, rng(), sampler)
    assert torch.equal(before, torch.get_rng_state())


def radius_and_angle(x: Tensor, dim: int) -> list[Tensor]:
    """Of uniform points in a unit ball: two quantities uniform on [0, 1]."""
    r = torch.linalg.vector_norm(x, dim=1)
    first = x[:, 0] / r  # of a uniform direction: (1 + x) / 2 has a symmetric Beta distribution
    half = (dim - 1) / 2
    return [r**dim, torch.from_numpy(stats.beta(half, half).cdf(((1 + first) / 2).numpy()))]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("dim", [2, 3, 5])
def test_balls_are_filled_uniformly(dim: int, sampler: str) -> None:
    ball = Ball([0] * dim, 1)
    # a grid has few layers along each axis, four in five dimensions
    limit = {2: 0.05, 3: 0.1, 5: 0.2}[dim] if sampler == "grid" else 0.04
    for q in radius_and_angle(ball.interior(2000, rng(), sampler), dim):
        assert stats.kstest(q.numpy(), "uniform").statistic < limit
    direction = radius_and_angle(ball.boundary(2000, rng(), sampler=sampler).points, dim)[1]
    assert stats.kstest(direction.numpy(), "uniform").statistic < limit


@pytest.mark.parametrize("sampler", ["uniform", "lhs", "sobol", "halton"])
@pytest.mark.parametrize("domain", [DOMAINS[1], DOMAINS[5], DOMAINS[6], DOMAINS[7]], ids=repr)
def test_interior_is_uniform_by_chi_square(domain: Domain, sampler: str) -> None:
    n, k = 4000, 4
    lower, upper = domain.bounds

    def cells(x: Tensor) -> Tensor:
        index = ((x - lower) / (upper - lower) * k).long().clamp(0, k - 1)
        return torch.bincount((index * k ** torch.arange(domain.dim)).sum(1), minlength=k**domain.dim)

    u = torch.rand(400_000, domain.dim, generator=rng(9), dtype=torch.float64)
    dense = lower + (upper - lower) * u
    volume = cells(dense[domain.inside(dense)]).double()
    expected = volume / volume.sum() * n
    observed = cells(domain.interior(n, rng(5), sampler)).double()
    assert (observed[expected == 0] == 0).all()
    used = expected > 5
    chi2 = float(((observed - expected).square() / expected)[used].sum())
    assert stats.chi2.sf(chi2, int(used.sum()) - 1) > 1e-3


def test_expected_counts_of_faces_are_exact_even_for_few_points() -> None:
    domain, generator = Box((0, 0), (1, 3)), rng()
    counts = sum(domain.boundary(3, generator).index.bincount(minlength=4) for _ in range(2000))
    assert torch.allclose(counts / 2000, 3 * torch.tensor([3, 3, 1, 1]) / 8, atol=0.05)


@pytest.mark.parametrize("sampler", ["lhs", "sobol", "halton"])
def test_space_and_time_are_one_joint_set(sampler: str) -> None:
    """Quadrature of a function of x and t together is more accurate than with independent points."""
    domain, generator = Interval(0, 1) * Time(0, 1), rng(1)

    def error(name: str) -> float:
        draws = torch.stack([domain.interior(256, generator, name) for _ in range(30)])
        means = torch.exp(draws.sum(2)).mean(1)
        return float((means - (math.e - 1) ** 2).square().mean().sqrt())

    assert error(sampler) < (0.5 if sampler == "lhs" else 0.2) * error("uniform")


def test_grids() -> None:
    x = Box((0, 0), (4, 1)).interior(16, rng(), "grid")
    assert x[:, 0].unique().tolist() == pytest.approx([0.25 + 0.5 * i for i in range(8)])
    assert x[:, 1].unique().tolist() == pytest.approx([0.25, 0.75])
    assert Interval(0, 1).interior(4, rng(), "grid")[:, 0].tolist() == pytest.approx(
        [0.125, 0.375, 0.625, 0.875]
    )
    # a prime number of points: nothing missing, spacing still near equal
    x = Box((0, 0), (2, 1)).interior(1009, rng(), "grid")
    gaps = torch.cdist(x, x).fill_diagonal_(math.inf).amin(1)
    spacing = (2 / 1009) ** 0.5
    assert len(x) == 1009 and 0.75 * spacing < gaps.min() and gaps.max() < 1.1 * spacing


def test_low_discrepancy_of_any_count_without_warnings() -> None:
    for n in (1, 3, 1000, 1024):  # warnings are errors here
        u = unit_points("sobol", n, (1.0, 1.0, 1.0), rng())
        assert u.shape == (n, 3) and u.dtype == torch.float64 and (u >= 0).all() and (u < 1).all()
    assert stats.qmc.discrepancy(unit_points("sobol", 1000, (1.0, 1.0), rng()).numpy()) < 1e-4
