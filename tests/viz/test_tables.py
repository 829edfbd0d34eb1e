"""Fields as columns and arrays: those of `to_pyvista`, at the same points."""

import csv

import numpy as np
import pytest


def read(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, dtype=float).T, strict=True))


def test_csv_has_a_column_for_each_coordinate_and_field(solutions, tmp_path):
    solution = solutions["mesh in time"]
    columns, grid = read(solution.export(tmp_path / "a.csv")), solution.to_pyvista()
    assert [*columns][:4] == ["x", "y", "t", "u"] and set(columns["t"]) == {1.0}
    for i, name in enumerate("xy"):
        assert np.array_equal(columns[name], grid.points[:, i])
        assert np.array_equal(columns[f"u_gradient_{name}"], grid["u_gradient"][:, i])
    for name in ("u", "residual", "u_estimated_error"):
        assert np.array_equal(columns[name], grid[name])


def test_csv_of_a_system_has_components_of_vectors_once(solutions, tmp_path):
    solution = solutions["curve"]
    columns = read(solution.export(tmp_path / "a.csv"))
    names = {"x", "u", "u_reference", "u_error", "residual", "u_estimated_error", "u_gradient_x"}
    assert set(columns) == names
    assert np.array_equal(columns["u"], solution.predict(x=columns["x"]))


def test_npz_of_a_grid_has_axes(solutions, tmp_path):
    solution = solutions["system"]
    with np.load(solution.export(tmp_path / "a.npz")) as arrays:
        assert set(arrays) == {*solution.to_pyvista(21).point_data, "x", "t"}
        x, t = arrays["x"], arrays["t"]
        assert x.shape == t.shape == (201,) and arrays["u"].shape == (201, 201)
        found = solution.predict(x=x[::50, None], t=t[::50])
        assert np.array_equal(arrays["v"][::50, ::50], found["v"])
        slope = solution.derivative(which="t", x=x[::50, None], t=t[::50])
        assert np.array_equal(arrays["u_gradient"][::50, ::50, 1], slope["u"])


def test_npz_is_nan_outside_and_says_where_it_is_cut(solutions, tmp_path):
    with np.load(solutions["clipped"].export(tmp_path / "a.npz")) as arrays:
        x, y = np.meshgrid(arrays["x"], arrays["y"], indexing="ij")
        radius = np.hypot(x, y)
        outside = (radius > 1 + 1e-6) | (radius < 0.4 - 1e-6)
        for name in ("u", "residual", "u_estimated_error"):
            assert np.array_equal(np.isnan(arrays[name]), outside), name
        assert np.isnan(arrays["u_gradient"]).any(-1)[outside].all()
    with np.load(solutions["five"].export(tmp_path / "five.npz")) as arrays:
        assert arrays["u"].shape == (41, 41, 41) and arrays["x4"] == 0.5 and arrays["x2"].shape == (41,)


def test_npz_of_a_mesh_has_its_points_and_cells(solutions, tmp_path):
    solution = solutions["mesh in space"]
    with np.load(solution.export(tmp_path / "a.npz")) as arrays:
        count = len(arrays["x"])
        assert arrays["u"].shape == (count,) and arrays["u_gradient"].shape == (count, 3)
        assert arrays["cells"].shape[1] == 4 and arrays["cells"].max() == count - 1
        at = {name: arrays[name] for name in "xyz"}
        assert np.array_equal(arrays["u"], solution.predict(at))


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_nothing_else_is_left_behind(solutions, tmp_path, name):
    solutions["curve"].export(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
