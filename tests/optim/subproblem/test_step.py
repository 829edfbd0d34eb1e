"""The contract of a step: solvers on zero gradients, on numbers that are not finite, in single precision."""

from math import inf, isnan, nan

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.optim.subproblem.exact import secular
from sapts_pinn.optim.subproblem.low_rank import obs
from sapts_pinn.optim.subproblem.steihaug import steihaug
from sapts_pinn.optim.subproblem.step import Step, _step
from subproblems import best_reduction, compact, model, scaled


def test_single_precision() -> None:
    psi, W = compact(50, 3)
    g = randn(50, seed=4)
    wide = obs(g, 0.5, psi, W, 0.7)
    narrow = obs(g.float(), 0.5, psi.float(), W.float(), 0.7)
    assert narrow.s.dtype == torch.float32
    assert narrow.predicted == pytest.approx(wide.predicted, rel=1e-3)
    B, g = model("indefinite", 30)
    e, V = torch.linalg.eigh(B)
    step = secular(g.float(), e.float(), V.float(), 2.0)
    assert step.s.dtype == torch.float32
    assert step.predicted == pytest.approx(best_reduction(B, g, 2.0), rel=1e-5)
    assert step.length == pytest.approx(2, rel=1e-6)


def every_solver(g: Tensor, B: Tensor, radius: float) -> list[Step]:
    n, mv = len(g), lambda v: B @ v
    e, V = torch.ones(n, dtype=g.dtype), torch.eye(n, dtype=g.dtype)
    psi = B[:, :1]
    return [
        steihaug(g, mv, radius),
        scaled(g, -(B @ g), radius),
        secular(g, B.diagonal() * e, V, radius),
        obs(g, 1.0, psi, psi[:1] + 1, radius),
    ]


def test_a_zero_gradient_gives_a_zero_step() -> None:
    g = torch.zeros(3, dtype=torch.float64)
    for step in every_solver(g, torch.diag(torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)), 1.0):
        assert (step.predicted, step.on_boundary, step.length) == (0, False, 0)
        assert not step.s.any()


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("where", ["gradient", "model", "radius"])
def test_numbers_that_are_not_finite_come_back_as_a_prediction_of_nan(bad: float, where: str) -> None:
    g, B, radius = torch.ones(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64), 1.0
    if where == "gradient":
        g[1] = bad
    elif where == "model":
        B[0, 0] = bad
    else:
        radius = bad
    steps = every_solver(g, B, radius)
    if radius == inf:  # the ellipsoid is then the whole space
        assert torch.equal(steps.pop(1).s, -g)
    for step in steps:
        assert isnan(step.predicted)
        assert not step.on_boundary
        assert step.length == 0
        assert torch.equal(step.s, torch.zeros_like(g))


def test_steps_do_not_touch_the_gradient() -> None:
    g, B = randn(4), model("definite", 4)[0]
    before = g.clone()
    every_solver(g, B, 0.5)
    assert torch.equal(g, before)


@pytest.mark.parametrize(("predicted", "length"), [(nan, 1.0), (inf, 1.0), (1.0, inf), (1.0, nan)])
def test_a_step_with_a_number_that_is_not_finite_is_refused(predicted: float, length: float) -> None:
    s = torch.ones(2, dtype=torch.float64)
    refused, taken = _step(s, predicted, True, length), _step(s, 1.0, True, 1.5)
    assert (
        isnan(refused.predicted) and not refused.s.any() and refused.length == 0 and not refused.on_boundary
    )
    assert taken.s is s and (taken.predicted, taken.on_boundary, taken.length) == (1.0, True, 1.5)
