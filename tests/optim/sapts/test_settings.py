"""Settings of a sweep that are out of range, each named in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from sapts_pinn.optim import RadiusRule
from sapts_runs import pinn, sapts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "parallel"}, "unknown order 'parallel'; choose one of additive, multiplicative"),
        ({"combination": "best"}, "unknown combination 'best'; choose one of sum, mean, subspace"),
        ({"local_steps": -1}, "local_steps must not be negative, and is -1"),
        ({"visits": -2}, "visits must not be negative, and is -2"),
        ({"global_steps": -1}, "global_steps must not be negative, and is -1"),
        ({"low": 0.6, "high": 0.5}, "0 <= low <= high < 1 is needed, not 0.6 and 0.5"),
        ({"batch": 0.0}, r"batch must lie in \(0, 1\], not 0"),
        ({"batch": 1.5}, r"batch must lie in \(0, 1\], not 1.5"),
        ({"overlap": 1.5}, r"must lie in \[0, 1\), not 1.5"),
        ({"overlap": -0.1}, r"must lie in \[0, 1\), not -0.1"),
        (
            {"kind": "stripes"},
            "unknown decomposition of the data 'stripes'; choose one of interleaved, random",
        ),
        ({"local_curvature": "bfgs", "pooled": False}, "unknown curvature 'bfgs'; choose one of identity"),
        ({"parts": 0}, "parts must be a positive multiple of the number of ranks, 1, not 0"),
        (
            {"parts": 61},
            "part 60 of 61 would get no residual, for there are only 60: use fewer parts or more",
        ),
        ({"radius": 0.0}, "radius must be positive and finite, not 0.0"),
        ({"rule": {"accept": 0.9}}, "0 <= accept <= shrink < grow < 1 is needed, not 0.9"),
        ({"rule": {"grow_factor": 0.9}}, "0 < shrink_factor < 1 < grow_factor .* are needed, not 0.5, 0.9"),
        (
            {"rule": {"min_radius": 3.0, "max_radius": 2.0}},
            "0 <= min_radius < max_radius are needed, not .* 3.0, 2.0",
        ),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    objective = pinn(points=60)

    def step(rule: dict[str, float] | None = None, **others: Any) -> None:
        given = others if rule is None else {"rule": RadiusRule(**rule)}
        sapts(objective, "data", **given).step(objective)

    with pytest.raises(ValueError, match=message):
        step(**options)
