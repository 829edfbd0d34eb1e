"""Stages by the compiled kernel against those of PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from draws import randn, rng
from kernel_cases import compiled
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives import least_squares, residual_block
from sapts_pinn.objectives.base import Counters
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import CUT
from sapts_pinn.pipeline.compiled_stages import CompiledStageObjective
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.staged_model import StagedModel
from sapts_pinn.pipeline.undivided_objective import PRICE, UndividedObjective
from subdomains import problem_of

PROBLEMS = [
    "burgers",
    "kovasznay",
    "schroedinger",
    "soft",
]  # "soft" has a coefficient, a pair and three terms


def pair(
    name: str, parts: int, network: object = (9, 8, 7), dtype: torch.dtype = torch.float64, threads: int = 1
) -> tuple[UndividedObjective, PipelineObjective]:
    """The loss of one model by the kernel, and in stages by PyTorch."""
    problem = problem_of(name)
    sizes = len(problem.ansatz.feature_names), len(problem.unknown_names)
    model = StagedModel(problem, build_network(network, *sizes, rng(), dtype), parts)  # type: ignore[arg-type]
    theta = gather(model.parameters())
    scatter_(list(model.parameters()), theta + 0.1 * randn(len(theta), seed=9).to(dtype))
    sites = {t.name: t.sites(70, rng(4), "sobol") for t in problem.terms}
    return (
        model.objective(sites, Counters(), threads),
        PipelineObjective.of_problem(model.chain(), sites, Counters()),
    )


def compare(objective: UndividedObjective, pipeline: PipelineObjective, tolerance: float = 1e-10) -> None:
    """Value, gradient and residuals of every stage, where it is frozen and elsewhere."""

    def close(a: Tensor, b: Tensor) -> bool:
        return float((a - b).norm()) <= tolerance * float(b.norm())

    one, two = objective.evaluate(), pipeline.evaluate()
    one.gradient()
    two.gradient()
    for s in range(len(objective.chain.stages)):
        ours, theirs = one.local(s), two.local(s)
        assert type(ours) is CompiledStageObjective
        start = gather(ours.parameters)
        for move in (0.0, 0.02, 1.0):
            scatter_(ours.parameters, start + move * randn(len(start), seed=s).to(start))
            a, b = ours.evaluate(), theirs.evaluate()
            assert a.value == pytest.approx(b.value, rel=tolerance)
            assert b.residual is not None
            assert close(a.by_point(), b.residual) and close(a.gradient(), b.gradient())
        scatter_(ours.parameters, start)


@compiled
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_stages_are_those_of_pytorch(name: str, parts: int) -> None:
    compare(*pair(name, parts, threads=1 + parts % 2))


@compiled
@pytest.mark.parametrize("activation", [nn.SiLU, nn.Softplus])
def test_any_chain_of_affine_layers(activation: type[nn.Module]) -> None:
    def network(inputs: int, outputs: int) -> nn.Sequential:
        linear = nn.Linear(5, 4), nn.Linear(4, 4)
        nested = nn.Sequential(*linear, activation())
        return nn.Sequential(nn.Linear(inputs, 5), nn.Tanh(), nested, nn.Identity(), nn.Linear(4, outputs))

    compare(*pair("burgers", 4, network))


@compiled
def test_single_precision() -> None:
    compare(*pair("soft", 3, dtype=torch.float32), 2e-4)


@compiled
def test_many_points_come_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 30)
    monkeypatch.setattr(least_squares, "TAPE_LIMIT", 1.0)
    objective, pipeline = pair("burgers", 3)
    assert len(objective.whole.blocks) > 1 and objective.whole.streams
    compare(objective, pipeline)
    evaluation = objective.evaluate()
    local = evaluation.local(0)
    scatter_(local.parameters, gather(local.parameters) + 0.1)
    before = objective.counters.gradients
    moved = local.evaluate()
    spent = objective.counters.gradients - before
    moved.gradient()
    assert spent > 0 and objective.counters.gradients == before + spent, "paid for with the value"


@compiled
def test_work_is_counted_by_what_stages_cost() -> None:
    objective, _ = pair("burgers", 3, (30, 30))
    evaluation = objective.evaluate()
    evaluation.gradient()
    shares = []
    for s in range(3):
        local = evaluation.local(s)
        before = objective.counters.gradients
        local.evaluate().gradient()
        assert objective.counters.gradients == before, "known where it is frozen"
        scatter_(local.parameters, gather(local.parameters) + 0.1)
        moved = local.evaluate()
        moved.gradient()
        moved.gradient()
        shares.append(objective.counters.gradients - before)
    assert sum(shares) == pytest.approx(1)
    sizes = objective.layout.sizes
    assert 2 * sizes[0] / sum(sizes) < shares[0] < shares[1]  # activations cost as well
    assert shares[2] > 2 * sizes[2] / sum(sizes)  # and residuals
    assert objective.counters.gradients == pytest.approx(1 + CUT + 1)


@compiled
def test_memory_is_for_one_evaluation() -> None:
    objective, _ = pair("burgers", 2)
    first = objective.evaluate()
    local, theta = first.local(0), gather(objective.parameters)
    scatter_(objective.parameters, theta + 0.1)
    moved = local.evaluate()
    second = objective.evaluate()
    second.local(1)
    with pytest.raises(RuntimeError, match="frozen at another evaluation"):
        local.evaluate()
    with pytest.raises(RuntimeError, match="frozen at another evaluation"):
        moved.gradient()


@compiled
def test_a_residual_that_is_zero_has_no_direction() -> None:
    objective, _ = pair("poisson-2d", 2)
    evaluation = objective.evaluate()
    evaluation._inner._rows[0][:, 3] = 0.0  # type: ignore[attr-defined]
    local = evaluation.local(0)
    scatter_(local.parameters, gather(local.parameters) + 0.1)
    moved = local.evaluate()
    assert float(moved.by_point()[3]) == 0 and bool(moved.gradient().isfinite().all())


@compiled
def test_what_the_kernel_cannot_cut_is_by_pytorch_at_its_price() -> None:
    objective, pipeline = pair("burgers", 2, lambda i, o: ModifiedMLP((i, 6, 6, 6, o)))
    assert objective.whole.compiled
    one, two = objective.evaluate(), pipeline.evaluate()
    two.gradient()
    gradient = one.gradient()
    local = one.local(0)
    assert objective.counters.gradients == pytest.approx(1 + PRICE)
    found = local.evaluate()
    torch.testing.assert_close(found.gradient(), gradient[: objective.layout.sizes[0]], rtol=1e-9, atol=1e-12)
    assert found.value == pytest.approx(two.local(0).evaluate().value, rel=1e-11)
    sizes = objective.layout.sizes
    assert objective.counters.gradients == pytest.approx(1 + PRICE + PRICE * sizes[0] / sum(sizes))
