"""Solutions as datasets of PyVista."""

import numpy as np
import pytest

from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Mesh, example_mesh


def test_a_dataset_has_the_unknowns_and_what_is_known_of_them(solutions):
    solution = solutions["system"]
    data = solution.to_pyvista(resolution=11)
    assert data.n_points == 121 and data.n_cells == 100
    x, t, _ = data.points.T
    places = {"x": x, "t": t}
    found, slope, wrong = (
        solution.predict(places),
        solution.derivative(places, "x"),
        solution.error_field(places),
    )
    for name in ("u", "v"):
        np.testing.assert_allclose(data[name], found[name], rtol=0, atol=1e-12)
        np.testing.assert_allclose(data[f"{name}_gradient"][:, 0], slope[name], rtol=0, atol=1e-10)
        assert not data[f"{name}_gradient"][:, 2].any()
        np.testing.assert_allclose(data[f"{name}_estimated_error"], wrong[name], rtol=0, atol=1e-10)
        np.testing.assert_allclose(data[f"{name}_error"], data[name] - data[f"{name}_reference"])
    residual = np.abs(solution.residual(places)).max(0)
    np.testing.assert_allclose(data["residual"], residual, rtol=1e-9, atol=1e-12)


def test_vectors_have_three_components(solutions):
    data = solutions["flow"].to_pyvista(resolution=9)
    assert data["(u, v)"].shape == (data.n_points, 3)
    np.testing.assert_array_equal(data["(u, v)"][:, 0], data["u"])
    np.testing.assert_array_equal(data["(u, v)"][:, 1], data["v"])


def test_coordinates_can_be_given(solutions):
    mesh = Mesh(example_mesh("plate-with-holes"))
    data = solutions["mesh in time"].to_pyvista(t=0.25)
    assert data.n_points == len(mesh.points) and data.field_data["t = 0.25"] == 0.25
    x, y, _ = data.points.T
    values = solutions["mesh in time"].predict({"x": x, "y": y, "t": 0.25})
    np.testing.assert_allclose(data["u"], values, rtol=0, atol=1e-12)
    line = solutions["system"].to_pyvista(t=1.0, resolution=5)
    assert line.n_points == 5 and set(line.points[:, 0]) == {*np.linspace(*line.bounds[:2], 5)}


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("system", {"t": 7.0}, r"t must lie in \[0, 1\], not 7"),
        ("system", {"z": 0.0}, "no section at a given 'z'; give x or t"),
        ("system", {"x": 0.5, "t": 0.5}, "all coordinates are given"),
        ("system", {"resolution": 1}, "resolution must be at least 2 .* not 1"),
        ("mesh in time", {"x": 0.5}, "no section at a given 'x'; give t"),
    ],
)
def test_what_is_not_there_is_refused(solutions, name, options, words):
    with pytest.raises(InputError, match=words):
        solutions[name].to_pyvista(**options)
