"""Coefficients that jump: the sides of an interface, the kink in the ansatz, the flux across."""

import pytest
import torch
from torch import Generator

from sapts_pinn import Dirichlet, Interface, Neumann, Periodic, Problem, solve
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems.zoo import build

LEFT, RIGHT, BREAK = 1.0, 10.0, 0.3


def k(x):
    return torch.where(x < BREAK, LEFT, RIGHT)


def flux(u, x):
    return k(x) * u.x


def rod(*conditions, interface=True, domain=None, **more):
    """(k u')' = -1: by hand, k u' = c - x on both sides, with u continuous at the break."""
    kinks = [Interface(at=lambda x: x - BREAK, flux=flux)] if interface else []
    domain = domain or Interval(0, 1)
    return Problem(domain, "u", lambda u, x: k(x) * u.xx + 1, [*conditions, *kinks], **more)


def square(*levels):
    """A square inclusion."""

    def k(x, y):
        return torch.where(torch.maximum(x.abs(), y.abs()) < 0.5, 10.0, 1.0)

    def flux(u, x, y, n_x, n_y):
        return k(x, y) * (u.x * n_x + u.y * n_y)

    return Problem(
        Box((-1, -1), (1, 1)),
        "u",
        lambda u, x, y: k(x, y) * (u.xx + u.yy) + 1,
        [Dirichlet("u", 0.0), *(Interface(level, flux) for level in levels)],
    )


def exact(x):
    c = (BREAK**2 / (2 * LEFT) + (1 - BREAK**2) / (2 * RIGHT)) / (BREAK / LEFT + (1 - BREAK) / RIGHT)
    right = (c * (x - 1) - (x**2 - 1) / 2) / RIGHT
    return torch.where(x < BREAK, (c * x - x**2 / 2) / LEFT, right)


def test_a_rod_of_two_materials():
    settings = {"network": (20, 20), "points": 512, "budget": "500 iterations"}
    found = solve(rod(Dirichlet("u", 0.0), reference=exact), **settings)
    assert found.result["relative_l2_error"] < 1e-3
    sides = found.derivative({"x": torch.tensor([BREAK - 1e-6, BREAK + 1e-6])}, "x")
    assert LEFT * sides[0] == pytest.approx(RIGHT * float(sides[1]), rel=1e-3)
    smooth = solve(rod(Dirichlet("u", 0.0), reference=exact, interface=False), **settings)
    assert smooth.result["relative_l2_error"] > 0.1  # which is what the interface is there for


def test_a_circle_in_a_square():
    """The sides are so near that their distance does not show in the solution."""
    found = solve(build("poisson-interface"), method="features", network=(200,), budget="100 iterations")
    assert found.result["relative_l2_error"] < 1e-9


def test_sites_are_pairs_on_both_sides_of_the_surface():
    domain = Box((-1, -1), (1, 1)) * Time(0, 1)
    moving = Interface(at=lambda x, y, t: x**2 + y**2 - (0.3 + 0.4 * t) ** 2, flux=lambda u: u.x)
    sites = moving.sites(domain, 200, Generator().manual_seed(0), "sobol")
    assert sites.fold == 2 and sites.points.shape == (200, 3)
    level = moving.level(domain)(sites.points)
    assert (level[:100] < 0).all() and (level[100:] > 0).all()
    before, behind = sites.points.chunk(2)
    assert (behind - before).norm(dim=1).max() < 1e-6
    middle = (before + behind) / 2
    radial = torch.cat([middle[:, :2] / middle[:, :2].norm(dim=1, keepdim=True), 0 * middle[:, :1]], 1)
    torch.testing.assert_close(sites.normals[:100], radial, atol=1e-6, rtol=0)
    assert middle[:, 2].std() > 0.2 and middle[:, 0].std() > 0.2


def test_the_solution_is_continuous_and_its_gradient_jumps():
    problem = rod(Dirichlet("u", 0.0))
    model = Model(problem, network_of(problem, (8,), Generator().manual_seed(1), torch.float64))
    h = 1e-4
    with torch.no_grad():
        u = model(BREAK + h * torch.arange(-2.0, 3.0, dtype=torch.float64)[:, None])[:, 0]
        step = model(BREAK + 1e-12 * torch.tensor([[-1.0], [1.0]], dtype=torch.float64))[:, 0]
    assert abs(float(step[1] - step[0])) < 1e-11
    assert abs(float((u[3] - u[2]) - (u[2] - u[1]))) > 1e-2 * h  # a kink: of the order of h
    assert abs(float((u[4] - u[3]) - (u[3] - u[2]))) < 1e-3 * h  # none: of the order of its square


@pytest.mark.parametrize(
    ("at", "even"),
    [
        (lambda x, y: (x - 0.5) ** 2 + y - 0.6, True),
        (lambda x, y: x + y - 1, False),
        (lambda x, y: (x - 0.5) * (1 + x), False),  # the surface is symmetric, what bends the network is not
    ],
)
def test_symmetries_are_those_of_the_kink_too(at, even):
    problem = Problem(
        Box((0, 0), (1, 1)),
        "u",
        lambda u: u.xx + u.yy + 1,
        [
            Neumann("u", 0.0, "y"),
            Dirichlet("u", 0.0, "x"),
            Interface(at, lambda u, n_x, n_y: u.x * n_x + u.y * n_y),
        ],
    )
    found = problem.symmetries.get("x")
    assert (found is not None and found.centre == (1,)) == even
    assert found is None or found.ends is None  # the network is not even about the ends where it is bent


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Interface(0.5, flux), "at must be a function such as"),
        (lambda: Interface(lambda x: x, 2.0), "flux must be a function such as"),
        (lambda: Interface(lambda x: x - 0.5, flux, weight=-1), "weight must be a positive number"),
        (lambda: rod(Interface(lambda z: z, flux)), "at= asks for 'z', which is none of the coordinates x"),
        (lambda: rod(Interface(lambda x: x + 7, flux)), "vanishes nowhere inside"),
        (lambda: rod(Interface(lambda x: x - 0.5, lambda x: x)), "uses no unknown"),
        (lambda: rod(Interface(lambda x: x - 0.5, lambda v: v.x)), r"uses no unknown; name one \(u\)"),
        (lambda: rod(Interface(lambda x: x - 0.5, lambda u: u.z)), "z"),
        (lambda: rod(Interface(lambda x: x - 0.5, flux, hard=True)), "no exact construction"),
        (lambda: rod(Periodic("x")), "at= is not periodic in x"),
        (
            lambda: square(lambda x, y: torch.maximum(x.abs(), y.abs()) - 0.5),
            "at= has a kink of its own near x=",
        ),
    ],
)
def test_mistakes_are_sentences(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_it_is_described():
    text = str(rod(Dirichlet("u", 0.0)))
    assert "flux across the interface: weighted term" in text and "kink at the interface" in text


def test_a_surface_with_edges_is_several_interfaces():
    problem = square(lambda x, y: x**2 - 0.25, lambda x, y: y**2 - 0.25)
    assert [name for name in problem.ansatz.feature_names if "kink" in name] == ["kink at the interface"] * 2
    assert problem.symmetries["x"].centre == problem.symmetries["y"].centre == (1,)
    assert not square(lambda x, y: torch.sqrt(x**2 + y**2 + 1e-2) - 0.5).ansatz.contradictions
