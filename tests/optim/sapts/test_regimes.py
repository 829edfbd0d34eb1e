"""Stretches with sweeps against stretches without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sapts_pinn.optim.sapts.regimes import LAST, STRETCH, Regimes

EACH = round(STRETCH)


def run(regimes: Regimes, rate: Callable[[bool, int], float], stretches: int) -> list[bool]:
    """Go on for some gradients, one by one; whether each was of the regime with sweeps."""
    seen = []
    for i in range(stretches * EACH):
        seen.append(regimes.sweeps)
        regimes.add(rate(regimes.sweeps, i), 1.0)
    return seen


def test_a_trial_stands_between_two_stretches_of_the_regime_in_force() -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.2 if sweeps else 0.1, 7)
    by_stretch = [seen[i * EACH] for i in range(7)]
    assert by_stretch == [True, False, True, True, True, False, True], "twice as long before the second"


@pytest.mark.parametrize("winner", [True, False])
def test_the_better_regime_goes_on(winner: bool) -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.2 if sweeps == winner else 0.1, 60)
    later = seen[3 * EACH :]
    assert later.count(winner) > 0.75 * len(later)


@pytest.mark.parametrize("first", [True, False])
def test_a_loss_that_falls_ever_more_slowly_flatters_nobody(first: bool) -> None:
    """Both regimes are the same: which comes first must not decide."""
    regimes = Regimes(in_force=first)
    run(regimes, lambda _, i: 1.0 / (1 + i), 3)
    assert regimes.in_force == first
    run(regimes, lambda sweeps, i: (1.5 if sweeps != first else 1.0) / (10 * EACH + i), 10)
    assert regimes.in_force != first, "half as much again is seen all the same"


def test_what_trials_cost_fades() -> None:
    seen = run(Regimes(), lambda sweeps, _: 0.1 if sweeps else 0.2, 6 * LAST)
    last = seen[-2 * LAST * EACH :]
    assert 0 < last.count(True) <= 3 * EACH


def test_it_changes_its_mind() -> None:
    """Sweeps that paid once are given up when they no longer do."""
    seen = run(Regimes(), lambda sweeps, i: (0.3 if i < 40 * EACH else 0.05) if sweeps else 0.1, 150)
    assert seen[30 * EACH : 40 * EACH].count(True) > 8 * EACH
    assert seen[-10 * EACH :].count(False) > 8 * EACH


def test_a_state_goes_on() -> None:
    regimes = Regimes()
    run(regimes, lambda sweeps, _: 0.1, 4)
    regimes.add(0.5, 3.0)
    assert Regimes.of(regimes.state_dict()) == regimes and Regimes.of(None) == Regimes()
