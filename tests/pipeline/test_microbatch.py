"""Micro-batches: points in chunks, shapes of the jets, and the unknowns at points."""

from __future__ import annotations

import pytest

from divided import close, divided
from draws import randn
from sapts_pinn.objectives import least_squares, residual_block
from sapts_pinn.pipeline import pipeline_objective as pipeline_module


def test_many_points_travel_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = divided("poisson-2d", 2)
    expected, gradient = whole.value_and_grad()
    points = randn(11, 2).sigmoid()
    unknowns, rows = whole.predict(points), whole.residuals(points)
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 4)
    monkeypatch.setattr(least_squares, "BLOCK_POINTS", 4)
    monkeypatch.setattr(pipeline_module, "BLOCK_POINTS", 4)
    pieces = divided("poisson-2d", 2)
    assert len(pieces.micro_batches) > len(whole.micro_batches)
    value, found = pieces.value_and_grad()
    assert value == pytest.approx(expected, rel=1e-13) and close(found, gradient)
    assert close(pieces.predict(points), unknowns) and close(pieces.residuals(points), rows)
    assert close(pieces.local(0).evaluate().gradient(), gradient[: pieces.chain.sizes[0]])
