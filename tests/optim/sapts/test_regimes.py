"""Stretches with sweeps against stretches without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sapts_pinn.optim.sapts.regimes import LEAST, SHARE, Regimes

EACH = round(LEAST)


def run(regimes: Regimes, rate: Callable[[bool, int], float], stretches: int) -> list[bool]:
    """Go on for some gradients, one by one; whether each was of the regime with sweeps."""
    seen = []
    for i in range(stretches * EACH):
        seen.append(regimes.sweeps)
        regimes.add(rate(regimes.sweeps, i), 1.0)
    return seen


def test_a_trial_stands_between_two_stretches_of_the_regime_in_force() -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.2 if sweeps else 0.1, 9)
    by_stretch = [seen[i * EACH] for i in range(9)]
    assert by_stretch == [True, False, *[True] * 5, False, True], "four stretches before the second"


def test_stretches_are_a_share_of_the_work() -> None:
    regimes = Regimes(total=1000.0, done=3, wait=4)
    seen = run(regimes, lambda sweeps, _: 0.1, 6)
    first, second = seen.index(False), seen[seen.index(False) :].index(True)
    assert first == pytest.approx(SHARE * 1020, abs=1) and second == pytest.approx(SHARE * 1040, abs=1)


@pytest.mark.parametrize("winner", [True, False])
def test_the_better_regime_goes_on(winner: bool) -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.2 if sweeps == winner else 0.1, 60)
    later = seen[3 * EACH :]
    assert later.count(winner) > 0.75 * len(later)


@pytest.mark.parametrize("first", [True, False])
def test_a_loss_that_falls_ever_more_slowly_flatters_nobody(first: bool) -> None:
    """Both regimes are the same: which comes first must not decide."""
    regimes = Regimes(in_force=first)
    run(regimes, lambda _, i: 1.0 / (10 + i), 3)
    assert regimes.in_force == first
    run(regimes, lambda sweeps, i: (1.5 if sweeps != first else 1.0) / (10 * EACH + i), 12)
    assert regimes.in_force != first, "half as much again is seen all the same"


def test_what_trials_cost_fades() -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.1 if sweeps else 0.2, 600)
    assert seen[: 60 * EACH].count(True) < 0.2 * 60 * EACH
    assert 0 < seen[60 * EACH :].count(True) < 0.1 * 540 * EACH


def test_it_changes_its_mind() -> None:
    """Sweeps that paid once are given up when they no longer do."""
    seen = run(Regimes(), lambda sweeps, i: (0.3 if i < 40 * EACH else 0.05) if sweeps else 0.1, 1500)
    assert seen[30 * EACH : 40 * EACH].count(True) > 8 * EACH
    assert seen[-50 * EACH :].count(False) > 40 * EACH


def test_a_state_goes_on() -> None:
    regimes = Regimes()
    run(regimes, lambda sweeps, _: 0.1, 4)
    regimes.add(0.5, 3.0)
    assert Regimes.of(regimes.state_dict()) == regimes and Regimes.of(None) == Regimes()


def test_stretches_are_compared_by_their_fall_per_gradient() -> None:
    """A stretch ends with the sweep or step that fills it, so that some are longer than others."""
    for fall, expected in ((1.6, False), (1.4, True)):  # of ten gradients, against 3 of twenty
        regimes = Regimes()
        regimes.add(3.0, 2.0 * LEAST)
        assert regimes.rates == [1.5 / LEAST]
        regimes.add(fall, LEAST)
        assert regimes.sweeps and not regimes.trial
        regimes.add(3.0, 2.0 * LEAST)
        assert regimes.in_force == expected and regimes.total == 5.0 * LEAST
