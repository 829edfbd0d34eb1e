"""Meshes: formats, splitting, sampling, normals, inside, distance, tags, broken input."""

import math
from pathlib import Path

import meshio
import numpy as np
import pytest
import pyvista
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from draws import rng
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Polygon, Time, bisection, example_mesh

L_VERTICES = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]


def around(mesh, n: int, seed: int = 0) -> torch.Tensor:
    lower, upper = mesh.bounds
    u = torch.rand(n, mesh.dim, generator=rng(seed), dtype=torch.float64)
    return lower + (upper - lower) * (1.6 * u - 0.3)


def gradient(mesh, points: torch.Tensor) -> torch.Tensor:
    x = points.clone().requires_grad_()
    (g,) = torch.autograd.grad(mesh.distance(x).sum(), x)
    return g


def lattice(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a regular grid of the unit cube, and their numbers by position."""
    axes = np.meshgrid(*(np.linspace(0, 1, n + 1) for n in counts), indexing="ij")
    number = np.arange(axes[0].size).reshape(axes[0].shape)
    return np.stack([a.reshape(-1) for a in axes], 1), number


def square(n: int = 4) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The unit square in triangles below and quads above, with its sides as lines."""
    points, k = lattice(n, n)
    corners = np.stack([k[:-1, :-1], k[1:, :-1], k[1:, 1:], k[:-1, 1:]], -1)
    low, high = corners[:, : n // 2].reshape(-1, 4), corners[:, n // 2 :].reshape(-1, 4)
    cells = {"triangle": np.concatenate([low[:, :3], low[:, [0, 2, 3]]]), "quad": high}
    run = lambda row: np.stack([row[:-1], row[1:]], 1)
    sides = {
        "bottom": run(k[:, 0]),
        "right": run(k[-1]),
        "rest": np.concatenate([run(k[:, -1]), run(k[0])]),
    }
    return points, cells, sides


def box_surface(lower, upper) -> pyvista.PolyData:
    bounds = [v for pair in zip(lower, upper, strict=True) for v in pair]
    return pyvista.Box(bounds, level=1).triangulate().clean()


def measures(mesh) -> dict[str, float]:
    return {p.tag: p.measure for p in mesh.face_patches()}


# -- formats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "format"),
    [
        (".msh", "gmsh22"),
        (".vtu", "vtu"),
        (".vtk", "vtk"),
        (".inp", "abaqus"),
        (".bdf", "nastran"),
    ],
)
def test_a_tagged_square_in_every_format(tmp_path, suffix, format):
    points, cells, sides = square()
    blocks = [*cells.items(), *(("line", lines) for lines in sides.values())]
    numbers = [np.full(len(c), i) for i, c in zip((9, 9, 1, 2, 3), (c for _, c in blocks), strict=True)]
    file = meshio.Mesh(np.pad(points, ((0, 0), (0, 1))), blocks)
    names = ("bottom", "right", "rest")
    if format == "gmsh22":
        file.cell_data = {"gmsh:physical": numbers, "gmsh:geometrical": numbers}
        file.field_data = {"bottom": np.array([1, 1]), "rest": np.array([3, 1])}
        names = ("bottom", "2", "rest")
    elif format == "abaqus":
        members = lambda i: [np.arange(len(n)) if n[0] == i else np.array([], int) for n in numbers]
        file.cell_sets = {name: members(i) for i, name in enumerate(names, 1)}
    else:
        file.cell_data = {"nastran:ref" if format == "nastran" else "tag": numbers}
        names = ("1", "2", "3")
    path = tmp_path / f"square{suffix}"
    meshio.write(path, file, file_format=format)
    mesh = Mesh(path)
    assert mesh.names == ("x", "y") and mesh.volume == pytest.approx(1, rel=1e-12)
    assert measures(mesh) == pytest.approx(dict(zip(names, (1.0, 1.0, 2.0), strict=True)))
    b = mesh.boundary(20, rng(), on=names[1])
    assert torch.allclose(b.normals, torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert (b.points[:, 0] == 1).all()


def test_groups_of_gmsh_4_without_a_name_go_by_their_number(tmp_path):
    text = example_mesh("l-shape").read_text()
    assert text.startswith("$MeshFormat\n4.1 ") and '\n1 2 "corner"\n' in text
    (tmp_path / "l.msh").write_text(
        text.replace('\n1 2 "corner"', "").replace("$PhysicalNames\n3", "$PhysicalNames\n2")
    )
    assert measures(Mesh(tmp_path / "l.msh")) == pytest.approx({"outer": 6, "2": 2})


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp"])
def test_a_closed_surface_in_every_format(tmp_path, suffix):
    path = tmp_path / f"box{suffix}"
    box_surface((0, 0, 0), (1, 2, 3)).save(path)
    mesh, box = Mesh(path, names=("a", "b", "c")), Box((0, 0, 0), (1, 2, 3))
    assert mesh.names == ("a", "b", "c") and mesh.cells is None
    assert mesh.volume == pytest.approx(6) and measures(mesh) == pytest.approx({"boundary": 22})
    x = around(mesh, 500)
    assert torch.allclose(mesh.distance(x), box.distance(x), atol=1e-12)
    assert mesh.inside(mesh.interior(300, rng(), "sobol")).all()


def test_grids_of_pyvista_and_cells_of_higher_order():
    image = pyvista.ImageData(dimensions=(3, 4, 5), spacing=(0.5, 1 / 3, 0.25))
    assert Mesh(image).volume == pytest.approx(1) and len(Mesh(image).cells) == 6 * 24
    plane = pyvista.ImageData(dimensions=(3, 4, 1))
    assert Mesh(plane, names=("x", "t")).volume == pytest.approx(6)
    corners = np.array([[0.0, 0], [2, 0], [0, 2], [1, 0], [1, 1], [0, 1]])
    file = meshio.Mesh(corners, [("triangle6", [[0, 1, 2, 3, 4, 5]]), ("line3", [[0, 1, 3]])])
    file.cell_sets = {"floor": [np.array([], int), np.array([0])]}
    mesh = Mesh(file)
    assert mesh.volume == 2 and mesh.points.tolist() == [[0, 0], [2, 0], [0, 2]]
    assert measures(mesh) == pytest.approx({"floor": 2, "boundary": 2 + math.sqrt(8)})


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


# -- cells ---------------------------------------------------------------------------------------------------


CUBE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
SIDES = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_cells_of_all_kinds_split_alike_on_both_sides(seed):
    """Hexahedra, wedges and pyramids, numbered and jolted at random, leave no boundary inside the box."""
    rand = np.random.default_rng(seed)
    points, k = lattice(3, 1, 2)
    hexes = np.stack([k[i : 3 + i, j : 1 + j, l : 2 + l].reshape(-1) for i, j, l in CUBE], 1)
    row = points[hexes].mean(1)[:, 0]
    hexa, wedged, pyramided = hexes[row < 0.3], hexes[abs(row - 0.5) < 0.1], hexes[row > 0.7]
    centres = len(points) + np.arange(len(pyramided))
    points = np.concatenate(
        [points, points[pyramided].mean(1) + 0.05 * rand.uniform(-1, 1, (len(centres), 3))]
    )
    cells = {
        "hexahedron": hexa,
        "wedge": np.concatenate([wedged[:, [0, 1, 2, 4, 5, 6]], wedged[:, [0, 2, 3, 4, 6, 7]]]),
        "pyramid": np.concatenate([np.column_stack([pyramided[:, side], centres]) for side in SIDES]),
    }
    new = rand.permutation(len(points))
    moved = np.empty_like(points)
    moved[new] = points @ np.diag([3, 1, 2])
    inlet = np.stack([k[0, 0, :-1], k[0, 1, :-1], k[0, 1, 1:], k[0, 0, 1:]], 1)
    mesh = Mesh.from_arrays(moved, {kind: new[c] for kind, c in cells.items()}, {"inlet": new[inlet]})
    assert mesh.volume == pytest.approx(6, rel=1e-12)
    assert measures(mesh) == pytest.approx({"inlet": 2, "boundary": 20}, rel=1e-12)
    box = Box((0, 0, 0), (3, 1, 2))
    x = around(mesh, 200, seed)
    assert torch.allclose(mesh.distance(x), box.distance(x), atol=1e-12)


def test_inverted_cells_are_turned_and_points_that_no_cell_uses_dropped():
    points = [[9.0, 9, 9], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    right, inverted = (Mesh.from_arrays(points, [c]) for c in ([1, 2, 3, 4], [2, 1, 3, 4]))
    for mesh in (right, inverted):
        assert mesh.volume == pytest.approx(1 / 6) and mesh.points.max() == 1
        b = mesh.boundary(40, rng())
        assert ((b.points - 0.25) * b.normals).sum(1).min() > 0, "outward"


# -- random meshes -------------------------------------------------------------------------------------------


def random_mesh(dim: int, seed: int) -> tuple[Mesh, Delaunay, np.ndarray]:
    """Some of the simplices of a Delaunay triangulation, turned at random."""
    rand = np.random.default_rng(seed)
    triangulation = Delaunay(rand.uniform(size=(12, dim)))
    cells = triangulation.simplices
    at = triangulation.points[cells]
    fat = np.abs(np.linalg.det(at[:, 1:] - at[:, :1])) > 1e-3
    kept = fat & (rand.uniform(size=len(cells)) < 0.6)
    kept[fat.argmax()] = True
    turned = np.take_along_axis(cells[kept], np.argsort(rand.uniform(size=(kept.sum(), dim + 1)), 1), 1)
    return Mesh.from_arrays(triangulation.points, turned), triangulation, kept


@given(dim=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_inside_is_what_the_cells_hold(dim, seed):
    mesh, triangulation, kept = random_mesh(dim, seed)
    x = around(mesh, 400, seed)
    cell = triangulation.find_simplex(x.numpy())
    inside = mesh.inside(x).numpy()
    near = mesh.distance(x).abs().numpy() < 1e-9
    assert (inside == ((cell >= 0) & kept[cell]))[~near].all()


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


@given(dim=st.sampled_from([2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_distance_of_random_meshes_against_all_facets(dim, seed):
    """The least distance over all facets, each by constrained least squares over dense samples."""
    mesh, *_ = random_mesh(dim, seed)
    x = around(mesh, 50, seed)
    u = torch.rand(3000, dim, generator=rng(seed), dtype=torch.float64).log()
    weights = (u / u.sum(1, keepdim=True)).numpy()
    weights = np.concatenate([weights, np.eye(dim)])
    dense = torch.from_numpy(np.einsum("wk,fkd->fwd", weights, mesh.points[mesh.facets]).reshape(-1, dim))
    least = torch.cdist(x, dense).amin(1)
    d = mesh.distance(x).abs()
    assert (d <= least + 1e-12).all() and (least - d).max() < 0.05


@given(dim=st.sampled_from([1, 2, 3]), seed=st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_points_are_uniform_by_measure(dim, seed):
    if dim == 1:
        ends = np.sort(np.random.default_rng(seed).uniform(size=8))
        mesh = Mesh.from_arrays(ends, [[0, 1], [2, 1], [3, 4], [5, 6], [6, 7]])
    else:
        mesh, *_ = random_mesh(dim, seed)
    at = mesh.points[mesh.cells]
    measure = np.abs(np.linalg.det(at[:, 1:] - at[:, :1]))
    share = measure / measure.sum()
    centre = (share[:, None] * at.mean(1)).sum(0)
    # mean of x^2 on a simplex of corners v, mean m: (sum v^2 + (dim + 1)^2 m^2) / ((dim + 1) (dim + 2))
    second = ((at**2).sum(1) + (dim + 1) ** 2 * at.mean(1) ** 2) / ((dim + 1) * (dim + 2))
    x = mesh.interior(8192, rng(seed), "sobol")
    assert np.allclose(x.mean(0), centre, atol=5e-3)
    assert np.allclose((x**2).mean(0), (share[:, None] * second).sum(0), atol=5e-3)
    assert mesh.inside(x).all()


def test_sobol_points_on_a_mesh_beat_random_ones():
    mesh = Mesh(example_mesh("plate-with-holes"))
    wave = lambda x: torch.sin(3 * x[:, 0] + 2 * x[:, 1]).mean()
    exact = wave(mesh.interior(1 << 17, rng(99), "sobol"))
    error = {
        sampler: sum((wave(mesh.interior(1024, rng(s), sampler)) - exact) ** 2 for s in range(8)) ** 0.5
        for sampler in ("uniform", "sobol")
    }
    assert error["sobol"] < error["uniform"] / 3


# -- distance ------------------------------------------------------------------------------------------------


def test_distance_and_its_derivatives_in_the_plane():
    points = np.array([*L_VERTICES, (0.5, -0.5), (-0.5, 0.5)], dtype=float)
    cells = [[0, 1, 6], [1, 2, 6], [2, 3, 6], [3, 0, 6], [0, 3, 7], [3, 4, 7], [4, 5, 7], [5, 0, 7]]
    mesh, polygon = Mesh.from_arrays(points, cells), Polygon(L_VERTICES)
    x = around(mesh, 2000)
    assert torch.allclose(mesh.distance(x), polygon.distance(x), atol=1e-14)
    assert torch.allclose(gradient(mesh, x), gradient(polygon, x), atol=1e-12)
    b = mesh.boundary(300, rng())
    assert torch.allclose(gradient(mesh, b.points), b.normals)
    assert mesh.distance(x.float()).dtype == torch.float32


def test_second_derivatives_of_the_distance_in_space():
    """The Laplacian of a distance d is 0 off a plane, 1/d off an edge, 2/d off a corner."""
    mesh = Mesh(box_surface((0, 0, 0), (1, 1, 1)))
    x = torch.tensor(
        [[0.4, 0.3, 1.5], [1.3, 0.3, 1.4], [1.3, -0.4, 1.2], [0.5, 0.4, 0.9]], dtype=torch.float64
    )
    distance = torch.tensor([0.5, 0.5, math.sqrt(0.09 + 0.16 + 0.04), -0.1], dtype=torch.float64)
    assert torch.allclose(mesh.distance(x), distance)
    for at, expected in zip(x, (0, 1 / distance[1], 2 / distance[2], 0), strict=True):
        hessian = torch.autograd.functional.hessian(lambda p: mesh.distance(p[None])[0], at)
        assert float(hessian.diagonal().sum()) == pytest.approx(float(expected), abs=1e-12)


def test_a_fine_sphere_is_nearly_a_ball():
    mesh, ball = Mesh(pyvista.Icosphere(radius=1, nsub=4)), Ball((0, 0, 0), 1)
    x = around(mesh, 3000)
    assert (mesh.distance(x) - ball.distance(x)).abs().max() < 4e-3
    assert mesh.volume == pytest.approx(4 / 3 * math.pi, rel=5e-3)
    b = mesh.boundary(500, rng())
    assert (b.normals - b.points).abs().max() < 0.05


# -- surfaces ------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_box_with_a_cavity_and_an_island_whatever_way_facets_point(seed):
    boxes = [
        ((0, 0, 0), (3, 3, 3)),
        ((1, 1, 1), (2, 2, 2)),
        ((1.4, 1.4, 1.4), (1.6, 1.6, 1.6)),
        ((4, 0, 0), (5, 1, 1)),
    ]
    rand = np.random.default_rng(seed)
    points, facets = [], []
    for corners in boxes:
        surface = box_surface(*corners)
        facets.append(surface.regular_faces + sum(map(len, points)))
        points.append(surface.points)
    facets = np.concatenate(facets)
    turned = rand.uniform(size=len(facets)) < 0.5
    facets[turned] = facets[turned][:, ::-1]
    mesh = Mesh.from_arrays(np.concatenate(points), rand.permutation(facets))
    assert mesh.volume == pytest.approx(27 - 1 + 0.008 + 1)
    hollow = ((Box(*boxes[0]) - Box(*boxes[1])) | Box(*boxes[2])) | Box(*boxes[3])
    x = around(mesh, 400, seed)
    assert torch.equal(mesh.inside(x), hollow.inside(x))


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


def test_of_several_groups_the_smallest_counts_and_node_sets_are_faces():
    points, cells, sides = square()
    everything = np.concatenate(list(sides.values()))
    mesh = Mesh.from_arrays(points, cells, {"all": everything, "left": sides["rest"][4:]})
    assert measures(mesh) == pytest.approx({"all": 3, "left": 1})
    inner = Mesh.from_arrays(points, cells, {"middle": [[12, 13], [13, 14]]})
    assert inner.faces == ("boundary",)
    file = meshio.Mesh(points, list(cells.items()), point_sets={"floor": np.flatnonzero(points[:, 1] == 0)})
    assert measures(Mesh(file)) == pytest.approx({"floor": 1, "boundary": 3})


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


def test_files_that_are_no_meshes(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file '.*none.msh'"):
        Mesh(tmp_path / "none.msh")
    for name, content, message in [
        ("a.docx", "x", "cannot read a mesh from 'a.docx': its extension is none of .vtu, "),
        ("a.msh", "", "the file 'a.msh' is empty"),
        ("b.msh", "nonsense", "cannot read a mesh from 'b.msh': "),
        ("b.vtu", "nonsense", "cannot read a mesh from 'b.vtu': "),
        ("b.stl", "nonsense", "b.stl"),
        ("b.bdf", "nonsense", "b.bdf"),
    ]:
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=message) as caught:
            Mesh(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(
        ValueError, match="a mesh is made from a file, or a mesh of pyvista or meshio, not from 3"
    ):
        Mesh(3)
    points, cells, _ = square()
    meshio.write(tmp_path / "c.vtu", meshio.Mesh(points, list(cells.items())))
    with pytest.raises(ValueError, match="there is no cell array 'side' among none"):
        Mesh(tmp_path / "c.vtu", tag_array="side")


def test_elements_outside_of_all_groups_of_gmsh(tmp_path):
    text = example_mesh("l-shape").read_text()
    lines = text.splitlines()
    start = lines.index("$Entities")
    corner = next(i for i in range(start + 2, len(lines)) if lines[i].split()[7:9] == ["1", "1"])
    words = lines[corner].split()
    lines[corner] = " ".join([*words[:7], "0", *words[9:]])
    (tmp_path / "l.msh").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        ValueError, match=r"some of its elements are in no physical group: save it with Mesh.Save"
    ):
        Mesh(tmp_path / "l.msh")


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


def test_a_one_sided_surface_has_no_inside():
    # The real projective plane with six corners.
    facets = [
        [0, 1, 2],
        [0, 2, 3],
        [0, 3, 4],
        [0, 4, 5],
        [0, 5, 1],
        [1, 2, 4],
        [2, 3, 5],
        [3, 4, 1],
        [4, 5, 2],
        [5, 1, 3],
    ]
    points = np.random.default_rng(0).uniform(size=(6, 3))
    with pytest.raises(ValueError, match="one-sided"):
        Mesh.from_arrays(points, facets)


def ring(n, radius=1.0):
    """A fan of triangles in a regular polygon of n sides."""
    angle = 2 * np.pi * np.arange(n) / n
    points = np.r_[[[0.0, 0.0]], radius * np.stack([np.cos(angle), np.sin(angle)], 1)]
    cells = [[0, 1 + i, 1 + (i + 1) % n] for i in range(n)]
    return Mesh.from_arrays(points, cells)


def test_facets_of_a_curved_surface_have_normals_that_turn():
    drawn = ring(20).boundary(500, torch.Generator().manual_seed(0))
    radial = drawn.points / drawn.points.norm(dim=1, keepdim=True)
    torch.testing.assert_close(drawn.normals.norm(dim=1), torch.ones(500, dtype=torch.float64))
    assert (drawn.normals - radial).norm(dim=1).max() < 2e-3  # a facet's own is off by 0.16 at its ends


def test_corners_that_are_meant_stay_corners():
    for n in (4, 8):  # which turn by 90 and 45 degrees
        drawn = ring(n).boundary(200, torch.Generator().manual_seed(0))
        sector = torch.floor(torch.atan2(drawn.points[:, 1], drawn.points[:, 0]) / (2 * np.pi / n))
        middle = (sector + 0.5) * 2 * np.pi / n
        torch.testing.assert_close(drawn.normals, torch.stack([middle.cos(), middle.sin()], 1))
