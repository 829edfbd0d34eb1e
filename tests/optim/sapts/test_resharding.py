"""States of sharded parameters, divided anew: cut and joined they are what they were."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim.curvature import CURVATURES, LBFGS, LSR1, GaussNewton, SSBroyden
from sapts_pinn.optim.sapts.resharding import grouped, resharded, resharded_moments
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_runs import objective_of, sapts

N, CUT = 7, 3


def learned(name: str) -> dict[str, Any]:
    """State of a model that has learned some pairs of N parameters."""
    model = CURVATURES[name]()
    for seed in range(4):
        step = model.solve(randn(N, seed=seed), 0.5)
        model.update(step.s, 2 * step.s + 0.1 * randn(N, seed=10 + seed))
    return dict(model.state_dict())


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a.nan_to_num(), b.nan_to_num())  # room for pairs to come holds anything
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.parametrize(("name", "kind"), [("ssbroyden", SSBroyden), ("lbfgs", LBFGS), ("lsr1", LSR1)])
def test_a_model_that_is_cut_and_joined_is_the_same(name: str, kind: type[Any]) -> None:
    whole = learned(name)
    parts = [kind.resharded([whole], slice(0, CUT)), kind.resharded([whole], slice(CUT, N))]
    again = kind.resharded(parts, slice(0, N))
    if name == "ssbroyden":  # its product only saves work
        assert parts[1]["H"]["base"].shape == (N - CUT, N) and parts[1]["H"]["first"] == CUT
        whole = {**whole, "product": None}
    assert same(again, whole)
    fresh = CURVATURES[name]()
    fresh.load_state_dict(again)
    g, old = randn(N, seed=9), CURVATURES[name]()
    old.load_state_dict(whole)
    assert torch.equal(fresh.solve(g, 0.3).s, old.solve(g, 0.3).s)


@pytest.mark.parametrize("name", ["ssbroyden", "lbfgs", "lsr1"])
def test_a_model_that_has_learned_nothing_yet_is_divided_too(name: str) -> None:
    empty = dict(CURVATURES[name]().state_dict())
    assert same(type(CURVATURES[name]()).resharded([empty, empty], slice(1, 3)), empty)


def test_a_model_that_cannot_be_divided_says_so() -> None:
    assert GaussNewton.resharded([{}, {}], slice(0, 3)) == {}
    with pytest.raises(ValueError, match="GaussNewton cannot go on with another number of ranks"):
        GaussNewton.resharded([{"vector": torch.ones(3)}], slice(0, 3))


class Rank(SingleProcess):
    """The second of two ranks, whose neighbour has CUT parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.rank, self.size = 1, 2

    def gather_objects(self, own: Any) -> list[Any]:
        return [CUT, own]


def state(sizes: list[int], numbers: list[int], moments: Tensor | None = None) -> dict[str, Any]:
    return {
        "state": {},
        "param_groups": [{"lr": 1.0, "params": [0]}],
        "trust_region": {"curvature": {"s": [], "y": []}, "radius": 0.5},
        "sapts": {"sizes": sizes, "local": {i: f"model {i}" for i in numbers}, "parts": 3},
        "minibatch": {"moments": {"m": moments, "v": moments, "count": 2}, "best_state": "that of rank 0"},
    }


def test_a_rank_gets_the_models_of_its_stages() -> None:
    found = resharded([state([3, 2, 2], [0, 1, 2])], LSR1, 4, N - CUT, Rank())
    assert found["sapts"] == {"sizes": [2, 2], "local": {1: "model 1", 2: "model 2"}, "parts": 3}
    assert found["param_groups"] == [{"lr": 1.0, "params": [0, 1, 2, 3]}]
    assert found["trust_region"] == {"curvature": {"s": [], "y": []}, "radius": 0.5}


def test_stages_that_are_cut_elsewhere_leave_no_local_models() -> None:
    found = resharded([state([5], [0]), state([2], [1])], LSR1, 1, N - CUT, Rank())
    assert found["sapts"]["sizes"] == [N - CUT] and found["sapts"]["local"] == {1: "model 1"}


def test_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="of 6 parameters in stages, not of 7"):
        resharded([state([3, 3], [0])], LSR1, 1, N - CUT, Rank())


def test_moments_of_ranks_are_joined_and_cut() -> None:
    first, second = randn(5, seed=1), randn(2, seed=2)
    found = resharded_moments([state([5], [0], first), state([2], [1], second)], 2, N - CUT, Rank())
    assert torch.equal(found["minibatch"]["moments"]["m"], torch.cat([first, second])[CUT:])
    assert found["minibatch"]["moments"]["count"] == 2 and found["minibatch"]["best_state"] is None
    assert grouped(found, 9)["param_groups"][0]["params"] == list(range(9))


def test_the_model_of_the_curvature_is_of_the_kind_that_was_saved() -> None:
    """Other numbers of ranks may choose another by size, and go on with what there is."""
    losses = []
    for kind in ("lbfgs", "ssbroyden"):
        first = objective_of("stages")
        optimizer = sapts(first, "stages", "lbfgs")
        for _ in range(4):
            optimizer.step(first)
        shards = {"shards": [optimizer.state_dict()]}
        other = objective_of("stages")
        scatter_(other.parameters, gather(first.parameters))
        again = sapts(other, "stages", kind)
        again.load_state_dict(shards)
        assert isinstance(again.curvature, LBFGS)
        losses.append(float(again.step(other)))
    assert losses[0] == losses[1]
