"""Parts of the data as subdomains of SAPTS: consistent with f in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from draws import randn, rng
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.partition import DATA_KINDS
from sapts_pinn.optim.curvature import SSBroyden
from sapts_pinn.optim.sapts.data import DataSubdomain
from sapts_pinn.optim.sapts.local_solve import local_solve
from sapts_pinn.problems import build
from sapts_runs import pinn, sapts
from subdomains import COUNT, PROBLEMS, RULE, centred, check_slopes, cut, make, relative


def linear(points: int = 60) -> tuple[LeastSquares, float]:
    """Poisson's equation with an unknown linear in its parameters, and the least loss, by a dense solver."""
    problem = build("poisson-1d")
    hidden, last = nn.Linear(1, 6, dtype=torch.float64), nn.Linear(6, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        hidden.weight.copy_(4 * randn(6, 1, seed=1))
        hidden.bias.copy_(randn(6, seed=2))
        last.weight.zero_()
    model = Model(problem, nn.Sequential(hidden.requires_grad_(False), nn.Tanh(), last))
    objective = LeastSquares(model, {t.name: t.sites(points, rng(), "uniform") for t in problem.terms})
    look = objective.evaluate()
    J, r = look.jacobian(), look.residual()
    left = r - J @ torch.linalg.lstsq(J, r.unsqueeze(1), driver="gelsd").solution[:, 0]
    return objective, 0.5 * float(left @ left)


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "ssbroyden", "gauss-newton"])
@pytest.mark.parametrize("pooled", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_parts_of_the_data_reach_the_least_squares_solution(curvature: str, pooled: bool, order: str) -> None:
    objective, least = linear()
    first = objective.value()
    optimizer = sapts(objective, "data", curvature, order=order, visits=0, pooled=pooled)
    swept = 0
    for _ in range(400):
        loss = float(optimizer.step(objective))
        swept += bool(optimizer.info.get("sweep", {}).get("accepted"))
        if optimizer.info["converged"] or loss - least < 1e-10 * first:
            break
    assert (swept > 0 or curvature == "gauss-newton") and least < 0.9 * first
    assert loss - least < 1e-9 * first


def test_a_part_may_have_a_single_point() -> None:
    objective = pinn(points=5)
    optimizer = sapts(objective, "data", parts=5, visits=0, order="additive")
    first = objective.value()
    for _ in range(40):  # the first sweeps are far too long: the model learns nothing from them
        loss = float(optimizer.step(objective))
    assert loss < 0.5 * first and optimizer.info["accepted"] in (True, False)


# -- property 2: consistency ---------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [0.0, 0.33])
@pytest.mark.parametrize("kind", [*DATA_KINDS, "slabs"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_data_parts_have_the_gradient_of_the_whole(name: str, kind: str, overlap: float) -> None:
    whole = make(name)
    kind = whole.model.problem.domain.names[-1] if kind == "slabs" else kind
    division = cut(whole, kind=kind, overlap=overlap)
    theta, g, f = centred(division)
    total = 0.0
    for i, part in enumerate(division.own):
        assert isinstance(part, DataSubdomain)
        here = part.evaluate(theta)
        assert relative(here.gradient(), g) < 1e-12
        assert torch.equal(here.gradient(), here.full_gradient())
        plain = part.local.evaluate()
        assert here.value == pytest.approx(part.scale * plain.value, rel=1e-14)
        assert relative(part.scale * plain.gradient(), g) > 1e-3, "there is nothing to correct"
        total += plain.value if overlap == 0 else part.owned.value()
        check_slopes(part, theta, i)
        rows = sum(s.points.shape[0] for s in part.local.sites.values())
        assert part.scale == pytest.approx(sum(s.points.shape[0] for s in whole.sites.values()) / rows)
    assert total == pytest.approx(f, rel=1e-13)


@pytest.mark.parametrize("overlap", [0.0, 0.33])
def test_what_is_known_of_a_data_part_is_what_it_would_find(overlap: float) -> None:
    division = cut(make("soft"), overlap=overlap)
    theta, _, _ = centred(division)
    look = division.whole.evaluate()
    for part in division.own:
        known = part.begin(look, division.base(part, look))
        assert (known is None) == (overlap > 0)  # its own points are then not all that it looks at
        if known is not None:
            here = part.evaluate(theta)
            assert known.value == here.value and torch.equal(known.gradient(), here.gradient())
            assert known.whole and here.whole, "a Jacobian would be of all the part's residuals"
            assert known.own_piece() is division.base(part, look) and here.own_piece() is not None
        else:
            assert part.evaluate(theta).own_piece() is None, "they are not its share of f"


def test_parts_of_a_batch_are_consistent_with_the_batch() -> None:
    whole = make("soft", 90, 30)
    batch = whole.restrict(
        {n: torch.arange(len(s.points) // s.fold // 2) for n, s in whole.sites.items()}, True
    )
    division = cut(batch)
    theta, g, _ = centred(division)
    assert relative(g, batch.evaluate().gradient()) < 1e-13
    assert relative(g, whole.evaluate().gradient()) > 1e-3
    for part in division.own:
        assert relative(part.evaluate(theta).gradient(), g) < 1e-12
        assert part.scale == pytest.approx(COUNT, rel=0.1)


def test_without_the_linear_term_a_data_part_knows_its_own_points_only() -> None:
    division = cut(make("burgers"), kind="t", consistent=False)
    theta, g, _ = centred(division)
    for part in division.own:
        assert part.linear is None
        here = part.evaluate(theta)
        assert torch.equal(here.gradient(), part.scale * part.local.evaluate().gradient())
        assert relative(here.gradient(), g) > 0.1
        check_slopes(part, theta, 3)


@pytest.mark.parametrize("overlap", [0.0, 0.33])
def test_the_jacobian_of_a_data_part_is_that_of_its_residuals(overlap: float) -> None:
    division = cut(make("soft"), kind="bisection", overlap=overlap)
    theta, _, _ = centred(division)
    part = division.own[1]
    here = part.evaluate(theta)
    J = here.jacobian()
    assert J.shape == (here.rows, here.size) and len(theta) == here.size
    u, v = randn(here.rows), randn(here.size)
    assert relative(here.jvp(v), J @ v) < 1e-12 and relative(here.vjp(u), J.T @ u) < 1e-12
    assert (
        relative(
            J.T @ part.local.evaluate().residual() * math.sqrt(part.scale), here.gradient() - part.linear
        )
        < 1e-12
    )


def test_a_part_with_a_single_point() -> None:
    whole = make("burgers", 4)
    for overlap in (0.0, 0.33):
        division = cut(whole, parts=4, overlap=overlap)
        theta, g, _ = centred(division)
        for part in division.own:
            assert part.owned.evaluate().rows == 1
            assert relative(part.evaluate(theta).gradient(), g) < 1e-12
            z, _, record, _ = local_solve(part, theta, part.evaluate(theta), SSBroyden(), 0.1, 3, RULE)
            assert record.accepted > 0 and record.gain > 0 and not torch.equal(z, theta)
