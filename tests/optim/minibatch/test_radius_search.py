"""The radius of the least loss: found from any start, past failures and between valleys, in few trials."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapts_pinn.optim.minibatch.radius_search import COARSE, LEAST, MOST, search

Value = Callable[[float], float]


def searched(value: Value, start: float) -> tuple[float, list[float]]:
    """The radius found and those tried, none of them twice."""
    tried: list[float] = []

    def told(radius: float) -> float:
        assert radius not in tried and radius > 0
        tried.append(radius)
        return value(radius)

    found = search(told, start)
    values = [v if math.isfinite(v := value(r)) else math.inf for r in tried]
    assert tried[0] == start and found in tried and values[tried.index(found)] == min(values)
    return found, tried


def away(decades: float) -> int:
    """Steps of the coarse search over a distance."""
    return math.ceil(decades / math.log10(COARSE))


@given(
    st.floats(-6, 3),
    st.floats(-6, 6),
    st.floats(0.2, 3.0),
    st.sampled_from(
        [lambda d: abs(d), lambda d: d * d, lambda d: math.expm1(d) - d, lambda d: -1 / (1 + d * d)]
    ),
)
def test_one_valley_from_anywhere(best: float, distance: float, width: float, shape: Value) -> None:
    found, tried = searched(lambda r: shape((math.log10(r) - best) / width), 10.0 ** (best + distance))
    assert abs(math.log2(found) - best * math.log2(10)) <= 1 + 1e-9  # within a factor of 2
    assert len(tried) <= away(abs(distance)) + 10


@given(st.floats(-6, 2), st.floats(-4, 6), st.sampled_from([math.inf, math.nan]))
def test_large_radii_fail(edge: float, distance: float, failure: float) -> None:
    """Where the loss falls up to the radius from which it is no number."""
    found, tried = searched(
        lambda r: failure if math.log10(r) > edge else -math.log10(r), 10.0 ** (edge + distance)
    )
    assert edge - math.log10(2) - 1e-9 <= math.log10(found) <= edge
    assert len(tried) <= away(abs(distance)) + 10


@pytest.mark.parametrize("start", [1e-3, 4e-3])
def test_the_deeper_of_two_valleys(start: float) -> None:
    """One at the start, a deeper one two steps away, a hill between them."""

    def value(radius: float) -> float:
        distance = math.log(radius / start, COARSE)
        return min(abs(distance), abs(distance - 2) - 0.5)

    assert value(start * COARSE) > value(start) > value(start * COARSE**2)
    assert searched(value, start)[0] == start * COARSE**2


def test_the_second_best_is_refined_as_well() -> None:
    """Its neighbour is the best of all, for which the loss has no other sign."""
    values = {1.0: 1.0, 4.0: 3.0, 0.25: 2.9, 16.0: 1.1, 32.0: 0.0}
    assert searched(lambda r: values.get(r, 5.0), 1.0)[0] == 32.0


@pytest.mark.parametrize("failure", [math.inf, math.nan])
@pytest.mark.parametrize("start", [1e-3, 1e5, 1e-15])
def test_all_fail(failure: float, start: float) -> None:
    found, tried = searched(lambda r: failure, start)
    assert found == start and len(tried) <= away(math.log10(MOST / LEAST)) + 10
    assert min(tried) < max(2 * LEAST, start) and max(tried) < COARSE**2 * max(MOST, start)


@pytest.mark.parametrize("start", [1e-15, 1e9])
def test_a_start_out_of_bounds(start: float) -> None:
    found, _ = searched(lambda r: abs(math.log2(r)), start)
    assert 0.5 <= found <= 2.0


def test_of_equals_the_first() -> None:
    assert searched(lambda r: 1.0, 1e-3)[0] == 1e-3
