"""A model in shards: with its ranks as threads it is the undivided model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from draws import rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.pipeline.sharded_model import ShardedModel
from sapts_pinn.problems import build
from thread_ranks import on_ranks

HIDDEN = (7, 5, 6)


def sharded(ranks: Communicator, parts: int, seed: int = 0) -> ShardedModel:
    return ShardedModel(build("burgers"), rng(seed), HIDDEN, torch.float64, "tanh", parts, ranks)


def undivided(seed: int = 0) -> Model:
    problem = build("burgers")
    return Model(
        problem, build_network(HIDDEN, len(problem.ansatz.feature_names), 1, rng(seed), torch.float64)
    )


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (1, 3), (2, 2), (2, 4), (3, 4)])
def test_shards_are_the_undivided_model(size: int, parts: int) -> None:
    whole = undivided()
    points = whole.problem.domain.interior(20, rng(1), "uniform")
    sites = {t.name: t.sites(30, rng(2), "uniform") for t in whole.problem.terms}

    def work(ranks: Communicator) -> dict[str, Any]:
        model = sharded(ranks, parts)
        look = model.objective(sites, Counters()).evaluate()
        return {
            "theta": gather(list(model.parameters())),
            "unknowns": model(points),
            "residuals": model.residuals(points),
            "memory": model.chain.memory(),
            "state": model.state_dict(),
            "whole": model.assemble(),
            "value": look.value,
            "gradient": look.gradient(),
        }

    found = on_ranks(size, work)
    theta, look = gather(list(whole.parameters())), LeastSquares(whole, sites).evaluate()
    assert torch.equal(torch.cat([rank["theta"] for rank in found]), theta)
    assert torch.allclose(torch.cat([r["gradient"] for r in found]), look.gradient(), rtol=1e-12, atol=1e-14)
    names = set()
    for rank in found:
        assert torch.allclose(rank["unknowns"], whole(points).detach(), rtol=1e-13)
        assert torch.allclose(rank["residuals"], residuals(whole, points), rtol=1e-11, atol=1e-13)
        assert rank["value"] == pytest.approx(look.value, rel=1e-13)
        assert rank["memory"] == (8 * len(rank["theta"]), 8 * len(theta))
        assert 0 < len(rank["theta"]) < len(theta) or size == 1
        assert torch.equal(gather(list(rank["whole"].parameters())), theta)
        assert not names & rank["state"].keys()
        names |= rank["state"].keys()
    assert names == whole.state_dict().keys()


def test_a_shard_takes_its_own_from_the_whole_state() -> None:
    other = undivided(seed=5)

    def work(ranks: Communicator) -> Tensor:
        model = sharded(ranks, 2)
        model.load_state_dict(other.state_dict())
        return gather(list(model.parameters()))

    assert torch.equal(torch.cat(on_ranks(2, work)), gather(list(other.parameters())))


@pytest.mark.parametrize("parts", [0, 5])
def test_a_network_cannot_be_cut_into_more_stages_than_layers(parts: int) -> None:
    with pytest.raises(ValueError, match=f"MLP cannot be cut into {parts} stages: it has 4 layers"):
        sharded(SingleProcess(), parts)
