"""DeepXDE networks in stages: the same loss, also on new points."""

from __future__ import annotations

import deepxde as dde
import pytest

from deepxde_runs import Build, compile_, train
from sapts_pinn.deepxde import DeepXDEObjective
from sapts_pinn.deepxde.staged import staged


def test_stages_refuse_regularization(build: Build) -> None:
    with pytest.raises(ValueError, match="stages know nothing of regularization"):
        train(compile_(build("burgers", regularization=["l2", 1e-3]), "sapts-ip"), 1)


@pytest.mark.parametrize("name", ["burgers", "every-condition", "periodic", "fitting"])
@pytest.mark.parametrize("parts", [1, 3])
def test_stages_have_the_same_loss(build: Build, name: str, parts: int) -> None:
    objective = DeepXDEObjective(build(name), loss_weights=[2.0] * 6 if name == "every-condition" else None)
    value, gradient = objective.value_and_grad()
    found, slopes = staged(objective, parts).value_and_grad()
    assert found == pytest.approx(value, rel=1e-12)
    assert float((slopes - gradient).norm()) <= 1e-11 * float(gradient.norm())


def test_stages_follow_new_points(build: Build) -> None:
    model = build("burgers", distribution="pseudo")
    model.compile("sapts-ip")
    model.train(iterations=6, callbacks=[dde.callbacks.PDEPointResampler(period=2)])
    found, _ = model.opt._given.value_and_grad()
    assert found == pytest.approx(float(sum(model.losshistory.loss_train[-1])), rel=1e-10)
