"""Units with random weights."""

import torch

from draws import rng
from sapts_pinn.networks.random_units import Units


def test_weights_have_the_sizes_that_are_asked_for() -> None:
    units = Units.draw(4000, (0.0, 1.0, 5.0), True, rng(1))
    assert units.count == 4000 and not units.weights[:, 0].any()
    assert torch.allclose(units.weights.std(0), torch.tensor([0.0, 1.0, 5.0]).double(), rtol=0.05)
    assert 0 <= float(units.shifts.min()) and float(units.shifts.max()) < 2 * torch.pi


def test_a_unit_that_bends_does_so_inside_the_box() -> None:
    units = Units.draw(500, (3.0,), False, rng(2))
    assert bool((units.shifts.abs() <= units.weights[:, 0].abs()).all())


def test_a_spread_makes_weights_smaller_only() -> None:
    plain, spread = (Units.draw(500, (2.0, 1.0), True, rng(3), factor) for factor in (1.0, 10.0))
    ratio = spread.weights / plain.weights
    assert torch.allclose(ratio[:, 0], ratio[:, 1]) and float(ratio.min()) >= 0.1 - 1e-12
    assert float(ratio.max()) <= 1 and float(ratio.min()) < 0.2


def test_a_seed_fixes_the_draw_and_widths_only_scale_it() -> None:
    one, two = Units.draw(9, (1.0, 2.0), True, rng(4)), Units.draw(9, (2.0, 2.0), True, rng(4))
    assert torch.equal(2 * one.weights[:, 0], two.weights[:, 0]) and torch.equal(one.shifts, two.shifts)
