"""Stages that are all in one process: the whole by the compiled kernel, the stages one by one."""

import pytest
import torch
from torch import Generator, nn

from kernel_cases import compiled
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import CUT
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.sharded_model import ShardedModel
from sapts_pinn.pipeline.undivided_objective import UndividedObjective
from sapts_pinn.problems import build


def pair(name: str, network=(9, 8, 7), activation: str = "tanh"):  # type: ignore[no-untyped-def]
    """A model in three stages, its points, and its loss as training asks for it."""
    problem = build(name)
    model = ShardedModel(
        problem, Generator().manual_seed(3), network, torch.float64, activation, 3, SingleProcess()
    )
    sites = {t.name: t.sites(200, Generator().manual_seed(4), "sobol") for t in problem.terms}
    return model, sites, model.objective(sites, Counters(), 1)


@compiled
@pytest.mark.parametrize("name", ["burgers", "kovasznay", "burgers-inverse"])
def test_value_gradient_and_stages_are_those_of_the_pipeline(name: str) -> None:
    model, sites, objective = pair(name)
    assert isinstance(objective, UndividedObjective)
    pipeline = PipelineObjective.of_problem(model.chain, sites, Counters())
    one, two = objective.evaluate(), pipeline.evaluate()
    assert one.value == pytest.approx(two.value, rel=1e-12)
    assert one.terms == pytest.approx(two.terms, rel=1e-11)
    torch.testing.assert_close(one.gradient(), two.gradient(), rtol=1e-10, atol=1e-13)
    theta = gather(objective.parameters)
    start = 0
    for stage in range(3):
        ours, theirs = one.local(stage).evaluate(), two.local(stage).evaluate()
        assert ours.value == pytest.approx(theirs.value, rel=1e-12)
        end = start + objective.layout.sizes[stage]
        torch.testing.assert_close(ours.gradient(), one.gradient()[start:end], rtol=1e-9, atol=1e-12)
        start = end
    assert start == len(theta)


@compiled
def test_a_stage_is_taken_where_the_loss_was_evaluated_though_parameters_have_moved() -> None:
    _, _, objective = pair("burgers")
    evaluation = objective.evaluate()
    gradient, theta = evaluation.gradient(), gather(objective.parameters)
    scatter_(objective.parameters, theta + 1.0)
    local = evaluation.local(1)
    scatter_(objective.parameters, theta)
    first = objective.layout.sizes[0]
    found = local.evaluate().gradient()
    torch.testing.assert_close(found, gradient[first : first + len(found)], rtol=1e-9, atol=1e-12)


@compiled
def test_work_of_the_stages_is_counted_when_they_are_asked_for() -> None:
    _, _, objective = pair("burgers")
    evaluation = objective.evaluate()
    evaluation.gradient()
    assert objective.counters.gradients == pytest.approx(1)
    evaluation.local(0)
    assert objective.counters.gradients == pytest.approx(1 + CUT)
    evaluation.local(1)
    assert objective.counters.gradients == pytest.approx(1 + CUT)


def test_what_the_kernel_does_not_know_is_evaluated_stage_by_stage() -> None:
    def network(inputs: int, outputs: int) -> nn.Sequential:
        layers = [nn.Linear(inputs, 6), nn.ELU(), nn.Linear(6, 6), nn.ELU(), nn.Linear(6, outputs)]
        return nn.Sequential(*layers)

    _, _, objective = pair("burgers", network)
    assert type(objective) is PipelineObjective
