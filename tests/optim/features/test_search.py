"""The search for widths and number, on functions in place of residuals."""

import math
from collections.abc import Callable

import pytest

from sapts_pinn.optim.features.search import (
    FEWEST,
    Adoption,
    Trial,
    first_widths,
    neighbours,
    numbers,
    search,
)


def run(score: Callable[[Trial], float], coordinates: int, most: int) -> tuple[list[Trial], list[Trial]]:
    """Trials and adoptions of a search."""
    tried: list[Trial] = []
    adopted: list[Trial] = []
    going = search(coordinates, most)
    try:
        request = next(going)
        while True:
            adopting = isinstance(request, Adoption)
            trial = request.trial if isinstance(request, Adoption) else request
            (adopted if adopting else tried).append(trial)
            request = going.send(score(trial))
    except StopIteration:
        return tried, adopted


def valley(trial: Trial) -> float:
    """Smallest at widths of 8 and 0.5; 16 times smaller with twice as many units."""
    x, y = (math.log2(w) for w in trial.widths)
    return 2.0 ** (abs(x - 3) + abs(y + 1)) * (100 / trial.count) ** 4


@pytest.mark.parametrize(("most", "expected"), [(50, [50]), (100, [100]), (800, [100, 200, 400, 800])])
def test_numbers_double_up_to_the_most(most: int, expected: list[int]) -> None:
    assert numbers(most) == expected
    assert numbers(700)[0] == FEWEST and numbers(700)[-1] == 700


def test_widths_are_found_and_the_number_grows_while_that_pays() -> None:
    tried, adopted = run(valley, 2, 800)
    assert [t.count for t in adopted] == [100, 200, 400, 800] and adopted[-1].widths == (8.0, 0.5)
    assert len(set(tried)) == len(tried), "nothing is tried twice"
    assert all(t in tried for t in adopted)
    _, stopped = run(lambda t: max(valley(t), 0.05) * 1e-6, 2, 800)
    assert [t.count for t in stopped][-1] < 800


def test_what_is_adopted_is_the_best_with_as_many_units() -> None:
    scores: dict[Trial, float] = {}

    def rough(trial: Trial) -> float:
        return scores.setdefault(trial, valley(trial) * (1 + 0.4 * math.sin(7 * sum(trial.widths))))

    tried, adopted = run(rough, 2, 400)
    for trial in adopted:
        assert scores[trial] == min(scores[t] for t in tried if t.count == trial.count)


def test_every_number_of_coordinates_has_first_widths() -> None:
    assert [len(first_widths(n)) for n in (1, 2, 3, 5)] == [4, 16, 27, 4]
    assert neighbours((1.0, 600.0)) == [(2.0, 600.0), (0.5, 600.0), (1.0, 300.0)]
