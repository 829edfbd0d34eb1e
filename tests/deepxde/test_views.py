"""Parts of DeepXDE's data: they add up, parts of parts too, and take no stale boundary values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from deepxde_losses import DIVISIBLE, Build, close, objective_of
from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.objectives.partition import data_parts

CUTTABLE = DIVISIBLE[:-2]  # into regions: points of an equation


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in DIVISIBLE for k in ("interleaved", "random", "slabs") if k != "slabs" or n in CUTTABLE],
)
def test_the_parts_add_up_to_the_whole(build: Build, name: str, kind: str) -> None:
    model = build(name)
    objective = objective_of(model, name)
    kind = objective.coordinates[0] if kind == "slabs" else kind
    value, gradient = objective.value_and_grad()
    parts = data_parts(objective.sites, 3, kind, Generator().manual_seed(1), objective.coordinates).owned
    pieces = [objective.restrict(part) for part in parts]
    found = [piece.value_and_grad() for piece in pieces]
    assert sum(v for v, _ in found) == pytest.approx(value, rel=1e-12)
    assert close(torch.stack([g for _, g in found]).sum(0), gradient)
    assert sum(piece.share for piece in pieces) == pytest.approx(1.0)
    # and so do the parts of a part, while a sample estimates the whole by itself
    again = data_parts(pieces[0].sites, 2, "interleaved", Generator().manual_seed(1), ()).owned
    halves = [pieces[0].restrict(part).value() for part in again]
    assert sum(halves) == pytest.approx(pieces[0].value(), rel=1e-12)
    everything = {group: torch.arange(len(s.points) // s.fold) for group, s in objective.sites.items()}
    assert objective.restrict(everything, estimate=True).value() == pytest.approx(value, rel=1e-12)
    sample = objective.restrict(parts[0], estimate=True)
    assert sample.restrict(parts_of(sample), estimate=True).value() == pytest.approx(
        sample.value(), rel=1e-12
    )


def parts_of(objective: DeepXDEObjective) -> dict[str, Tensor]:
    return {group: torch.arange(len(s.points) // s.fold) for group, s in objective.sites.items()}


def test_a_residual_of_several_points_is_found_out(build: Build) -> None:
    assert not DeepXDEObjective(build("coupled")).adds_up()
    with pytest.raises(TypeError, match=r"IDE cannot be divided.*use 'tr', or 'sapts-p'"):
        DeepXDEObjective(build("integral")).restrict({})


def test_boundary_values_are_those_of_the_points(build: Build) -> None:
    """DeepXDE keeps them by the `id` of an array, which another array may have by now."""
    model = build("burgers", distribution="pseudo")
    stale = 0
    for _ in range(30):
        model.data.resample_train_points()
        objective = DeepXDEObjective(model)
        data = model.data
        start, end = data.num_bcs[0], sum(data.num_bcs)
        with torch.no_grad():
            u = model.net(torch.as_tensor(data.train_x[start:end]))
        exact = torch.as_tensor(-np.sin(np.pi * data.train_x[start:end, 0:1]))
        objective.evaluate()
        stale += abs(objective.last_terms["condition 2"] - float((u - exact).square().mean())) > 1e-12
    assert stale == 0
