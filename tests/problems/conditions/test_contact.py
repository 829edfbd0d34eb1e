"""Contact of regions: continuity by construction or as a term, the flux, refusals; exact values."""

from pathlib import Path

import meshio
import numpy as np
import pytest
import torch
from torch import Generator

from elements import part, refined, solved
from sapts_pinn import Contact, Dirichlet, Initial, Neumann, Problem, div, grad, solve
from sapts_pinn.geometry import Box, Interval, Mesh, Polygon, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems.zoo import build

ROD = {"left": Interval(0, 0.3), "right": Interval(0.3, 1)}
K = {"k": {"left": 1.0, "right": 10.0}}


def rod(domain=None, flux=lambda u, k, x: k * u.x, equation=lambda u, k: k * u.xx + 1, conditions=(), **more):
    return Problem(
        domain or Interval(0, 1).with_regions(ROD),
        "u",
        equation,
        [Dirichlet("u", 0.0, on="x"), Contact(flux=flux), *conditions],
        materials=K,
        **more,
    )


def exact(x):
    """(k u')' = -1 by hand: k u' = c - x on both sides, with u continuous at 0.3."""
    c = (0.3**2 / 2 + (1 - 0.3**2) / 20) / (0.3 + 0.7 / 10)
    return torch.where(x < 0.3, c * x - x**2 / 2, (c * (x - 1) - (x**2 - 1) / 2) / 10)


def values(problem, sites):
    model = Model(problem, network_of(problem, (8,), Generator().manual_seed(1), torch.float64))
    return model(sites.points).detach()[:, 0].chunk(2)


def sites(problem):
    contact = next(c for c in problem.conditions if c.joins_regions)
    return contact.sites(problem.domain, 64, Generator().manual_seed(2), "uniform")


def test_at_planes_and_spheres_any_network_is_continuous():
    for problem in (rod(), build("composite-ring")):
        before, behind = values(problem, sites(problem))
        torch.testing.assert_close(before, behind, rtol=0, atol=1e-9)
    assert "kink at a contact" in str(rod()) and "k: 1 in left, 10 in right" in str(rod())


def test_elsewhere_each_region_has_a_function_of_its_own_and_continuity_is_a_term():
    inner = Polygon([(0.2, 0.2), (0.8, 0.2), (0.5, 0.8)])
    square = Box((0, 0), (1, 1))
    problem = Problem(
        square.with_regions({"left": square - inner, "right": inner}),
        "u",
        lambda u, k: k * (u.xx + u.yy) + 1,
        [Dirichlet("u", 0.0), Contact(flux=lambda u, k, n_x, n_y: k * (u.x * n_x + u.y * n_y))],
        materials=K,
    )
    before, behind = values(problem, sites(problem))
    assert (before - behind).abs().min() > 1e-6
    assert problem.condition_terms[1].rows == 2 and "region left; region right" in str(problem)


def test_an_unknown_that_may_jump_is_left_out():
    problem = Problem(
        Interval(0, 1).with_regions(ROD),
        ("u", "v"),
        lambda u, v, k: (k * u.xx + 1, v.xx + k),
        [Dirichlet("u", 0.0), Dirichlet("v", 0.0), Contact(lambda u, v, k: (k * u.x, v.x, v), unknown="u")],
        materials=K,
    )
    assert problem.condition_terms[2].rows == 4  # three fluxes and u


@pytest.mark.parametrize("equation", [lambda u, k: k * u.xx + 1, lambda u, k: div(k * grad(u)) + 1])
def test_a_rod_of_two_materials(equation):
    found = solve(
        rod(equation=equation, reference=exact),
        method="features",
        budget="20 iterations",
        points=200,
        network=(50,),
    )
    assert found.result["relative_l2_error"] < 1e-9
    sides = found.evaluate(lambda u, k: k * u.x, {"x": torch.tensor([0.3 - 1e-9, 0.3 + 1e-9])})
    assert sides[0] == pytest.approx(float(sides[1]), rel=1e-6)
    assert found.result["audit"]["passed"]


def test_regions_in_time():
    """u = t is a solution for any k."""
    problem = Problem(
        Interval(0, 1).with_regions(ROD) * Time(0, 1),
        "u",
        lambda u, k: u.t - k * u.xx - 1,
        [Dirichlet("u", lambda t: t, on="x"), Initial("u", 0.0), Contact(lambda u, k, n_x: k * u.x * n_x)],
        materials=K,
        reference=lambda t: t,
    )
    drawn = sites(problem)
    assert ((drawn.points[:, 0] - 0.3).abs() < 1e-9).all() and drawn.points[:, 1].std() > 0.2
    assert (drawn.normals[:, 1] == 0).all()
    assert solve(problem, budget="30 iterations", points=256).result["relative_l2_error"] < 2e-3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Contact(flux=1.0), r"^Contact: flux must be a function .*, not 1\.0$"),
        (
            lambda: rod(Interval(0, 1)),
            r"has no regions; take a mesh with two groups of cells at least, or div",
        ),
        (lambda: rod(flux=lambda x: x), r"the flux of the contact uses no unknown; name one \(u\)"),
        (lambda: solve(rod(), dtype="float32", budget="1 iteration"), r"too close for torch\.float32; leave"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("composite-wall", 1e-7), ("composite-ring", 1e-5)])
def test_composite_bodies(name, most):
    found = solve(build(name), budget="600 evaluations")
    assert found.result["relative_l2_error"] < most


@pytest.mark.slow
def test_a_part_of_three_materials_against_finite_elements(tmp_path: Path):
    points, cells, label = part()
    names = {"steel": np.array([1, 2]), "copper": np.array([2, 2]), "brass": np.array([3, 2])}
    file = tmp_path / "part.msh"
    numbers = [(label + 1).astype(np.int32)]
    space = np.column_stack([points, np.zeros(len(points))])
    meshio.Mesh(
        space,
        [("triangle", cells)],
        cell_data={"gmsh:physical": numbers, "gmsh:geometrical": numbers},
        field_data=names,
    ).write(file, file_format="gmsh22", binary=False)
    mesh = Mesh(file).retagged(cold=lambda x, y: x < 1e-9, hot=lambda x, y: x > 2 - 1e-9)
    problem = Problem(
        mesh,
        "T",
        lambda T, k: k * (T.xx + T.yy) + 5000,
        [
            Dirichlet("T", 0.0, on="cold"),
            Dirichlet("T", 100.0, on="hot"),
            Neumann("T", 0.0, on="boundary"),
            Contact(flux=lambda T, k, n_x, n_y: k * (T.x * n_x + T.y * n_y)),
        ],
        materials={"k": {"steel": 50.0, "copper": 400.0, "brass": 120.0}},
    )
    found = solve(problem, budget="400 evaluations").predict({"x": points[:, 0], "y": points[:, 1]})
    nodal = []
    fine = points, cells, label
    for _ in range(3):
        fine = refined(*fine)
        x, k = fine[0][:, 0], np.array([50.0, 400.0, 120.0])[fine[2]]
        fixed = dict.fromkeys(np.flatnonzero(x < 1e-9), 0.0) | dict.fromkeys(
            np.flatnonzero(x > 2 - 1e-9), 100.0
        )
        nodal.append(solved(*fine[:2], k, 5000.0, fixed)[: len(points)])
    assert np.linalg.norm(nodal[2] - nodal[1]) < 1e-4 * np.linalg.norm(nodal[2])
    assert np.linalg.norm(found - nodal[2]) < 1e-3 * np.linalg.norm(nodal[2])
