"""Parameters, radii and angles as intervals."""

import math

import pytest
import torch

from sapts_pinn.geometry import Angle, Interval, Parameter, Radius


def test_parameters_count_in_decades_where_they_span_one() -> None:
    assert Parameter("nu", 0.01, 0.1).log and not Parameter("nu", 0.02, 0.1).log
    assert not Parameter("nu", -1, 1).log and not Parameter("nu", 0.01, 1, log=False).log
    assert Parameter("nu", 0.02, 0.1, log=True).log == 0.02
    assert Parameter("nu", 0.01, 1).from_unit(torch.tensor(0.5)) == pytest.approx(0.1)
    assert Parameter("nu", 1, 2).spatial_faces == () and repr(Parameter("k", 1, 2)) == "Parameter('k', 1, 2)"


def test_a_radius_from_0_on_has_one_face() -> None:
    full, hollow = Radius(0, 2), Radius(1, 2, name="rho", around="point")
    assert full.spatial_faces == ("r=2",) == full.face_tags("r") and full.centre == "r=0"
    assert hollow.spatial_faces == ("rho=1", "rho=2") and hollow.centre is None
    assert (full.of_dim, hollow.of_dim, Interval(0, 1).of_dim) == (2, 3, 1)
    assert 0 < float(full.from_unit(torch.tensor(0.0))) < 1e-5
    assert (
        repr(hollow) == "Radius(1, 2, name='rho', around='point')" and repr(full) == "Radius(0, 2, name='r')"
    )


def test_a_full_turn_has_no_boundary() -> None:
    assert Angle().spatial_faces == () and len(Angle().faces) == 2
    assert Angle(0, math.pi).spatial_faces == Angle(0, math.pi).faces
