"""Sums over parts of the points: value, gradient and Jacobian of the undivided objective."""

from __future__ import annotations

import pytest
import torch

from draws import randn, rng
from sapts_pinn.objectives.data_parallel import DataParallelObjective
from sapts_pinn.objectives.partition import data_parts
from sapts_pinn.parallel.communicator import SingleProcess
from subdomains import COUNT, PROBLEMS, cut, make, perturb, relative


@pytest.mark.parametrize("kind", ["interleaved", "bisection"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_sum_of_parts_is_the_undivided_objective(name: str, kind: str) -> None:
    whole = make(name)
    names = whole.model.problem.domain.names
    owned = data_parts(whole.sites, COUNT, kind, rng(2), names).owned
    terms = dict.fromkeys((t.name for t in whole.terms), 0.0)
    total = DataParallelObjective([whole.restrict(own) for own in owned], SingleProcess(), terms)
    a, b = whole.evaluate(), total.evaluate()
    assert b.value == pytest.approx(a.value, rel=1e-14)
    assert terms == pytest.approx(a.terms, rel=1e-14) and total.last_terms is terms
    assert relative(b.gradient(), a.gradient()) < 1e-13
    assert (b.rows, b.size, b.whole) == (a.rows, a.size, True)

    # Its residuals are those of the whole in another order.
    start, place = {}, 0
    for term in whole.terms:
        start[term.name] = place
        place += term.rows * whole.counts[term.name]
    order = torch.cat(
        [
            start[t.name] + row * whole.counts[t.name] + own[t.name]
            for own in owned
            for t in whole.terms
            if t.name in own
            for row in range(t.rows)
        ]
    )
    assert torch.equal(order.sort().values, torch.arange(a.rows)) and not torch.equal(order, order.sort()[0])
    J = a.jacobian()
    v, u = randn(a.size, seed=1), randn(a.rows, seed=2)
    assert relative(b.jacobian(), J[order]) < 1e-13
    assert relative(b.jvp(v), J[order] @ v) < 1e-12
    assert relative(b.vjp(u), J[order].T @ u) < 1e-12
    assert relative(b.gram(), J.T @ J) < 1e-13
    assert relative(b.gram_product(v), J.T @ (J @ v)) < 1e-12


def test_a_sum_takes_the_looks_that_are_known() -> None:
    whole = make("burgers")
    division = cut(whole)
    summed = division.whole
    assert isinstance(summed, DataParallelObjective)
    perturb(whole)
    fresh = summed.evaluate()
    known = summed.parts[1].evaluate()
    before = whole.counters.functions
    look = summed.evaluate({1: known})
    assert look.parts[1] is known and whole.counters.functions - before == pytest.approx(2 / 3, rel=0.05)
    assert look.value == fresh.value and torch.equal(look.gradient(), fresh.gradient())
