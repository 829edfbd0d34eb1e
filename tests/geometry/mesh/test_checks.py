"""What real mesh files have wrong: each fault is mended and said, or refused with how many and where."""

import math
import warnings

import meshio
import numpy as np
import pytest
import pyvista
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sapts_pinn import Dirichlet, Problem, solve
from sapts_pinn.bench.trust.meshes import cases, cube, disc, grid, joined, outcome
from sapts_pinn.geometry import Mesh, example_mesh

CASES = [case for case in cases() if not case.fault.startswith("gmsh")]


def boundary(mesh):
    return sum(patch.measure for patch in mesh.face_patches())


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


@given(
    shift=st.tuples(*[st.floats(-1.4, 1.4)] * 3),
    size=st.tuples(*[st.floats(0.2, 1.2)] * 3),
)
@settings(max_examples=40, deadline=None)
def test_two_boxes_are_refused_exactly_when_their_surfaces_cross(shift, size):
    low = np.array(shift)
    high = low + np.array(size)
    apart = (low > 1).any() or (high < 0).any()
    within = ((low > 0) & (high < 1)).all() or ((low < 0) & (high > 1)).all()
    bodies = joined(cube((0, 0, 0), (1, 1, 1)), cube(tuple(low), tuple(high)))
    if min(np.abs(low).min(), np.abs(low - 1).min(), np.abs(high).min(), np.abs(high - 1).min()) < 1e-3:
        return  # faces that nearly coincide are another fault
    if not apart and not within:
        with pytest.raises(ValueError, match="bodies overlap"):
            Mesh.from_arrays(*bodies)
        return
    volume = float(np.prod(size))
    expected = 1 + volume if apart else abs(1 - volume)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of thin gaps
        assert Mesh.from_arrays(*bodies).volume == pytest.approx(expected)


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


# -- curved cells --------------------------------------------------------------------------------------------


def test_a_disc_of_six_noded_triangles_keeps_its_groups():
    """The rim is a parabola over each chord: its area is two thirds of height times chord."""
    for n in (4, 12):
        points, cells = disc(n)
        rim = np.stack([cells[:, 1], cells[:, 2], cells[:, 4]], 1)
        file = meshio.Mesh(points, [("triangle6", cells), ("line3", rim)])
        none = np.array([], dtype=int)
        file.cell_sets = {"rim": [none, np.arange(n)], "left": [np.arange(n // 2), none]}
        mesh = Mesh(file)
        chord, height = 2 * math.sin(math.pi / n), 1 - math.cos(math.pi / n)
        area = n * (math.sin(2 * math.pi / n) / 2 + 2 / 3 * height * chord)
        assert mesh.volume == pytest.approx(area, rel=1e-4) and mesh.faces == ("rim",)
        at = mesh.points[mesh.cells]
        each = np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) / 2
        assert each[mesh.cell_groups["left"]].sum() == pytest.approx(area / 2, rel=1e-4)
        assert "cells are curved: followed to within 2e-05" in mesh.notes[0]


CUBE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
SIDES = [(0, 4, 7, 3), (1, 2, 6, 5), (0, 1, 5, 4), (3, 7, 6, 2), (0, 1, 2, 3), (4, 5, 6, 7), tuple(range(8))]
VTK = {20: 25, 27: 29, 15: 26, 13: 27, 10: 24}


def bulged(x):
    """A map of the unit cube that is quadratic in every coordinate: (x, y, z + x (1 - x) y (1 - y))."""
    return np.stack([x[:, 0], x[:, 1], x[:, 2] + x[:, 0] * (1 - x[:, 0]) * x[:, 1] * (1 - x[:, 1])], 1)


def grid_of(points, kind):
    cells = np.r_[len(points), np.arange(len(points))]
    return pyvista.UnstructuredGrid(cells, [VTK[kind]], points)


def nodes(edges, sides=()):
    corners = np.array(CUBE, dtype=float)
    return np.stack(
        [*corners, *(corners[list(e)].mean(0) for e in edges), *(corners[list(s)].mean(0) for s in sides)]
    )


def test_hexahedra_with_27_nodes():
    """Bottom and top bulge alike, so that the volume stays 1 and the area of each is an integral."""
    mesh = Mesh(grid_of(bulged(nodes(EDGES, SIDES)), 27))
    assert mesh.volume == pytest.approx(1, abs=2e-3)
    t = (np.arange(400) + 0.5) / 400
    x, y = np.meshgrid(t, t)
    slope = ((1 - 2 * x) * y * (1 - y)) ** 2 + (x * (1 - x) * (1 - 2 * y)) ** 2
    assert boundary(mesh) == pytest.approx(4 + 2 * np.sqrt(1 + slope).mean(), rel=5e-4)


@pytest.mark.parametrize("kind", [20, 15, 13, 10])
def test_cells_with_a_bent_edge(kind):
    """One cell on the corners of the cube; the middle of its first edge is moved out by h."""
    take = {20: range(8), 15: [0, 1, 2, 4, 5, 6], 13: [0, 1, 2, 3, 4], 10: [0, 1, 3, 4]}[kind]
    corners = np.array(CUBE, dtype=float)[list(take)]
    of = {
        20: EDGES,
        15: [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)],
        13: [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 4), (2, 4), (3, 4)],
        10: [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)],
    }[kind]
    h = 0.1
    points = np.concatenate([corners, [corners[list(e)].mean(0) for e in of]])
    points[len(corners), 1] -= h
    mesh = Mesh(grid_of(points, kind))
    # integrals of the shape function of that node, 4 l0 l1 (1 - z) and the like, over the face it moves
    straight = {20: 1, 15: 1 / 2, 13: 1 / 3, 10: 1 / 6}[kind]
    gained = {20: h * 2 / 3 / 2, 15: h * 2 / 3 / 2, 13: None, 10: h * 4 / 24}[kind]
    if gained is not None:
        assert mesh.volume == pytest.approx(straight + gained, rel=3e-3)
    assert mesh.bounds[0, 1] == pytest.approx(-h, abs=1e-9) and mesh.volume > straight


def test_cells_whose_order_cannot_be_followed_are_told():
    points = np.random.default_rng(0).uniform(size=(20, 3))
    points[:4] = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    with pytest.warns(UserWarning, match="1 cells of type tetra20 are read by their corners"):
        assert Mesh(meshio.Mesh(points, [("tetra20", [range(20)])])).volume == pytest.approx(1 / 6)
    points, cells = disc(6)
    with pytest.raises(
        ValueError, match="6 of the 6 cells of type triangle6 have nodes far from their edges"
    ):
        Mesh(
            meshio.Mesh(
                points * [1.0, 1.0] + (np.arange(len(points)) > 6)[:, None] * 5, [("triangle6", cells)]
            )
        )


# -- planes --------------------------------------------------------------------------------------------------


def test_a_mesh_in_any_plane():
    points, cells = grid(2, 3, (0, 0), (2, 3))
    x, y = points.T
    assert Mesh.from_arrays(np.stack([x, 0 * x + 5, y], 1), cells).names == ("x", "z")
    assert Mesh.from_arrays(np.stack([0 * x, x, y], 1), cells, names=("r", "z")).names == ("r", "z")
    tilted = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
    with pytest.warns(UserWarning, match="tilted plane: its coordinates are measured on it, x along"):
        mesh = Mesh.from_arrays(np.stack([x, y, 0 * x + 0.7], 1) @ tilted.T, cells)
    assert mesh.volume == pytest.approx(6) and boundary(mesh) == pytest.approx(10)
    assert np.allclose(mesh.axes @ mesh.axes.T, np.eye(2)) and np.abs(mesh.axes @ tilted[:, 2]).max() < 1e-12


# -- groups --------------------------------------------------------------------------------------------------


def test_groups_that_are_passed_over_or_shared_are_told():
    points, cells = grid(4, 4)
    sides = {"all": [[0, 5], [5, 10], [0, 1]], "left": [[0, 1]], "middle": [[10, 11], [11, 12]]}
    mesh = Mesh.from_arrays(points, cells, sides)
    assert set(mesh.faces) == {"all", "left", "boundary"}
    assert any("2 of the 2 facets of the group 'middle' lie inside" in note for note in mesh.notes)
    assert any("1 of the 3 facets of the group 'all' are also in the smaller 'left'" in n for n in mesh.notes)


def test_a_slit_whose_sides_coincide_is_told():
    points, cells = joined(grid(2, 2), grid(2, 2, (1, 0), (2, 1)))
    with pytest.warns(
        UserWarning, match="2 of the 2 facets of the group 'slit' are no boundary, .* a slit needs"
    ):
        Mesh.from_arrays(points, cells, {"slit": [[6, 7], [7, 8]]})


def test_a_tag_for_the_whole_boundary():
    points, cells = grid(2, 2)
    mesh = Mesh.from_arrays(points, cells, {"low": [[0, 3], [3, 6]]}, tag="plate")
    assert mesh.face_tags("plate") == mesh.faces == ("low", "boundary")
    other = mesh.retagged(top=lambda x, y: y > 0.99)
    assert set(other.face_tags("plate")) == {"low", "boundary", "top"}
    with pytest.raises(ValueError, match="no face of this domain is flat and perpendicular to x"):
        mesh.face_tags("x")
    assert torch.equal(mesh.bounds, torch.tensor([[0.0, 0], [1, 1]], dtype=torch.float64))
