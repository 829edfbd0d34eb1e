"""Problems in other units."""

import pytest
import torch

from known_solutions import fields_of
from sapts_pinn.bench.trust.scales import Units, in_units, random_units
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Time, example_mesh
from sapts_pinn.problems import Dirichlet, Initial, Neumann, Problem, Robin

UNITS = Units({"x": 1e3, "t": 1e-2}, {"u": 50.0}, (7.0,))


def heat() -> Problem:
    conditions = [
        Neumann("u", lambda t: 3 + t, on="x=0"),
        Robin("u", 2.0, on="x=1", alpha=1.5, beta=0.5),
        Initial("u", lambda x: torch.sin(x)),
    ]
    equation = lambda u, x: u.t - u.xx - u * u.x - x
    return Problem(Interval(0, 1) * Time(0, 2), "u", equation, conditions, symmetry=False)


def test_equation_and_conditions_are_the_same_in_both_units():
    """For any u: rows in the new units are the factor times those of the old one."""
    old = heat()
    new = in_units(old, UNITS)
    u = lambda p: torch.sin(2 * p[:, 0]) * torch.exp(-p[:, 1])
    points = old.domain.interior(20, torch.Generator().manual_seed(0))
    size = torch.tensor([1e3, 1e-2], dtype=torch.float64)
    scaled = lambda p: 50 * u(p / size)
    (row,) = old.evaluate(fields_of(old, {"u": u}, points), points, {})
    (other,) = new.evaluate(fields_of(new, {"u": scaled}, points * size), points * size, {})
    torch.testing.assert_close(other, 7 * row, rtol=1e-9, atol=1e-9)
    assert new.domain.bounds.tolist() == [[0, 0], [1e3, 2e-2]]
    factors = (50 / 1e3, 1.0, 50.0)  # of a slope, of a balance in old units, of a value
    for a, b, factor in zip(old.conditions, new.conditions, factors, strict=True):
        here = a.sites(old.domain, 6, torch.Generator().manual_seed(1), "uniform")
        there = b.sites(new.domain, 6, torch.Generator().manual_seed(1), "uniform")
        torch.testing.assert_close(there.points, here.points * size)
        first = a.residual(fields_of(old, {"u": u}, here.points), here, old.domain, {})
        second = b.residual(fields_of(new, {"u": scaled}, there.points), there, new.domain, {})
        for mine, theirs in zip(first, second, strict=True):
            torch.testing.assert_close(theirs, factor * mine, rtol=1e-9, atol=1e-9)


def test_units_are_powers_of_ten_and_a_ball_has_one_length():
    conditions = [Dirichlet("u", 1.0), Initial("u", 1.0)]
    ball = Problem(Ball((0, 0), 1) * Time(0, 1), "u", lambda u: u.t - u.xx - u.yy, conditions)
    found = random_units(ball, seed=3)
    assert found.coordinates["x"] == found.coordinates["y"] and random_units(ball, 3) == found
    for value in (*found.coordinates.values(), *found.unknowns.values(), *found.equations):
        assert float(f"{value:.0e}") == pytest.approx(value) and 1e-9 <= value <= 1e9


def test_holes_and_polygons_grow_and_meshes_are_refused():
    holed = Box((0, 0), (4, 4)) - Ball((1, 1), 0.5, tag="hole")
    problem = Problem(holed, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], symmetry=False)
    larger = in_units(problem, Units({"x": 10.0, "y": 10.0}, {"u": 1.0}, (1.0,)))
    x = torch.tensor([[1.0, 1.0], [3.0, 3.0], [1.4, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(larger.domain.distance(10 * x), 10 * problem.domain.distance(x))
    mesh = Problem(Mesh(example_mesh("l-shape")), "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)])
    with pytest.raises(InputError, match="is of a kind that is not rescaled"):
        in_units(mesh, UNITS)
