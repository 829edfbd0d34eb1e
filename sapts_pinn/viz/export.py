"""Files of a solution's fields, for ParaView and whatever else reads VTK or a format of meshio."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import numpy as np

from ..errors import InputError
from ..runs.files import write_atomically
from .dataset import Sampled, complete, on_grid, sample, say_where, whole_grid
from .fields import ends, time_name
from .tables import write_csv, write_npz
from .view import View

# What meshio writes with values at the points.  (It takes .msh for another program's format, which has none.)
OTHERS = {".msh": "gmsh", ".ply": "ply", ".dat": "tecplot", ".avs": "avsucd"}
OF_THE_MODEL = (".pt2", ".onnx", ".safetensors")  # `sapts_pinn.results.model_files` writes them
SUFFIXES = (".vtu", ".vts", ".vtk", ".pvd", ".vti", ".xdmf", ".csv", ".npz", *OTHERS)


def export_solution(solution: View, path: Path, frames: int = 21) -> Path:
    """Write unknowns, reference, error and residual, at the places that `dataset.py` chooses.

    A .vts or .vti file holds a whole regular grid, also of a mesh, with NaN outside.  A .pvd file lists .vtu
    files beside it, one for each of some moments; an .xdmf file holds such moments itself, as text.  The
    formats .vti, .xdmf, .csv and .npz have all fields of `to_pyvista`: gradients and estimated errors, too.

    Args:
        solution: What to write.
        path: Its extension is one of `SUFFIXES`.
        frames: Number of moments of a .pvd or .xdmf file, at least 2.

    Returns:
        The path.

    Raises:
        InputError: No writer for the extension, no time for a .pvd file, or too few moments.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"cannot export {path.name!r}: use {', '.join(SUFFIXES)}; for the model {', '.join(OF_THE_MODEL)}"
        )
    whole = {".vts": _write_vts, ".vti": _write_vti, ".csv": write_csv, ".npz": write_npz}
    if suffix in whole:
        whole[suffix](solution, path)
    elif suffix == ".pvd":
        _write_pvd(solution, path, frames)
    elif suffix == ".xdmf":
        _write_xdmf(solution, path, frames)
    elif suffix in OTHERS:
        _write_meshio(path, sample(solution, {}))
    else:
        write_atomically(path, sample(solution, {}).dataset().save)
    return path


def _moments(solution: View, time: str, frames: int) -> list[float]:
    if frames < 2:
        raise InputError(f"a series needs at least 2 moments, not {frames}")
    found: list[float] = np.linspace(*ends(solution.problem.domain, time), frames).tolist()
    return found


def _write_pvd(solution: View, path: Path, frames: int) -> None:
    """A .vtu file for each moment, and the list of them."""
    time = time_name(solution.problem.domain)
    if time is None:
        raise InputError(f"{solution.problem.name} has no time for {path.name!r}; use .vtu")
    file = Element("VTKFile", type="Collection", version="0.1")
    series = SubElement(file, "Collection")
    for i, t in enumerate(_moments(solution, time, frames)):
        part = path.with_name(f"{path.stem}_{i:04}.vtu")
        write_atomically(part, sample(solution, {time: t}).dataset().save)
        SubElement(series, "DataSet", timestep=f"{t:.17g}", file=part.name)
    indent(file)
    write_atomically(path, ElementTree(file).write)


def _write_xdmf(solution: View, path: Path, frames: int) -> None:
    """All fields at some moments; once where there is no time, or nothing else."""
    from meshio.xdmf import TimeSeriesWriter

    time = time_name(solution.problem.domain)
    alone = time is None or solution.problem.domain.dim == 1
    moments = [{}] if alone or time is None else [{time: t} for t in _moments(solution, time, frames)]

    def write(temporary: Path) -> None:
        # Numbers as text: of HDF5 meshio would make a second file, in the folder where Python runs.  Its
        # writer of a mesh without time needs h5py even so: that is a series of one moment here.
        with TimeSeriesWriter(temporary, data_format="XML") as file:
            for at in moments:
                sampled = sample(solution, at)
                complete(solution, sampled)
                if not file.has_mesh:
                    file.write_points_cells(sampled.points, [(sampled.kind, sampled.cells)])
                file.write_data(next(iter(at.values()), 0.0), point_data=sampled.fields)

    write_atomically(path, write)


def _write_vti(solution: View, path: Path) -> None:
    """All fields on a whole regular grid, whose points follow from its corner and its spacing."""
    import pyvista

    grid = whole_grid(solution)
    shape = (*grid.inside.shape, 1, 1)[:3]
    corner, end = grid.position.reshape(-1, 3)[[0, -1]]
    spacing = [(b - a) / max(n - 1, 1) or 1.0 for a, b, n in zip(corner, end, shape, strict=True)]
    mesh = pyvista.ImageData(dimensions=shape, spacing=spacing, origin=corner)
    for name, values in grid.fields.items():
        vectors = values.ndim > grid.inside.ndim
        mesh.point_data[name] = (
            np.stack([values[..., i].ravel(order="F") for i in range(3)], 1)
            if vectors
            else values.ravel(order="F")
        )
    say_where(mesh, grid.fixed)
    write_atomically(path, mesh.save)


def _write_vts(solution: View, path: Path) -> None:
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
