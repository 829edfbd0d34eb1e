"""The estimated error in pictures."""

from types import SimpleNamespace

import numpy as np
import pytest

from pictured import line, ring, waves
from sapts_pinn.viz.estimated import estimated_error, words

FOUND = {"relative": 1.23e-3, "reliable": True}


def view(problem, result, error=None):
    return SimpleNamespace(problem=problem, result=result, error_field=error)


def test_the_estimate_is_absolute_and_unknown_outside():
    inside = np.array([True, False, True])
    points = {"x": np.array([0.5, 9.0, 0.6]), "y": np.zeros(3)}
    asked = []
    drawn = view(ring(), {"error_estimate": FOUND}, lambda p: asked.append(p) or np.array([-1.0, 2.0]))
    found = estimated_error(drawn, points, inside)["u"]
    assert found[inside].tolist() == [1, 2] and np.isnan(found[1])
    assert asked[0]["x"].tolist() == [0.5, 0.6], "only points inside are asked for"


@pytest.mark.parametrize(
    ("problem", "result"), [(line, {"error_estimate": FOUND}), (waves, {}), (ring, {"error_estimate": None})]
)
def test_there_is_none_with_a_reference_or_without_an_estimate(problem, result):
    assert estimated_error(view(problem(), result), {"x": np.zeros(1)}, np.ones(1, bool)) is None


def test_there_is_none_where_no_function_explains_the_residual():
    drawn = view(ring(), {"error_estimate": FOUND}, lambda p: np.zeros(2))
    points = {"x": np.array([0.5, 0.6]), "y": np.zeros(2)}
    assert estimated_error(drawn, points, np.ones(2, bool)) is None


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"error_estimate": FOUND}, "estimated error 1.2e-03"),
        ({"error_estimate": FOUND | {"reliable": False}}, "estimated error 1.2e-03 (not reliable)"),
        ({"error_estimate": FOUND | {"relative": None}}, ""),
        ({"error_estimate": FOUND, "relative_l2_error": 0.1}, ""),
        ({}, ""),
    ],
)
def test_words_of_a_title(result, text):
    assert words(view(None, result)) == text
