"""Decompositions: how parts are dealt to ranks, and objectives that cannot be divided."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.sapts import DECOMPOSITIONS, find_decomposition
from sapts_pinn.optim.sapts.decomposition import Cut, Decomposition
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_runs import pinn, sapts
from subdomains import closure, cut, make, pipeline
from thread_ranks import on_ranks


def test_decompositions_that_do_not_fit() -> None:
    objective = pinn(points=60)
    with pytest.raises(
        ValueError, match="unknown decomposition 'points'; choose one of data, parameters, stages"
    ):
        SAPTS(objective.parameters, "points")
    with pytest.raises(
        ValueError, match="unknown decomposition of the parameters 'rows'; choose one of layers"
    ):
        sapts(objective, "parameters", kind="rows").step(objective)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind 'neu"
    ):
        sapts(objective, "parameters", parts=4).step(objective)
    with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
        sapts(objective, "stages").step(objective)
    with pytest.raises(
        ValueError, match="'gauss-newton' needs all parameters on one rank; stages take 'identity'"
    ):
        SAPTS(objective.parameters, "stages", curvature="gauss-newton")
    x = nn.Parameter(torch.ones(4))
    closure = lambda: (x**2).sum()
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        SAPTS([x], "data").step(closure)
    with pytest.raises(
        TypeError, match="batches need an objective that knows its points; drop the option batch"
    ):
        SAPTS([x], "parameters", 1, sweep=Sweep("tensors", batch=0.5)).step(closure)
    with pytest.raises(TypeError, match="least-squares objective"):
        SAPTS([x], "parameters", 1, "gauss-newton", sweep=Sweep("tensors")).step(
            ClosureObjective(lambda: closure().backward() or closure(), [x])
        )
    four = SingleProcess()
    four.size = 4
    with pytest.raises(
        ValueError, match="parts must be a positive multiple of the number of ranks, 4, not 6"
    ):
        SAPTS([x], "parameters", 6, communicator=four)


# -- the division --------------------------------------------------------------------------------------------


def test_settings_without_a_kind_cut_as_the_decomposition_does() -> None:
    def losses(sweep: Sweep | None) -> list[float]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        inputs = torch.linspace(-1, 1, 20, dtype=torch.float64).view(10, 2)
        optimizer = SAPTS(network.parameters(), "parameters", 2, sweep=sweep)
        return [
            float(optimizer.step(lambda: (network(inputs) - inputs[:, :1] ** 2).square().mean()))
            for _ in range(5)
        ]

    assert losses(None) == losses(Sweep()) == losses(Sweep(kind="layers"))


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        cut(closure())
    for objective in (closure(), make("burgers")):
        with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
            cut(objective, "stages")
    with pytest.raises(TypeError, match="points"):
        cut(pipeline("burgers"), "data")
    with pytest.raises(ValueError, match="part 5 of 6 would get no residual"):
        cut(make("burgers", 5), parts=6)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind"
    ):
        cut(make("burgers"), "parameters", "layers", parts=4)


class Bare(Decomposition):
    """Says nothing but its name."""

    name = "bare"

    def divide(self, objective: Objective, cut: Cut) -> Division:
        raise NotImplementedError


def test_parts_are_dealt_to_ranks_in_a_row() -> None:
    def how(ranks: Communicator) -> tuple[list[range], range]:
        asked = Cut(6, "interleaved", 0.0, True, True, rng(), ranks)
        return asked.shares, asked.mine

    for rank, (shares, mine) in enumerate(on_ranks(3, how)):
        assert shares == [range(2), range(2, 4), range(4, 6)] and mine == shares[rank]


def test_a_division_has_a_group_for_each_part_or_for_each_rank() -> None:
    objective, ranks = make("burgers"), SingleProcess()
    parts = cut(objective, "parameters", "layers").own
    for additive, sizes in ((True, [[1, 1, 1]]), (False, [[3]])):
        asked = Cut(3, "layers", 0.0, True, additive, rng(), ranks)
        found = asked.division(objective, objective, parts, Bare())
        assert found.sizes == sizes and [p for group in found.groups for p in group] == parts
        assert (found.shared, found.sharded, found.total) == (False, False, None)
    given = Cut(3, "layers", 0.0, True, True, rng(), ranks)
    uneven = given.division(objective, objective, parts[:1], Bare(), shares=[range(1), range(1, 3)])
    assert uneven.sizes == [[1], [1, 1]] and uneven.count == 3


def test_a_decomposition_may_leave_everything_else_as_it_is() -> None:
    bare, parameters = Bare(), [torch.zeros(3)]
    assert (bare.shared, bare.sharded, bare.kind, bare.combination) == (False, False, "layers", "sum")
    assert bare.blocks(parameters, 1, None) is None
    assert (bare.curvature(1), bare.curvature(10**9)) == ("ssbroyden", "lbfgs")
    Sweep(**bare.options)  # they are settings of a sweep


def test_decompositions_are_found_by_name_or_given() -> None:
    bare = Bare()
    assert find_decomposition(bare) is bare
    assert all(find_decomposition(name) is found for name, found in DECOMPOSITIONS.items())
