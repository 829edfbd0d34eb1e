"""Compiled kernels of a network, and the reason where there are none."""

import os

import pytest
from torch import nn

from preloaded import run
from residuals import make, oracle
from sapts_pinn.kernels import network
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares


def test_a_changed_mlp_is_not_left_to_the_kernel():
    objective = make("soft")
    objective.model.network[1] = nn.Softsign()
    value, _ = (again := LeastSquares(objective.model, objective.sites)).value_and_grad()
    r = oracle(again)(gather(again.parameters))
    assert again.blocks[0].points is None
    assert value == pytest.approx(0.5 * float(r.detach() @ r.detach()), rel=1e-13)


def test_a_slow_path_names_the_layer(monkeypatch, caplog):
    monkeypatch.setattr(network, "why_not_loaded", lambda single: None)
    objective = make("soft")
    assert objective.slow_path is None and objective.compiled
    model = objective.model
    model.network[1] = nn.Softsign()
    changed = LeastSquares(model, objective.sites)
    assert changed.slow_path is not None and "does not know layer 1 (Softsign)" in changed.slow_path
    model.network[1] = nn.Tanh()
    model.network[0].bias.requires_grad_(False)
    frozen = LeastSquares(model, objective.sites)
    assert (
        frozen.slow_path is not None and "some parameters of the network are not trained" in frozen.slow_path
    )


def test_nothing_is_printed_of_a_slow_path(tmp_path):
    script = """
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import build
import torch
problem, generator = build("poisson-2d"), torch.Generator().manual_seed(0)
sites = {t.name: t.sites(20, generator, "uniform") for t in problem.terms}
objective = LeastSquares(Model(problem, MLP((len(problem.ansatz.feature_names), 4, 1))), sites)
objective.evaluate()
assert "SAPTS_PINN_COMPILED=0" in objective.slow_path
"""
    (tmp_path / "script.py").write_text(script)
    environment = {**os.environ, "SAPTS_PINN_COMPILED": "0"}
    assert run(tmp_path / "script.py", cwd=tmp_path, environment=environment) == (0, "", "")
