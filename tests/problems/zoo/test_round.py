"""Heat in round bodies: the start vanishes on the surface; test_curvilinear.py has the equations."""

import torch

from sapts_pinn.problems.zoo.round import heat_ball, heat_cylinder


def test_the_start_vanishes_on_the_surface():
    one = torch.ones(3, dtype=torch.float64)
    assert heat_cylinder().reference(one, 0.3 * one, 0 * one).abs().max() < 1e-15
    assert heat_ball().reference(one, 0 * one).abs().max() < 1e-15
