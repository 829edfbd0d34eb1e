"""Objectives against an oracle that differentiates the whole model by nested reverse mode."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import randn
from residuals import KINDS, PROBLEMS, assert_close, make, oracle
from sapts_pinn.kernels import load
from sapts_pinn.networks.model import Location, Model
from sapts_pinn.objectives import least_squares as module
from sapts_pinn.objectives import residual_block
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares, LeastSquaresEvaluation, residuals
from sapts_pinn.problems import (
    Sites,
)

# -- value, gradient, residual, Jacobian ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_everything_against_the_oracle(name, kind, monkeypatch):
    objective = make(name, kind, monkeypatch=monkeypatch)
    compiled = load() is not None and not kind.endswith("uncompiled")
    assert objective.compiled == compiled == all(piece.points is not None for piece in objective.blocks)
    theta, residual = gather(objective.parameters), oracle(objective)
    r = residual(theta).detach()
    J = torch.autograd.functional.jacobian(residual, theta)
    look = objective.evaluate()
    v, u = randn(len(theta), seed=8), randn(len(r), seed=9)
    assert look.value == pytest.approx(0.5 * float(r @ r), rel=1e-13)
    assert_close(look.residual(), r)
    assert_close(look.gradient(), J.T @ r)
    assert_close(look.jacobian(), J)
    assert_close(look.jvp(v), J @ v)
    assert_close(look.vjp(u), J.T @ u)
    assert sum(look.terms.values()) == look.value
    assert set(look.terms) == set(objective.last_terms) == {t.name for t in objective.model.problem.terms}


@pytest.mark.parametrize("name", ["soft", "inverse"])
def test_central_differences(name):
    objective = make(name)
    theta = gather(objective.parameters)
    value, gradient = objective.value_and_grad()
    for seed in range(3):
        d = randn(len(theta), seed=20 + seed)
        h = 1e-4
        values = []
        for t in (-2 * h, -h, h, 2 * h):
            scatter_(objective.parameters, theta + t * d)
            values.append(objective.value())
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert slope == pytest.approx(float(gradient @ d), rel=1e-8)
    scatter_(objective.parameters, theta)
    assert objective.value() == value


def test_an_evaluation_speaks_of_the_point_where_it_was_made(monkeypatch):
    for kind in ("mlp", "mlp-uncompiled"):
        objective = make("inverse", kind, monkeypatch=monkeypatch)
        theta = gather(objective.parameters)
        fresh = objective.evaluate()
        v, u = randn(len(theta)), randn(len(fresh.residual()))
        exact = (fresh.gradient(), fresh.jacobian(), fresh.jvp(v), fresh.vjp(u))
        old = objective.evaluate()
        scatter_(objective.parameters, theta + 0.1 * randn(len(theta), seed=3))
        objective.evaluate().gradient()
        for a, b in zip((old.gradient(), old.jacobian(), old.jvp(v), old.vjp(u)), exact, strict=True):
            assert_close(a, b, 1e-15)


def test_single_precision():
    objective = make("soft")
    value, gradient = objective.value_and_grad()
    single = LeastSquares(Model(objective.model.problem, objective.model.network.float()), objective.sites)
    other, its = single.value_and_grad()
    assert its.dtype == torch.float32
    assert other == pytest.approx(value, rel=1e-5)
    assert_close(its.double(), gradient, 1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_parameters_give_a_bad_value_and_no_exception(bad, monkeypatch):
    for kind in KINDS:
        objective = make("soft", kind, monkeypatch=monkeypatch)
        theta = gather(objective.parameters)
        theta[-2] = bad
        scatter_(objective.parameters, theta)
        look = objective.evaluate()
        assert not math.isfinite(look.value)
        assert not torch.isfinite(look.gradient()).all()
        monkeypatch.undo()


# -- parts ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from(list(PROBLEMS)), st.integers(1, 4), st.integers(0, 99))
def test_parts_add_up_to_the_whole(name, parts, seed):
    """Property 1, with any partition of the residuals of every term."""
    objective = make(name, n=20)
    generator = torch.Generator().manual_seed(seed)
    owner = {
        term: torch.randint(parts, (s.points.shape[0] // s.fold,), generator=generator)
        for term, s in objective.sites.items()
    }
    values, gradients, terms = [], [], dict.fromkeys(objective.sites, 0.0)
    for d in range(parts):
        part = {term: (who == d).nonzero()[:, 0] for term, who in owner.items()}
        if not any(len(index) for index in part.values()):
            continue
        look = objective.restrict(part).evaluate()
        values.append(look.value)
        gradients.append(look.gradient())
        for term, value in look.terms.items():
            terms[term] += value
    whole = objective.evaluate()
    assert math.fsum(values) == pytest.approx(whole.value, rel=1e-14)
    assert_close(torch.stack(gradients).sum(0), whole.gradient(), 1e-14)
    for term, value in whole.terms.items():
        assert terms[term] == pytest.approx(value, rel=1e-14)


def test_parts_of_parts_and_their_share_of_the_work():
    objective = make("soft", n=20)
    half = objective.restrict({name: torch.arange(10) for name in objective.sites})
    quarter = half.restrict({name: torch.arange(5) for name in half.sites})
    assert quarter.counts == objective.counts and quarter.counters is objective.counters
    assert (half.share, quarter.share) == (0.5, 0.25)
    quarter.value_and_grad()
    assert (objective.counters.functions, objective.counters.gradients) == (0.25, 0.25)
    assert_close(quarter.evaluate().residual().view(4, 5), objective.evaluate().residual().view(4, 20)[:, :5])


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_take_the_jets_of_the_whole(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are computed once where there are several parts, also parts of parts, and are the same."""
    objective, made = make("soft", n=20), []
    index = {name: torch.arange(10, 20) for name in objective.sites}
    alone = LeastSquares(objective.model, {name: s.of(index[name]) for name, s in objective.sites.items()})
    known = alone.evaluate().residual()

    class Counted(Location):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            made.append(len(arguments[1]))

    monkeypatch.setattr(module, "Location", Counted)
    monkeypatch.setattr(residual_block, "Location", Counted)
    halves = [objective.restrict(index) for _ in range(parts)]
    fifths = [h.restrict({name: torch.arange(2) for name in index}) for h in halves for _ in range(2)]
    for half in halves:  # of other counts of residuals, by which each is averaged
        assert_close(half.evaluate().residual(), math.sqrt(0.5) * known, 1e-14)
    for fifth in fifths:
        fifth.evaluate()
    folds = [s.fold for s in objective.sites.values()]
    assert made == [(20 if parts > 1 else 10) * fold for fold in folds]


def test_jets_of_many_points_are_not_kept_for_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARED_POINTS", 79)
    objective = make("soft", n=20)
    parts = [objective.restrict({name: torch.arange(10) for name in objective.sites}) for _ in range(3)]
    assert parts[0].evaluate().value > 0 and not objective._locations


def test_an_empty_objective_is_refused():
    objective = make("soft")
    with pytest.raises(ValueError, match="no points"):
        objective.restrict({"equation": torch.arange(0)})


# -- memory, counters, closures ------------------------------------------------------------------------------


def test_residuals_anywhere(monkeypatch):
    objective = make("system")
    x = objective.model.problem.domain.interior(50, torch.Generator().manual_seed(2))
    whole = LeastSquares(objective.model, {"equation": Sites(x)})
    units = objective.model.problem.terms[0].row_units
    exact = whole.evaluate().residual().view(3, 50) * math.sqrt(50) * units  # in the user's units
    assert_close(residuals(objective.model, x), exact, 1e-14)
    monkeypatch.setattr(module, "BLOCK_POINTS", 16)
    assert_close(residuals(objective.model, x), exact, 1e-14)


def test_a_look_belongs_to_least_squares():
    assert isinstance(make("soft").evaluate(), LeastSquaresEvaluation)
