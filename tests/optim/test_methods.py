"""Methods by name: their rows, and what a run cannot divide."""

from __future__ import annotations

import pytest

from sapts_pinn import solve
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.problems import build
from sapts_runs import SAPTS_METHODS


@pytest.mark.parametrize("method", SAPTS_METHODS)
def test_a_run_says_what_it_cannot_divide(method: str) -> None:
    sentence = {
        "data": "part 12 of 40 would get no residual|12 points into 40|only 12",
        "parameters": "cannot spread .* over 40 parts",
        "stages": "cannot be cut into 40 stages",
    }[METHODS[method].divides or ""]
    with pytest.raises(ValueError, match=sentence):
        solve(build("burgers"), method=method, budget="3 iterations", parts=40, network=(8, 8), points=12)
