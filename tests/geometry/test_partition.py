"""Partitions of points: that they are some, that they are balanced, and what the kinds are good for."""

import itertools
import statistics
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from draws import rng
from sapts_pinn.geometry import (
    Box,
    bisection,
    cut,
    interleaved,
    overlapping_anywhere,
    overlapping_nearby,
    shuffled,
    slabs,
)

Partition = Callable[[Tensor, int, int], list[Tensor]]

KINDS: dict[str, Partition] = {
    "slabs": lambda x, parts, seed: slabs(x, parts, seed % x.shape[1]),
    "bisection": lambda x, parts, seed: bisection(x, parts),
    "shuffled": lambda x, parts, seed: shuffled(x, parts, rng(seed)),
    "interleaved": lambda x, parts, seed: interleaved(x, parts, rng(seed)),
}
KIND = pytest.mark.parametrize("partition", KINDS.values(), ids=KINDS)


def cloud(n: int, dim: int, seed: int = 0) -> Tensor:
    return torch.rand(n, dim, generator=rng(seed), dtype=torch.float64)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tensor, int, int]:
    """Points on a coarse lattice, so that many coordinates and points are equal."""
    n, dim, seed = draw(st.integers(1, 60)), draw(st.integers(1, 5)), draw(st.integers(0, 9))
    lattice = draw(st.sampled_from([1, 3, 1000]))
    return (cloud(n, dim, seed) * lattice).floor(), draw(st.integers(1, n)), seed


@KIND
@given(case=cases())
@settings(max_examples=60)
def test_parts_are_disjoint_cover_all_and_balance(
    partition: Partition, case: tuple[Tensor, int, int]
) -> None:
    x, parts, seed = case
    found = partition(x, parts, seed)
    sizes = [len(own) for own in found]
    assert len(found) == parts and max(sizes) - min(sizes) <= 1
    assert torch.equal(torch.cat(found).sort().values, torch.arange(len(x)))
    assert all(own.dtype == torch.int64 and (own.diff() > 0).all() for own in found)
    assert all(map(torch.equal, found, partition(x.clone(), parts, seed)))


@given(case=cases())
@settings(max_examples=40)
def test_cuts_separate_the_parts(case: tuple[Tensor, int, int]) -> None:
    x, parts, seed = case
    x = x + 0.5 * cloud(*x.shape, seed=seed + 100)  # no two coordinates are equal
    shuffle = torch.randperm(len(x), generator=rng(seed))
    for axis in (None, seed % x.shape[1]):
        found, cuts = cut(x, parts, axis)
        assert all(map(torch.equal, found, cuts.assign(x)))
        moved = [shuffle[own].sort().values for own in cut(x[shuffle], parts, axis)[0]]
        assert all(map(torch.equal, found, moved))
    regions = [x[own, seed % x.shape[1]] for own in found]
    assert all(a.max() < b.min() for a, b in itertools.pairwise(regions))


def test_cuts_assign_points_outside_and_leave_regions_empty() -> None:
    x = torch.tensor([[0.1], [0.4], [0.5], [0.8]], dtype=torch.float64)
    found, cuts = cut(x, 2)
    assert [own.tolist() for own in found] == [[0, 1], [2, 3]]
    ends = torch.tensor([[7.0], [-7.0], [0.44], [0.46], [0.45]], dtype=torch.float64)
    assert [own.tolist() for own in cuts.assign(ends)] == [[1, 2, 4], [0, 3]]
    assert [len(own) for own in cuts.assign(ends[:1])] == [0, 1]


def test_bisection_cuts_the_widest_coordinate_in_units_of_the_whole() -> None:
    """Quarters of a long thin box: the units do not matter, the shape of the groups does."""
    x = cloud(400, 2) * torch.tensor([1000.0, 1.0])
    for own in bisection(x, 4):
        assert 0.3 < float(x[own, 0].max() - x[own, 0].min()) / 1000 < 0.7
        assert 0.3 < float(x[own, 1].max() - x[own, 1].min()) < 0.7


def scatter(f: Tensor, partition: Partition, x: Tensor, parts: int) -> float:
    """Standard deviation of the parts' means, averaged over seeds."""
    means = [[f[own].mean().item() for own in partition(x, parts, seed)] for seed in range(20)]
    return statistics.fmean(map(statistics.stdev, means))


@pytest.mark.parametrize("sampler", ["uniform", "sobol"])
def test_interleaved_parts_are_copies_of_the_whole(sampler: str) -> None:
    """Stratification in cells of 4 of 4096 points leaves about 1/20 of the scatter of random parts."""
    x = Box((0, 0), (1, 1)).interior(4096, rng(), sampler)
    f = torch.sin(3 * x[:, 0]) * torch.exp(x[:, 1])
    ratio = scatter(f, KINDS["shuffled"], x, 4) / scatter(f, KINDS["interleaved"], x, 4)
    assert ratio > 10


@given(case=cases(), share=st.floats(0, 0.99))
@settings(max_examples=60)
def test_overlap_adds_the_share_and_keeps_the_own(case: tuple[Tensor, int, int], share: float) -> None:
    x, parts, seed = case
    found = interleaved(x, parts, rng(seed))
    for wider in (overlapping_nearby(found, x, share), overlapping_anywhere(found, share, rng(seed))):
        for own, more in zip(found, wider, strict=True):
            assert torch.equal(more[: len(own)], own) and len(more.unique()) == len(more)
            assert len(more) == len(own) + min(round(share * len(own)), len(x) - len(own))


def test_overlap_nearby_takes_the_neighbours() -> None:
    x = torch.arange(10, dtype=torch.float64)[:, None]
    wider = overlapping_nearby(slabs(x, 2, 0), x, 0.4)
    assert [more.tolist() for more in wider] == [[0, 1, 2, 3, 4, 5, 6], [5, 6, 7, 8, 9, 4, 3]]
    # distances are in units of the box: the neighbour in y is one tenth away, that in x one whole
    x = torch.tensor([[0.0, 0.0], [0.0, 100.0], [1.0, 0.0], [1.0, 1000.0]])
    parts = [torch.tensor([0]), torch.tensor([1, 2, 3])]
    assert overlapping_nearby(parts, x, 0.6)[0].tolist() == [0, 1]


def test_overlap_anywhere_draws_from_all_others() -> None:
    parts = shuffled(cloud(40, 2), 2, rng())
    drawn = torch.cat([overlapping_anywhere(parts, 0.5, rng(seed))[0][20:] for seed in range(30)])
    assert torch.equal(drawn.unique(), parts[1])


def test_an_overlapping_part_may_be_empty() -> None:
    x = cloud(3, 2)
    parts = [torch.arange(3), torch.arange(0)]
    assert [len(more) for more in overlapping_nearby(parts, x, 0.9)] == [3, 0]
    assert [len(more) for more in overlapping_anywhere(parts, 0.9, rng())] == [3, 0]


@KIND
def test_bad_numbers_of_parts_are_refused(partition: Partition) -> None:
    with pytest.raises(ValueError, match="at least 1, not 0"):
        partition(cloud(5, 2), 0, 0)
    with pytest.raises(ValueError, match="5 points into 6 parts"):
        partition(cloud(5, 2), 6, 0)


@pytest.mark.parametrize("axis", [-1, 2])
def test_unknown_axes_are_refused(axis: int) -> None:
    with pytest.raises(ValueError, match=rf"axis must lie in 0 \.\.\. 1 .* not {axis}"):
        slabs(cloud(5, 2), 2, axis)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_bad_shares_are_refused(share: float) -> None:
    x = cloud(5, 2)
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\)"):
        overlapping_nearby(bisection(x, 2), x, share)
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\)"):
        overlapping_anywhere(bisection(x, 2), share, rng())
