"""Stages on ranks: together what one process has, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from divided import NETWORKS, close, divided, network_of, whole_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline.stages import ModelStageChain, merge
from thread_ranks import on_ranks

# -- several ranks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parts", "ranks"), [(2, 2), (3, 2), (4, 4)])
@pytest.mark.parametrize("kind", NETWORKS)
def test_stages_on_ranks_are_stages_in_one_process(kind: str, parts: int, ranks: int) -> None:
    alone = divided("burgers", parts, kind=kind)
    points = alone.micro_batches[0].inputs.new_tensor([[0.1, 0.2], [-0.5, 0.9]])

    def work(communicator: Communicator) -> Any:
        pipeline = divided("burgers", parts, communicator, kind)
        evaluation = pipeline.evaluate()
        gradient = evaluation.gradient()
        locals_ = [pipeline.local(s).evaluate().gradient() for s in pipeline.chain.owned]
        norm = communicator.dot(gradient, gradient) ** 0.5
        rest = pipeline.predict(points), pipeline.residuals(points), pipeline.chain.state_dict()
        return evaluation.value, evaluation.terms, gradient, torch.cat(locals_), norm, *rest

    values, terms, gradients, locals_, norms, predictions, rows, shards = zip(
        *on_ranks(ranks, work), strict=True
    )
    evaluation = alone.evaluate()
    expected = evaluation.gradient()
    assert set(values) == {evaluation.value} and all(t == evaluation.terms for t in terms)
    assert torch.equal(torch.cat(gradients), expected)
    assert close(torch.cat(locals_), expected)
    assert norms == pytest.approx([float(expected.norm())] * ranks, rel=1e-14)
    for prediction, row in zip(predictions, rows, strict=True):
        assert torch.equal(prediction, alone.predict(points)) and torch.equal(row, alone.residuals(points))
    # The shards are disjoint and together the model that one process has.
    assert sum(len(shard) for shard in shards) == len(merge(shards))
    whole = whole_of("burgers", kind)
    model = Model(whole.model.problem, network_of(whole.model.problem, kind))
    model.load_state_dict(merge(shards))
    assert torch.equal(gather([*model.parameters()]), gather(alone.parameters))


def test_coefficients_are_the_last_ranks() -> None:
    alone = divided("inverse", 2)

    def work(communicator: Communicator) -> Any:
        pipeline = divided("inverse", 2, communicator)
        assert pipeline.chain.sizes == alone.chain.sizes
        assert pipeline.chain.memory()[1] == alone.chain.memory()[1]
        assert isinstance(pipeline.chain, ModelStageChain)
        assert pipeline.chain.coefficients() == told
        return pipeline.evaluate().gradient(), pipeline.chain.state_dict()

    assert isinstance(alone.chain, ModelStageChain)
    told = alone.chain.coefficients()
    assert told == alone.chain.part.values() and len(told) == 2
    (first, low), (last, high) = on_ranks(2, work)
    assert torch.equal(torch.cat([first, last]), alone.evaluate().gradient())
    assert not any(name.startswith("coefficients") for name in low) and "coefficients.nu" in high
    assert bool((last[-2:] != 0).all())


def test_a_state_of_something_else_is_refused() -> None:
    pipeline = divided("burgers", 2)
    with pytest.raises(ValueError, match=r"the state has nothing for network.0.weight of shape"):
        pipeline.chain.load_state_dict({})
