"""Methods by name: their rows, and what a run cannot divide."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.base import Optimizer
from sapts_pinn.optim.methods import METHODS, method, sapts
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.problems import build
from sapts_runs import SAPTS_METHODS


@pytest.mark.parametrize("name", SAPTS_METHODS)
def test_a_run_says_what_it_cannot_divide(name: str) -> None:
    sentence = {
        "data": "part 12 of 40 would get no residual|12 points into 40|only 12",
        "parameters": "cannot spread .* over 40 parts",
        "stages": "cannot be cut into 40 stages",
    }[METHODS[name].divides or ""]
    with pytest.raises(ValueError, match=sentence):
        solve(build("burgers"), method=name, budget="3 iterations", parts=40, network=(8, 8), points=12)


def test_an_unknown_method_is_told_with_the_nearest() -> None:
    assert method("tr") is METHODS["tr"]
    with pytest.raises(InputError, match=r"^unknown method 'sapst-d'; did you mean 'sapts-d'\?$"):
        method("sapst-d")
    with pytest.raises(InputError, match=r"^unknown method 'quasi'; choose one of auto, tr, tr-ssbroyden, "):
        method("quasi")


@pytest.mark.parametrize("name", METHODS)
def test_every_row_makes_its_optimizers(name: str) -> None:
    row = METHODS[name]
    ends = [phase.share for phase in row.phases]
    assert ends == sorted(ends) and ends[-1] == 1.0, "the last phase lasts until the budget is spent"
    params = [nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(3))]
    made = [phase.make(params) for phase in row.phases]
    assert all(isinstance(optimizer, Optimizer) for optimizer in made)
    divided = [optimizer.decomposition.name for optimizer in made if isinstance(optimizer, SAPTS)]
    assert divided == ([] if row.divides is None else [row.divides])
    assert (row.sharded, row.divides_points) == (row.divides == "stages", row.divides == "data")
    assert row.decomposition is (None if row.divides is None else DECOMPOSITIONS[row.divides])


def test_options_of_the_sweep_are_told_from_those_of_the_optimizer() -> None:
    row = sapts("of a test", "parameters", overlap=0.1, radius=0.5, visits=2)
    optimizer = row.phases[0].make([nn.Parameter(torch.ones(4))], parts=2, local_steps=3, visits=1)
    assert isinstance(optimizer, SAPTS) and (optimizer.count, optimizer.radius) == (2, 0.5)
    usual = DECOMPOSITIONS["parameters"].options
    expected = Sweep(**{**usual, "overlap": 0.1, "local_steps": 3, "visits": 1})
    assert optimizer.sweep == expected != Sweep(**usual), "what is given goes before what is usual"
