"""Boundary equations: what they compute, where they are refused, and who else has to understand them."""

import math

import pytest
import torch

from sapts_pinn import BoundaryEquation, Coefficient, Dirichlet, Neumann, Observations, Problem
from sapts_pinn.geometry import Ball, Box, Interval, Time
from sapts_pinn.problems.fields import Field, derivatives
from sapts_pinn.solving.run import solve

LAPLACE = lambda u: u.xx + u.yy
SQUARE = Box((0, 0), (1, 1))


def fields_of(problem, functions, points):
    return {
        name: Field(name, problem.domain.names, lambda index, f=f: derivatives(f, points, [index])[0])
        for name, f in functions.items()
    }


def rows_of(problem, condition, functions):
    sites = condition.sites(problem.domain, 200, torch.Generator().manual_seed(1), "uniform")
    fields = fields_of(problem, functions, sites.points)
    return condition.residual(fields, sites, problem.domain, problem.initial_coefficients), sites


def test_a_normal_derivative_is_that_of_neumann():
    domain = SQUARE - Ball((0.5, 0.5), 0.2, tag="hole")
    ours = BoundaryEquation(lambda u, n_x, n_y, x: u.x * n_x + u.y * n_y - x, on="hole")
    theirs = Neumann("u", lambda x: x, on="hole")
    problem = Problem(domain, "u", LAPLACE, [Dirichlet("u", 0.0, on=SQUARE.faces), ours])
    (row,), sites = rows_of(problem, ours, {"u": lambda p: torch.sin(3 * p[:, 0]) * p[:, 1] ** 2})
    (expected,), _ = rows_of(problem, theirs, {"u": lambda p: torch.sin(3 * p[:, 0]) * p[:, 1] ** 2})
    torch.testing.assert_close(row, expected)
    outward = sites.points - 0.5  # out of the domain is into the hole
    assert (sites.normals * outward).sum(1).max() < 0
    assert "boundary equation on hole: weighted term, balanced" in str(problem)


def test_several_unknowns_rows_coefficients_and_all_derivatives():
    slip = BoundaryEquation(
        lambda u, v, c, n_x, n_y: (u * n_x + v * n_y, c * (v.x + u.y)), on="x=1", weight=3.0
    )
    walls = [Dirichlet(name, lambda x: x, on=["x=0", "y"]) for name in ("u", "v")]
    known = Observations("u", {"x": 0.5, "y": 0.5}, 0.4)
    problem = Problem(
        SQUARE,
        ("u", "v"),
        lambda u, v: (u.xx + u.yy, v.xx + v.yy),
        [slip, *walls, known],
        [Coefficient("c", 2.0)],
    )
    term = problem.condition_terms[0]
    assert (term.rows, term.weight, term.needs) == (2, 3.0, {"u": ((), (1,)), "v": ((), (0,))})
    rows, _ = rows_of(problem, slip, {"u": lambda p: p[:, 1] ** 2, "v": lambda p: p[:, 0] * p[:, 1]})
    sites = slip.sites(SQUARE, 200, torch.Generator().manual_seed(1), "uniform")
    y = sites.points[:, 1]
    torch.testing.assert_close(rows[0], y**2)
    torch.testing.assert_close(rows[1], 2.0 * (y + 2 * y))


def make(equation, on=None, unknowns="u", domain=SQUARE, **settings):
    return Problem(domain, unknowns, LAPLACE, [BoundaryEquation(equation, on=on, **settings)])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: BoundaryEquation(1.0), "needs a function of the unknowns such as .*, not 1.0$"),
        (lambda: make(lambda u: u, weight=0), "weight must be a positive number, not 0$"),
        (lambda: make(lambda u: u, on="z"), "no face 'z'"),
        (lambda: make(lambda w: w), "asks for 'w'|uses no unknown"),
        (
            lambda: make(lambda u, n_z: n_z * u),
            "the boundary equation on .* asks for 'n_z', which is none of u,",
        ),
        (lambda: make(lambda x, n_x: x * n_x, on="x"), "on x=0, x=1 uses no unknown; name one \\(u\\)"),
        (lambda: make(lambda u: None), "returned NoneType; did it forget to return"),
        (lambda: make(lambda u: u.z), "asks for u.z"),
        (lambda: make(lambda u: math.sin(u)), "use torch.sin"),
        (lambda: make(lambda u: u, hard=True), "hard=True, but there is no exact construction"),
        (
            lambda: Problem(SQUARE, "n_x", lambda n_x: n_x.xx, [BoundaryEquation(lambda n_x: n_x.x, on="x")]),
            "'n_x' means the normal here; rename",
        ),
        (
            lambda: Problem(
                Interval(0, 1) * Time(0, 1), "u", lambda u: u.t, [BoundaryEquation(lambda u: u, on="t=0")]
            ),
            "on='t=0'\\): a normal needs a face in space; use Initial",
        ),
    ],
)
def test_one_sentence(build, message):
    with pytest.raises(ValueError, match=message) as error:
        build()
    assert "\n" not in str(error.value)


def test_symmetry_is_found_only_where_the_boundary_equation_has_it():
    """u_n + u = 1 on both ends of x is even; u_x + u = 1 is not."""
    equation, ends = (lambda u: u.xx + u.yy + 1), ("x=-1", "x=1")
    domain = Box((-1, 0), (1, 1))
    even = BoundaryEquation(lambda u, n_x: u.x * n_x + u - 1, on=ends)
    assert Problem(domain, "u", equation, [even, Dirichlet("u", 0.0, on="y")]).symmetries["x"].centre == (1,)
    skew = BoundaryEquation(lambda u: u.x + u - 1, on=ends)
    assert "x" not in Problem(domain, "u", equation, [skew, Dirichlet("u", 0.0, on="y")]).symmetries


def test_no_reflection_about_ends_that_carry_a_boundary_equation():
    conditions = [Dirichlet("u", 0.0), BoundaryEquation(lambda u, y: u.x - y, on="x")]
    with pytest.warns(UserWarning, match="on x=0, x=1 u has 2 conditions"):
        found = Problem(SQUARE, "u", lambda u, y: u.xx + u.yy + y, conditions).symmetries
    assert "x" not in found or found["x"].ends is None


@pytest.mark.parametrize(
    ("method", "steps"),
    [("tr", 60), ("tr-gauss-newton", 15), ("sapts-d", 30), ("sapts-p", 12), ("sapts-ip", 12)],
)
def test_every_method_takes_it(method, steps):
    """u = x^2 - y^2 from its fluxes; the constant is fixed at one point."""
    flux = BoundaryEquation(lambda u, x, y, n_x, n_y: u.x * n_x + u.y * n_y - 2 * (x * n_x - y * n_y))
    pin = Observations("u", {"x": 0.5, "y": 0.0}, 0.25)
    problem = Problem(SQUARE, "u", LAPLACE, [flux, pin], reference=lambda x, y: x**2 - y**2)
    assert "1 observation of u" in str(problem)
    solution = solve(
        problem, method=method, budget=f"{steps} iterations", network=(6, 6), points=64, condition_points=32
    )
    losses = [row["loss"] for row in solution.history]
    assert losses[-1] < losses[0]
    if method == "tr":
        assert solution.result["relative_l2_error"] < 0.2


def test_deepxde_takes_it():
    dde = pytest.importorskip("deepxde")
    from sapts_pinn.deepxde import to_deepxde

    flux = BoundaryEquation(lambda u, n_x, n_y: u.x * n_x - 3 * u.y * n_y, on=("x=1", "y=1"))
    wall = Dirichlet("u", lambda x, y: x + y, on=["x=0", "y=0"], hard=False)
    problem = Problem(SQUARE, "u", LAPLACE, [flux, wall])
    model = to_deepxde(problem, (5,), points=16, condition_points=12)
    condition = model.data.bcs[0]
    points = condition.collocation_points(None)
    x = torch.as_tensor(points).requires_grad_()
    dde.grad.clear()
    y = model.net(x)
    found = condition.error(points, x, y, 0, len(points))[:, 0]
    slope = torch.autograd.grad(y.sum(), x)[0]
    right = torch.isclose(x[:, 0], torch.ones(()).to(x))
    (unit,) = problem.terms[1].units
    expected = torch.where(right, slope[:, 0], -3 * slope[:, 1]) * 10**0.5 / unit
    torch.testing.assert_close(found, expected)
    dde.grad.clear()
