"""A decomposition from outside the package: a class, a row of the table, and a row of the methods.

It divides the parameters by the rows of the weights: each part owns a group of neurons in every layer, and
with it the weights that feed them.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Generator, Tensor, nn

import sapts_pinn
from sapts_pinn import solve
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS, MiniBatchSAPTS, Sweep, TrustRegion
from sapts_pinn.optim.methods import METHODS, sapts
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.optim.sapts.blocks import ParameterDecomposition
from sapts_pinn.optim.sapts.decomposition import Cut
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.problems import build
from sapts_pinn.supervised import Supervised

PARTS = 3


class OutputRows(ParameterDecomposition):
    """Rows of the weights; every part minimises f itself in its rows."""

    name = "rows"
    kind = "rows"
    options: ClassVar = {"kind": "rows", "visits": 0, "order": "additive", "global_steps": 1}

    def blocks(self, parameters: Sequence[Tensor], count: int, kind: str | None) -> list[Tensor]:
        owned: list[list[Tensor]] = [[] for _ in range(count)]
        start = 0
        for p in parameters:
            rows = torch.arange(start, start + p.numel()).view(p.shape[0] if p.dim() else 1, -1)
            for part, share in zip(owned, rows.tensor_split(count), strict=True):
                part.append(share.reshape(-1))
            start += p.numel()
        return [torch.cat(part) for part in owned]


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECOMPOSITIONS, OutputRows.name, OutputRows())
    monkeypatch.setitem(
        METHODS, "sapts-rows", sapts("SAPTS by rows of the weights", "rows", combination="mean")
    )


def pinn() -> LeastSquares:
    problem, generator = build("burgers"), Generator().manual_seed(0)
    network = build_network((8, 7), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    sites = {t.name: t.sites(60, generator, "uniform") for t in problem.terms}
    return LeastSquares(Model(problem, network), sites)


def test_every_part_owns_rows_of_every_layer() -> None:
    objective = pinn()
    cut = Cut(PARTS, "rows", 0.0, True, True, Generator(), SingleProcess())
    division = DECOMPOSITIONS["rows"].divide(objective, cut)
    everything = torch.cat([part.indices for part in division.own])
    assert torch.equal(everything.sort().values, torch.arange(len(gather(objective.parameters))))
    inputs, outputs = objective.parameters[0].shape[1], [8, 7, 1]
    expected = [[3, 3, 2], [3, 2, 2], [1, 0, 0]]  # rows of each layer
    widths = [inputs, *outputs[:-1]]
    sizes = [
        sum(layer[part] * (width + 1) for layer, width in zip(expected, widths, strict=True))
        for part in range(PARTS)
    ]
    assert [len(part.indices) for part in division.own] == sizes


def test_the_parts_have_the_gradient_of_the_whole() -> None:
    objective = pinn()
    cut = Cut(PARTS, "rows", 0.0, True, True, Generator(), SingleProcess())
    division = DECOMPOSITIONS["rows"].divide(objective, cut)
    theta, look = gather(objective.parameters), division.whole.evaluate()
    total = torch.zeros_like(theta)
    for part in division.own:
        total += part.extend(part.evaluate(theta).gradient(), len(theta))
    torch.testing.assert_close(total, look.gradient(), rtol=1e-10, atol=1e-13)


def test_without_local_steps_one_part_is_the_trust_region() -> None:
    steps = []
    for plain in (True, False):
        objective = pinn()
        parameters = objective.parameters
        sweep = Sweep("rows", local_steps=0)
        optimizer = TrustRegion(parameters) if plain else SAPTS(parameters, "rows", 1, sweep=sweep)
        steps.append([float(optimizer.step(objective)) for _ in range(10)])
    assert steps[0] == steps[1]


def test_a_named_method_trains_a_network_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    options = {"method": "sapts-rows", "network": (8, 8), "points": 100, "parts": PARTS}
    whole = solve(build("poisson-1d"), budget="30 iterations", **options)
    assert whole.history[-1]["loss"] < 0.1 * whole.history[0]["loss"]
    assert any(row["sweep_accepted"] for row in whole.history)
    solve(build("poisson-1d"), budget="20 iterations", out=tmp_path / "run", **options)
    resumed = solve(build("poisson-1d"), budget="30 iterations", resume=tmp_path / "run", **options)
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]


def test_it_works_on_mini_batches_too() -> None:
    inputs = torch.randn(200, 2, generator=Generator().manual_seed(1), dtype=torch.float64)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(2, 9), nn.Tanh(), nn.Linear(9, 2)).double()
    objective = Supervised(network, inputs, (inputs[:, 0] > inputs[:, 1]).long())
    optimizer = MiniBatchSAPTS(network.parameters(), "rows", PARTS, batch=20, steps=8)
    first = objective.value()
    for _ in range(6):
        optimizer.step(objective)
    assert objective.value() < 0.5 * first and len(optimizer.info.parts or ()) == PARTS


ROOMS = ("optim", "training", "solving", "supervised", "deepxde", "bench")


def test_nothing_compares_the_names_of_decompositions() -> None:
    """Else one from outside would be treated like another, or not at all."""
    names = set(DECOMPOSITIONS) - {"rows"}
    root = Path(sapts_pinn.__file__).parent
    files = [path for room in ROOMS for path in (root / room).rglob("*.py")]
    assert len(files) > 80 and names == {"data", "parameters", "stages"}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                values = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
                assert not names.intersection(v for v in values if isinstance(v, str)), ast.unparse(node)
