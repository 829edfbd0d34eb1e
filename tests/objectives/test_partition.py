"""Decompositions of residuals and of parameters: the parts are the whole, and balanced."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from draws import rng
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.partition import DATA_KINDS, DataParts, data_parts
from sapts_pinn.problems import Initial, Periodic, Problem, Sites, build


@cache
def transport() -> Problem:
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u: u.t + u.x,
        conditions=[
            Periodic("x", hard=False, weight=2.0),
            Initial("u", lambda x: torch.sin(torch.pi * x), hard=False),
        ],
    )


PROBLEMS = {name: (lambda name=name: build(name)) for name in ("poisson-2d", "burgers", "allen-cahn")}
PROBLEMS["periodic"] = transport


def make(name: str, interior: int = 30, others: int = 9) -> LeastSquares:
    problem = PROBLEMS[name]()
    network = MLP((len(problem.ansatz.feature_names), 5, 4, len(problem.unknown_names))).double()
    with torch.no_grad():
        for i, p in enumerate(network.parameters()):
            p.copy_(0.6 * torch.randn(p.shape, generator=rng(i), dtype=torch.float64))
    sites = {
        t.name: t.sites(interior if t.name == "equation" else others, rng(5), "uniform")
        for t in problem.terms
    }
    return LeastSquares(Model(problem, network), sites)


def decompose(objective: LeastSquares, parts: int, kind: str, overlap: float = 0.0) -> DataParts:
    names = objective.model.problem.domain.names
    return data_parts(objective.sites, parts, kind, rng(parts), names, overlap)


CASES = [
    (name, kind)
    for name, coordinates in zip(PROBLEMS, ("xy", "xt", "xt", "xt"), strict=True)
    for kind in (*DATA_KINDS, *coordinates)
]


@pytest.mark.parametrize(("name", "kind"), CASES)
@given(parts=st.integers(1, 30))
@settings(max_examples=5)
def test_parts_of_the_data_sum_to_the_whole(name: str, kind: str, parts: int) -> None:
    """Property 1: every loss term, its gradient, and the work counted."""
    objective = make(name)
    found = decompose(objective, parts, kind)
    assert len(found.owned) == parts and found.local is found.owned
    for term, sites in objective.sites.items():
        index = torch.cat([own[term] for own in found.owned if term in own])
        assert torch.equal(index.sort().values, torch.arange(len(sites.points) // sites.fold))
    whole = objective.evaluate()
    pieces = [objective.restrict(own) for own in found.owned]
    looks = [piece.evaluate() for piece in pieces]
    assert sum(look.value for look in looks) == pytest.approx(whole.value, rel=1e-14)
    for term, value in whole.terms.items():
        assert sum(look.terms.get(term, 0.0) for look in looks) == pytest.approx(value, rel=1e-14)
    gradient = sum(look.gradient() for look in looks)
    assert (gradient - whole.gradient()).norm() <= 1e-14 * sum(look.gradient().norm() for look in looks)
    assert sum(piece.share for piece in pieces) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["interleaved", "random"])
@given(parts=st.integers(1, 40), interior=st.integers(1, 20), others=st.integers(1, 20))
@settings(max_examples=30)
def test_scattered_parts_balance_over_all_terms(kind: str, parts: int, interior: int, others: int) -> None:
    """Also when there are fewer residuals of a term than parts: no part is without any."""
    sites = {
        "equation": Sites(torch.rand(interior, 2, generator=rng())),
        "pairs": Sites(torch.rand(2 * others, 2, generator=rng()), fold=2),
        "one": Sites(torch.rand(1, 2, generator=rng())),
    }
    total = interior + others + 1
    if parts > total:
        with pytest.raises(ValueError, match=f"part {total} of {parts} would get no residual.* only {total}"):
            data_parts(sites, parts, kind, rng(), "xt")
        return
    owned = data_parts(sites, parts, kind, rng(), "xt").owned
    sizes = [sum(map(len, own.values())) for own in owned]
    assert sum(sizes) == total and max(sizes) - min(sizes) <= 1
    assert all(len(index) for own in owned for index in own.values())


def test_slabs_in_time_give_the_initial_condition_to_the_first() -> None:
    objective = make("periodic")
    owned = decompose(objective, 3, "t").owned
    initial = next(name for name in objective.sites if "initial" in name)
    assert [len(own.get(initial, ())) for own in owned] == [9, 0, 0]
    assert [initial in own for own in owned] == [True, False, False]
    assert [len(own["equation"]) for own in owned] == [10, 10, 10]


@pytest.mark.parametrize("kind", ["x", "t", "bisection"])
def test_regions_take_the_points_that_lie_in_them(kind: str) -> None:
    """Within the boxes of the equation's points, up to the distance between those."""
    objective = make("periodic", 400, 40)
    sites = {name: s.points[: len(s.points) // s.fold] for name, s in objective.sites.items()}
    owned = decompose(objective, 4, kind).owned
    boxes = []
    for own in owned:
        inside = sites["equation"][own["equation"]]
        boxes.append((inside.amin(0), inside.amax(0)))
    for own, (low, high) in zip(owned, boxes, strict=True):
        for name, index in own.items():
            points = sites[name][index]
            assert (points > low - 0.1).all() and (points < high + 0.1).all()


def test_overlap_enlarges_what_a_part_looks_at() -> None:
    objective = make("periodic")
    for kind in (*DATA_KINDS, "x", "t"):
        found = decompose(objective, 3, kind, overlap=0.33)
        for own, local in zip(found.owned, found.local, strict=True):
            assert own.keys() == local.keys()
            for term, index in own.items():
                assert torch.equal(local[term][: len(index)], index)
                rest = objective.counts[term] - len(index)
                assert len(local[term].unique()) == len(index) + min(round(0.33 * len(index)), rest)
            objective.restrict(local).evaluate()


@pytest.mark.parametrize("kind", [*DATA_KINDS, "t"])
def test_the_seed_decides(kind: str) -> None:
    objective = make("periodic")
    a, b, c = (data_parts(objective.sites, 3, kind, rng(s), ("x", "t"), 0.3).local for s in (1, 1, 2))

    def same(first: list[dict[str, Tensor]], second: list[dict[str, Tensor]]) -> bool:
        return all(torch.equal(p[t], q[t]) for p, q in zip(first, second, strict=True) for t in p)

    assert same(a, b) and same(a, c) == (kind in ("t", "bisection"))


def test_bad_decompositions_of_the_data_are_refused() -> None:
    objective = make("burgers", 5)
    with pytest.raises(
        ValueError, match=r"unknown .* 'z'; choose one of interleaved, random, bisection, x, t"
    ):
        decompose(objective, 2, "z")
    with pytest.raises(ValueError, match="5 points into 6 parts"):
        decompose(objective, 6, "bisection")
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\), not 1.5"):
        decompose(objective, 2, "interleaved", 1.5)
    for kind in DATA_KINDS:
        with pytest.raises(ValueError, match="parts must be at least 1, not 0"):
            decompose(objective, 0, kind)
    with pytest.raises(ValueError, match="the term 'equation', which is none of data"):
        data_parts({"data": Sites(torch.zeros(4, 2))}, 2, "bisection", rng(), "xt")
