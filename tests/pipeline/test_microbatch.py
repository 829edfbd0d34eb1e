"""Micro-batches: points in chunks, shapes of the jets, and the unknowns at points."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from divided import close, divided, whole_of
from draws import randn
from sapts_pinn.objectives import least_squares, residual_block
from sapts_pinn.objectives.flat import gather
from sapts_pinn.pipeline import chain_objective
from sapts_pinn.pipeline.microbatch import MicroBatch, jet_shapes, residuals, samples, unknowns
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain


def test_many_points_travel_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = divided("poisson-2d", 2)
    expected, gradient = whole.value_and_grad()
    points = randn(11, 2).sigmoid()
    unknowns, rows = whole.predict(points), whole.residuals(points)
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 4)
    monkeypatch.setattr(least_squares, "BLOCK_POINTS", 4)
    monkeypatch.setattr(chain_objective, "BLOCK_POINTS", 4)
    pieces = divided("poisson-2d", 2)
    assert len(pieces.micro_batches) > len(whole.micro_batches)
    value, found = pieces.value_and_grad()
    assert value == pytest.approx(expected, rel=1e-13) and close(found, gradient)
    assert close(pieces.predict(points), unknowns) and close(pieces.residuals(points), rows)
    assert close(pieces.local(0).evaluate().gradient(), gradient[: pieces.chain.sizes[0]])


def test_shapes_of_jets_are_those_that_travel() -> None:
    chain = divided("burgers", 3).chain
    assert isinstance(chain, ModelStageChain)
    channels, shapes = jet_shapes(chain, 9, {"u": [(0, 0), (1,)]})
    assert channels.indices == ((), (0,), (1,), (0, 0))
    x = randn(len(channels), 9, len(chain.problem.ansatz.feature_names))
    for stage, shape in zip(chain.stages, shapes, strict=True):
        x = stage(x, channels)
        assert x.shape == shape.shape and x.dtype == shape.dtype and shape.device.type == "meta"


def test_the_micro_batches_of_a_term_end_in_its_residuals_and_of_points_in_the_unknowns() -> None:
    whole, chain = whole_of("inverse"), divided("inverse", 2).chain
    assert isinstance(chain, ModelStageChain)

    def through(batch: MicroBatch) -> Tensor:
        x = batch.inputs
        for s, stage in enumerate(chain.stages):
            x = batch.through(stage, s, stage.snapshot(), x)
        return x.detach()

    for block in whole.blocks:
        term, sites, count = block.term, whole.sites[block.term.name], block.rows
        found = through(residuals(chain, term, sites, count))
        expected, _ = block.residual(gather(whole.parameters))
        assert torch.allclose(found, expected, rtol=1e-12, atol=1e-13)
    points = randn(6, 2).sigmoid()
    assert torch.allclose(through(unknowns(chain, points)), whole.model(points), rtol=1e-13, atol=1e-14)


def test_random_layers_draw_by_stage_and_by_seed_and_leave_the_generator_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Linear(50, 50), nn.Dropout(0.5))
    chain, x, before = StageChain(network, 2), torch.ones(3, 4), torch.get_rng_state()

    def masks(seed: int) -> list[Tensor]:
        batch = samples(chain, x, lambda out: out, seed=seed)
        outs = [batch.through(stage, s, stage.snapshot(), y) for s, (stage, y) in enumerate(wide)]
        return [out != 0 for out in outs]

    wide = [(chain.stages[0], x), (chain.stages[1], torch.ones(3, 50))]
    first, again, other = masks(0), masks(0), masks(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert not torch.equal(*first) and torch.equal(torch.get_rng_state(), before)
