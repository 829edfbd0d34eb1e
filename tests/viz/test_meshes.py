"""Solutions on meshes: triangles of a picture, edges, faces and the cutaway."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from sapts_pinn.geometry import Mesh, example_mesh
from sapts_pinn.viz import figures, meshes


def area(points, triangles) -> float:
    at = points[triangles]
    return float(np.abs(np.linalg.det(at[:, 1:] - at[:, :1])).sum() / 2)


@pytest.mark.parametrize("curve", [False, True])
def test_triangles_of_a_picture_cover_the_mesh(curve, monkeypatch):
    monkeypatch.setattr(meshes, "FINE", 2_000)
    mesh = Mesh(example_mesh("l-shape"))
    if curve:
        corners = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]
        mesh = Mesh.from_arrays(corners, [[i, (i + 1) % 6] for i in range(6)])
    points, triangles = meshes.smooth_triangles(mesh)
    assert len(triangles) >= 2_000 and area(points, triangles) == pytest.approx(
        3, rel=0.02 if curve else 1e-12
    )


def test_the_boundary_is_a_collection_for_each_face_and_edges_are_drawn_once():
    mesh = Mesh(example_mesh("l-shape"))
    axis = figures.new_figure(3, 3).subplots()
    meshes.draw_edges(axis, mesh)
    meshes.draw_faces(axis, mesh, mesh.points)
    edges, *faces = (c for c in axis.collections if isinstance(c, LineCollection))
    assert len(edges.get_segments()) == len(mesh.points) + len(mesh.cells) - 1, "Euler's formula"
    assert [c.get_label() for c in faces] == list(mesh.faces)
    length = [np.linalg.norm(np.diff(c.get_segments(), axis=1), axis=2).sum() for c in faces]
    assert dict(zip(mesh.faces, length, strict=True)) == pytest.approx({"outer": 6, "corner": 2})


def test_the_cutaway_is_the_surface_of_the_cells_behind_the_middle():
    mesh = Mesh(example_mesh("cylinder"))
    facets, tags = meshes._cutaway(mesh, {"x": 1.0, "y": 0.0, "z": 0.0})
    behind = mesh.points[mesh.cells].mean(1)[:, 1] >= 0
    at = mesh.points[mesh.cells[behind]]
    volume = np.abs(np.linalg.det(at[:, 1:] - at[:, :1])).sum() / 6
    flux = np.linalg.det(mesh.points[facets]).sum() / 6  # the divergence theorem
    assert abs(flux) == pytest.approx(volume)
    cut = mesh.points[facets[tags == -1]].mean(1)
    assert len(cut) and np.abs(cut[:, 1]).max() < 0.25 and {*tags} == {-1, 0, 1, 2}
