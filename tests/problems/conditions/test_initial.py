"""Initial conditions: value and rate at the start of time."""

import pytest

from sapts_pinn import Initial
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems.conditions.base import VALUE, Prescribed


def test_value_and_velocity_hold_at_the_start_only():
    assert Initial("u", 1.0, velocity=2.0).prescribed() == Prescribed("u", 1.0, 2.0, start=True)
    assert Initial("u", None, velocity=2.0).prescribed().both == (None, 2.0)
    assert Initial("u").faces(Interval(0, 1) * Time(3, 4)) == ("t=3",)
    with pytest.raises(InputError, match="needs a time"):
        Initial("u").faces(Interval(0, 1))


def test_each_value_that_is_given_is_one_demand():
    kinds = [d.kind for d in Initial("u", 1.0, velocity=2.0).demands(2)]
    assert kinds[0] == VALUE and len(set(kinds)) == 2
    assert len(Initial("u", 1.0).demands(1)) == 1
    assert all(d.exclusive for d in Initial("u", 1.0, velocity=2.0).demands(2))


def test_nothing_is_said_of_faces_in_space():
    initial = Initial("u", lambda x: x)
    assert initial.mirror_sign() is None and initial.boundary_conditions == 0
    assert initial.varies_on_faces() and not Initial("u", 1.0).varies_on_faces()
