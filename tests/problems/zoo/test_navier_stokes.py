"""Steady flows: Kovasznay's solution, the cavity and the cylinder."""

import numpy as np
import pytest
import torch

from known_solutions import check_exact
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import residuals
from sapts_pinn.problems import build

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


def test_the_solution_of_kovasznay():
    a = 20 - (400 + 4 * torch.pi**2) ** 0.5
    functions = {
        "u": lambda p: 1 - torch.exp(a * p[:, 0]) * torch.cos(2 * torch.pi * p[:, 1]),
        "v": lambda p: a / (2 * torch.pi) * torch.exp(a * p[:, 0]) * torch.sin(2 * torch.pi * p[:, 1]),
        "p": lambda p: (1 - torch.exp(2 * a * p[:, 0])) / 2,
    }
    check_exact(build("kovasznay"), functions)
