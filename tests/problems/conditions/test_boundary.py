"""Conditions on faces: how they describe themselves to the ansatz, the symmetry search and the counting."""

import pytest
import torch

from sapts_pinn import BoundaryEquation, Dirichlet, Neumann, Periodic, Robin
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems.conditions.base import VALUE, Prescribed

ROD = Interval(0, 1) * Time(0, 2)


@pytest.mark.parametrize(
    ("condition", "sign"),
    [
        (Dirichlet("u", 0.0), -1),
        (Dirichlet("u", 1.0), None),
        (Dirichlet("u", lambda t: 0 * t), None),
        (Neumann("u", 0.0), 1),
        (Neumann("u", 1.0), None),
        (Robin("u", 0.0), None),
        (Periodic("x"), None),
    ],
)
def test_the_continuation_across_a_face(condition, sign):
    assert condition.mirror_sign() == sign


def test_only_values_can_be_built_in():
    assert Dirichlet("u", 2.0).prescribed() == Prescribed("u", 2.0)
    assert not Dirichlet("u", 2.0).prescribed().start
    assert Neumann("u").prescribed() is Robin("u").prescribed() is Periodic("x").prescribed() is None


def test_a_value_varies_where_its_function_asks_for_something():
    assert not Dirichlet("u", 1.0).varies_on_faces() and not Dirichlet("u", lambda: 1.0).varies_on_faces()
    assert Neumann("u", lambda y: y).varies_on_faces()
    assert Robin("u", 1.0, alpha=lambda y: y).varies_on_faces()


def test_demands_of_one_kind_exclude_each_other_but_for_mixed_conditions():
    value, slope = Dirichlet("u", 1.0).demands(1), Neumann("u", 1.0).demands(1)
    assert [(d.kind, d.value, d.exclusive) for d in value] == [(VALUE, 1.0, True)]
    assert slope[0].exclusive and slope[0].kind != VALUE
    mixed = Robin("u", 1.0, alpha=2.0, beta=3.0).demands(1)
    assert mixed[0].factors == (2.0, 3.0) and not mixed[0].exclusive
    assert Periodic("x").demands(2) == []


def test_a_condition_on_a_face_counts_there_and_nowhere_else():
    assert [c.boundary_conditions for c in (Dirichlet("u"), Neumann("u"), Robin("u"))] == [1, 1, 1]
    assert Dirichlet("u").requirements_inside(ROD) == Periodic("x").requirements_inside(ROD) == 0


def test_kind_and_unknowns_make_conditions_alike():
    assert Dirichlet("u", 1.0).is_like(Dirichlet("u", 2.0, on="x=0"))
    assert not Dirichlet("u").is_like(Dirichlet("v")) and not Dirichlet("u").is_like(Neumann("u"))


def test_periodic_pairs_lie_opposite_each_other():
    sites = Periodic("x").sites(Box((0, 0), (1, 3)), 20, torch.Generator().manual_seed(1), "uniform")
    start, end = sites.points.chunk(2)
    assert sites.fold == 2 and (start[:, 0] == 0).all() and (end[:, 0] == 1).all()
    assert torch.equal(start[:, 1], end[:, 1])
    with pytest.raises(InputError, match="needs an interval coordinate"):
        Periodic("z").faces(ROD)


def test_a_condition_is_called_by_the_tag_that_was_given():
    plate = Box((0, 0), (2, 2), tag="outer") - Box((0.5, 0.5), (1, 1), tag="slot")
    assert Neumann("u", 0.0, on="slot").describe(plate) == "normal derivative of u on slot"
    assert Dirichlet("u", 0.0, on=("outer", "slot")).describe(plate) == "u on outer, slot"
    assert Dirichlet("u", 0.0).describe(plate) == "u on 8 faces"
    assert (
        BoundaryEquation(lambda u, n_x: u.x * n_x, on="slot").describe(plate) == "boundary equation on slot"
    )
    assert Robin("u", 0.0, on="outer").place(plate) == "outer"
