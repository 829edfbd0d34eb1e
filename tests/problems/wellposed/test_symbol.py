"""Numbers of conditions from the roots of the characteristic polynomial."""

import numpy as np
import pytest

from sapts_pinn.problems.wellposed.symbol import Symbol

INTO, ALONG = np.array([1.0, 0.0]), np.array([0.0, 1.0])
FAST = [1j * size * np.array([0.0, 1.0]) for size in (1e3, 1e4)]  # waves along y, into x
GROWING = [np.array([0.0, p], complex) for p in (1e6, 1e7)]  # growth in t, the second coordinate


def symbol(*terms, count=1):
    return Symbol(tuple((k, j, index, float(a)) for k, j, index, a in terms), count)


LAPLACE = symbol((0, 0, (0, 0), 1), (0, 0, (1, 1), 1))
HEAT = symbol((0, 0, (1,), 1), (0, 0, (0, 0), -1))
ADVECTION = symbol((0, 0, (1,), 1), (0, 0, (0,), 2))
PLATE = symbol((0, 0, (0,) * 4, 1), (0, 0, (0, 0, 1, 1), 2), (0, 0, (1,) * 4, 1))
STOKES = symbol(
    (0, 0, (0, 0), -1), (0, 0, (1, 1), -1), (0, 2, (0,), 1),
    (1, 1, (0, 0), -1), (1, 1, (1, 1), -1), (1, 2, (1,), 1),
    (2, 0, (0,), 1), (2, 1, (1,), 1),
    count=3,
)  # fmt: skip
KDV = symbol((0, 0, (1,), 1), (0, 0, (0, 0, 0), 1))


@pytest.mark.parametrize(
    ("equation", "frequencies", "from_left", "from_right"),
    [
        (LAPLACE, FAST, 1, 1),
        (PLATE, FAST, 2, 2),
        (STOKES, FAST, 2, 2),
        (HEAT, GROWING, 1, 1),
        (ADVECTION, GROWING, 1, 0),
        (KDV, GROWING, 1, 2),
    ],
    ids=["Laplace", "plate", "Stokes", "heat", "advection", "KdV"],
)
def test_conditions_needed_on_both_sides(equation, frequencies, from_left, from_right):
    assert equation.needed(INTO, frequencies) == from_left
    assert equation.needed(-INTO, frequencies) == from_right


def test_roots_are_those_of_the_determinant():
    """Two coupled equations: det [[s + 1, 2], [3, s - 1]] = s^2 - 7."""
    first = (0, 0, (0,), 1), (0, 0, (), 1), (0, 1, (), 2)
    second = (1, 0, (), 3), (1, 1, (0,), 1), (1, 1, (), -1)
    system = symbol(*first, *second, count=2)
    roots = system.roots(np.array([1.0]), np.zeros(1, complex))
    assert sorted(roots.real) == pytest.approx([-(7**0.5), 7**0.5])
    assert symbol((0, 0, (), 0.0)).roots(np.array([1.0]), np.zeros(1, complex)) is None


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([(1,), (0, 0)], (1, 0)),  # heat
        ([(1, 1), (0, 0)], (2, 0)),  # waves
        ([(1,), (0,)], (1, 0)),
    ],
)
def test_conditions_in_time(terms, expected):
    equation = symbol(*((0, 0, index, a) for index, a in zip(terms, (1, -1), strict=True)))
    low, high = (size * np.array([1j, 0]) for size in (1.0, 1e4))
    assert equation.in_time(ALONG, low, high) == expected
    backward = symbol((0, 0, (1,), 1), (0, 0, (0, 0), 1))
    assert backward.in_time(ALONG, low, high) == (0, 1)
