"""Files of meshes: formats, tags, and files that cannot be read."""

import math

import meshio
import numpy as np
import pytest
import pyvista
import torch

from draws import rng
from probes import around
from sample_meshes import box_surface, measures, square
from sapts_pinn.geometry import Box, Mesh, example_mesh


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
