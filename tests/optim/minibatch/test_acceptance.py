"""Acceptance of sweeps: noise passes, climbs end, falls in between or not, and a state that goes on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, randn

from sapts_pinn.optim.minibatch.acceptance import CAP, DOUBTFUL, WINDOW, Acceptance


def after(*values: float) -> Acceptance:
    """With these values accepted."""
    found = Acceptance()
    found.begin(values[0])
    for value in values[1:]:
        assert found.judge(value)
    return found


NOISE = (2.0, 1.0, 0.6, 0.4, 0.35, 0.3, 0.32, 0.29, 0.31, 0.28, 0.3, 0.27, 0.29, 0.26, 0.28, 0.25, 0.27, 0.26)


def test_before_there_is_progress_nothing_may_rise() -> None:
    found = after(2.0)
    assert found.searches and not found.judge(math.nextafter(2.0, 3.0)) and not found.judge(math.nan)
    assert found.judge(2.0) and not found.searches


def test_a_value_may_exceed_the_last_ones_by_their_largest_fall() -> None:
    found = after(*NOISE)
    assert list(found.values) == list(NOISE[-WINDOW:])
    fall = max(a - b for a, b in zip(NOISE[-WINDOW:], NOISE[-WINDOW + 1 :], strict=False))
    bound = max(NOISE[-WINDOW:]) + fall
    assert found.bound == pytest.approx(bound, rel=1e-15)
    assert not found.judge(bound + 1e-9) and found.judge(bound - 1e-9)


@pytest.mark.parametrize("falls", [0, 1, 3])
def test_a_climb_comes_to_an_end(falls: int) -> None:
    """Of whoever goes as high as he may, and in between down, but not below the best."""
    found = after(*NOISE)
    allowances, cap = [found.allowance], found.best + CAP * NOISE[0]
    for k in range(300):
        down = falls and k % (falls + 4) < falls
        value = found.best + 1e-6 if down else found.bound
        assert found.judge(value) and value <= cap
        allowances.append(found.allowance)
    assert max(allowances) == allowances[0] == found.noise and found.best == min(NOISE)
    if not falls:
        assert allowances[WINDOW] == 0 and found.bound <= max(NOISE[-WINDOW:]) + WINDOW * allowances[0]


def test_far_above_the_best_nothing_is_accepted() -> None:
    """However large the last values are: right after a quick fall those of the start are still among them."""
    found = after(2.0, 0.2)
    assert found.highest == 2.0 and found.bound == pytest.approx(0.2 + CAP * 2.0)
    assert not found.judge(0.41) and found.judge(0.39)


@given(st.lists(st.floats(0.01, 3.0), min_size=3, max_size=40), st.floats(1e-3, 1e3))
def test_units_do_not_matter(values: list[float], unit: float) -> None:
    """A loss in other units is judged alike, but for values at the bound."""
    one, other = after(values[0]), after(unit * values[0])
    for value in values[1:]:
        if math.isclose(value, one.bound, rel_tol=1e-9):
            continue
        assert one.judge(value) == other.judge(unit * value)
        assert other.bound == pytest.approx(unit * one.bound, rel=1e-9)


@pytest.mark.parametrize("trend", [0.0, 0.02])
def test_noise_is_not_rejected(trend: float) -> None:
    """Independent noise around a level, or around a loss that falls, for as long as a long run."""
    noise = randn(1000, generator=Generator().manual_seed(0)).tolist()
    found, accepted = after(2.0), 0
    for k, z in enumerate(noise):
        accepted += found.judge(0.2 + math.exp(-trend * k) * (1.0 if trend else 0.0) + 0.02 * z)
    assert accepted >= 990


def test_rises_in_a_row_and_rejections_raise_doubts() -> None:
    found = after(2.0, 1.0, 0.9)
    for k in range(1, DOUBTFUL + 1):
        assert found.rises == k - 1 and not found.doubtful
        assert found.judge(0.9 + 0.01 * k)
    assert found.doubtful
    assert found.judge(0.93) and not found.doubtful  # no rise
    for value in (7.0, math.nan):
        assert not found.judge(value) and found.doubtful
        found.trust()
        assert not found.doubtful
    found.judge(7.0)
    found.return_to_best()
    assert not found.doubtful and found.values[-1] == found.best == 0.9 and found.allowance == 0


def test_while_the_radius_is_searched_for_one_rejection_is_no_doubt() -> None:
    found = after(2.0)
    for _ in range(DOUBTFUL):
        assert not found.doubtful
        found.judge(3.0)
    assert found.doubtful


def test_a_saved_state_goes_on() -> None:
    first, again = after(*NOISE), Acceptance()
    assert not first.judge(9.0)
    state = first.state_dict()
    for value in (0.3, 9.0, 0.2, 0.25):
        first.judge(value)
    again.load_state_dict(state)
    assert again.state_dict() == state and again.doubtful
    for value in (0.3, 9.0, 0.2, 0.25):
        again.judge(value)
    assert again.state_dict() == first.state_dict()


def test_a_state_of_an_older_version_is_the_values_alone() -> None:
    found = Acceptance()
    found.load_state_dict({"values": [0.5, 0.3, 0.4]})
    assert (found.first, found.best, found.rises) == (0.5, 0.4, 0) and found.began
    assert found.bound == pytest.approx(0.4 + CAP * 0.5)
    found.load_state_dict({"values": []})
    assert not found.began
