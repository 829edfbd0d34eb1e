"""Pictures that show something, files that others read, and the report."""

import base64
import json
import math
import re
from html.parser import HTMLParser

import meshio
import numpy as np
import pytest
import pyvista
import torch
from matplotlib.image import imread
from PIL import Image

from sapts_pinn import Dirichlet, Initial, Neumann, Problem, solve, viz
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Polygon, Time, example_mesh
from sapts_pinn.results.report import write_report
from sapts_pinn.results.solution import Solution
from sapts_pinn.viz import figures, grids, meshes, space, tiles, volumes
from sapts_pinn.viz import vectors as flow
from sapts_pinn.viz.fields import evaluate

SMALL = {"budget": "2 iterations", "network": (4,), "points": 64, "condition_points": 16}


def line() -> Problem:
    return Problem(
        Interval(0, 1),
        "u",
        lambda u: u.xx + 1,
        [Dirichlet("u", 0.0)],
        reference=lambda x: x * (1 - x) / 2,
        name="line",
    )


def waves() -> Problem:
    return Problem(
        Interval(-1, 1) * Time(0, 1),
        ("u", "v"),
        lambda u, v: (u.t - v.x, v.t - u.x),
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(math.pi * x)), Initial("v", 0.0)],
        reference=lambda x, t: {
            "u": torch.sin(math.pi * x) * torch.cos(math.pi * t),
            "v": torch.cos(math.pi * x) * torch.sin(math.pi * t),
        },
        name="waves",
    )


def ring() -> Problem:
    domain = Ball((0, 0), 1) - Ball((0, 0), 0.4, tag="hole")
    return Problem(domain, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], name="<b>ring</b> & co")


def corner() -> Problem:
    shape = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    return Problem(shape, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], name="corner")


def disk_in_time() -> Problem:
    conditions = [Dirichlet("u", 0.0), Initial("u", lambda x, y: 1 - x**2 - y**2)]
    return Problem(Ball((0, 0), 1) * Time(0, 1), "u", lambda u: u.t - u.xx - u.yy, conditions, name="disk")


def cube(dim: int) -> Problem:
    names = [f"x{i}" for i in range(dim)]
    return Problem(
        Box([0] * dim, [1] * dim, names),
        "u",
        lambda u: sum(u.d(name, name) for name in names) + 1,
        [Dirichlet("u", 0.0)],
        name="cube",
    )


def plate_in_time() -> Problem:
    plate = Mesh(example_mesh("plate-with-holes"))
    conditions = [Dirichlet("u", 0.0), Initial("u", 0.0)]
    return Problem(plate * Time(0, 1), "u", lambda u: u.t - u.xx - u.yy - 1, conditions, name="heated plate")


def pipe() -> Problem:
    return Problem(
        Mesh(example_mesh("cylinder")),
        "u",
        lambda u: u.xx + u.yy + u.zz,
        [Dirichlet("u", lambda x, y, z: x / 2)],
        reference=lambda x, y, z: x / 2,
        name="pipe",
    )


def profile() -> Problem:
    wing = Mesh(example_mesh("airfoil"))
    conditions = [
        Dirichlet("u", 1.0, on=["inlet", "walls"]),
        Dirichlet("v", 0.0),
        Dirichlet("u", 0.0, on="profile"),
    ]
    return Problem(wing, ("u", "v"), lambda u, v: (u.x + v.y, v.x - u.y), conditions, name="profile")


def vortex() -> Problem:
    equation = lambda u, v: (u.x + v.y, u.xx + v.xx + u.yy + v.yy)
    conditions = [Dirichlet("u", lambda x, y: y - 0.5), Dirichlet("v", lambda x, y: 0.5 - x)]
    return Problem(Box((0, 0), (1, 1)), ("u", "v"), equation, conditions, name="vortex")


def heat_in_space() -> Problem:
    start = Initial("u", lambda x, y, z: 1 - x**2 - y**2 - z**2)
    equation = lambda u: u.t - u.xx - u.yy - u.zz
    ball = Ball((0, 0, 0), 1) * Time(0, 1)
    return Problem(ball, "u", equation, [Dirichlet("u", 0.0), start], name="heat in a ball")


def stirred() -> Problem:
    conditions = [
        *(Neumann(name, 0.0) for name in ("u", "v")),
        Initial("u", lambda x, y: y - 0.5),
        Initial("v", lambda x, y: 0.5 - x),
    ]
    equation = lambda u, v: (u.t - u.xx - u.yy, v.t - v.xx - v.yy)
    return Problem(Box((0, 0), (1, 1)) * Time(0, 1), ("u", "v"), equation, conditions, name="stirred")


def screw() -> Problem:
    conditions = [
        Dirichlet("u", lambda x, y, z: 1 - z),
        Dirichlet("v", lambda x, y, z: z - 0.5),
        Dirichlet("w", lambda x, y, z: 0.5 - y),
    ]
    equation = lambda u, v, w: (u.xx + u.yy + u.zz, v.xx + v.yy + v.zz, w.xx + w.yy + w.zz)
    return Problem(Box((0, 0, 0), (1, 1, 1)), ("u", "v", "w"), equation, conditions, name="screw")


PROBLEMS = {
    "curve": line, "system": waves, "clipped": ring, "snapshots": disk_in_time, "sections": lambda: cube(3),
    "mesh in time": plate_in_time, "mesh in space": pipe, "flow on a mesh": profile, "flow": vortex,
    "space and time": heat_in_space, "flow in time": stirred, "flow in space": screw,
}  # fmt: skip


@pytest.fixture(scope="module")
def solutions() -> dict[str, Solution]:
    return {
        name: solve(build(), **SMALL)
        for name, build in {**PROBLEMS, "corner": corner, "five": lambda: cube(5)}.items()
    }


@pytest.fixture
def small_pictures(monkeypatch) -> None:
    """Whatever is in a picture at few pixels is in it at many."""
    monkeypatch.setattr(figures, "DPI", 60)
    monkeypatch.setattr(grids, "IMAGE", 61)
    for module, name, value in ((space, "SECTION", 31), (meshes, "FINE", 1_400), (volumes, "SIDE", 13)):
        monkeypatch.setattr(module, name, value)


def colours_in(image: np.ndarray) -> int:
    """How many colours there are, in 16 steps of each of the three."""
    steps = (image * 15).astype(int)
    return len(np.unique(steps @ (256, 16, 1)))


# Of every panel, column by column of the figure's making.
RESIDUAL, LARGEST = "|residual|", "largest |residual|"
TITLES = {
    "curve": [],
    "system": ["u", "u, reference", "|error of u|", "v", "v, reference", "|error of v|"],
    "clipped": ["u", RESIDUAL, "|estimated error of u|"],
    "flow": ["u", "v", LARGEST, "|(u, v)|", "(u, v)", "|estimated error of u|"],
    "flow on a mesh": ["u", "v", LARGEST, "|(u, v)|", "(u, v)"],
    "mesh in time": ["u at t = 0", "u at t = 0.5", "u at t = 1", RESIDUAL, RESIDUAL, RESIDUAL],
    "snapshots": [
        "u at t = 0", RESIDUAL, "u at t = 0.5", RESIDUAL, "u at t = 1", RESIDUAL,
        "u along x through the middle", RESIDUAL,
    ],
    "sections": [
        "u at x2 = 0.5", RESIDUAL, "u at x1 = 0.5", RESIDUAL, "u at x0 = 0.5", RESIDUAL,
        "u along x0 through the middle", "surfaces of u",
    ],
    "mesh in space": [
        "u at z = 0", "|error of u|", "u at y = 0", "|error of u|", "u at x = 1", "|error of u|",
        "u, cut open at y = 0", "surfaces of u",
    ],
    "space and time": [
        "u at z = 0, t = 0.5", RESIDUAL, "u at y = 0, t = 0.5", RESIDUAL, "u at x = 0, t = 0.5", RESIDUAL,
        "surfaces of u at t = 0", "surfaces of u at t = 1",
    ],
    "flow in time": [
        "u at t = 0", "u at t = 0.5", "u at t = 1", "u along x through the middle",
        "v at t = 0", LARGEST, "v at t = 0.5", LARGEST, "v at t = 1", LARGEST,
        "v along x through the middle", LARGEST,
        "|(u, v)| at t = 0", "|(u, v)| at t = 0.5", "|(u, v)| at t = 1", "(u, v) at t = 1",
    ],
    "flow in space": [
        "u at z = 0.5", "u at y = 0.5", "u at x = 0.5", "surfaces of u",
        "v at z = 0.5", "v at y = 0.5", "v at x = 0.5", "surfaces of v",
        "w at z = 0.5", LARGEST, "w at y = 0.5", LARGEST, "w at x = 0.5", LARGEST,
        "w along x through the middle", "surfaces of w",
        "|(u, v, w)| at z = 0.5", "|(u, v, w)| at y = 0.5", "|(u, v, w)| at x = 0.5", "(u, v, w)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_picture_suits_the_domain_and_is_not_blank(
    solutions, tmp_path, name, small_pictures, monkeypatch
):
    drawn, save = [], figures.save_figure
    monkeypatch.setattr(viz, "save_figure", lambda figure, path: drawn.append(figure) or save(figure, path))
    image = imread(solutions[name].plot(tmp_path / "solution.png"))[..., :3]
    assert min(image.shape[:2]) > 140
    white = (image > 0.99).all(-1).mean()
    assert white < 0.97, "there is something in it"
    assert colours_in(image) > 20, "in colours"
    (figure,) = drawn
    panels = [axis for axis in figure.axes if axis.get_visible() and axis.get_label() != "<colorbar>"]
    titles = [axis.get_title(loc="left").removeprefix("log$_{10}$ ") for axis in panels]
    assert [title for title in titles if title] == TITLES[name]
    assert all(axis.has_data() for axis in panels)


@pytest.mark.parametrize(
    "name", ["mesh in time", "flow on a mesh", "mesh in space", "space and time", "clipped"]
)
def test_a_tile_shows_what_no_problem_of_the_zoo_has(solutions, name, small_pictures):
    image = tiles.tile(solutions[name], "relative error 1.0e-03, 10 s") / 255
    body = image[: int(0.8 * len(image))]
    assert (body < 0.9).any(-1).mean() > 0.02 and colours_in(body) > 20
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert (edge > 0.99).all(), "nothing is clipped"


def test_surfaces_lie_where_the_unknown_has_their_value(solutions):
    solution = solutions["space and time"]
    volume = volumes.Volume(solution, {"t": 0.0})
    levels = volume.levels("u")
    assert np.allclose(levels, np.linspace(0, 1, 7)[1:-1], atol=0.02)
    for level in levels:
        corners = volume.surface("u", level).reshape(-1, 3)
        x, y, z = corners.T
        assert len(corners) > 100
        radius = np.linalg.norm(corners, axis=1)
        assert np.allclose(radius, np.sqrt(1 - level), atol=0.02), "the initial value is 1 - r^2"
        assert not ((x > 0.05) & (y < -0.05) & (z > 0.05)).any(), "cut open towards the eye"


def test_surfaces_end_at_the_boundary(solutions):
    volume = volumes.Volume(solutions["mesh in space"], {})
    corners = volume.surface("u", float(volume.levels("u")[2])).reshape(-1, 3)
    assert len(corners) > 100 and np.hypot(corners[:, 1], corners[:, 2]).max() < 0.51


def test_a_constant_has_no_surfaces(solutions, monkeypatch):
    volume = volumes.Volume(solutions["space and time"], {"t": 0.5})
    monkeypatch.setitem(volume._found, "u", np.ones_like(volume._found["u"]))
    assert len(volume.levels("u")) == 0


def test_arrows_point_along_the_vector_and_stay_inside():
    a, b = np.linspace(-1, 1, 61), np.linspace(-1, 1, 61)
    x, y = np.meshgrid(a, b)
    along_x, along_y = np.where(np.hypot(x, y) < 0.9, (-y, x), np.nan)
    axis = figures.new_figure(3, 3).subplots()
    arrows = flow.draw_arrows(axis, a, b, along_x, along_y, (0.0, 1.0))
    assert len(arrows.X) > 100 and np.hypot(arrows.X, arrows.Y).max() < 0.9
    length = np.hypot(arrows.X, arrows.Y)
    assert np.allclose(arrows.get_array(), length), "coloured by the length of the vector"
    assert np.allclose(arrows.U * arrows.X + arrows.V * arrows.Y, 0, atol=1e-12)
    assert (arrows.V * arrows.X >= 0).all() and (arrows.U * arrows.Y <= 0).all(), "anticlockwise"
    longest = np.hypot(arrows.U, arrows.V) / arrows.scale
    assert longest.max() <= 2 / flow.ARROWS * 1.0001, "none reaches the next"


def test_other_formats_are_pictures_too_and_others_are_refused(solutions, tmp_path):
    assert solutions["curve"].plot(tmp_path / "a.svg").read_text().lstrip().startswith("<?xml")
    with pytest.raises(ValueError, match=r"cannot draw 'a.docx': use .png"):
        solutions["curve"].plot(tmp_path / "a.docx")
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


def test_values_outside_the_domain_are_unknown(solutions):
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    values = evaluate(solutions["clipped"], {"x": x, "y": y})
    r = np.hypot(x, y)
    inside = (r <= 1) & (r >= 0.4)
    assert (
        np.isfinite(values.found["u"]) == inside
    ).mean() > 0.99  # the boundary itself is a matter of rounding
    assert (
        np.isnan(values.residual[r < 0.3]).all() and np.isfinite(values.residual[(r > 0.5) & (r < 0.9)]).all()
    )


def test_vtu_holds_the_fields_for_pyvista_and_meshio(solutions, tmp_path):
    solution = solutions["system"]
    path = solution.export(tmp_path / "s.vtu")
    mesh, other = pyvista.read(path), meshio.read(path)
    assert mesh.n_cells == 200 * 200 and set(mesh.celltypes) == {pyvista.CellType.QUAD}
    assert np.isclose(mesh.area, 2.0)
    x, t = mesh.points[:, 0], mesh.points[:, 1]
    exact = np.sin(np.pi * x) * np.cos(np.pi * t)
    predicted = solution.predict({"x": x, "t": t})
    for data in (mesh.point_data, other.point_data):
        assert set(data) == {"u", "u_reference", "u_error", "v", "v_reference", "v_error", "residual"}
        np.testing.assert_allclose(data["u"], predicted["u"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(data["v"], predicted["v"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(data["u_reference"], exact, rtol=0, atol=1e-12)
        np.testing.assert_allclose(data["u_error"], predicted["u"] - exact, rtol=0, atol=1e-12)


def test_exported_cells_fill_the_domain(solutions, tmp_path):
    corner_mesh = pyvista.read(solutions["corner"].export(tmp_path / "c.vtu"))
    assert np.isclose(corner_mesh.area, 3.0), "the grid fits the L-shape"
    ring_mesh = pyvista.read(solutions["clipped"].export(tmp_path / "r.vtu"))
    assert 0.95 < ring_mesh.area / (math.pi * (1 - 0.16)) < 1
    assert np.isfinite(ring_mesh["u"]).all() and set(ring_mesh.point_data) == {"u", "residual"}
    disk = pyvista.read(solutions["snapshots"].export(tmp_path / "d.vtu"))
    assert 0.85 < disk.volume / math.pi < 1


def test_a_mesh_is_exported_with_its_own_points(solutions, tmp_path):
    mesh = Mesh(example_mesh("cylinder"))
    grid = pyvista.read(solutions["mesh in space"].export(tmp_path / "pipe.vtu"))
    assert np.array_equal(grid.points, mesh.points) and grid.volume == pytest.approx(mesh.volume)
    assert set(grid.point_data) == {"u", "u_reference", "u_error", "residual"}
    x, y, z = grid.points.T
    assert np.allclose(grid["u"], solutions["mesh in space"].predict({"x": x, "y": y, "z": z}))
    assert np.allclose(grid["u_reference"], x / 2)
    plate = pyvista.read(solutions["mesh in time"].export(tmp_path / "plate.vtu"))
    x, y, _ = plate.points.T
    assert np.allclose(plate["u"], solutions["mesh in time"].predict({"x": x, "y": y, "t": 1.0}))
    assert set(plate.celltypes) == {pyvista.CellType.TRIANGLE} and plate.field_data["t = 1"] == 1


@pytest.mark.parametrize("name", ["mesh in time", "snapshots", "system"])
def test_a_series_in_time_lists_a_file_for_each_moment(solutions, tmp_path, name):
    reader = pyvista.PVDReader(solutions[name].export(tmp_path / "s.pvd", frames=3))
    assert reader.time_values == [0, 0.5, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.pvd", *(f"s_000{i}.vtu" for i in range(3))]
    reader.set_active_time_point(1)
    grid = reader.read()[0]
    space = [n for n in solutions[name].problem.domain.names if n != "t"]
    at = {n: grid.points[:, i] for i, n in enumerate(space)}
    found = solutions[name].predict({**at, "t": 0.5})
    assert np.allclose(grid["u"], found["u"] if isinstance(found, dict) else found)
    with pytest.raises(ValueError, match="a series needs at least 2 moments, not 1"):
        solutions[name].export(tmp_path / "s.pvd", frames=1)


@pytest.mark.parametrize("name", ["mesh in time", "snapshots", "system"])
def test_a_solution_in_time_is_animated(solutions, tmp_path, name):
    pictures = []
    with Image.open(solutions[name].animate(tmp_path / "s.gif", frames=3, seconds=1.5)) as movie:
        assert movie.n_frames == 3 and movie.info["duration"] == 500
        for i in range(3):
            movie.seek(i)
            pictures.append(np.asarray(movie.convert("RGB"), dtype=int))
    assert (abs(pictures[0] - pictures[2]).max(2) > 60).mean() > 0.005, "it moves"
    assert len(np.unique(pictures[1].reshape(-1, 3) // 16, axis=0)) > 20


def test_what_cannot_be_animated_is_told(solutions, tmp_path):
    with pytest.raises(ValueError, match="pipe has no time to animate; use plot"):
        solutions["mesh in space"].animate(tmp_path / "s.gif")
    with pytest.raises(ValueError, match=r"pipe has no time for 's.pvd'; use .vtu"):
        solutions["mesh in space"].export(tmp_path / "s.pvd")
    with pytest.raises(ValueError, match=r"cannot animate into 's.mp4': use .gif"):
        solutions["snapshots"].animate(tmp_path / "s.mp4")
    with pytest.raises(ValueError, match="an animation needs at least 2 frames, not 1"):
        solutions["snapshots"].animate(tmp_path / "s.gif", frames=1)


def test_a_curve_is_exported_as_lines(solutions, tmp_path):
    mesh = meshio.read(solutions["curve"].export(tmp_path / "l.vtu"))
    assert [block.type for block in mesh.cells] == ["line"]
    assert np.allclose(mesh.point_data["u"], solutions["curve"].predict({"x": mesh.points[:, 0]}))


def test_five_coordinates_are_cut_and_the_file_says_where(solutions, tmp_path):
    mesh = pyvista.read(solutions["five"].export(tmp_path / "five.vtu"))
    assert {name: float(v[0]) for name, v in mesh.field_data.items()} == {"x3 = 0.5": 0.5, "x4 = 0.5": 0.5}
    assert "u" in meshio.read(tmp_path / "five.vtu").point_data
    points = {**{f"x{i}": mesh.points[:, i] for i in range(3)}, "x3": 0.5, "x4": 0.5}
    assert np.isclose(mesh.volume, 1.0) and np.allclose(mesh["u"], solutions["five"].predict(points))


def test_vts_holds_the_whole_grid(solutions, tmp_path):
    for name, dimensions in {
        "system": (201, 201, 1),
        "clipped": (201, 201, 1),
        "sections": (41, 41, 41),
    }.items():
        mesh = pyvista.read(solutions[name].export(tmp_path / f"{name}.vts"))
        assert mesh.dimensions == dimensions
        names, known = solutions[name].problem.domain.names, np.isfinite(mesh["u"])
        assert known.all() == (name != "clipped")
        found = solutions[name].predict({n: mesh.points[known][:, i] for i, n in enumerate(names)})
        assert np.allclose(mesh["u"][known], found["u"] if isinstance(found, dict) else found)


def test_other_formats(solutions, tmp_path):
    expected = pyvista.read(solutions["clipped"].export(tmp_path / "a.vtu"))["u"]
    assert np.array_equal(pyvista.read(solutions["clipped"].export(tmp_path / "a.vtk"))["u"], expected)
    assert np.allclose(meshio.read(solutions["clipped"].export(tmp_path / "a.msh")).point_data["u"], expected)
    for name in ("a.docx", "a"):
        with pytest.raises(ValueError, match=r"cannot export .*: use .vtu, .vts, .vtk"):
            solutions["clipped"].export(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.msh", "a.vtk", "a.vtu"]


class Page(HTMLParser):
    """Tags and attributes of a page, and whether they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_file_with_everything(tmp_path):
    folder = tmp_path / "run"
    solution = solve(ring(), out=folder, **{**SMALL, "budget": "6 iterations"})
    solution.plot(folder / "solution.png")
    text = write_report(folder).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert not page.open and not {"script", "link", "iframe", "b"} & set(page.tags)
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?://|url\(""", text), "nothing is loaded"
    assert "&lt;b&gt;ring&lt;/b&gt; &amp; co by tr" in text
    assert len(page.images) == 2
    pictures = [base64.b64decode(image.removeprefix("data:image/png;base64,")) for image in page.images]
    assert pictures[0] == (folder / "solution.png").read_bytes() and pictures[1].startswith(b"\x89PNG")
    config = json.loads((folder / "config.json").read_text())
    assert config["versions"]["torch"] in text and "exact, by construction" in text


def test_a_report_needs_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"has no config.json"):
        write_report(tmp_path)
