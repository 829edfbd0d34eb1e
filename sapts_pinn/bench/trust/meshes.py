"""Faulty meshes, made by hand and, where gmsh is installed, by gmsh, and what reading them comes to.

Each is written as a file, read, and either refused or compared with the area or volume and the measure of the
boundary that it has by construction.
"""

from __future__ import annotations

import contextlib
import io
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...geometry import Mesh

if TYPE_CHECKING:
    import meshio

Points = NDArray[np.float64]
Cells = NDArray[np.int64]
Build = Callable[[], "meshio.Mesh"]

CURVED = 3e-4  # relative error allowed for curved cells


@dataclass(frozen=True)
class Case:
    """A mesh with a fault.

    Attributes:
        fault: What is wrong with it.
        suffix: The format it is written in.
        build: Makes it, a mesh of meshio.
        volume: What it has, or None where it has to be refused.
        boundary: Measure of its boundary.
        warns: Whether a warning is due.
        tolerance: Relative error allowed.
    """

    fault: str
    suffix: str
    build: Build
    volume: float | None = None
    boundary: float | None = None
    warns: bool = False
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Row:
    """The outcome of a case: what was read, or the refusal, and whether it is right."""

    fault: str
    kind: str
    outcome: str
    right: bool


def grid(
    nx: int, ny: int, low: tuple[float, float] = (0, 0), high: tuple[float, float] = (1, 1)
) -> tuple[Points, Cells]:
    """A rectangle in triangles, as points [P, 2] and cells [C, 3]."""
    x, y = np.meshgrid(
        np.linspace(low[0], high[0], nx + 1), np.linspace(low[1], high[1], ny + 1), indexing="ij"
    )
    k = np.arange(x.size).reshape(x.shape)
    a, b, c, d = k[:-1, :-1].ravel(), k[1:, :-1].ravel(), k[1:, 1:].ravel(), k[:-1, 1:].ravel()
    return np.stack([x.ravel(), y.ravel()], 1), np.concatenate(
        [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
    )


def cube(low: tuple[float, float, float], high: tuple[float, float, float]) -> tuple[Points, Cells]:
    """The surface of a box in twelve triangles."""
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    cells = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    return np.array(low) + corners * (np.array(high) - np.array(low)), cells


def joined(*meshes: tuple[Points, Cells]) -> tuple[Points, Cells]:
    """Meshes side by side, each with points of its own."""
    starts = np.cumsum([0, *(len(points) for points, _ in meshes)])
    return (
        np.concatenate([points for points, _ in meshes]),
        np.concatenate([cells + start for (_, cells), start in zip(meshes, starts, strict=False)]),
    )


def disc(sectors: int) -> tuple[Points, Cells]:
    """The unit disc in a fan of six-noded triangles; their rim is a parabola through the circle."""
    n, step = sectors, 2 * math.pi / sectors

    def around(radius: float, shift: float) -> Points:
        angle = (np.arange(n) + shift) * step
        return np.asarray(radius * np.stack([np.cos(angle), np.sin(angle)], 1))

    points = np.concatenate([np.zeros((1, 2)), around(1.0, 0.0), around(1.0, 0.5), around(0.5, 0.0)])
    i, j = np.arange(n), (np.arange(n) + 1) % n
    cells = np.stack([0 * i, 1 + i, 1 + j, 1 + 2 * n + i, 1 + n + i, 1 + 2 * n + j], 1)
    return points, cells


def file(points: Points, cells: Cells, kind: str = "triangle") -> Build:
    """Builder of a mesh of meshio, in space."""

    def build() -> meshio.Mesh:
        import meshio

        return meshio.Mesh(np.pad(points, ((0, 0), (0, 3 - points.shape[1]))), [(kind, cells)])

    return build


def cases() -> list[Case]:
    """All of them that can be made here."""
    plane = [
        case
        for suffix in (".vtu", ".msh")
        for case in (*_seams(suffix), *_overlaps(suffix), *_bad_cells(suffix), *_planes(suffix))
    ]
    bodies = [case for suffix in (".stl", ".ply", ".vtu") for case in _bodies(suffix)]
    return [*plane, *bodies, *_by_gmsh()]


def _seams(suffix: str) -> list[Case]:
    """Parts that meet in nodes of their own, cells that are there twice or turned over."""
    two = joined(grid(4, 4), grid(4, 4, (1, 0), (2, 1)))
    gap = (two[0] + np.where(np.arange(len(two[0])) >= 25, 1e-5, 0.0)[:, None] * [1.0, 0.0], two[1])
    apart = file(two[0][two[1]].reshape(-1, 2), np.arange(two[1].size).reshape(-1, 3))
    points, cells = grid(3, 3)
    twice, turned = np.concatenate([cells, cells[:5]]), np.concatenate([cells[:4], cells[4:, ::-1]])
    return [
        Case("nodes twice along a seam", suffix, file(*two), 2, 6),
        Case("every cell with nodes of its own", suffix, apart, 2, 6),
        Case("a gap of 1e-5 along a seam", suffix, file(*gap), 2, 8, warns=True, tolerance=1e-4),
        Case("cells twice", suffix, file(points, twice), 1, 4),
        Case("some cells turned over", suffix, file(points, turned), 1, 4),
    ]


def _overlaps(suffix: str) -> list[Case]:
    """Parts that overlap, or whose edges do not match."""
    half, equal = (joined(grid(4, 4), grid(n, n, (0.5, 0), (1.5, 1))) for n in (3, 4))
    within = joined(grid(3, 3), grid(1, 1, (0.4, 0.4), (0.6, 0.6)))
    hanging, unmatched = (joined(grid(2, 2), grid(n, n, (1, 0), (2, 1))) for n in (4, 3))
    return [
        Case("overlapping parts", suffix, file(*half)),
        Case("overlapping parts, equal cells", suffix, file(*equal), 1.5, 5),
        Case("a part within another", suffix, file(*within)),
        Case("hanging nodes", suffix, file(*hanging)),
        Case("nodes of a seam that do not match", suffix, file(*unmatched)),
    ]


def _bad_cells(suffix: str) -> list[Case]:
    """Cells without area, folded, crossed, not convex, and curved ones."""
    flat = np.array([[0.0, 0], [1, 0], [2, 0], [0, 1]])
    folded = np.array([[0.0, 0], [1, 0], [0.5, 1], [0.5, 0.6]])
    triangles = np.array([[0, 1, 2], [0, 1, 3]])
    bowtie = file(np.array([[0.0, 0], [1, 1], [1, 0], [0, 1]]), np.array([[0, 1, 2, 3]]), "quad")
    dart = file(np.array([[0, 0], [1, 0.2], [0.2, 0.2], [0.2, 1]]), np.array([[1, 2, 3, 0]]), "quad")
    curved = file(*disc(40), "triangle6")
    return [
        Case("a cell without area", suffix, file(flat, triangles)),
        Case("a cell folded over its neighbour", suffix, file(folded, triangles)),
        Case("a quadrilateral like a bow-tie", suffix, bowtie),
        Case("a quadrilateral that is not convex", suffix, dart, 0.16),
        Case("curved cells: a disc", suffix, curved, math.pi, 2 * math.pi, tolerance=CURVED),
    ]


def _planes(suffix: str) -> list[Case]:
    """A square that does not lie in the plane of x and y, and a surface that is not plane."""
    points, cells = grid(3, 3)
    x, y = points.T
    noise = 1e-10 * np.random.default_rng(0).standard_normal(len(x))
    tilted = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    across, noisy, curved = (np.stack(p, 1) for p in ((x, 0 * x + 2, y), (x, y, noise), (x, y, x**2)))
    slanted = np.stack([x, y, 0 * x], 1) @ tilted.T
    return [
        Case("a plane mesh in xz", suffix, file(across, cells), 1, 4),
        Case("a plane mesh with noise in z", suffix, file(noisy, cells), 1, 4),
        Case("a plane mesh in a tilted plane", suffix, file(slanted, cells), 1, 4, warns=True),
        Case("an open curved surface", suffix, file(curved, cells)),
    ]


def _bodies(suffix: str) -> list[Case]:
    """Closed surfaces of several bodies, and an open one."""
    unit = cube((0, 0, 0), (1, 1, 1))
    crossing, touching = cube((0.9, 0.25, 0.25), (1.9, 0.75, 0.75)), cube((1, 0.1, 0.1), (2, 0.7, 0.7))
    inner, far = cube((0.25, 0.25, 0.25), (0.75, 0.75, 0.75)), cube((2, 0, 0), (3, 1, 1))
    return [
        Case("bodies that overlap", suffix, file(*joined(unit, crossing))),
        Case("bodies one upon the other", suffix, file(*joined(unit, touching))),
        Case("a cavity", suffix, file(*joined(unit, inner)), 0.875, 7.5, tolerance=1e-6),
        Case("separate bodies", suffix, file(*joined(unit, far)), 2, 12, tolerance=1e-6),
        Case("a body twice", suffix, file(*joined(unit, unit)), 1, 6, tolerance=1e-6),
        Case("an open surface", suffix, file(unit[0], unit[1][:-1])),
    ]


def _by_gmsh() -> Iterator[Case]:
    """Meshes of gmsh: curved cells of second order, and two squares that are not glued together."""
    if find_spec("gmsh") is None:
        return

    def model(draw: Callable[[Any], None], dim: int, order: int, size: float) -> Build:
        def build() -> meshio.Mesh:
            import gmsh
            import meshio

            with tempfile.TemporaryDirectory() as folder:
                gmsh.initialize(interruptible=False)
                try:
                    gmsh.option.setNumber("General.Terminal", 0)
                    gmsh.option.setNumber("Mesh.MeshSizeMax", size)
                    draw(gmsh.model.occ)
                    gmsh.model.occ.synchronize()
                    gmsh.model.mesh.generate(dim)
                    gmsh.model.mesh.setOrder(order)
                    gmsh.write(str(Path(folder) / "mesh.msh"))
                finally:
                    gmsh.finalize()
                return meshio.read(Path(folder) / "mesh.msh")

        return build

    def squares(occ: Any) -> None:
        occ.addRectangle(0, 0, 0, 1, 1)
        occ.addRectangle(1, 0, 0, 1, 1)

    round_plate, ball = (lambda occ: occ.addDisk(0, 0, 0, 1, 1)), (lambda occ: occ.addSphere(0, 0, 0, 1))
    yield Case(
        "gmsh: curved cells, a disc",
        ".vtu",
        model(round_plate, 2, 2, 0.3),
        math.pi,
        2 * math.pi,
        tolerance=CURVED,
    )
    yield Case(
        "gmsh: curved cells, a ball",
        ".vtu",
        model(ball, 3, 2, 0.5),
        4 / 3 * math.pi,
        4 * math.pi,
        tolerance=2e-3,
    )
    yield Case("gmsh: two squares not glued", ".vtu", model(squares, 2, 1, 0.3), 2, 6)


def outcome(case: Case, folder: Path) -> Row:
    """Write a case into a folder, read it, and compare."""
    import meshio

    path = folder / f"mesh{case.suffix}"
    options = {"file_format": "gmsh22", "binary": False} if case.suffix == ".msh" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            meshio.write(path, case.build(), **options)  # which prints warnings
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            mesh = Mesh(path)
        except InputError as error:
            return Row(case.fault, case.suffix, f"refused: {error}", case.volume is None)
    boundary = sum(patch.measure for patch in mesh.face_patches())
    right = (
        case.volume is not None
        and mesh.volume is not None
        and math.isclose(mesh.volume, case.volume, rel_tol=case.tolerance)
        and (case.boundary is None or math.isclose(boundary, case.boundary, rel_tol=case.tolerance))
        and bool(said) == case.warns
    )
    told = f", warning: {said[0].message}" if said else ""
    return Row(case.fault, case.suffix, f"measure {mesh.volume:.6g}, boundary {boundary:.6g}{told}", right)


def run() -> list[Row]:
    """All cases, in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        return [outcome(case, Path(folder)) for case in cases()]
