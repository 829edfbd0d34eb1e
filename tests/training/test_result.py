"""Facts of a run as result.json has them: those of the subclass first, then what every run has."""

from dataclasses import dataclass, fields
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sapts_pinn import solve
from sapts_pinn.runs.status import StopReason
from sapts_pinn.training.result import RunResult, facts
from small_runs import SMALL, rod
from thread_ranks import on_ranks


@dataclass(frozen=True, kw_only=True)
class Of(RunResult):
    task: str
    metric: float


def test_what_is_of_the_subclass_comes_first():
    common = {item.name: number for number, item in enumerate(fields(RunResult))}
    written = Of(**common, task="digits", metric=0.5).as_json()
    assert list(written.items()) == [("task", "digits"), ("metric", 0.5), *common.items()]


def test_facts_are_all_that_a_result_needs_and_of_all_ranks():
    model = nn.Linear(3, 2, dtype=torch.float64)

    def work(ranks):
        earned = SimpleNamespace(state_dict=lambda: {"plain": 3.0})
        trainer = SimpleNamespace(
            optimizer=SimpleNamespace(earned=earned),
            communicator=ranks,
            model=model,
            total_work=lambda: [3.0, 2.0],
            iteration=7,
            seconds=1.5,
            clock=SimpleNamespace(seconds_to_first_step=0.25),
            loss=0.125,
            status=StopReason.BUDGET.status("7 iterations"),
        )
        config = {"method": "tr", "seed": 3, "dtype": "float64", "options": {"parts": 4}, "threads": 2}
        return facts(trainer, config)

    for found in on_ranks(2, work):
        assert isinstance(found, RunResult) and set(found.as_json()) == {
            item.name for item in fields(RunResult)
        }
        assert (found.world_size, found.iterations, found.parts) == (2, 7, 4)
        assert (found.function_evaluations, found.gradient_evaluations) == (3.0, 2.0)
        assert found.parameters == 8 and found.parameter_bytes == {"all": 64, "largest_rank": 64}
        assert found.status == "budget spent (7 iterations)" and found.loss == 0.125
        assert found.earnings == {"plain": 3.0}


@pytest.mark.parametrize(("options", "parts"), [({}, 1), ({"parts": 3}, 3)])
def test_a_run_has_one_part_unless_it_is_divided(options, parts):
    method = "sapts-d" if options else "tr"
    solution = solve(rod(), budget="1 iteration", method=method, options=options, **SMALL)
    assert solution.result["parts"] == parts
    count = sum(p.numel() for p in solution.model.parameters())
    assert solution.result["parameters"] == count
    assert set(solution.result["parameter_bytes"].values()) == {8 * count}
