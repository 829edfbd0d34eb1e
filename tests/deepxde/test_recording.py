"""Recorded calls of loss functions, and gradients as one vector."""

from __future__ import annotations

from draws import randn
from sapts_pinn.deepxde.recording import Call, _Recorder


def test_a_loss_is_computed_as_ever_and_taken_down() -> None:
    calls: list[Call] = []
    loss = _Recorder(lambda wanted, found: (found - wanted).square().mean(), calls)
    for seed in (0, 5):
        wanted, found = randn(4, seed=seed), randn(4, seed=seed + 1)
        value = loss(wanted, found)
        assert float(value) == float((found - wanted).square().mean())
        assert [a is b for a, b in zip(calls[-1], (value, wanted, found), strict=True)] == [True] * 3
    assert len(calls) == 2
