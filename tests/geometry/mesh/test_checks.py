"""What real mesh files have wrong: each fault is mended and said, or refused with how many and where."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_meshes import boundary
from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.bench.trust.meshes import cases, cube, grid, joined, outcome
from sapts_pinn.geometry import Mesh, example_mesh

CASES = [case for case in cases() if not case.fault.startswith("gmsh")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault} {case.suffix}")
def test_faulty_files(case, tmp_path):
    row = outcome(case, tmp_path)
    assert row.right, row.outcome


@pytest.mark.parametrize(
    ("points", "cells", "message"),
    [
        (*joined(grid(2, 2), grid(4, 4, (1, 0), (2, 1))),
         r"6 of its 24 boundary edges lie against one another inside .* at \(1, .*: nodes hang"),
        (*joined(grid(4, 4), grid(3, 3, (0.5, 0), (1.5, 1))),
         r"10 of its 28 boundary edges run .* at \(0.625, 0"),
        (*joined(cube((0, 0, 0), (1, 1, 1)), cube((0.9, 0.25, 0.25), (1.9, 0.75, 0.75))),
         r"\d+ of its 24 boundary facets run through others, the first at .*: bodies overlap"),
        (*joined(grid(3, 3), grid(1, 1, (0.4, 0.4), (0.6, 0.6))),
         "cells overlap: a part of the mesh lies within"),
        (np.array([0.0, 1, 0.5, 1.5]), [[0, 1], [2, 3]], r"1 of its cells overlap others, at \(0.5\)"),
        ([[0.0, 0], [1, 0], [2, 0], [0, 1]], [[0, 1, 2], [0, 1, 3]],
         r"1 of the 2 cells .* no area, at \(1, 0\)"),
        ([[0, 0, 0], [1, 0, 0], [1, 1, 0.3], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]],
         r"surface is open: 4 edges .* at .* \(equations on curved surfaces themselves are not supported\)"),
    ],
)  # fmt: skip
def test_refusals_say_how_many_and_where(points, cells, message):
    with pytest.raises(ValueError, match=message) as caught:
        Mesh.from_arrays(points, cells)
    assert "\n" not in str(caught.value)


def test_what_was_mended_is_told_with_the_problem():
    mesh = Mesh.from_arrays(*joined(grid(4, 4), grid(4, 4, (1, 0), (2, 1))))
    assert mesh.notes == ("'arrays': 5 points coincide with others and are merged with them",)
    problem = Problem(mesh, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)])
    assert "note        'arrays': 5 points coincide" in str(problem)
    assert Mesh(example_mesh("plate-with-holes")).notes == ()


def test_the_solution_on_two_squares_with_a_doubled_seam():
    """u(1, 1/2) of -lap u = 1 on [0, 2] x [0, 1] by its sine series: 0.1139; 0.0737 were the seam held."""
    mesh = Mesh.from_arrays(*joined(grid(4, 4), grid(4, 4, (1, 0), (2, 1))))
    odd = np.arange(1, 60, 2)
    a, b = np.meshgrid(odd, odd)
    terms = np.sin(a * np.pi / 2) * np.sin(b * np.pi / 2) / (a * b * ((a / 2) ** 2 + b**2))
    exact = 16 / np.pi**4 * terms.sum()
    assert exact == pytest.approx(0.1139, abs=1e-4)
    problem = Problem(mesh, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)])
    found = solve(problem, budget="60 iterations", network=(16, 16), points=256, seed=0)
    assert float(np.squeeze(found.predict({"x": [1.0], "y": [0.5]}))) == pytest.approx(exact, rel=0.1)


@given(seed=st.integers(0, 10**6), cut=st.floats(0.15, 0.85))
@settings(max_examples=15, deadline=None)
def test_seams_of_any_noise_are_closed_or_told(seed, cut):
    """Nodes of two parts moved apart by nothing to 1e-3: never a boundary in silence."""
    rand = np.random.default_rng(seed)
    points, cells = joined(grid(3, 4, (0, 0), (cut, 1)), grid(3, 4, (cut, 0), (1, 1)))
    points = (
        points
        + 10.0 ** rand.uniform(-16, -3.5)
        * rand.uniform(0, 1, points.shape)
        * (np.arange(len(points)) >= 20)[:, None]
    )
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            mesh = Mesh.from_arrays(points, cells)
        except ValueError:
            return
    assert said or boundary(mesh) == pytest.approx(4, abs=1e-4)
