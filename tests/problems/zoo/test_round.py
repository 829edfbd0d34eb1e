"""Heat in round bodies: the start vanishes on the surface; test_curvilinear.py has the equations."""

import numpy as np
import torch

from sapts_pinn.problems.zoo.round import heat_ball, heat_cylinder


def test_the_start_vanishes_on_the_surface():
    one = np.ones(3)
    points = {"r": one, "z": 0.3 * one, "t": 0 * one}
    assert np.abs(heat_cylinder().reference.evaluate(points)["u"]).max() < 1e-15
    assert np.abs(heat_ball().reference.evaluate({"r": one, "t": 0 * one})["u"]).max() < 1e-15


def test_the_start_is_that_of_the_equation():
    """The initial values, written with PyTorch's functions, are those of NumPy's in the reference."""
    for problem in (heat_cylinder(), heat_ball()):
        points = {name: np.linspace(0, 0.9, 7) for name in problem.domain.names} | {"t": np.zeros(7)}
        (start,) = [c for c in problem.conditions if type(c).__name__ == "Initial"]
        at = [torch.as_tensor(points[name]) for name in problem.domain.names if name != "t"]
        wanted = problem.reference.evaluate(points)["u"]
        assert np.allclose(start.value(*at).numpy(), wanted, atol=1e-14)
