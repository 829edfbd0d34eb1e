"""Calibration of the error estimate: what is right, and how it is told."""

import pytest

from sapts_pinn.bench.trust.estimate import cells, verdict


def row(ratio, **more):
    return {
        "problem": "heat", "budget": 10.0, "seed": 1, "true": 1e-3, "ratio": ratio, "reliable": True,
        "estimate": None if ratio is None else 1e-3 * ratio, "seconds": 0.25, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "right", "said"),
    [
        ([1.0, 0.34, 9.9], 3, "none below 1/30"),
        ([0.3, 11.0, None], 0, "none below 1/30"),
        ([0.03, 1.0], 1, "below 1/30: heat"),
    ],
)
def test_ratios_are_counted_and_what_is_silent_is_named(ratios, right, said):
    assert verdict([row(r) for r in ratios]) == f"{right} of {len(ratios)} ratios lie in [1/3, 10]; {said}"


def test_a_row_of_the_table():
    assert cells(row(2.0)) == ["heat", "10 s", "1", "1.0e-03", "2.0e-03", "2", "yes", "0.2"]
    assert cells(row(None, reliable=False, seconds=None))[4:] == ["–", "–", "no", "–"]
