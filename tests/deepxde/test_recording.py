"""Recorded calls of loss functions, and gradients as one vector."""

from __future__ import annotations

import torch
from torch import Tensor

from draws import randn
from sapts_pinn.deepxde.recording import Call, _flat_gradient, _Recorder


def test_a_loss_is_computed_as_ever_and_taken_down() -> None:
    calls: list[Call] = []
    loss = _Recorder(lambda wanted, found: (found - wanted).square().mean(), calls)
    for seed in (0, 5):
        wanted, found = randn(4, seed=seed), randn(4, seed=seed + 1)
        value = loss(wanted, found)
        assert float(value) == float((found - wanted).square().mean())
        assert [a is b for a, b in zip(calls[-1], (value, wanted, found), strict=True)] == [True] * 3
    assert len(calls) == 2


def test_gradients_are_in_the_order_of_the_parameters_with_zeros_where_there_is_none() -> None:
    a, unused, b = (t.requires_grad_() for t in (randn(2, 2), randn(3), randn(1)))
    vector = torch.cat([(a**2).reshape(-1), 3 * b])
    cotangent = randn(5, seed=7)

    def flat(**options: bool) -> Tensor:
        return _flat_gradient(vector, [a, unused, b], cotangent, **options)

    expected = torch.cat([2 * a.detach().reshape(-1) * cotangent[:4], torch.zeros(3), 3 * cotangent[4:]])
    assert torch.allclose(flat(retain_graph=True), expected, rtol=1e-15)
    slopes = flat(create_graph=True)
    (second,) = torch.autograd.grad(slopes[:4].sum(), a)
    assert torch.allclose(second, 2 * cotangent[:4].view(2, 2), rtol=1e-15)
