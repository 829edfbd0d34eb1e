"""A method bound to a DeepXDE model: points and weights that change, saved states, ends of runs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import deepxde as dde
import numpy as np
import pytest
import torch

from deepxde_runs import Build, compile_, train
from sapts_pinn.objectives.flat import gather


def test_weights_that_a_callback_changes_are_taken_up(build: Build) -> None:
    class Reweight(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            if self.model.train_state.step == 10:
                self.model.loss_weights[2] = 100.0  # in place, as some callbacks do

    model = compile_(build("burgers"), "tr", loss_weights=[1.0, 1.0, 1.0])
    train(model, 15, callbacks=[Reweight()])
    assert model.opt.info["loss"] == pytest.approx(model.train_state.loss_train.sum(), rel=1e-10)
    assert model.opt.objective.last_terms["condition 2"] > 0.5 * model.opt.info["loss"]


def test_resampled_points_are_taken_up(build: Build) -> None:
    model = compile_(build("burgers", distribution="pseudo"), "sapts-d")
    seen: list[Any] = []

    class Watch(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            seen.append(model.opt.objective)
            assert np.array_equal(model.opt.objective.view.inputs, model.train_state.X_train)

    history, _ = train(
        model, 30, callbacks=[Watch(), dde.callbacks.PDEPointResampler(period=10, bc_points=True)]
    )
    assert len({id(objective) for objective in seen}) == 3
    assert history.loss_train[-1].sum() < history.loss_train[0].sum()


def test_resampling_without_effect_is_told(build: Build) -> None:
    model = compile_(build("burgers"), "tr")
    with pytest.warns(
        UserWarning, match="PDEPointResampler has no effect.*'Hammersley'.*use .*'pseudo' or 'LHS'"
    ):
        train(model, 2, callbacks=[dde.callbacks.PDEPointResampler(period=1)])


def test_batches_of_observations_are_resampled(build: Build) -> None:
    """Which has an effect although the points of the equation stay where they are."""
    model = compile_(build("inverse-batches"), "tr")
    seen = set()

    class Watch(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            seen.add(tuple(model.opt.objective.view.inputs[:5, 0]))

    resampler = dde.callbacks.PDEPointResampler(period=5, pde_points=False, bc_points=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, 20, callbacks=[Watch(), resampler])
    assert len(seen) == 4


def test_another_number_of_points(build: Build) -> None:
    """As residual-based refinement adds them."""
    model = compile_(build("burgers"), "sapts-d")
    train(model, 10)
    before = model.opt.objective
    model.data.add_anchors(np.random.default_rng(0).random((17, 2)))
    history, _ = train(model, 20)
    assert model.opt.objective is not before
    assert len(model.opt.objective.sites["equation"].points) == len(before.sites["equation"].points) + 17
    assert history.loss_train[-1].sum() < history.loss_train[-2].sum()


@pytest.mark.parametrize(
    ("name", "method"),
    [(n, m) for n in ("burgers", "inverse") for m in ("tr", "sapts-d", "sapts-p")]
    + [pytest.param(n, "thesis-sapts-d", marks=pytest.mark.slow) for n in ("burgers", "inverse")]
    + [("burgers", "sapts-ip")],
)
def test_a_restored_model_goes_on_bit_for_bit(build: Build, tmp_path: Path, name: str, method: str) -> None:
    model = compile_(build(name), method)
    train(model, 12)
    path = model.save(str(tmp_path / "model"))
    train(model, 8)
    dde.config.set_random_seed(0)
    other = compile_(build(name), method)
    other.restore(path)
    train(other, 8)
    assert torch.equal(gather(model.opt.objective.parameters), gather(other.opt.objective.parameters))
    if name == "inverse":
        assert float(other.coefficient.detach()) != 2.0


def test_checkpoints_of_others_are_refused(build: Build, tmp_path: Path) -> None:
    model = compile_(build("burgers"), "tr")
    train(model, 2)
    path = model.save(str(tmp_path / "tr"))
    with pytest.raises(
        ValueError, match=r"saved with 'tr'.*compiled with 'sapts-d'; compile with the same method"
    ):
        compile_(model, "sapts-d").restore(path)
    model.compile("adam", lr=1e-3)
    train(model, 2)
    path = model.save(str(tmp_path / "adam"))
    with pytest.raises(ValueError, match="saved with an optimizer of DeepXDE"):
        compile_(model, "tr").restore(path)
    model = compile_(build("inverse"), "tr")
    train(model, 2)
    path = model.save(str(tmp_path / "inverse"))
    model.compile("tr")
    with pytest.raises(ValueError, match=r"has 1 external_trainable_variables.*compiled with 0"):
        model.restore(path)


def test_an_early_end_is_recorded(build: Build) -> None:
    class Stop(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            self.model.stop_training = self.model.train_state.step == 7

    model = compile_(build("burgers"), "sapts-d")
    history, state = train(model, 100, display_every=50, callbacks=[Stop()])
    assert (state.step, history.steps) == (7, [0, 7])
    assert history.loss_train[-1].sum() == pytest.approx(model.opt.info["loss"], rel=1e-10)
    history, state = train(model, 5)  # and it can go on
    assert history.steps[-1] == 12


def test_no_further_progress_ends_the_run(build: Build) -> None:
    """Observations that contradict each other: the best loss is their variance."""
    model = build("fitting")
    model.data.train_x = np.ones_like(model.data.train_x)
    model.data.train_y = np.resize([1.0, -1.0], model.data.train_y.shape)
    history, state = train(compile_(model, "tr"), 5000, display_every=5000)
    assert state.step < 5000 and history.steps[-1] == state.step
    assert history.loss_train[-1].sum() == pytest.approx(1.0, rel=1e-14)
