"""Divisions: groups of parts, parts of ranks, and corrections that travel whole."""

from __future__ import annotations

from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.optim.sapts.local_solve import Correction
from sapts_pinn.parallel.communicator import Communicator, Traffic
from subdomains import cut, make, pipeline


@pytest.mark.parametrize("decomposition", ["data", "parameters", "stages"])
def test_parts_in_turn_are_one_group_and_independent_ones_many(decomposition: str) -> None:
    for additive, sizes in ((True, [1, 1, 1]), (False, [3])):
        objective = pipeline("burgers") if decomposition == "stages" else make("burgers")
        kind = "layers" if decomposition == "parameters" else "interleaved"
        division = cut(objective, decomposition, kind, additive=additive)
        assert [len(group) for group in division.groups] == sizes and division.count == len(sizes)
        assert [part.number for part in division.own] == [0, 1, 2]
        assert division.shared == (decomposition == "data")
        assert division.whole.evaluate().value == pytest.approx(objective.evaluate().value, rel=1e-14)


class Twins(Communicator):
    """Two ranks that do the same."""

    def __init__(self, rank: int) -> None:
        self.rank, self.size, self.traffic = rank, 2, Traffic()

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        self.traffic.collectives += 1
        return [tensor.clone(), tensor.clone()]

    def gather_objects(self, value: object) -> list[object]:
        return [value, value]

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        return tensor

    def send(self, tensor: Tensor, to: int) -> None:
        raise NotImplementedError

    def receive(self, like: Tensor, source: int) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("squares", [False, True])
def test_corrections_travel_whole(rank: int, sharded: bool, squares: bool) -> None:
    n, room = 5, 4
    own = [
        Correction(
            randn(n, seed=i),
            randn(n, seed=i + 10),
            [SubdomainStats(k, *randn(6, seed=j).tolist()) for k, j in ((i, i), (i + 7, i + 3))],
            pairs=[
                (randn(n, seed=j), (-1) ** j * randn(n, seed=j + 50).abs(), 0.5 + j) for j in range(i + 1)
            ],
            residual=randn(7, seed=20) if squares else None,
            change=randn(7, seed=21 + i) if squares else None,
        )
        for i in (0, 2)
    ]
    ranks = Twins(rank)
    whole = make("burgers")
    division = Division(whole, whole, [[], []], ranks, True, sharded, [[2, 2], [2, 2]])
    found = division.exchange(own, 0 if sharded else room)
    assert ranks.traffic.collectives == 1 and len(found) == 4
    assert [found[2 * rank] is own[0], found[2 * rank + 1] is own[1]] == [True, True]
    for mine, its in zip(own, found[2 * (1 - rank) :][:2], strict=True):
        assert its is not mine
        assert [astuple(r) for r in its.records] == [astuple(r) for r in mine.records]
        if squares:
            assert its.change is not None and mine.change is not None and its.residual is own[0].residual
            assert torch.equal(its.change, mine.change)
        else:
            assert its.change is None and its.residual is None
        if sharded:
            assert not its.s.any() and not its.y.any() and its.pairs == []
            continue
        assert torch.equal(its.s, mine.s) and torch.equal(its.y, mine.y)
        assert len(its.pairs) == len(mine.pairs) > 0
        for a, b in zip(its.pairs, mine.pairs, strict=True):
            assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) and a[2] == b[2]


def test_each_rank_has_its_own_parts_of_one_cut() -> None:
    whole = make("soft")
    alone = cut(whole, "data", "random", parts=4)
    for rank in (0, 1):
        division = cut(whole, "data", "random", parts=4, communicator=Twins(rank))
        assert [part.number for part in division.own] == [2 * rank, 2 * rank + 1]
        for part in division.own:
            its = alone.own[part.number]
            for name, sites in part.owned.sites.items():
                assert torch.equal(sites.points, its.owned.sites[name].points)
