"""Pairs of the parts' local steps teach the one model of the curvature."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from draws import randn
from sapts_pinn.objectives.flat import scatter_
from sapts_pinn.optim import SAPTS, Sweep, TrustRegion
from sapts_pinn.supervised import Supervised
from sapts_runs import pinn, sapts


def test_pooled_pairs_teach_the_one_model() -> None:
    """Every accepted local step, and the sweep as a whole; else the latter alone."""
    found = {}
    for pooled in (True, False):
        objective = pinn(points=60)
        optimizer = sapts(
            objective, "data", order="additive", visits=0, pooled=pooled, adaptive=False, local_steps=3
        )
        learned: list[Any] = []
        optimizer.curvature.learn_all = lambda pairs, to=learned: to.extend(pairs)
        optimizer.step(objective)
        found[pooled] = len(learned), sum(part["accepted"] for part in optimizer.info["parts"])
    assert found[False][0] == 1 and found[True][1] > 2
    assert found[True][0] == found[True][1] + 1


def test_parts_that_say_the_same_teach_it_once() -> None:
    """The same pair from every part is learned, and scales the model, as often as that of one step: once."""
    x = 0.1 * randn(12, 4).repeat_interleave(3, 0)  # less curved than the first model, which is scaled down
    learned = []
    for parts in (None, 3):
        net = nn.Linear(4, 1, bias=False, dtype=torch.float64)
        scatter_(list(net.parameters()), torch.ones(4, dtype=torch.float64))
        objective = Supervised(net, x, torch.sin(3 * x[:, :1]), "mse")
        sweep = Sweep("interleaved", order="additive", local_steps=1, adaptive=False)
        optimizer = (
            TrustRegion(net.parameters(), radius=0.1)
            if parts is None
            else SAPTS(net.parameters(), "data", parts, radius=0.1, sweep=sweep)
        )
        optimizer.step(objective)
        assert optimizer.info["accepted"]
        learned.append(optimizer.curvature.H)
    torch.testing.assert_close(learned[1], learned[0], rtol=1e-9, atol=1e-12)
