"""Trust-region Adam: the steps of PyTorch's Adam, about as long as the radius, a state that goes on."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from sapts_pinn.optim.minibatch.moments import BETAS, Moments

SIZE = 7


def gradients(count: int) -> Tensor:
    """[count, SIZE], of very different sizes."""
    drawn = torch.randn(count, SIZE, generator=Generator().manual_seed(0), dtype=torch.float64)
    return drawn * 10.0 ** torch.linspace(-6, 6, SIZE, dtype=torch.float64)


def start() -> Moments:
    return Moments.like(torch.zeros(SIZE, dtype=torch.float64))


def test_steps_are_those_of_adam() -> None:
    theta = torch.linspace(-1, 1, SIZE, dtype=torch.float64)
    other = theta.clone().requires_grad_()
    adam, moments = torch.optim.Adam([other], lr=1.0), start()
    for k, g in enumerate(gradients(20)):
        radius = 0.1 / (1 + k)
        theta += moments.step(g, radius)
        adam.param_groups[0]["lr"], other.grad = radius, g.clone()
        adam.step()
        assert torch.allclose(theta, other.detach(), rtol=1e-12, atol=1e-12)


NUMBERS = st.floats(-1e6, 1e6).filter(lambda g: g == 0 or abs(g) > 1e-6)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_no_step_is_much_longer_than_the_radius(numbers: list[float]) -> None:
    """By Cauchy and Schwarz |m| <= (1 - b1) / sqrt((1 - b2) (1 - b1^2 / b2)) sqrt(v), whatever g is."""
    (b1, b2), moments = BETAS, Moments.like(torch.zeros(1, dtype=torch.float64))
    bound = (1 - b1) / ((1 - b2) * (1 - b1**2 / b2)) ** 0.5
    lengths = [abs(float(moments.step(torch.tensor([g], dtype=torch.float64), 0.25))) for g in numbers]
    assert lengths[0] <= 0.25 * (1 + 1e-12)
    for k, length in enumerate(lengths, 1):
        assert length <= 0.25 * bound * (1 - b2**k) ** 0.5 / (1 - b1**k) * (1 + 1e-9)


def test_a_steady_gradient_is_followed_by_the_radius() -> None:
    moments = start()
    for _ in range(50):
        step = moments.step(gradients(1)[0], 0.25)
        # What is not far above EPS is followed by less.
        assert torch.allclose(step[2:], -0.25 * gradients(1)[0, 2:].sign(), rtol=1e-3, atol=0)
        assert bool((step.abs() <= 0.25 * (1 + 1e-12)).all())


def test_a_state_goes_on_bit_for_bit() -> None:
    moments, again, file = start(), start(), io.BytesIO()
    for g in gradients(3):
        moments.step(g, 0.1)
    torch.save(moments.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    again.load_state_dict(state)
    for g in gradients(3):
        assert torch.equal(again.step(g, 0.1), moments.step(g, 0.1))
    assert torch.equal(again.m, moments.m) and torch.equal(again.v, moments.v) and again.count == 6
    third = start()
    third.load_state_dict(state)  # which the steps above have not changed
    assert third.count == 3 and not torch.equal(third.m, again.m)


@pytest.mark.parametrize("copy", ["take", "clone"])
def test_some_of_the_parameters_by_themselves(copy: str) -> None:
    chosen = torch.tensor([4, 1]) if copy == "take" else torch.arange(SIZE)
    whole = start()
    for g in gradients(3):
        whole.step(g, 0.1)
    part, kept = whole.take(chosen) if copy == "take" else whole.clone(), (whole.m.clone(), whole.v.clone())
    g = gradients(4)[3]
    step = part.step(g[chosen], 0.1)
    assert torch.equal(whole.m, kept[0]) and torch.equal(whole.v, kept[1]) and whole.count == 3
    assert torch.equal(step, whole.step(g, 0.1)[chosen])
