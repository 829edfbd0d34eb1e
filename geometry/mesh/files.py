"""Reading meshes: files, grids of PyVista and meshes of meshio become cells by kind, with named groups.

PyVista reads VTK's own formats and surfaces (.vtu, .vtk, .vtp, .stl, .ply, .obj), meshio the rest (.msh with
Gmsh's physical groups, .inp of Abaqus, .bdf of Nastran, ...).  Of cells of higher order all nodes are kept.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

Points = NDArray[np.float64]
Cells = NDArray[np.int64]

CORNERS = {
    "vertex": 1, "line": 2, "triangle": 3, "quad": 4, "tetra": 4, "pyramid": 5, "wedge": 6, "hexahedron": 8,
}  # fmt: skip
DIMENSION = {
    "vertex": 0, "line": 1, "triangle": 2, "quad": 2, "tetra": 3, "pyramid": 3, "wedge": 3, "hexahedron": 3,
}  # fmt: skip
BY_PYVISTA = (".vtu", ".vtk", ".vtp", ".stl", ".ply", ".obj", ".vts", ".vtr", ".vti")
BY_MESHIO = (".msh", ".inp", ".bdf", ".fem", ".nas", ".mesh", ".med", ".xdmf", ".off", ".avs", ".su2", ".e")
# Arrays that number the groups of cells, in the order in which they are looked for: those of the formats of
# meshio, then what VTK files of several programs have.
NUMBERS = (
    "gmsh:physical", "medit:ref", "nastran:ref", "su2:tag", "cell_tags", "avsucd:material", "flac3d:group",
    "CellEntityIds", "tag", "tags", "group", "GroupIds", "STLSolidLabeling",
)  # fmt: skip
# VTK's numbers of cell types: linear, quadratic, cubic, Lagrange and Bezier.
VTK_KINDS = {
    "vertex": (1,), "line": (3, 21, 35, 68, 75), "triangle": (5, 22, 34, 69, 76),
    "quad": (8, 9, 23, 28, 30, 70, 77), "tetra": (10, 24, 71, 78), "hexahedron": (11, 12, 25, 29, 33, 72, 79),
    "wedge": (13, 26, 31, 32, 73, 80), "pyramid": (14, 27, 37, 74, 81),
}  # fmt: skip
VOXEL = {8: [0, 1, 3, 2], 11: [0, 1, 3, 2, 4, 5, 7, 6]}  # pixels and voxels count their corners in rows


@dataclass
class RawMesh:
    """Cells of a mesh as a file has them, by kind, with groups.

    Attributes:
        points: [P, 3], or fewer coordinates.
        blocks: Pairs of a kind, one of `CORNERS`, and corners [n, CORNERS[kind]].
        groups: For each name the cells of each block that carry it.
        node_sets: For each name some points.
        curved: By the number of a block of higher order its element, such as "triangle6", and all nodes.
        parents: By the number of a block the cells it was before it was split, one for each of its own.
    """

    points: Points
    blocks: list[tuple[str, Cells]]
    groups: dict[str, list[Cells]] = field(default_factory=dict)
    node_sets: dict[str, Cells] = field(default_factory=dict)
    curved: dict[int, tuple[str, Cells]] = field(default_factory=dict)
    parents: dict[int, Cells] = field(default_factory=dict)


def read_mesh(path: Path, tag_array: str | None = None) -> RawMesh:
    """Read the cells of a mesh file by kind, with its named groups.

    Args:
        path: The extension gives the format.
        tag_array: The cell array that holds the tags; by default the first of `NUMBERS` that is there.

    Raises:
        InputError: No such file, an unknown format, or what is in it is no mesh.
    """
    suffix = path.suffix.lower()
    if suffix not in (*BY_PYVISTA, *BY_MESHIO):
        raise InputError(
            f"cannot read a mesh from {path.name!r}: its extension is none of "
            f"{', '.join((*BY_PYVISTA, *BY_MESHIO))}"
        )
    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    if path.stat().st_size == 0:
        raise InputError(f"the file {path.name!r} is empty")
    said = io.StringIO()
    try:
        if suffix in BY_PYVISTA:
            import pyvista

            with pyvista.VtkErrorCatcher(raise_errors=True, send_to_logging=False):
                return from_pyvista(pyvista.read(path), tag_array)
        import meshio

        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):  # meshio prints warnings
            return from_meshio(meshio.read(path), tag_array)
    except (Exception, SystemExit) as error:  # readers fail in many ways; meshio even leaves the program
        reason = " ".join((str(error) if not isinstance(error, SystemExit) else said.getvalue()).split())
        hint = ""
        if "gmsh:physical" in reason:
            hint = "; some of its elements are in no physical group: save it with Mesh.SaveAll = 0"
        raise InputError(
            f"cannot read a mesh from {path.name!r}: {reason[:200] or 'broken'}{hint}"
        ) from error


def from_pyvista(grid: Any, tag_array: str | None = None) -> RawMesh:
    """Cells of a grid, sorted by kind.

    Raises:
        InputError: It holds polygons or polyhedra in space, or no such array.
    """
    import pyvista

    if isinstance(grid, pyvista.MultiBlock):
        grid = grid.combine()
    if isinstance(grid, pyvista.PolyData) and grid.GetPolys().GetNumberOfCells():
        grid = grid.triangulate()
    if not isinstance(grid, pyvista.UnstructuredGrid):
        grid = grid.cast_to_unstructured_grid()
    types = np.asarray(grid.celltypes)
    # By VTK's own method: PyVista has renamed its attribute.
    offset = np.asarray(pyvista.convert_array(grid.GetCells().GetOffsetsArray()))
    nodes = np.asarray(grid.cell_connectivity, dtype=np.int64)
    blocks: list[tuple[str, Cells]] = []
    members = []
    curved: dict[int, tuple[str, Cells]] = {}
    count = np.diff(offset)
    for number, size in np.unique(np.stack([types, count], 1), axis=0):
        these = np.flatnonzero((types == number) & (count == size))
        if number == 4:  # lines of several points each
            pieces = [nodes[offset[i] : offset[i + 1]] for i in these]
            blocks.append(("line", np.concatenate([np.stack([p[:-1], p[1:]], 1) for p in pieces])))
            members.append(np.repeat(these, [len(p) - 1 for p in pieces]))
            continue
        kind = next((k for k, numbers in VTK_KINDS.items() if number in numbers), None)
        if kind is None:
            raise InputError(
                f"cells of type {pyvista.CellType(number).name} are not known; triangulate the mesh first"
            )
        corners = nodes[offset[these][:, None] + np.arange(CORNERS[kind])]
        if size > CORNERS[kind]:
            bezier = "bezier " if number in range(75, 82) else ""  # whose control points lie outside
            every = nodes[offset[these][:, None] + np.arange(size)]
            curved[len(blocks)] = (f"{bezier}{kind}{size}", every)
        blocks.append((kind, corners[:, VOXEL.get(int(number), list(range(CORNERS[kind])))]))
        members.append(these)
    groups = {}
    if (array := _numbers(grid.cell_data, tag_array)) is not None:
        values = np.asarray(grid.cell_data[array])
        if tag_array is not None or (values != values[0]).any():  # readers number even the only part
            groups = _grouped([values[these] for these in members], array, {})
    return RawMesh(np.asarray(grid.points, dtype=np.float64), blocks, groups, curved=curved)


def from_meshio(mesh: Any, tag_array: str | None = None) -> RawMesh:
    """Cells of a mesh of meshio with their groups.

    Physical groups of Gmsh go by their names, or their numbers where they have none.

    Raises:
        InputError: It holds cells that are not known, or no such array.
    """
    blocks: list[tuple[str, Cells]] = []
    kept = []
    curved: dict[int, tuple[str, Cells]] = {}
    for number, block in enumerate(mesh.cells):
        kind = re.sub(r"\d+$", "", block.type.lower().removeprefix("vtk_lagrange_"))
        kind = {"curve": "line", "quadrilateral": "quad", "tetrahedron": "tetra"}.get(kind, kind)
        if kind not in CORNERS:
            raise InputError(f"cells of type {block.type} are not known; triangulate the mesh first")
        nodes = np.asarray(block.data, dtype=np.int64)
        if nodes.ndim == 2 and nodes.shape[1] > CORNERS[kind]:
            curved[len(blocks)] = (f"{kind}{nodes.shape[1]}", nodes)
        blocks.append((kind, nodes[:, : CORNERS[kind]]))
        kept.append(number)
    groups = {
        name: [np.asarray([] if found[i] is None else found[i], dtype=np.int64) for i in kept]
        for name, found in mesh.cell_sets.items()
        if not name.startswith("gmsh:")
    }
    if (array := _numbers(mesh.cell_data, tag_array)) is not None:
        names = {
            (int(value[0]), int(value[1])): name
            for name, value in mesh.field_data.items()
            if np.shape(value) == (2,)
        }
        numbered = _grouped(
            [np.asarray(a) for a in mesh.cell_data[array]],
            array,
            names,
            [DIMENSION[kind] for kind, _ in blocks],
        )
        groups = {**numbered, **groups}
    node_sets = {name: np.asarray(nodes, dtype=np.int64) for name, nodes in mesh.point_sets.items()}
    return RawMesh(np.asarray(mesh.points, dtype=np.float64), blocks, groups, node_sets, curved)


def _numbers(data: Mapping[str, object], tag_array: str | None) -> str | None:
    """Name of the cell array that holds the tags."""
    if tag_array is not None and tag_array not in data:
        raise InputError(f"there is no cell array {tag_array!r} among {', '.join(data) or 'none'}")
    return tag_array or next((name for name in NUMBERS if name in data), None)


def _grouped(
    values: Sequence[NDArray[np.generic]],
    array: str,
    names: Mapping[tuple[int, int], str],
    dims: list[int] | None = None,
) -> dict[str, list[Cells]]:
    """The cells of each block that have each value, by name; 0 in Gmsh's array stands for no group."""
    groups: dict[str, list[Cells]] = {}
    for i, numbers in enumerate(values):
        for value in np.unique(numbers):
            name = str(value) if isinstance(value, str) else f"{value:g}"
            if dims is not None and not isinstance(value, str):
                name = names.get((int(value), dims[i]), name)
            if array == "gmsh:physical" and value == 0:
                continue
            empty = [np.array([], dtype=np.int64) for _ in values]
            groups.setdefault(name, empty)[i] = np.flatnonzero(numbers == value)
    return groups
