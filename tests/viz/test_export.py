"""Files of fields that pyvista and meshio read."""

import math

import meshio
import numpy as np
import pytest
import pyvista

from sapts_pinn.geometry import Mesh, example_mesh


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


def test_vti_holds_all_fields_on_a_grid_of_equal_spacing(solutions, tmp_path):
    for name in ("system", "clipped", "curve", "five"):
        solution = solutions[name]
        image = pyvista.read(solution.export(tmp_path / f"{name}.vti"))
        assert isinstance(image, pyvista.ImageData)
        assert set(image.point_data) == set(solution.to_pyvista(21).point_data)
        known, names = np.isfinite(image["u"]), solution.problem.domain.names
        assert known.all() == (name != "clipped")
        at = {n: image.points[known][:, i] for i, n in enumerate(names[:3])}
        at |= {n: 0.5 for n in names[3:]}
        found = solution.predict(at)
        assert np.allclose(image["u"][known], found["u"] if isinstance(found, dict) else found)
        slope = solution.derivative(at, names[0])
        slope = slope["u"] if isinstance(slope, dict) else slope
        assert np.allclose(image["u_gradient"][known][:, 0], slope)


@pytest.mark.parametrize("name", ["mesh in time", "system"])
def test_xdmf_is_one_file_with_all_fields_at_some_moments(solutions, tmp_path, name):
    solution = solutions[name]
    path = solution.export(tmp_path / "s.xdmf", frames=3)
    assert [p.name for p in tmp_path.iterdir()] == ["s.xdmf"]
    with meshio.xdmf.TimeSeriesReader(path) as reader:
        points, cells = reader.read_points_cells()
        assert cells[0].type == {"mesh in time": "triangle", "system": "line"}[name]
        for step, moment in enumerate((0.0, 0.5, 1.0)):
            t, fields, _ = reader.read_data(step)
            grid = solution.to_pyvista(t=moment)
            assert t == moment and set(fields) == set(grid.point_data)
            for field in fields:
                assert np.array_equal(fields[field].reshape(grid[field].shape), grid[field]), field
    space = [n for n in solution.problem.domain.names if n != "t"]
    found = solution.predict({**{n: points[:, i] for i, n in enumerate(space)}, "t": 1.0})
    assert np.allclose(fields["u"].ravel(), found["u"] if isinstance(found, dict) else found)
    with pytest.raises(ValueError, match=r"a series needs at least 2 moments, not 1"):
        solution.export(tmp_path / "s.xdmf", frames=1)


def test_xdmf_without_time_holds_all_fields(solutions, tmp_path):
    path = solutions["clipped"].export(tmp_path / "s.xdmf")
    grid = solutions["clipped"].to_pyvista()
    with meshio.xdmf.TimeSeriesReader(path) as file:
        points, _ = file.read_points_cells()
        time, fields, _ = file.read_data(0)
    assert time == 0 and file.num_steps == 1 and set(fields) == set(grid.point_data)
    assert np.array_equal(points, grid.points) and np.array_equal(fields["u"].ravel(), grid["u"])


def test_other_formats(solutions, tmp_path):
    expected = pyvista.read(solutions["clipped"].export(tmp_path / "a.vtu"))["u"]
    assert np.array_equal(pyvista.read(solutions["clipped"].export(tmp_path / "a.vtk"))["u"], expected)
    assert np.allclose(meshio.read(solutions["clipped"].export(tmp_path / "a.msh")).point_data["u"], expected)
    for name in ("a.docx", "a"):
        with pytest.raises(
            ValueError, match=r"cannot export .*: use .vtu, .vts, .vtk, .*; for the model .pt2"
        ):
            solutions["clipped"].export(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.msh", "a.vtk", "a.vtu"]
