"""Our methods in DeepXDE by name: what they train, what stays native, what is refused."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import deepxde as dde
import deepxde.zcs
import numpy as np
import pytest
import torch

import sapts_pinn.deepxde as ours
from deepxde_runs import Build, compile_, train
from kernel_cases import compiled
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim import SAPTS, GaussNewton, TrustRegion
from sapts_pinn.optim.curvature import LBFGS


def absolute(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).abs().mean()


# -- registration --------------------------------------------------------------------------------------------


def test_registering_is_idempotent_and_can_be_undone(build: Build) -> None:
    ours.register()
    registered = dde.Model.compile
    ours.register()
    assert dde.Model.compile is registered
    ours.unregister()
    try:
        assert dde.Model.compile is registered.__wrapped__
        with pytest.raises(Exception, match=r"(?i)learning rate|not implemented|to be implemented"):
            build("burgers").compile("sapts-d")
        ours.unregister()
    finally:
        ours.register()
    compile_(build("burgers"), "sapts-d")


@pytest.mark.parametrize(
    "name",
    [
        "tr",
        "sapts-d",
        "sapts-p",
        "sapts-ip",
        "SAPTS-D",
        pytest.param("thesis-sapts-d", marks=pytest.mark.slow),
        "thesis-sapts-p",
        pytest.param("thesis-sapts-ip", marks=pytest.mark.slow),
        "tr-lbfgs",
        "tr-gauss-newton",
    ],
)
def test_methods_by_name_lower_the_loss(build: Build, name: str) -> None:
    model = compile_(build("burgers"), name)
    history, state = train(model, 20, display_every=5)
    assert history.steps == [0, 5, 10, 15, 20]
    assert state.loss_train.sum() < 0.8 * sum(history.loss_train[0])
    assert isinstance(model.opt.inner, SAPTS if "sapts" in name.lower() else TrustRegion)
    assert model.opt.info["loss"] == pytest.approx(state.loss_train.sum(), rel=1e-10)


@pytest.mark.parametrize(
    "name",
    ["every-condition", "periodic", "inverse", "inverse-batches", "operator", "operator-product", "fitting"],
)
@pytest.mark.parametrize("method", ["tr", "sapts-d", "sapts-p"])
def test_models_of_every_kind(build: Build, name: str, method: str) -> None:
    history, _ = train(compile_(build(name), method), 30)
    assert history.loss_train[-1].sum() < 0.9 * history.loss_train[0].sum()


def test_what_cannot_be_divided_is_trained_as_a_whole(build: Build) -> None:
    for method in ("tr", "sapts-p"):
        history, _ = train(compile_(build("integral"), method), 30)
        assert history.loss_train[-1].sum() < 0.5 * history.loss_train[0].sum()
    model = build("coupled")
    with pytest.warns(UserWarning, match="'sapts-d' cannot divide them; training goes on as 'tr'"):
        compile_(model, "sapts-d", parts=2)
    history, _ = train(model, 30)
    assert history.loss_train[-1].sum() < 0.5 * history.loss_train[0].sum()


def test_options_reach_the_method(build: Build) -> None:
    opt = compile_(build("burgers"), "sapts-d", parts=3, radius=0.5, local_steps=7, kind="random").opt
    assert (opt.inner.count, opt.inner.radius) == (3, 0.5)
    assert (opt.inner.sweep.local_steps, opt.inner.sweep.kind) == (7, "random")
    assert compile_(build("burgers"), "sapts-p").opt.inner.count == 3  # as many as the network has layers
    assert compile_(build("burgers"), "sapts-d").opt.inner.count == 2


# -- what stays native ---------------------------------------------------------------------------------------


class Counting(dde.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.epochs = self.ended = 0

    def on_epoch_end(self) -> None:
        self.epochs += 1

    def on_train_end(self) -> None:
        self.ended += 1


def test_callbacks_metrics_and_history(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    model, counting = build("fitting"), Counting()
    model.compile("sapts-d", metrics=["l2 relative error"])
    history, _ = model.train(iterations=15, display_every=5, callbacks=[counting])
    assert (counting.epochs, counting.ended) == (15, 1)
    assert history.steps == [0, 5, 10, 15] and len(history.metrics_test) == 4
    assert history.metrics_test[-1][0] < history.metrics_test[0][0]
    said = capsys.readouterr().out
    assert "Compiling model..." in said and "Best model at step" in said and model.opt_name == "sapts-d"


@compiled
def test_a_large_network_on_few_points_has_a_limited_memory_unless_asked_otherwise(build: Build) -> None:
    """Gauss-Newton, which once was the choice there, stands still on Helmholtz_Dirichlet_2d as written."""
    model = build("burgers")
    model.net = dde.nn.FNN([2, 80, 80, 1], "tanh", "Glorot normal")  # 6,801 parameters, 160 residuals
    model.compile("tr")
    assert isinstance(model.opt.inner.curvature, LBFGS)
    model.compile("tr", curvature="gauss-newton")
    assert isinstance(model.opt.inner.curvature, GaussNewton)
    model.compile("tr-gauss-newton")
    history, _ = train(model, 30)
    assert history.loss_train[-1].sum() < 0.1 * history.loss_train[0].sum()


def test_few_points_of_a_large_network_are_not_divided_unless_parts_are_asked_for(build: Build) -> None:
    model = build("burgers")
    model.net = dde.nn.FNN([2, 80, 80, 1], "tanh", "Glorot normal")
    with pytest.warns(
        UserWarning, match=r"of 160 residuals .* training goes on as 'tr'; 'sapts-d' with parts="
    ):
        model.compile("sapts-d")
    assert not isinstance(model.opt.inner, SAPTS) and isinstance(model.opt.inner.curvature, LBFGS)
    model.compile("sapts-d", parts=2)
    assert isinstance(model.opt.inner, SAPTS)
    model.compile("sapts-p")  # divides no points
    assert isinstance(model.opt.inner, SAPTS)


def test_loss_weights_decide(build: Build) -> None:
    a, b = build("burgers"), build("burgers")
    b.net.load_state_dict(a.net.state_dict())
    train(compile_(a, "tr"), 60)
    train(compile_(b, "tr", loss_weights=[1e-6, 1.0, 1.0]), 60)
    assert b.losshistory.loss_train[-1][2] < a.losshistory.loss_train[-1][2]


def test_unknown_coefficients_are_found(build: Build) -> None:
    model = compile_(build("inverse"), "tr")
    values: list[float] = []

    class Watch(dde.callbacks.Callback):
        def on_epoch_end(self) -> None:
            values.append(float(model.coefficient.detach()))

    train(model, 300, callbacks=[Watch()])
    assert values[0] != values[-1] == pytest.approx(1.0, abs=1e-2)  # -sin'' = sin


def test_adam_then_ours_then_lbfgs(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("burgers")
    model.compile("adam", lr=1e-3)
    first, _ = train(model, 20)
    after_adam = float(sum(first.loss_train[-1]))
    history, _ = train(compile_(model, "sapts-d"), 40)
    after_ours = float(sum(history.loss_train[-1]))
    monkeypatch.setitem(dde.optimizers.config.LBFGS_options, "iter_per_step", 30)
    monkeypatch.setitem(dde.optimizers.config.LBFGS_options, "maxiter", 30)
    model.compile("L-BFGS")
    history, _ = train(model)
    assert float(sum(history.loss_train[-1])) < after_ours < after_adam


@pytest.mark.parametrize("method", ["tr", "sapts-d", "sapts-p"])
def test_single_precision(build: Build, method: str) -> None:
    dde.config.set_default_float("float32")
    model = compile_(build("burgers"), method)
    history, _ = train(model, 60)
    assert next(model.net.parameters()).dtype == torch.float32
    assert history.loss_train[-1].sum() < 0.5 * history.loss_train[0].sum()


def test_rounding_is_not_taken_for_coupled_points(build: Build) -> None:
    """Where training has led, little but rounding is left of the gradient."""
    dde.config.set_default_float("float32")
    model = compile_(build("fitting"), "tr")
    train(model, 400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_(model, "sapts-d")
    assert isinstance(model.opt.inner, SAPTS)


def test_the_data_are_left_as_they_were(build: Build) -> None:
    model = build("every-condition")
    data = model.data
    before = {key: copy.copy(value) for key, value in vars(data).items()}
    train(compile_(model, "sapts-d"), 5)
    assert vars(data).keys() == before.keys()
    assert all(np.array_equal(vars(data)[k], before[k]) for k in ("train_x", "num_bcs", "train_aux_vars"))
    assert [type(bc) for bc in data.bcs] == [type(bc) for bc in before["bcs"]]


# -- refusals ------------------------------------------------------------------------------------------------


REFUSED = [
    ("burgers", "sapts-d", {"decay": ("step", 10, 0.5)}, "no learning rate that could decay; drop decay="),
    ("burgers", "sapts-d", {"partz": 3}, "does not know the option 'partz'; did you mean 'parts'"),
    ("burgers", "tr", {"parts": 3}, "'tr' does not know the option 'parts'; it knows"),
    ("burgers", "tr-lbfgs", {"curvature": "lsr1"}, "does not know the option 'curvature'"),
    ("burgers", "sapts", {}, "unknown optimizer 'sapts'; did you mean 'sapts-"),
    ("burgers", "saptsd", {}, "unknown optimizer 'saptsd'; did you mean 'sapts-d'"),
    ("burgers", "sapts_d", {}, "unknown optimizer 'sapts_d'; did you mean 'sapts-d'"),
    ("burgers", "sapts-ip", {"parts": 9}, "cannot be cut into 9 stages: it has 3 layers"),
    ("inverse", "sapts-ip", {}, "stages know nothing of external_trainable_variables.*use 'sapts-p'"),
    ("operator", "sapts-ip", {}, "cannot be cut into stages: it takes a deepxde.nn.FNN.*use 'sapts-p'"),
    ("burgers", "sapts-d", {"parts": 100000}, "use fewer parts or more points"),
    ("burgers", "sapts-p", {"parts": 100}, "use at most 3 parts or the kind 'neurons'"),
    ("burgers", "sapts-d", {"kind": "z"}, "unknown decomposition of the data 'z'; choose one of .*x, t"),
    ("burgers", "sapts-d", {"radius": -1.0}, "radius must be positive"),
    ("integral", "sapts-d", {}, "IDE cannot be divided.*use 'tr', or 'sapts-p'"),
]


@pytest.mark.parametrize(("name", "method", "options", "sentence"), REFUSED)
def test_refusals(build: Build, name: str, method: str, options: dict[str, Any], sentence: str) -> None:
    model = build(name)
    with pytest.raises((ValueError, TypeError), match=sentence):
        train(compile_(model, method, **options), 1)
    assert gather(list(model.net.parameters())).isfinite().all()


def test_models_with_losses_of_their_own_are_refused(build: Build) -> None:
    product = build("operator-product")
    model = deepxde.zcs.Model(product.data, product.net)
    with pytest.raises(ValueError, match=r"computes its losses in a way of its own; use deepxde.Model"):
        model.compile("tr")


def test_warnings(build: Build) -> None:
    with pytest.warns(UserWarning, match="'tr' has no learning rate: lr=0.001 is ignored"):
        build("burgers").compile("tr", lr=1e-3)
    model = build("burgers")
    with pytest.warns(UserWarning, match="not a mean of squares.*training goes on as 'tr'"):
        model.compile("tr-gauss-newton", loss=absolute)
    train(model, 3)
    with pytest.warns(UserWarning, match="curvature='gauss-newton' does not apply"):
        model.compile("sapts-d", loss=absolute, curvature="gauss-newton")
    assert not isinstance(model.opt.inner.curvature, GaussNewton)
    history, _ = train(model, 20)
    assert history.loss_train[-1].sum() < history.loss_train[0].sum()


def test_a_subclass_of_the_model_is_fine(build: Build) -> None:
    class Mine(dde.Model):
        pass

    burgers = build("burgers")
    history, _ = train(compile_(Mine(burgers.data, burgers.net), "sapts-d"), 10)
    assert history.loss_train[-1].sum() < history.loss_train[0].sum()
