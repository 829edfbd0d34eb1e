"""DeepXDE models under torchrun: the same script on every rank, one part each."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import sapts_pinn.deepxde  # noqa: F401
from sapts_pinn.objectives.flat import gather
from sapts_pinn.parallel.torchrun import connect

dde = pytest.importorskip("deepxde")

CASES = {
    "sapts-d": {"parts": 2, "order": "additive"},
    "sapts-p": {"parts": 2, "order": "additive", "global_steps": 1},
    "thesis-sapts-d": {"parts": 2},
    "tr": {},
}


@pytest.fixture(autouse=True)
def _global_settings() -> Iterator[None]:
    yield
    dde.config.rank = 0
    dde.config.set_default_float("float32")


def model(seed: int = 0) -> Any:
    """Burgers' equation with an unknown viscosity."""
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    domain = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    viscosity = dde.Variable(0.01)

    def equation(x: Any, y: Any) -> Any:
        y_x, y_t = dde.grad.jacobian(y, x, i=0, j=0), dde.grad.jacobian(y, x, i=0, j=1)
        return y_t + y * y_x - viscosity * dde.grad.hessian(y, x, i=0, j=0)

    conditions = [
        dde.icbc.DirichletBC(domain, lambda x: 0, lambda _, on: on),
        dde.icbc.IC(domain, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on: on),
    ]
    data = dde.data.TimePDE(
        domain,
        equation,
        conditions,
        num_domain=80,
        num_boundary=10,
        num_initial=20,
        train_distribution="pseudo",
    )
    made = dde.Model(data, dde.nn.FNN([2, 8, 8, 1], "tanh", "Glorot normal"))
    made.viscosity = viscosity
    return made


class StopAt(dde.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def on_epoch_end(self) -> None:
        self.model.stop_training |= self.model.train_state.step == self.step


def trained(method: str, **options: Any) -> Any:
    made = model()
    made.compile(method, external_trainable_variables=[made.viscosity], **options)
    resampler = dde.callbacks.PDEPointResampler(period=8)
    made.train(iterations=20, display_every=20, callbacks=[resampler])
    return made


def train_all(folder: str) -> dict[str, Any]:
    ranks = connect()
    found: dict[str, Any] = {}
    for method, options in CASES.items():
        made = trained(method, **options)
        found[method] = gather(made.opt.objective.parameters)
        assert made.opt.inner.count == 2 if "sapts" in method else True
        found[f"{method} saved"] = made.save(f"{folder}/{method}")
    # One rank alone wants to stop.
    made = model()
    made.compile("sapts-d")
    _, state = made.train(iterations=10**6, callbacks=[StopAt(7)] if ranks.rank else [])
    found["stopped"] = state.step
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        made = model()
        made.compile("sapts-d")
        made.train(iterations=2)
    found["said"] = said.getvalue()
    try:
        model(seed=ranks.rank).compile("sapts-d")
    except ValueError as error:
        found["refused"] = str(error)
    try:
        model().compile("sapts-ip")
    except ValueError as error:
        found["stages"] = str(error)
    return found


@pytest.mark.slow
def test_ranks_do_as_parts_in_one_process(run_ranks: Callable[..., list[Any]], tmp_path: Path) -> None:
    a, b = run_ranks(train_all, 2, str(tmp_path), timeout=120.0)
    for method, options in CASES.items():
        assert torch.equal(a[method], b[method]), method
        alone: Tensor = gather(trained(method, **options).opt.objective.parameters)
        assert float((alone - a[method]).abs().max()) <= 1e-12, method
        assert a[f"{method} saved"] == b[f"{method} saved"]
        restored = model()
        restored.compile(method, external_trainable_variables=[restored.viscosity], **options)
        restored.restore(a[f"{method} saved"])
        assert torch.equal(gather(restored.opt.objective.parameters), a[method])
    assert a["stopped"] == b["stopped"] >= 7
    assert "Compiling model" in a["said"] and "Step" in a["said"] and "Compiling" not in b["said"]
    assert a["refused"] == b["refused"] and a["stages"] == b["stages"]
    assert "needs the whole network on every rank; use 'sapts-d' or 'sapts-p'" in a["stages"]
    assert "drawn different points; call dde.config.set_random_seed(0) before" in a["refused"]
