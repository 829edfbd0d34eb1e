"""Defaults of a curvature model: it learns nothing, shares nothing, and says so."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.curvature import Curvature, Pair, Step
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import SingleProcess


class Bare(Curvature):
    """B = 2 I and nothing else."""

    def __init__(self) -> None:
        self.scale = torch.tensor(2.0)

    def mv(self, v: Tensor) -> Tensor:
        return self.scale * v

    def solve(self, g: Tensor, radius: float) -> Step:
        return Step(-radius * g / g.norm(), 1.0, True, radius)


class Positive(Bare):
    """Learns pairs of positive curvature."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def update(self, s: Tensor, y: Tensor) -> bool:
        if float(s @ y) <= 0:
            return False
        self.pairs.append((s, y))
        return True


def test_a_model_that_does_not_learn_says_so() -> None:
    model, s, y = Bare(), randn(3), randn(3, seed=1)
    assert not (model.learns or model.learns_from_rejected or model.linearises)
    assert not (model.threaded or model.divided)
    assert not model.update(s, y) and not model.learn(s, y, 1.0) and not model.reset()
    assert math.isnan(model.square(s)) and model.solve_many(s, torch.ones(2)) is None
    assert model.state_dict() == {}
    assert Bare.sharded(ShardedProducts(SingleProcess())) is None, (
        "a model needs whole vectors unless it says"
    )


def test_pairs_are_learnt_in_turn_and_those_used_are_counted() -> None:
    s = [randn(4, seed=i) for i in range(3)]
    pairs: list[Pair] = [(s[0], s[0], None), (s[1], -s[1], 1.0), (s[2], 2 * s[2], 0.5)]
    model = Positive()
    assert model.learn_all(pairs) == 2
    assert [a is b for (a, _), b in zip(model.pairs, (s[0], s[2]), strict=True)] == [True, True]


def test_a_branch_learns_on_its_own() -> None:
    model, s = Positive(), randn(4)
    model.update(s, s)
    other = model.branch()
    assert isinstance(other, Positive) and other.learn(s, 3 * s)
    other.scale += 1
    assert (len(model.pairs), len(other.pairs)) == (1, 2)
    assert torch.equal(model.mv(s), 2 * s) and torch.equal(other.mv(s), 3 * s)
