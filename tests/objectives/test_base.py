"""What every objective can do: be called, count its work, say what it is."""

import pytest
import torch

from residuals import make
from sapts_pinn.objectives.closure import ClosureObjective


def test_a_slow_path_is_told_once(monkeypatch, caplog):
    objective = make("soft", "mlp-uncompiled", monkeypatch=monkeypatch)
    sentence = "the network runs in PyTorch, more slowly than in the compiled kernel: there is no C compiler"
    assert objective.slow_path == sentence and not objective.compiled
    with caplog.at_level("WARNING", logger="sapts_pinn"):
        objective.evaluate()
        objective.restrict({"equation": torch.arange(3)}).evaluate()
        objective.copy().evaluate()
    assert [(r.name, r.getMessage()) for r in caplog.records] == [("sapts_pinn", sentence)]
    caplog.clear()
    make("soft", "mlp-uncompiled", monkeypatch=monkeypatch).evaluate()
    assert len(caplog.records) == 1


def test_counters():
    objective = make("soft")
    look = objective.evaluate()
    assert (objective.counters.functions, objective.counters.gradients) == (1, 0)
    look.gradient()
    look.gradient()
    assert (objective.counters.functions, objective.counters.gradients) == (1, 1)
    look.jacobian()
    look.jvp(torch.zeros_like(look.theta))
    assert (objective.counters.functions, objective.counters.gradients) == (2, 5)
    look.columns(torch.arange(len(look.theta) // 2))
    assert objective.counters.gradients == pytest.approx(7, abs=0.1)


def test_an_objective_is_a_closure():
    objective = make("soft")
    value, gradient = objective.value_and_grad()
    loss = objective()
    assert loss.shape == () and float(loss) == value
    assert torch.equal(torch.cat([p.grad.reshape(-1) for p in objective.parameters]), gradient)


def test_only_sums_over_points_are_separable():
    objective = make("soft")
    assert objective.separable() is objective and not objective.collective
    closure = ClosureObjective(lambda: 0.0, objective.parameters)
    assert closure.separable() is None and closure.last_terms == {}
    assert not closure.compiled and closure.slow_path is None
