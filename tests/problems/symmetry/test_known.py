"""Reflections that the known part of a solution has, too."""

import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.symmetry.known import shared_with
from sapts_pinn.problems.symmetry.symmetry import Symmetry

DOMAIN = Interval(0, 2) * Time(0, 1)
EVEN, ODD = Symmetry(centre=(1,)), Symmetry(centre=(-1,), ends=(1,))


def test_a_reflection_stays_if_the_known_parts_have_it_together():
    def about(points):
        return points[:, 0] - 1

    known = [lambda p: about(p) ** 2 + about(p), lambda p: -about(p) + torch.cos(p[:, 1])]
    assert shared_with({"x": EVEN}, known, DOMAIN) == {"x": EVEN}
    assert shared_with({"x": EVEN}, known[:1], DOMAIN) == {}
    assert shared_with({"x": ODD}, [lambda p: about(p) ** 3], DOMAIN) == {"x": Symmetry(centre=(-1,))}
    assert shared_with({"x": Symmetry(ends=(1,))}, known, DOMAIN) == {}
