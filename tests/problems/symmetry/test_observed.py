"""Observed values that a reflection maps onto themselves."""

from sapts_pinn import Observations
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.symmetry.observed import is_mirrored

ROD = Interval(0, 1)


def test_places_and_values_have_to_be_mirrored():
    even = Observations("u", {"x": [0.25, 0.75, 0.5]}, [1.0, 1.0, 3.0])
    assert is_mirrored(even, ROD, 0, 0.5, 1) and not is_mirrored(even, ROD, 0, 0.5, -1)
    odd = Observations("u", {"x": [0.25, 0.75]}, [1.0, -1.0])
    assert is_mirrored(odd, ROD, 0, 0.5, -1) and not is_mirrored(odd, ROD, 0, 0.5, 1)
    assert not is_mirrored(Observations("u", {"x": [0.25, 0.8]}, [1.0, 1.0]), ROD, 0, 0.5, 1)


def test_values_with_noise_of_their_own_say_nothing():
    noisy = Observations("u", {"x": [0.25, 0.75]}, [1.0, 1.0], noise=[0.1, 0.2])
    assert not is_mirrored(noisy, ROD, 0, 0.5, 1)
