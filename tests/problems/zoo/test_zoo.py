"""The zoo: every problem builds, says what it is, and its equation holds for its reference."""

import pytest
import torch

from sapts_pinn.problems import ZOO, Problem, build
from sapts_pinn.problems.fields import Field

FORWARD = [name for name, entry in ZOO.items() if entry.group != "Inverse"]  # of the others: test_inverse.py
SYSTEMS = {"gray-scott", "schroedinger", "lorenz", "kirsch", "kovasznay", "cavity", "cylinder", "stefan"}
COMPLEX = {"wave-packet"}  # with the two parts of one unknown


@pytest.mark.parametrize("name", FORWARD)
def test_builds(name):
    problem = build(name)
    assert isinstance(problem, Problem) and problem.name == name and set(problem.options) <= {"windows"}
    assert f"{name}: {', '.join(problem.unknown_names)} on " in str(problem)
    assert f"equations   {problem.equation_term.rows}, derivatives up to order " in str(problem)
    assert (len(problem.unknown_names) > 1) == (name in SYSTEMS | COMPLEX)
    assert ZOO[name].summary and "\n" not in ZOO[name].summary and ZOO[name].group
    if problem.reference is None:
        assert problem.quantities
        return
    points = problem.reference.test_points()
    inside = problem.domain.inside(torch.stack([torch.as_tensor(points[c]) for c in problem.domain.names], 1))
    assert inside.all()


@pytest.mark.parametrize("name", [n for n in FORWARD if n not in SYSTEMS | COMPLEX])
def test_conditions_hold_for_the_reference(name):
    problem = build(name)
    (unknown,) = problem.unknown_names
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 60, torch.Generator().manual_seed(2), "uniform")
        for i, c in enumerate(problem.domain.names):
            if c == "nu":  # a parameter, at one of whose values the reference is known
                sites.points[:, i] = float(problem.reference.test_points()[c][0])
        columns = {c: sites.points[:, i].numpy() for i, c in enumerate(problem.domain.names)}
        u = torch.as_tensor(problem.reference.evaluate(columns)[unknown])
        zero = torch.zeros_like(u)  # periodicity of the derivative is not looked at here
        field = Field(unknown, problem.domain.names, lambda index, u=u, zero=zero: zero if index else u)
        known = problem.by_region.at(sites.points)
        for row in condition.residual({unknown: field}, sites, problem.domain, known):
            assert row.abs().max() < max(1e-8, problem.reference.accuracy)


def test_unknown_names():
    with pytest.raises(ValueError, match=r"^there is no problem 'burger'; did you mean 'burgers'\?$"):
        build("burger")
    with pytest.raises(ValueError, match="did you mean 'poisson-2d'"):
        build("Poisson_2D")
    with pytest.raises(
        ValueError, match=r"^there is no problem 'qqq'; the problems are poisson-1d, .*inverse$"
    ):
        build("qqq")
