"""Files of a solution's fields, for ParaView and whatever else reads VTK or a format of meshio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..geometry import Mesh
from ..runs.files import write_atomically
from .fields import Array, Values, ends, evaluate, mesh_of, middle_of, time_name
from .view import View

if TYPE_CHECKING:
    import pyvista

S = TypeVar("S", bound=np.generic)

EXPORT = {1: 1001, 2: 201, 3: 41}  # points along a coordinate of an exported grid
# What meshio writes with values at the points.  (It takes .msh for another program's format, which has none.)
OTHERS = {".msh": "gmsh", ".ply": "ply", ".dat": "tecplot", ".avs": "avsucd", ".xdmf": "xdmf"}


def export_solution(solution: View, path: Path, frames: int = 21) -> Path:
    """Write unknowns, reference, error and residual.

    On a mesh they are written at its own points, at the end of the time if there is one.  Otherwise cells are
    those of a regular grid whose corners all lie in the domain; a .vts file holds the whole grid, with NaN
    outside.  Of more than three coordinates the first three vary; the field data say where the others are
    ("x4 = 0.5").  A .pvd file lists .vtu files beside it, one for each of some moments.

    Args:
        solution: What to write.
        path: .vtu, .vts, .vtk, .pvd or an extension of `OTHERS`.
        frames: Number of moments of a .pvd file, at least 2.

    Returns:
        The path.

    Raises:
        InputError: No writer for the extension, no time for a .pvd file, or too few moments.
    """
    suffix = path.suffix.lower()
    if suffix not in (".vtu", ".vts", ".vtk", ".pvd", *OTHERS):
        raise InputError(f"cannot export {path.name!r}: use .vtu, .vts, .vtk, .pvd, {', '.join(OTHERS)}")
    if suffix == ".pvd":
        return _export_series(solution, path, frames)
    mesh, time = mesh_of(solution.problem.domain), time_name(solution.problem.domain)
    if mesh is not None and mesh.cells is not None and suffix != ".vts":
        end = {} if time is None else {time: ends(solution.problem.domain, time)[1]}
        _write(path, *_on_mesh(solution, mesh, mesh.cells, end), end)
    else:
        _export_grid(solution, path, {})
    return path


def _export_series(solution: View, path: Path, frames: int) -> Path:
    """A .vtu file for each moment, and the list of them."""
    domain = solution.problem.domain
    time = time_name(domain)
    if time is None:
        raise InputError(f"{solution.problem.name} has no time for {path.name!r}; use .vtu")
    if frames < 2:
        raise InputError(f"a series needs at least 2 moments, not {frames}")
    mesh = mesh_of(domain)
    entries = []
    for i, t in enumerate(np.linspace(*ends(domain, time), frames).tolist()):
        part = path.with_name(f"{path.stem}_{i:04}.vtu")
        if mesh is not None and mesh.cells is not None:
            _write(part, *_on_mesh(solution, mesh, mesh.cells, {time: t}), {time: t})
        else:
            _export_grid(solution, part, {time: t})
        entries.append(f'    <DataSet timestep="{t:.17g}" file="{part.name}"/>')
    lines = [
        '<VTKFile type="Collection" version="0.1">',
        "  <Collection>",
        *entries,
        "  </Collection>",
        "</VTKFile>",
    ]
    write_atomically(path, lambda p: p.write_text("\n".join(lines) + "\n"))
    return path


def _on_mesh(
    solution: View, mesh: Mesh, cells: NDArray[np.int64], fixed: Mapping[str, float]
) -> tuple[Array, str, NDArray[np.int64], dict[str, Array]]:
    """Points [P, 3], kind, corners and fields of a mesh at one moment."""
    at = {name: mesh.points[:, i] for i, name in enumerate(mesh.names)}
    values = evaluate(solution, {**at, **{name: np.array(v) for name, v in fixed.items()}}, residual=True)
    points = np.pad(mesh.points, ((0, 0), (0, 3 - mesh.dim)))
    return points, {1: "line", 2: "triangle", 3: "tetra"}[mesh.dim], cells, _fields(values)


def _export_grid(solution: View, path: Path, at: Mapping[str, float]) -> None:
    """The values on a regular grid, with some coordinates given."""
    domain = solution.problem.domain
    middle = {**middle_of(domain), **at}
    shown = tuple(name for name in domain.names if name not in at)[:3]
    count = EXPORT[len(shown)]
    axes = [np.linspace(*ends(domain, name), count) for name in shown]
    grids = np.meshgrid(*axes, indexing="ij")
    fixed = {name: v for name, v in middle.items() if name not in shown}
    values = evaluate(
        solution,
        {
            **dict(zip(shown, grids, strict=True)),
            **{name: np.full_like(grids[0], v) for name, v in fixed.items()},
        },
        residual=True,
    )
    fields = _fields(values)
    position = np.stack([*grids, *[np.zeros_like(grids[0])] * (3 - len(shown))], -1)
    if path.suffix.lower() == ".vts":
        _write_structured(path, position, fields, fixed)
        return
    kind, cells = _cells(values.inside)
    used, cells = np.unique(cells, return_inverse=True)
    cells = cells.reshape(-1, 2 ** len(shown))
    points = position.reshape(-1, 3)[used]
    _write(path, points, kind, cells, {name: v.reshape(-1)[used] for name, v in fields.items()}, fixed)


def _write(
    path: Path,
    points: Array,
    kind: str,
    cells: NDArray[np.int64],
    fields: Mapping[str, Array],
    fixed: Mapping[str, float],
) -> None:
    if path.suffix.lower() in (".vtu", ".vtk"):
        _write_unstructured(path, points, kind, cells, fields, fixed)
    else:
        _write_meshio(path, points, kind, cells, fields)


def _fields(values: Values) -> dict[str, Array]:
    fields: dict[str, Array] = {}
    for name, found in values.found.items():
        fields[name] = found
        if values.exact is not None:
            fields[f"{name}_reference"] = values.exact[name]
            fields[f"{name}_error"] = found - values.exact[name]
    assert values.residual is not None
    fields["residual"] = values.residual
    return fields


def _cells(inside: NDArray[np.bool_]) -> tuple[str, NDArray[np.int64]]:
    """Corners [cells, 2^d] of the cells that lie inside, as lines, quads or hexahedra."""
    number = np.arange(inside.size).reshape(inside.shape)
    square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    choices: dict[int, list[tuple[int, ...]]] = {
        1: [(0,), (1,)],
        2: [*square],
        3: [(a, b, c) for c in (0, 1) for a, b in square],
    }
    corners = choices[inside.ndim]

    def shifted(array: NDArray[S], corner: tuple[int, ...]) -> NDArray[S]:
        """The array at that corner of every cell."""
        slices = tuple(slice(c, n - 1 + c) for c, n in zip(corner, inside.shape, strict=True))
        return array[slices].reshape(-1)

    kept = np.all([shifted(inside, corner) for corner in corners], 0)
    cells = np.stack([shifted(number, corner) for corner in corners], 1)[kept]
    return {1: "line", 2: "quad", 3: "hexahedron"}[inside.ndim], cells


def _write_unstructured(
    path: Path,
    points: Array,
    kind: str,
    cells: NDArray[np.int64],
    fields: Mapping[str, Array],
    fixed: Mapping[str, float],
) -> None:
    import pyvista

    code = {
        "line": pyvista.CellType.LINE,
        "quad": pyvista.CellType.QUAD,
        "triangle": pyvista.CellType.TRIANGLE,
        "tetra": pyvista.CellType.TETRA,
        "hexahedron": pyvista.CellType.HEXAHEDRON,
    }
    mesh = pyvista.UnstructuredGrid({code[kind]: cells}, points)
    mesh.point_data.update(dict(fields))
    _say_where(mesh, fixed)
    write_atomically(path, mesh.save)


def _write_structured(
    path: Path, position: Array, fields: Mapping[str, Array], fixed: Mapping[str, float]
) -> None:
    import pyvista

    shape = (*position.shape[:-1], 1, 1)[:3]
    mesh = pyvista.StructuredGrid(*(np.ascontiguousarray(position[..., i]).reshape(shape) for i in range(3)))
    for name, values in fields.items():
        mesh.point_data[name] = values.reshape(shape).ravel(order="F")
    _say_where(mesh, fixed)
    write_atomically(path, mesh.save)


def _say_where(mesh: pyvista.DataSet, fixed: Mapping[str, float]) -> None:
    """The fixed coordinates as field data: numbers, for meshio cannot read a .vtu file with text in it."""
    for name, value in fixed.items():
        mesh.field_data[f"{name} = {value:g}"] = np.array([value])


def _write_meshio(
    path: Path, points: Array, kind: str, cells: NDArray[np.int64], fields: Mapping[str, Array]
) -> None:
    import meshio

    mesh = meshio.Mesh(points, [(kind, cells)], point_data=dict(fields))
    try:
        write_atomically(path, lambda p: meshio.write(p, mesh, file_format=OTHERS[path.suffix.lower()]))
    except (ImportError, meshio.WriteError) as error:
        raise InputError(f"meshio cannot write {path.name!r}: {error}; use .vtu") from error
