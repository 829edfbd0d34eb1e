"""A term at its points: chosen columns, products, and chunks that keep nothing."""

import pytest
import torch
from torch import Tensor

from draws import randn
from residuals import KINDS, PROBLEMS, assert_close, make
from sapts_pinn.objectives import least_squares as module
from sapts_pinn.objectives import residual_block
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares, jacobian_cost


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_chosen_columns_of_the_jacobian_are_those_of_all(name, kind, monkeypatch):
    """Of the first and the last parameters, of single ones, in any order, of none."""
    look = make(name, kind, monkeypatch=monkeypatch).evaluate()
    J, n = look.jacobian(), look.size
    random = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    for indices in (torch.arange(n), random, random[:7], torch.arange(4), torch.tensor([n - 1, 2])):
        assert_close(look.columns(indices), J[:, indices])
    assert look.columns(random[:0]).shape == (look.rows, 0)


def test_products_agree_with_torch_func():
    """The stacked residual by `torch.func`, through the Taylor rules and the ansatz."""
    objective = make("soft")
    theta, look = gather(objective.parameters), objective.evaluate()

    def residual(theta: Tensor) -> Tensor:
        return torch.cat([p.residual_of(p._network(theta), {}).reshape(-1) for p in objective.blocks])

    J = torch.func.jacrev(residual)(theta)
    assert_close(look.jacobian(), J)
    assert_close(look.jacobian(), torch.func.jacfwd(residual)(theta))
    assert_close(look.gradient(), torch.func.grad(lambda t: 0.5 * residual(t).square().sum())(theta))


@pytest.mark.parametrize("kind", ["mlp", "modified"])
def test_frozen_parameters_leave_the_rest_as_it_was(kind):
    objective = make("inverse", kind)
    look = objective.evaluate()
    J, g, names = look.jacobian(), look.gradient(), [n for n, _ in objective.model.named_parameters()]
    keep = []
    for name, p in objective.model.named_parameters():
        frozen = name in (names[0], names[3], "coefficients.nu")
        keep += [not frozen] * p.numel()
        p.requires_grad_(not frozen)
    part = LeastSquares(objective.model, objective.sites)
    look, chosen = part.evaluate(), torch.tensor(keep)
    assert_close(look.gradient(), g[chosen])
    assert_close(look.jacobian(), J[:, chosen])
    v = randn(int(chosen.sum()))
    assert_close(look.jvp(v), J[:, chosen] @ v)


@pytest.mark.parametrize("kind", ["mlp", "mlp-uncompiled"])
@pytest.mark.parametrize("name", ["soft", "periodic", "inverse"])
def test_streaming_changes_nothing_but_the_memory(name, kind, monkeypatch):
    objective = make(name, kind, n=150, monkeypatch=monkeypatch)
    look = objective.evaluate()
    v, u = randn(len(look.theta)), randn(len(look.residual()))
    exact = (look.gradient(), look.residual(), look.jacobian(), look.jvp(v), look.vjp(u))
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 64)
    monkeypatch.setattr(module, "TAPE_LIMIT", 0)
    streamed = LeastSquares(objective.model, objective.sites)
    assert len(streamed.blocks) > len(objective.blocks)
    other = streamed.evaluate()
    assert other.value == pytest.approx(look.value, rel=1e-14)
    found = (other.gradient(), other.residual(), other.jacobian(), other.jvp(v), other.vjp(u))
    for a, b in zip(found, exact, strict=True):
        assert_close(a, b, 1e-13)
    for piece in streamed.blocks:  # whatever was asked, nothing is kept
        assert piece._pass is None and (piece.points is None or piece.points._tape is None)
    # With the value, the product, and the Jacobian, which costs more.
    points = sum(r.shape[-1] for r in other._rows)
    expected = 2 + jacobian_cost(other.rows / points, 1.0)
    assert streamed.counters.gradients == pytest.approx(expected)
