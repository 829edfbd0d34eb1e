"""The published settings, replayed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim.curvature import Step
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.published import LOCAL, WHOLE


def step_of(length: float) -> Step:
    return Step(torch.zeros(1), 1.0, False, length)


@pytest.mark.parametrize(
    ("rule", "rho", "accepted", "found"),
    [
        (WHOLE, 0.8, True, 0.12),
        (WHOLE, 0.5, True, 0.1),
        (WHOLE, 0.2, False, 0.09),
        (WHOLE, -math.inf, False, 0.09),
        (LOCAL, 0.75, True, 0.15),
        (LOCAL, 0.5, True, 0.1),
        (LOCAL, 0.29, True, 0.06),
        (LOCAL, -3.0, False, 0.06),
    ],
)
@pytest.mark.parametrize("length", [0.1, 0.01])
def test_radii_change_by_the_published_factors(
    rule: object, rho: float, accepted: bool, found: float, length: float
) -> None:
    """Whatever the length of the step."""
    assert rule.next(0.1, rho, step_of(length), accepted) == pytest.approx(found)


def test_the_radius_of_the_whole_has_bounds() -> None:
    assert WHOLE.next(2.0, 0.9, step_of(1.0), True) == 2.0
    assert WHOLE.next(0.001, 0.0, step_of(1.0), False) == 0.001
    assert WHOLE.accept == LOCAL.accept == 0.25


def quadratic(x: nn.Parameter, y: nn.Parameter) -> ClosureObjective:
    """f = (x^2 + 4 y^2) / 2."""

    def closure() -> Tensor:
        x.grad = y.grad = None
        f = 0.5 * (x.square() + 4 * y.square()).sum()
        f.backward()
        return f

    return ClosureObjective(closure, [x, y])


def test_a_sweep_computed_by_hand() -> None:
    """Two blocks of one number each, from (1, 1), with Delta = 0.1.

    Each block has Delta / 2 = 0.05.  Its L-SR1 model is empty, so its first step goes to the boundary: x to
    0.95 and y to 0.95, with rho = (1 - 0.95^2) / 2 / 0.05 = 0.975.  Nothing is left of the radius for further
    local steps.  f is separable: the sum of what the blocks gain is what f loses, rho = 1, and the radius
    becomes 0.12, within which the step of the whole stays; it is as good, and the radius becomes 0.144.
    """
    x, y = (nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    swept = METHODS["thesis-sapts-p"].phases[0].make([x, y], parts=2, global_steps=0)
    swept.step(quadratic(x, y))
    assert x.item() == pytest.approx(0.95, rel=1e-14) and y.item() == pytest.approx(0.95, rel=1e-14)
    sweep = swept.info.sweep
    assert sweep is not None and sweep.accepted and sweep.rho == pytest.approx(1.0, rel=1e-12)
    assert sweep.radius == 0.1 and sweep.length == pytest.approx(0.1, rel=1e-14)
    assert sweep.predicted == pytest.approx(2.5 * (1 - 0.95**2), rel=1e-12)
    for part in swept.info.parts or ():
        assert (part.steps, part.accepted) == (1, 1) and part.length == pytest.approx(0.05, rel=1e-14)
        assert part.radius == pytest.approx(1.5 * 0.1)
    assert swept.radius == pytest.approx(0.12, rel=1e-14)

    with torch.no_grad():
        x.fill_(1.0), y.fill_(1.0)
    both = METHODS["thesis-sapts-p"].phases[0].make([x, y], parts=2)
    both.step(quadratic(x, y))
    moved = math.hypot(x.item() - 0.95, y.item() - 0.95)
    assert 0 < moved <= 0.12 * (1 + 1e-12) and both.radius == pytest.approx(0.144, rel=1e-12)


def test_the_settings_are_the_published_ones() -> None:
    for name, parts in (("thesis-sapts-p", 1),):
        x = nn.Parameter(torch.ones(3, dtype=torch.float64))
        made = METHODS[name].phases[0].make([x], parts=parts)
        sweep = made.sweep
        assert (made.radius, made.rule, sweep.local_rule) == (0.1, WHOLE, LOCAL)
        assert (sweep.local_steps, sweep.global_steps, sweep.adaptive, sweep.pooled) == (3, 1, False, False)
        assert (sweep.order, sweep.visits, sweep.combination, sweep.overlap) == ("additive", 0, "sum", 0.33)
        assert made.curvature.memory == 5 and made.local_models.name == "lsr1-5"
