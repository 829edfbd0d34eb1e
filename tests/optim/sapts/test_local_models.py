"""Models of the curvature of the parts: their kinds, by size or as asked for, and their states."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sapts_pinn.objectives.base import Evaluation
from sapts_pinn.optim import SAPTS, Sweep, TrustRegion
from sapts_pinn.optim.curvature import make as making
from sapts_pinn.optim.curvature.make import curvature_name, make_curvature
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.radius import FAILED
from sapts_runs import PARTS, objective_of, pinn, sapts


def own_models(optimizer: SAPTS) -> list[str | None]:
    """Kinds of the parts' models, by the number of the part."""
    return [curvature_name(model) for _, (model, _) in sorted(optimizer.local_models.models.items())]


def test_a_stage_has_a_dense_model_only_while_its_matrix_fits() -> None:
    """Three stages of 300, 10,200 and 101 parameters: a dense matrix of the second would have 800 MB."""
    objective = objective_of("stages", points=20, hidden=(100, 100))
    optimizer = METHODS["sapts-ip"].phases[0].make(objective.parameters, parts=PARTS)
    assert isinstance(optimizer, SAPTS) and curvature_name(optimizer.curvature) == "lbfgs"
    for _ in range(2):
        optimizer.step(objective)
    assert own_models(optimizer) == ["ssbroyden", "lbfgs", "ssbroyden"]


def test_the_limit_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, kind in ((300, "ssbroyden"), (299, "lbfgs")):
        monkeypatch.setattr(making, "DENSE", limit)
        objective = pinn(points=20, hidden=(100,))
        layers = [p.numel() for p in objective.parameters]
        assert layers[0] + layers[1] == 300
        alone = METHODS["tr"].phases[0].make([nn.Parameter(torch.ones(300))])
        assert isinstance(alone, TrustRegion) and curvature_name(alone.curvature) == kind
        optimizer = METHODS["sapts-p"].phases[0].make(objective.parameters, parts=2)
        assert isinstance(optimizer, SAPTS)
        optimizer.step(objective)
        assert own_models(optimizer) == [kind, "ssbroyden"]


@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "identity"])
def test_the_parts_models_are_of_the_kind_that_was_asked_for(curvature: str) -> None:
    for decomposition in ("parameters", "stages"):
        objective = objective_of(decomposition, points=20)
        for given in (curvature, None):
            chosen = {"curvature": given or "lsr1", "local_curvature": None if given else curvature}
            optimizer = sapts(objective, decomposition, visits=0, **chosen)
            optimizer.step(objective)
            assert own_models(optimizer) == [curvature] * PARTS
    objective = pinn(points=20)
    whole = make_curvature(curvature)
    optimizer = SAPTS(objective.parameters, "parameters", PARTS, whole, sweep=Sweep("layers", visits=0))
    optimizer.step(objective)
    assert own_models(optimizer) == [curvature] * PARTS


def test_states_of_dense_stages_of_earlier_versions_load() -> None:
    objective = objective_of("stages", points=20)
    optimizer = sapts(objective, "stages", "lsr1", visits=0, local_curvature="ssbroyden")
    optimizer.step(objective)
    state = optimizer.state_dict()
    for saved in state["sapts"]["local"].values():
        assert saved.pop("name") == "ssbroyden"
    again = sapts(objective, "stages", "lsr1", visits=0)
    again.load_state_dict(state)
    assert own_models(again) == ["ssbroyden"] * PARTS


@pytest.mark.parametrize("failed", [False, True])
def test_after_a_sweep_that_raised_f_the_parts_begin_with_smaller_radii(
    failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part goes on with the radius that its steps have found, or after a failure with half of it."""
    objective = pinn(points=20)
    optimizer = sapts(objective, "parameters", visits=0, radius=0.01)
    if failed:
        whole = optimizer.divider.divide(objective).whole
        look, lies = whole.evaluate, iter([0.0, 1e6])  # at theta_k, and at the end of the sweep

        def lying() -> Evaluation:
            found = look()
            found.value += next(lies)
            return found

        monkeypatch.setattr(whole, "evaluate", lying)
    optimizer.step(objective)
    sweep, parts = optimizer.info.sweep, optimizer.info.parts
    assert sweep is not None and parts is not None and sweep.accepted != failed and len(parts) == PARTS
    share = FAILED if failed else 1.0
    for part in parts:
        assert part.accepted > 0 and optimizer.local_models.models[int(part.number)][1] == share * part.radius
    assert optimizer.radius == share * 0.01
