"""The steady problems in two dimensions: exact solutions solve them, references stand up to others."""

import numpy as np
import pytest
import torch

from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import residuals
from sapts_pinn.problems import build
from sapts_pinn.problems.fields import Field, derivatives
from sapts_pinn.problems.zoo import holes, kirsch


def functions_of(name):
    """The exact solutions, written again with torch."""
    if name == "kirsch":
        return {
            k: lambda p, i=i: kirsch.displacements(p[:, 0], p[:, 1], torch)[i] for i, k in enumerate("uv")
        }
    a = 20 - (400 + 4 * torch.pi**2) ** 0.5
    return {
        "u": lambda p: 1 - torch.exp(a * p[:, 0]) * torch.cos(2 * torch.pi * p[:, 1]),
        "v": lambda p: a / (2 * torch.pi) * torch.exp(a * p[:, 0]) * torch.sin(2 * torch.pi * p[:, 1]),
        "p": lambda p: (1 - torch.exp(2 * a * p[:, 0])) / 2,
    }


def fields_of(problem, functions, points):
    return {
        name: Field(name, problem.domain.names, lambda index, f=f: derivatives(f, points, [index])[0])
        for name, f in functions.items()
    }


@pytest.mark.parametrize("name", ["kirsch", "kovasznay"])
def test_exact_solutions(name):
    """Equation and every condition hold to rounding, and the reference is the same function."""
    problem, functions = build(name), functions_of(name)
    points = problem.domain.interior(300, torch.Generator().manual_seed(0))
    for row in problem.evaluate(fields_of(problem, functions, points), points, {}):
        assert row.abs().max() < 1e-10
    for condition in problem.conditions:
        sites = condition.sites(problem.domain, 100, torch.Generator().manual_seed(1), "uniform")
        fields = fields_of(problem, functions, sites.points)
        for row in condition.residual(fields, sites, problem.domain, {}):
            assert row.abs().max() < 1e-12
    values = problem.reference.evaluate({"x": points[:, 0].numpy(), "y": points[:, 1].numpy()})
    for unknown, f in functions.items():
        np.testing.assert_allclose(values[unknown], f(points), atol=1e-12)


def test_kirsch_trebles_the_stress():
    top = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    u, v = fields_of(build("kirsch"), functions_of("kirsch"), top).values()
    s_xx, s_yy, _ = kirsch.stress(u, v)
    torch.testing.assert_close(s_xx[0], torch.tensor(3.0, dtype=torch.float64))
    torch.testing.assert_close(s_yy[1], torch.tensor(-1.0, dtype=torch.float64))


@pytest.mark.parametrize("name", ["poisson-holes", "poisson-boltzmann"])
def test_fits_to_the_boundary(name):
    """By the maximum principle the error is at most that on the boundary, if the equation holds inside."""
    problem = build(name)
    half, circles = (0.5, holes.EQUAL) if name == "poisson-holes" else (1.0, holes.DIFFERENT)
    x, y, on_hole = holes.boundary(half, circles, 733)  # not the points of the fit
    inner, outer = (0.0, 1.0) if name == "poisson-holes" else (1.0, 0.2)
    values = problem.reference.evaluate({"x": x, "y": y})["u"]
    assert abs(values - np.where(on_hole, inner, outer)).max() <= problem.reference.accuracy

    points = problem.domain.interior(200, torch.Generator().manual_seed(0))
    points = points[problem.domain.distance(points) < -0.04]
    assert len(points) > 50

    def channels(index):  # central differences of order four
        h = 5e-3
        shift = torch.zeros(2, dtype=torch.float64)
        if index:
            shift[index[0]] = h
        at = lambda q: torch.as_tensor(
            problem.reference.evaluate({"x": q[:, 0].numpy(), "y": q[:, 1].numpy()})["u"]
        )
        if not index:
            return at(points)
        weights = (-1, 16, -30, 16, -1)
        return sum(w * at(points + k * shift) for k, w in zip(range(-2, 3), weights, strict=True)) / (
            12 * h**2
        )

    (row,) = problem.evaluate({"u": Field("u", ("x", "y"), channels)}, points, {})
    size = max(1.0, float(channels((1, 1)).abs().max()))
    assert row.abs().max() < 2e-4 * size


GHIA = {  # Ghia, Ghia and Shin 1982, tables I and II, Re = 100
    "u": [
        (0.0547, -0.03717), (0.0625, -0.04192), (0.0703, -0.04775), (0.1016, -0.06434), (0.1719, -0.10150),
        (0.2813, -0.15662), (0.4531, -0.21090), (0.5, -0.20581), (0.6172, -0.13641), (0.7344, 0.00332),
        (0.8516, 0.23151), (0.9531, 0.68717), (0.9609, 0.73722), (0.9688, 0.78871), (0.9766, 0.84123),
    ],
    "v": [
        (0.0625, 0.09233), (0.0703, 0.10091), (0.0781, 0.10890), (0.0938, 0.12317), (0.1563, 0.16077),
        (0.2266, 0.17507), (0.2344, 0.17527), (0.5, 0.05454), (0.8047, -0.24533), (0.8594, -0.22445),
        (0.9063, -0.16914), (0.9453, -0.10313), (0.9531, -0.08864), (0.9609, -0.07391), (0.9688, -0.05906),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("unknown", "tolerance"), [("u", 6e-3), ("v", 1e-2)])
def test_cavity_agrees_with_ghia(unknown, tolerance):
    """As well as their tables are known to be: their smallest v is -0.24533, the spectral one -0.25380."""
    at, values = np.array(GHIA[unknown]).T
    half = np.full_like(at, 0.5)
    points = {"x": half, "y": at} if unknown == "u" else {"x": at, "y": half}
    found = build("cavity").reference.evaluate(points)[unknown]
    assert abs(found - values).max() < tolerance


def test_cavity_agrees_with_spectral_values():
    """Extrema on the middle lines, by spectral methods and very fine grids: -0.21404, 0.17957, -0.25380."""
    s = np.linspace(0, 1, 2001)
    reference = build("cavity").reference
    u = reference.evaluate({"x": 0.5 + 0 * s, "y": s})["u"]
    v = reference.evaluate({"x": s, "y": 0.5 + 0 * s})["v"]
    np.testing.assert_allclose([u.min(), v.max(), v.min()], [-0.21404, 0.17957, -0.25380], atol=2e-5)
    assert set(reference.evaluate({"x": s, "y": s})) == {"u", "v"}  # no pressure


def test_cylinder_is_built_exactly():
    """Walls, inlet and cylinder hold by construction, only the open end is a term."""
    problem = build("cylinder")
    assert [term.name for term in problem.terms] == ["equation", "boundary equation on x=22"]
    assert problem.quantities["drag"].value == 5.57953523384


def test_residuals_of_the_cavity_are_finite_up_to_its_walls():
    """Rounding of the known part at the ends of the lid must not show elsewhere on the walls."""
    problem = build("cavity")
    network = network_of(problem, (8, 8), torch.Generator().manual_seed(0), torch.float64)
    gap = 10.0 ** -torch.arange(3, 9, dtype=torch.float64)
    for y in (0.3, 0.63, 0.9):
        for x in (gap, 1 - gap):
            rows = residuals(Model(problem, network), torch.stack([x, torch.full_like(x, y)], 1))
            assert (rows - rows[:, :1]).abs().max() < 0.2
