"""Meshes: formats, splitting, sampling, normals, inside, distance, tags, broken input."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from draws import rng
from probes import around
from sample_domains import L_VERTICES
from sample_meshes import box_surface, measures, random_mesh
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Ball, Interval, Mesh, Polygon, Time, bisection, example_mesh

# -- formats -------------------------------------------------------------------------------------------------


def test_the_example_meshes_are_what_they_say():
    plate = Mesh(example_mesh("plate-with-holes"))
    assert measures(plate) == pytest.approx(
        {"outer": 6, "holes": 2 * math.pi * 0.25, "slot": 0.8 + 2 * math.pi * 0.12}, rel=0.02
    )
    slot = 0.4 * 0.24 + math.pi * 0.12**2
    assert plate.volume == pytest.approx(2 - math.pi * (0.15**2 + 0.1**2) - slot, rel=3e-3)
    ell = Mesh(example_mesh("l-shape"))
    assert ell.volume == pytest.approx(3, rel=1e-14) and measures(ell) == pytest.approx(
        {"outer": 6, "corner": 2}
    )
    pipe = Mesh(example_mesh("cylinder"))
    assert pipe.volume == pytest.approx(math.pi / 2, rel=0.03)
    assert set(pipe.faces) == {"inlet", "outlet", "wall"}
    b = pipe.boundary(50, rng(), on=["inlet", "outlet"])
    sign = torch.tensor([-1.0, 1.0], dtype=torch.float64)[b.index]
    assert torch.allclose(b.normals[:, 0], sign) and torch.allclose(b.points[:, 0], 1 + sign)
    wing = Mesh(example_mesh("airfoil"))
    assert measures(wing) == pytest.approx({"inlet": 2, "outlet": 2, "walls": 8, "profile": 2.04}, rel=1e-2)
    assert wing.volume == pytest.approx(8 - 0.12 * 0.6851, rel=1e-3)  # thickness times its known area
    with pytest.raises(ValueError, match="no example mesh 'plate'; choose one of airfoil, cylinder"):
        example_mesh("plate")


# -- random meshes -------------------------------------------------------------------------------------------


@given(dim=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_boundary_of_random_meshes(dim, seed):
    mesh, *_ = random_mesh(dim, seed)
    at = mesh.points[mesh.facets]
    flux = (mesh.normals * at.mean(1) * mesh._facet_measure[:, None]).sum() / dim
    assert flux == pytest.approx(mesh.volume, rel=1e-10), "the divergence theorem"
    b = mesh.boundary(200, rng(seed), sampler="sobol")
    assert mesh.distance(b.points).abs().max() < 1e-12
    assert torch.allclose(torch.linalg.vector_norm(b.normals, dim=1), torch.ones(200, dtype=torch.float64))
    step = 1e-7 * b.normals  # thin places aside
    assert mesh.inside(b.points - step).double().mean() > 0.99
    assert mesh.inside(b.points + step).double().mean() < 0.01


# -- surfaces ------------------------------------------------------------------------------------------------


def test_a_closed_curve_holds_a_domain_of_the_plane():
    ring = [[i, (i + 1) % 6] for i in range(6)]
    mesh, polygon = Mesh.from_arrays(L_VERTICES, ring), Polygon(L_VERTICES)
    x = around(mesh, 500)
    assert mesh.volume == pytest.approx(3) and torch.allclose(mesh.distance(x), polygon.distance(x))


def test_faces_of_a_surface_come_from_an_array_or_from_functions():
    surface = box_surface((0, 0, 0), (1, 1, 1))
    top = surface.cell_centers().points[:, 2] > 0.999
    surface.cell_data["part"] = np.where(top, 7, 1)
    mesh = Mesh(surface, tag_array="part")
    assert measures(mesh) == pytest.approx({"1": 5, "7": 1})
    other = mesh.retagged(floor=lambda x, y, z: z < 1e-9, sides=lambda x, y, z: z < 0.999)
    assert measures(other) == pytest.approx({"7": 1, "floor": 1, "sides": 4})
    assert measures(mesh) == pytest.approx({"1": 5, "7": 1})
    with pytest.raises(ValueError, match=r"no facet of Mesh.* is left for the face 'roof'"):
        mesh.retagged(roof=lambda x, y, z: z > 2)


# -- faces ---------------------------------------------------------------------------------------------------


def test_a_line_of_two_pieces():
    mesh = Mesh.from_arrays([0.0, 1, 3, 2], [[0, 1], [2, 3]], {"left": [0]}, names=("s",))
    assert mesh.volume == 2 and mesh.faces == ("left", "boundary") and mesh.names == ("s",)
    b = mesh.boundary(40, rng(), on="boundary")
    ends = sorted({(float(p), float(n)) for p, n in zip(b.points, b.normals, strict=True)})
    assert ends == [(1.0, 1.0), (2.0, -1.0), (3.0, 1.0)]
    x = torch.linspace(-1, 4, 51, dtype=torch.float64)[:, None]
    union = Interval(0, 1, "s") | Interval(2, 3, "s")
    assert torch.allclose(mesh.distance(x), union.distance(x))


# -- with the rest of the library ----------------------------------------------------------------------------


def test_a_mesh_in_time_and_in_parts():
    mesh = Mesh(example_mesh("l-shape"))
    domain = mesh * Time(0, 2)
    assert domain.names == ("x", "y", "t") and domain.volume == pytest.approx(6)
    assert domain.faces == ("outer", "corner", "t=0", "t=2") and domain.face_tags() == ("outer", "corner")
    x = domain.interior(500, rng(), "sobol")
    assert domain.inside(x).all() and x[:, 2].max() > 1.9
    b = domain.boundary(50, rng(), on="corner")
    assert (b.normals[:, 2] == 0).all() and (b.points[:, :2].abs().amin(1) < 1e-12).all()
    assert sorted(len(part) for part in bisection(x, 4)) == [125] * 4
    hole = mesh - Ball((-0.5, -0.5), 0.2)
    assert hole.inside(hole.interior(200, rng())).all() and hole.faces == ("outer", "corner", "sphere")


def test_a_problem_on_a_mesh_has_weighted_terms():
    mesh = Mesh(example_mesh("plate-with-holes"))
    conditions = [Dirichlet("u", 0.0, on="outer"), Dirichlet("u", 1.0, on=["holes", "slot"])]
    problem = Problem(mesh, "u", lambda u: u.xx + u.yy, conditions)
    assert [term.weight for term in problem.terms] == [1.0, 10.0, 10.0]
    assert "weighted term" in str(problem) and str(Path(example_mesh("l-shape")).parent) not in str(problem)
    with pytest.raises(ValueError, match="no face 'inlet': the faces of this domain are holes, slot, outer"):
        Problem(mesh, "u", lambda u: u.xx + u.yy, [Dirichlet("u", 0.0, on="inlet")])


# -- broken input --------------------------------------------------------------------------------------------

TRIANGLE = [[0.0, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("points", "cells", "message"),
    [
        ([[0.0, 0], [1, 0], [2, 0], [0, 1]], [[0, 1, 2], [0, 1, 3]], "1 of the 2 cells of .* have no area"),
        ([[0.0, 0], [1, 0], [0, math.nan]], [[0, 1, 2]], "some points of 'arrays' are not finite"),
        (TRIANGLE, [[0, 1, 5]], "refer to points 0 to 5 of 3"),
        (TRIANGLE, np.zeros((0, 3), int), "holds no cells"),
        (TRIANGLE, [0, 1, 2], r"cells must be an array of simplices .* got shape \[3\]"),
        (TRIANGLE, {"quad": [[0, 1, 2]]}, r"cells 'quad' of shape \[1, 3\] are none of vertex"),
        ([[0.0, 0], [1, 0], [0, 1], [1, 1], [2, 2]], [[0, 1, 2], [0, 1, 3], [0, 1, 4]], "1 of its cells"),
        ([[0.0, 0], [1, 0], [0, 1], [0.1, 0.9]], [[0, 1, 2], [0, 1, 3]], "1 of its cells overlap"),
        ([[0.0, 0, 0], [1, 0, 0], [1, 1, 1]], [[0, 1], [1, 2]], "holds lines in space"),
        (np.eye(4)[:, :3], [[0, 1, 2], [0, 1, 3], [1, 2, 3]], "surface is open: 3 edges"),
    ],
)  # fmt: skip
def test_broken_cells(points, cells, message):
    with pytest.raises(ValueError, match=message):
        Mesh.from_arrays(points, cells)


def test_names_of_another_length_and_a_tag_that_is_a_coordinate():
    with pytest.raises(ValueError, match=r"'cylinder.msh' has 3 dimensions, but 2 are named, \('x', 'y'\)"):
        Mesh(example_mesh("cylinder"), names=("x", "y"))
    with pytest.raises(ValueError, match="tag must not be empty or the name of a coordinate; got 'x'"):
        Mesh.from_arrays(TRIANGLE, [[0, 1, 2]], {"x": [[0, 1]]})
