"""Colours of fields, and their limits."""

import numpy as np
import pytest

from pictured import line, pipe, profile, ring, untrained, waves
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Interval
from sapts_pinn.problems import Unknown
from sapts_pinn.viz.figures import new_figure
from sapts_pinn.viz.style import Meaning, colour_bar, colour_limits, is_above, log_limits, logs, meaning_of


def test_limits_follow_the_meaning_of_the_field():
    nan = np.nan
    assert colour_limits([np.array([-1.0, nan]), np.array([0.5])], Meaning.SIGNED) == (-1, 1)
    assert colour_limits([np.array([-0.1, 1.0])]) == (-0.1, 1)
    assert colour_limits([np.array([0.1, 1.0])], Meaning.MAGNITUDE) == (0, 1)
    assert colour_limits([np.array([0.9, 1.0])], Meaning.MAGNITUDE) == (0.9, 1), "zero is far away"
    assert colour_limits([np.array([2.0, 2.0])]) == (1.5, 2.5)
    assert colour_limits([np.array([nan])]) == (0, 1)
    assert colour_limits([np.array([1e-2, 1.0])], Meaning.ERROR) == log_limits([np.array([1e-2, 1.0])])


def test_decades_leave_out_the_zeros_of_an_exact_condition():
    fields = [np.array([0.0] + [1e-2] * 50 + [1.0])]
    assert log_limits(fields) == pytest.approx((-2, 0))
    assert log_limits([np.array([1e-9] * 50 + [1.0])]) == pytest.approx((-4, 0)), "at most four"
    assert log_limits([np.array([1.0, 1.0])]) == pytest.approx((-1, 0)), "at least one"
    assert log_limits([np.array([np.nan])]) == (-1, 0)
    assert logs(np.array([0.0, 0.1])) == pytest.approx([-300, -1])


def test_a_few_extreme_values_do_not_hide_the_field():
    field = np.sin(np.linspace(0, 6, 10_000)) + 2.0
    field[:20] = 2e11  # a pressure in a corner
    low, high = colour_limits([field])
    assert 0.9 < low < 1.1 and 2.9 < high < 3.1
    field[:20] = 3.5  # hardly beyond the others: nothing is left out
    assert colour_limits([field])[1] == 3.5


def test_a_bar_says_that_values_lie_beyond_it():
    figure = new_figure(3, 3)
    for values, extend in (([0, 1, 5], "max"), ([-5, 0, 1], "min"), ([0, 1], "neither"), ([-5, 5], "both")):
        axis = figure.add_subplot()
        image = axis.imshow(np.array([values], float), vmin=0, vmax=1)
        colour_bar(axis, image)
        assert image.colorbar.extend == extend
    image = figure.add_subplot().imshow(np.array([[0.0, 9.0]]), vmin=0, vmax=1)
    colour_bar(figure.axes[0], image, np.array([0.5]))
    assert image.colorbar.extend == "neither", "what the image holds besides does not count"


@pytest.mark.parametrize(
    ("build", "unknown", "meaning"),
    [
        (line, "u", Meaning.LEVEL),  # the reference is positive
        (waves, "v", Meaning.SIGNED),  # the reference has both signs
        (profile, "v", Meaning.SIGNED),  # a component of a vector
        (ring, "u", Meaning.LEVEL),  # nothing is known but zero on the boundary
        (pipe, "u", Meaning.LEVEL),  # from 0 to 1
    ],
)
def test_the_meaning_of_an_unknown_is_that_of_the_problem(build, unknown, meaning):
    assert meaning_of(untrained(build()), unknown) is meaning


def test_prescribed_values_of_both_signs_make_a_field_signed():
    def problem(unknown):
        ends = [Dirichlet("u", -1.0, on="x=0"), Dirichlet("u", 1.0, on="x=1")]
        return untrained(Problem(Interval(0, 1), unknown, lambda u: u.xx, ends))

    assert meaning_of(problem("u"), "u") is Meaning.SIGNED
    positive = Problem(
        Interval(0, 1), Unknown("u", positive=True), lambda u: u.xx - 1, [Dirichlet("u", 1.0, hard=False)]
    )
    assert meaning_of(untrained(positive), "u") is Meaning.LEVEL


def test_a_field_below_all_decades_is_blank():
    """Errors that a condition makes zero at the start, beside those later."""
    zero, later = np.full(9, 1e-17), np.append(np.geomspace(1e-3, 1e-1, 8), np.nan)
    decades = log_limits([zero, later, later])
    assert not is_above(zero, decades) and is_above(later, decades)
