"""Makes the example meshes of `geometry/meshes/` with Gmsh: `python geometry/scripts/make_meshes.py`.

Gmsh is an extra, `pip install .[meshes]`.  The files are small .msh 4.1 files with named physical groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import gmsh

MESHES = Path(__file__).parents[1] / "meshes"


def group(tags: dict[str, list[int]], dim: int, inside: list[int]) -> None:
    """Name the boundary's entities, and the whole of the inside "domain"."""
    for name, entities in tags.items():
        gmsh.model.addPhysicalGroup(dim - 1, entities, name=name)
    gmsh.model.addPhysicalGroup(dim, inside, name="domain")


def sort_boundary(dim: int, inside: int, name: Callable[[float, float, float, float], str]) -> None:
    """Name each piece of the boundary by its centre of mass and its measure."""
    tags: dict[str, list[int]] = {}
    for _, entity in gmsh.model.getBoundary([(dim, inside)], oriented=False):
        x, y, z = gmsh.model.occ.getCenterOfMass(dim - 1, entity)
        tags.setdefault(name(x, y, z, gmsh.model.occ.getMass(dim - 1, entity)), []).append(entity)
    group(tags, dim, [inside])


def plate_with_holes() -> float:
    """[0, 2] x [0, 1] with two round holes and a slot with round ends."""
    occ = gmsh.model.occ
    plate = occ.addRectangle(0, 0, 0, 2, 1)
    holes = [occ.addDisk(0.4, 0.7, 0, 0.15, 0.15), occ.addDisk(0.45, 0.25, 0, 0.1, 0.1)]
    ends = [occ.addDisk(x, 0.5, 0, 0.12, 0.12) for x in (1.2, 1.6)]
    slot, _ = occ.fuse([(2, occ.addRectangle(1.2, 0.38, 0, 0.4, 0.24))], [(2, e) for e in ends])
    occ.cut([(2, plate)], [*((2, h) for h in holes), *slot])
    occ.synchronize()

    def name(x: float, y: float, z: float, length: float) -> str:
        if 0 < x < 2 and 0 < y < 1:
            return "holes" if x < 0.8 else "slot"
        return "outer"

    sort_boundary(2, gmsh.model.getEntities(2)[0][1], name)
    return 0.06


def l_shape() -> float:
    """(-1, 1)^2 without its upper right quarter; "corner" are the two edges of the re-entrant corner."""
    corners = [(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)]
    points = [gmsh.model.occ.addPoint(x, y, 0) for x, y in corners]
    lines = [gmsh.model.occ.addLine(a, b) for a, b in zip(points, points[1:] + points[:1], strict=True)]
    surface = gmsh.model.occ.addPlaneSurface([gmsh.model.occ.addCurveLoop(lines)])
    gmsh.model.occ.synchronize()
    group({"outer": lines[:2] + lines[4:], "corner": lines[2:4]}, 2, [surface])
    gmsh.model.mesh.setSize([(0, points[3])], 0.02)
    return 0.12


def cylinder() -> float:
    """A pipe of radius 0.5 and length 2 along x."""
    pipe = gmsh.model.occ.addCylinder(0, 0, 0, 2, 0, 0, 0.5)
    gmsh.model.occ.synchronize()

    def name(x: float, y: float, z: float, area: float) -> str:
        return {0.0: "inlet", 2.0: "outlet"}.get(round(x, 6), "wall")

    sort_boundary(3, pipe, name)
    return 0.22


def airfoil() -> float:
    """A NACA 0012 profile of chord 1 from the origin, closed at its trailing edge, in [-1, 3] x [-1, 1]."""
    occ, count = gmsh.model.occ, 30
    x = [(1 - math.cos(math.pi * k / count)) / 2 for k in range(count + 1)]
    half = [
        0.6 * (0.2969 * s**0.5 - 0.126 * s - 0.3516 * s**2 + 0.2843 * s**3 - 0.1036 * s**4) for s in x
    ]  # the last coefficient is the one that closes the trailing edge
    upper = [occ.addPoint(a, b, 0, 0.025) for a, b in zip(x, half, strict=True)]
    lower = [occ.addPoint(a, -b, 0, 0.025) for a, b in zip(x[1:-1], half[1:-1], strict=True)]
    profile = [occ.addSpline(upper), occ.addSpline([upper[0], *lower, upper[-1]])]
    box = occ.addRectangle(-1, -1, 0, 4, 2)
    occ.cut([(2, box)], [(2, occ.addPlaneSurface([occ.addCurveLoop(profile)]))])
    occ.synchronize()

    def name(x: float, y: float, z: float, length: float) -> str:
        if abs(y) > 0.9:
            return "walls"
        return {-1.0: "inlet", 3.0: "outlet"}.get(round(x, 6), "profile")

    sort_boundary(2, gmsh.model.getEntities(2)[0][1], name)
    near = gmsh.model.mesh.field.add("Distance")
    curves = [e for _, e in gmsh.model.getEntities(1) if 0 < gmsh.model.occ.getCenterOfMass(1, e)[0] < 1]
    gmsh.model.mesh.field.setNumbers(near, "CurvesList", curves)
    gmsh.model.mesh.field.setNumber(near, "Sampling", 200)
    size = gmsh.model.mesh.field.add("Threshold")
    for key, value in {
        "InField": near,
        "SizeMin": 0.025,
        "SizeMax": 0.2,
        "DistMin": 0,
        "DistMax": 1.0,
    }.items():
        gmsh.model.mesh.field.setNumber(size, key, value)
    gmsh.model.mesh.field.setAsBackgroundMesh(size)
    return 0.2


def main() -> None:
    """Make and write all of them."""
    MESHES.mkdir(exist_ok=True)
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    for make in (plate_with_holes, l_shape, cylinder, airfoil):
        gmsh.clear()
        name = make.__name__.replace("_", "-")
        gmsh.model.add(name)
        gmsh.option.setNumber("Mesh.MeshSizeMax", make())
        gmsh.model.mesh.generate(gmsh.model.getDimension())
        path = MESHES / f"{name}.msh"
        gmsh.write(str(path))
        print(f"{path.name}: {len(gmsh.model.mesh.getNodes()[0])} points, {path.stat().st_size:,} bytes")
    gmsh.finalize()


if __name__ == "__main__":
    main()
