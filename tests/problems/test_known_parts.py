"""Known parts: sources take the place of kinks in the data; inputs of conditions and sources are listed."""

import torch

from sapts_pinn import Contact, Dirichlet, PointSource, Problem
from sapts_pinn.geometry import Box, Interval


def test_a_source_is_a_singular_part_and_asks_for_inputs():
    square = Box((0, 0), (1, 1))
    made = Problem(
        square, "u", lambda u: u.xx + u.yy - u, [Dirichlet("u", 0.0)], sources=[PointSource((0.3, 0.4))]
    )
    assert len(made.singular) == 1 and len(made.features) == 3
    assert not len(made.jumps.places) and made.by_region.at(torch.zeros(2, 2)) == {}


def test_conditions_come_first():
    rod = Interval(0, 1).with_regions({"left": Interval(0, 0.3), "right": Interval(0.3, 1)})
    made = Problem(rod, "u", lambda u: u.xx + 1, [Dirichlet("u", 0.0), Contact(flux=lambda u: u.x)])
    assert [f.name for f in made.features] == ["kink at a contact"] and not made.singular
