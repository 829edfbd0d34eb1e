"""A curvature model from outside the package: a class and a row of the table, and every method takes it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn import solve
from sapts_pinn.optim import SAPTS, Sweep, TrustRegion
from sapts_pinn.optim.curvature import CURVATURES, Curvature, Step
from sapts_pinn.problems import build

NAME = "barzilai-borwein"


class BarzilaiBorwein(Curvature):
    """B = gamma I with gamma = y.y / s.y of the last pair (Barzilai & Borwein, 1988)."""

    learns = True

    def __init__(self) -> None:
        self.gamma = 0.0

    def mv(self, v: Tensor) -> Tensor:
        return self.gamma * v

    def solve(self, g: Tensor, radius: float) -> Step:
        norm = float(g.norm())
        if not (norm > 0 and math.isfinite(norm)):
            return Step(torch.zeros_like(g), 0.0 if norm == 0 else math.nan, False, 0.0)
        inside = self.gamma * radius > norm
        length = norm / self.gamma if inside else radius
        predicted = length * norm - 0.5 * self.gamma * length**2
        return Step(-length / norm * g, predicted, not inside, length)

    def update(self, s: Tensor, y: Tensor) -> bool:
        if not float(s @ y) > 0:
            return False
        self.gamma = float(y @ y) / float(s @ y)
        return True

    def state_dict(self) -> dict[str, Any]:
        return {"gamma": self.gamma}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.gamma = state["gamma"]


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CURVATURES, NAME, BarzilaiBorwein)


def test_it_trains_a_quadratic() -> None:
    x = nn.Parameter(torch.tensor([3.0, -2.0, 1.0], dtype=torch.float64))
    scale = torch.tensor([1.0, 3.0, 10.0], dtype=torch.float64)

    def closure() -> Tensor:
        x.grad = None
        loss = 0.5 * (scale * x * x).sum()
        loss.backward()
        return loss

    for optimizer in (TrustRegion([x], NAME), SAPTS([x], "parameters", 1, NAME, sweep=Sweep("layers"))):
        with torch.no_grad():
            x.copy_(torch.tensor([3.0, -2.0, 1.0]))
        for _ in range(80):
            loss = optimizer.step(closure)
        assert float(loss) < 1e-10


@pytest.mark.parametrize("method", ["tr", "sapts-d", "sapts-p"])
def test_it_trains_a_network_and_goes_on_bit_for_bit(method: str, tmp_path: Any) -> None:
    options = {"method": method, "options": {"curvature": NAME}, "network": (8,), "points": 60}
    if method != "tr":
        options["parts"] = 2
    whole = solve(build("poisson-1d"), budget="30 iterations", **options)
    assert whole.history[-1]["loss"] < 0.5 * whole.history[0]["loss"]
    solve(build("poisson-1d"), budget="17 iterations", out=tmp_path / "run", **options)
    resumed = solve(build("poisson-1d"), budget="30 iterations", resume=tmp_path / "run", **options)
    assert resumed.history[-1]["loss"] == whole.history[-1]["loss"]


def test_stages_say_that_it_needs_whole_vectors() -> None:
    with pytest.raises(
        ValueError, match=f"'{NAME}' needs all parameters on one rank; stages take 'identity'"
    ):
        SAPTS([nn.Parameter(torch.ones(3))], "stages", curvature=NAME)
