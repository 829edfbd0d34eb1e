"""Files of a solution's fields, for ParaView and whatever else reads VTK or a format of meshio."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..runs.files import write_atomically
from .dataset import Sampled, on_grid, sample, say_where
from .fields import ends, time_name
from .view import View

# What meshio writes with values at the points.  (It takes .msh for another program's format, which has none.)
OTHERS = {".msh": "gmsh", ".ply": "ply", ".dat": "tecplot", ".avs": "avsucd", ".xdmf": "xdmf"}


def export_solution(solution: View, path: Path, frames: int = 21) -> Path:
    """Write unknowns, reference, error and residual, at the places that `dataset.py` chooses.

    A .vts file holds a whole regular grid, also of a mesh, with NaN outside.  A .pvd file lists .vtu files
    beside it, one for each of some moments.

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
    if suffix == ".vts":
        _export_grid(solution, path)
        return path
    sampled = sample(solution, {})
    if suffix in (".vtu", ".vtk"):
        write_atomically(path, sampled.dataset().save)
    else:
        _write_meshio(path, sampled)
    return path


def _export_series(solution: View, path: Path, frames: int) -> Path:
    """A .vtu file for each moment, and the list of them."""
    domain = solution.problem.domain
    time = time_name(domain)
    if time is None:
        raise InputError(f"{solution.problem.name} has no time for {path.name!r}; use .vtu")
    if frames < 2:
        raise InputError(f"a series needs at least 2 moments, not {frames}")
    entries = []
    for i, t in enumerate(np.linspace(*ends(domain, time), frames).tolist()):
        part = path.with_name(f"{path.stem}_{i:04}.vtu")
        write_atomically(part, sample(solution, {time: t}).dataset().save)
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


def _export_grid(solution: View, path: Path) -> None:
    """The values on a whole regular grid."""
    import pyvista

    grid = on_grid(solution, {})
    shape = (*grid.position.shape[:-1], 1, 1)[:3]
    axes = (np.ascontiguousarray(grid.position[..., i]).reshape(shape) for i in range(3))
    mesh = pyvista.StructuredGrid(*axes)
    for name, values in grid.fields.items():
        mesh.point_data[name] = values.reshape(shape).ravel(order="F")
    say_where(mesh, grid.fixed)
    write_atomically(path, mesh.save)


def _write_meshio(path: Path, sampled: Sampled) -> None:
    import meshio

    mesh = meshio.Mesh(sampled.points, [(sampled.kind, sampled.cells)], point_data=dict(sampled.fields))
    try:
        write_atomically(path, lambda p: meshio.write(p, mesh, file_format=OTHERS[path.suffix.lower()]))
    except (ImportError, meshio.WriteError) as error:
        raise InputError(f"meshio cannot write {path.name!r}: {error}; use .vtu") from error
