"""The local loss of a stage: its gradient is the block of the whole one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from divided import PROBLEMS, close, divided
from draws import randn
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim.trust_region import TrustRegion


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_local_gradients_are_the_blocks_of_the_global_one(name: str, parts: int) -> None:
    pipeline = divided(name, parts)
    evaluation = pipeline.evaluate()
    gradient = evaluation.gradient()
    blocks = gradient.split(pipeline.chain.sizes)
    for s, block in enumerate(blocks):
        local = pipeline.local(s)
        assert [id(p) for p in local.parameters] == [id(p) for p in pipeline.chain.stages[s].parameters()]
        value, found = local.value_and_grad()
        assert close(found, block)
        # Central differences: the value belongs to the gradient.
        theta, v = gather(local.parameters), randn(found.numel(), seed=s)
        ends = []
        for h in (1e-5, -1e-5):
            scatter_(local.parameters, theta + h * v)
            ends.append(local.value())
        scatter_(local.parameters, theta)
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(found.dot(v)), rel=1e-5, abs=1e-8)
    assert value == pytest.approx(evaluation.value, rel=1e-14)  # the last stage's is the true loss


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_stage_has_the_gauss_newton_model_of_what_lies_behind_it(name: str) -> None:
    """Norms of the residuals by points, their derivatives along the stage, and nothing below zero.

    The oracle is the loss by points of the last stage where the whole network has moved.
    """
    pipeline = divided(name, 3)
    f = pipeline.evaluate()
    f.gradient()
    locals_ = [f.local(s) for s in range(3)]
    theta = gather(pipeline.parameters)

    def norms() -> Tensor:
        moved = pipeline.evaluate()
        moved.gradient()
        return moved.local(2).evaluate().by_point()

    rho = norms()
    for s, local in enumerate(locals_):
        assert local.evaluate().value == pytest.approx(f.value, rel=1e-12)
        assert close(local.evaluate().by_point(), rho)
        start, v = gather(local.parameters), randn(gather(local.parameters).numel(), seed=s)
        ends, theirs = [], []
        for h in (1e-5, -1e-5):
            scatter_(local.parameters, start + h * v)
            ends.append(local.evaluate().by_point())
            theirs.append(norms())
        slope, expected = (ends[0] - ends[1]) / 2e-5, (theirs[0] - theirs[1]) / 2e-5
        smooth = rho > 1e-3 * rho.max()  # where the norm of a residual is not near its kink at zero
        assert torch.allclose(
            slope[smooth], expected[smooth], rtol=1e-4, atol=1e-5 * float(expected.abs().max())
        )
        scatter_(local.parameters, start + 100.0 * v)
        assert local.value() >= 0
        scatter_(pipeline.parameters, theta)


def test_a_local_objective_keeps_what_it_was_made_of() -> None:
    pipeline = divided("poisson-2d", 2)
    with pytest.raises(ValueError, match="call gradient"):
        pipeline.local(0)
    here = pipeline.evaluate()
    expected = here.gradient()
    scatter_(pipeline.parameters, 1.5 * gather(pipeline.parameters))
    there = pipeline.evaluate()
    with pytest.raises(ValueError, match="call gradient"):
        there.local(0)
    there.gradient()
    scatter_(pipeline.parameters, gather(pipeline.parameters) / 1.5)
    first = expected[: pipeline.chain.sizes[0]]
    assert close(here.local(0).evaluate().gradient(), first)
    assert not close(pipeline.local(0).evaluate().gradient(), first)


def test_local_work_counts_by_share() -> None:
    pipeline = divided("burgers", 2)
    pipeline.evaluate().gradient()
    assert (pipeline.counters.functions, pipeline.counters.gradients) == (1, 1)
    sizes = pipeline.chain.sizes
    local = pipeline.local(1)
    evaluation = local.evaluate()
    evaluation.gradient()
    evaluation.gradient()
    local.evaluate()
    assert pipeline.counters.functions == pytest.approx(1 + 2 * sizes[1] / sum(sizes))
    assert pipeline.counters.gradients == pytest.approx(1 + sizes[1] / sum(sizes))


def test_a_trust_region_improves_a_stage() -> None:
    pipeline = divided("poisson-2d", 3)
    before = pipeline.evaluate()
    before.gradient()
    for s in range(3):
        local = pipeline.local(s)
        optimizer = TrustRegion(local.parameters, "identity", radius=1e-3)
        optimizer.step(local)
        assert optimizer.info["accepted"]
    assert pipeline.value() < before.value
