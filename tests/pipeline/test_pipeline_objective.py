"""The loss of a network in stages against the undivided one and autograd."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from divided import NETWORKS, PROBLEMS, classifier, close, divided, problem_of, sites_of, whole_of
from draws import randn, rng
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from thread_ranks import on_ranks


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_pipeline_is_the_least_squares_loss(name: str, kind: str, parts: int) -> None:
    whole, pipeline = whole_of(name, kind), divided(name, parts, kind=kind)
    assert torch.equal(gather(pipeline.parameters), gather(whole.parameters))
    expected, found = whole.evaluate(), pipeline.evaluate()
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    assert found.terms == pytest.approx(expected.terms, rel=1e-12)
    assert pipeline.last_terms == found.terms
    assert close(found.gradient(), expected.gradient())
    points = whole.sites["equation"].points
    assert torch.allclose(pipeline.predict(points), whole.model(points).detach(), rtol=1e-13, atol=1e-14)
    assert torch.allclose(pipeline.residuals(points), residuals(whole.model, points), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["burgers", "inverse"])
def test_a_gradient_is_that_of_the_evaluation_after_the_parameters_moved(name: str) -> None:
    pipeline = divided(name, 3)
    expected = pipeline.evaluate().gradient()
    evaluation = pipeline.evaluate()
    scatter_(pipeline.parameters, 2 * gather(pipeline.parameters))
    assert torch.equal(evaluation.gradient(), expected)
    assert not torch.equal(pipeline.evaluate().gradient(), expected)


def test_a_loss_that_is_not_finite_is_a_value() -> None:
    pipeline = divided("burgers", 2)
    scatter_(pipeline.parameters, 1e300 * gather(pipeline.parameters))
    evaluation = pipeline.evaluate()
    assert not math.isfinite(evaluation.value)
    assert evaluation.gradient().shape == (sum(pipeline.chain.sizes),)


LABELS = torch.arange(9) % 4


def cross_entropy(out: Tensor) -> Tensor:
    return nn.functional.cross_entropy(out, LABELS)


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_a_classifier_against_autograd(parts: int) -> None:
    network, inputs = classifier(), randn(9, 36)
    loss = cross_entropy(network(inputs))
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, [*network.parameters()])])
    pipeline = PipelineObjective.of_data(StageChain(network, parts), inputs, cross_entropy)
    evaluation = pipeline.evaluate()
    assert evaluation.value == pytest.approx(loss.item(), rel=1e-14)
    assert close(evaluation.gradient(), expected)
    locals_ = [pipeline.local(s).evaluate().gradient() for s in range(parts)]
    assert close(torch.cat(locals_), expected)
    assert torch.allclose(pipeline.predict(inputs), network(inputs).detach(), rtol=1e-13)
    with pytest.raises(ValueError, match="only a problem"):
        pipeline.residuals(inputs)


def test_tokens_enter_and_running_means_are_buffers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Embedding(11, 5), nn.Flatten(), nn.BatchNorm1d(15), nn.Linear(15, 4)).double()
    tokens = torch.arange(27).reshape(9, 3) % 11
    loss = cross_entropy(network(tokens))
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, [*network.parameters()])])
    pipeline = PipelineObjective.of_data(StageChain(network, 3), tokens, cross_entropy)
    assert len(pipeline.buffers()) == 3
    mean = pipeline.buffers()[0].clone()
    assert close(pipeline.evaluate().gradient(), expected)
    assert not torch.equal(pipeline.buffers()[0], mean)


def test_a_classifier_on_ranks() -> None:
    inputs = randn(9, 36)
    alone = PipelineObjective.of_data(StageChain(classifier(), 3), inputs, cross_entropy)
    networks = [classifier() for _ in range(3)]  # made here: the seed is the process's

    def work(communicator: Communicator) -> Any:
        chain = StageChain(networks[communicator.rank], 3, communicator)
        # Beyond the first rank only the shape counts.
        pipeline = PipelineObjective.of_data(chain, inputs if chain.first else inputs * 0, cross_entropy)
        return pipeline.evaluate().gradient(), pipeline.predict(inputs)

    gradients, predictions = zip(*on_ranks(3, work), strict=True)
    assert torch.equal(torch.cat(gradients), alone.evaluate().gradient())
    assert all(torch.equal(p, alone.predict(inputs)) for p in predictions)


def test_single_precision() -> None:
    problem = problem_of("burgers")
    network = build_network((6, 5), 2, 1, rng(), torch.float32)
    pipeline = PipelineObjective.of_problem(ModelStageChain(problem, network, 2), sites_of(problem))
    value, gradient = pipeline.value_and_grad()
    reference = LeastSquares(Model(problem, network), sites_of(problem))
    assert value == pytest.approx(reference.value(), rel=1e-5)
    assert gradient.dtype == torch.float32
    assert torch.allclose(gradient, reference.value_and_grad()[1], rtol=1e-3, atol=1e-4)
