"""A solution as a dataset of PyVista: its fields at the points of a mesh, or of a regular grid.

On a mesh they are given at its own points, at the end of the time if there is one.  Otherwise cells are those
of a regular grid whose corners all lie in the domain.  Of more than three coordinates the first three vary,
the others stay in the middle of the domain; the field data say where ("x4 = 0.5").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import InputError
from .fields import Array, Values, ends, evaluate, mesh_of, middle_of, parameter_names, time_name, unknowns_at
from .vectors import flow_of, vector_name
from .view import View

if TYPE_CHECKING:
    import pyvista

S = TypeVar("S", bound=np.generic)

RESOLUTION = {1: 1001, 2: 201, 3: 41}  # points along a coordinate of a regular grid
DETAILS = ("estimated_error", "gradient")  # ends of the names of fields that take longer
KINDS = {1: "line", 2: "triangle", 3: "tetra"}  # cells of a mesh, by dimension


@dataclass(frozen=True)
class Sampled:
    """Fields of a solution at the corners of cells.

    Attributes:
        points: [P, 3]; coordinates that there are not are zero.
        kind: "line", "triangle", "tetra", "quad" or "hexahedron".
        cells: Numbers of their corners, [cells, corners].
        fields: By name, [P], or [P, 3] of vectors.
        names: Coordinates of the columns of `points`.
        fixed: Values of all other coordinates.
    """

    points: Array
    kind: str
    cells: NDArray[np.int64]
    fields: dict[str, Array]
    names: tuple[str, ...]
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def places(self) -> dict[str, Array]:
        """All coordinates of the points by name, each [P]."""
        shown = {name: self.points[:, i] for i, name in enumerate(self.names)}
        return shown | {name: np.full(len(self.points), value) for name, value in self.fixed.items()}

    def dataset(self) -> pyvista.UnstructuredGrid:
        """Make a dataset of PyVista."""
        import pyvista

        code = {
            "line": pyvista.CellType.LINE,
            "quad": pyvista.CellType.QUAD,
            "triangle": pyvista.CellType.TRIANGLE,
            "tetra": pyvista.CellType.TETRA,
            "hexahedron": pyvista.CellType.HEXAHEDRON,
        }
        mesh = pyvista.UnstructuredGrid({code[self.kind]: self.cells}, self.points)
        mesh.point_data.update(dict(self.fields))
        say_where(mesh, self.fixed)
        return mesh


def sample(
    solution: View,
    at: Mapping[str, float],
    resolution: int | None = None,
    residual: bool = True,
    rim: bool = False,
) -> Sampled:
    """Evaluate unknowns, reference, error and residual.

    Args:
        solution: The solution.
        at: Values of some coordinates, such as a time.
        resolution: Points along each coordinate of a grid; None for `RESOLUTION`.  A mesh has points.
        residual: Whether the residual is needed, which takes longer than the rest.
        rim: Whether cells of a grid that are cut by the boundary are kept, with the unknowns extrapolated and
            the signed distance from it in the field "distance", to be clipped by.

    Raises:
        InputError: There is no such coordinate, a value outside of the domain, a coordinate of a mesh, or
            none is left; or a resolution of less than two points.
    """
    domain = solution.problem.domain
    mesh = mesh_of(domain)
    for name, value in at.items():
        if name not in domain.names or (mesh is not None and name in mesh.names):
            able = [n for n in domain.names if mesh is None or n not in mesh.names]
            known = f"; give {' or '.join(able)}" if able else ""
            raise InputError(f"{solution.problem.name} has no section at a given {name!r}{known}")
        low, high = ends(domain, name)
        if not low <= value <= high:
            raise InputError(f"{name} must lie in [{low:g}, {high:g}], not {value:g}")
    if resolution is not None and resolution < 2:
        raise InputError(f"resolution must be at least 2 points along a coordinate, not {resolution}")
    if mesh is not None and mesh.cells is not None:
        return _on_mesh(solution, mesh.cells, at, residual)
    if len(at) == domain.dim:
        raise InputError(f"all coordinates are given; leave out {domain.names[0]!r} to see a section")
    return _on_grid(solution, at, resolution, residual, rim)


def say_where(mesh: pyvista.DataSet, fixed: Mapping[str, float]) -> None:
    """The fixed coordinates as field data: numbers, for meshio cannot read a .vtu file with text in it."""
    for name, value in fixed.items():
        mesh.field_data[f"{name} = {value:g}"] = np.array([value])


def to_pyvista(
    solution: View, resolution: int | None = None, at: Mapping[str, float] | None = None
) -> pyvista.UnstructuredGrid:
    """The dataset of a solution with all that is known of it.

    Beside the fields of `sample` it has the estimated error of each unknown ("u_estimated_error"), the
    gradient ("u_gradient", [P, 3], by the coordinates that are shown), the derived fields of the problem, and
    vectors of unknowns ("(u, v)", [P, 3]).

    Args:
        solution: The solution.
        resolution: As of `sample`.
        at: As of `sample`.

    Raises:
        InputError: As `sample`.
    """
    sampled = sample(solution, at or {}, resolution)
    complete(solution, sampled)
    return sampled.dataset()


def complete(solution: View, sampled: Sampled) -> None:
    """Add all that is known to a sample: see `to_pyvista`."""
    sampled.fields.update(details(solution, sampled))
    sampled.fields.update(vectors(solution, sampled))


def details(solution: View, sampled: Sampled) -> dict[str, Array]:
    """Estimated error [P] and gradient [P, 3] of each unknown at the points, and derived fields."""
    places, unknowns = sampled.places, solution.problem.unknown_names
    wrong = solution.error_field(places)
    found = {
        f"{name}_estimated_error": np.asarray(wrong[name] if isinstance(wrong, dict) else wrong)
        for name in unknowns
    }
    found |= {f"{name}_gradient": np.zeros_like(sampled.points) for name in unknowns}
    for i, coordinate in enumerate(sampled.names):
        slope = unknowns_at(solution, places, coordinate)
        for name in unknowns:
            found[f"{name}_gradient"][:, i] = slope[name]
    for name, function in solution.problem.derived.items():
        found[name] = np.asarray(solution.evaluate(function, places, extrapolate=True), float)
    return found


def vectors(solution: View, sampled: Sampled) -> dict[str, Array]:
    """The vector [P, 3] that unknowns are the components of, by its name; nothing where there is none."""
    flow = flow_of(solution.problem)
    vector = np.zeros((len(sampled.points), 3))
    for coordinate, component in flow.items():
        if coordinate in sampled.names:
            vector[:, sampled.names.index(coordinate)] = sampled.fields[component]
    return {vector_name(flow): vector} if flow else {}


def _on_mesh(solution: View, cells: NDArray[np.int64], at: Mapping[str, float], residual: bool) -> Sampled:
    """The fields at the points of a mesh, at one moment."""
    domain = solution.problem.domain
    mesh, time = mesh_of(domain), time_name(domain)
    assert mesh is not None
    middle = middle_of(domain)
    fixed = {name: at.get(name, middle[name]) for name in parameter_names(domain)}
    if time is not None:
        fixed[time] = at.get(time, ends(domain, time)[1])
    places = {name: mesh.points[:, i] for i, name in enumerate(mesh.names)}
    values = evaluate(solution, {**places, **{n: np.array(v) for n, v in fixed.items()}}, residual)
    points = np.pad(mesh.points, ((0, 0), (0, 3 - mesh.dim)))
    return Sampled(points, KINDS[mesh.dim], cells, fields_of(values), mesh.names, fixed)


def _on_grid(
    solution: View, at: Mapping[str, float], resolution: int | None, residual: bool, rim: bool
) -> Sampled:
    """The fields on the cells of a grid that lie in the domain."""
    grid = on_grid(solution, at, resolution, residual)
    rim = rim and not grid.inside.all()
    kind, cells = cells_inside(grid.inside, np.any if rim else np.all)
    if not len(cells):
        fixed = ", ".join(f"{name} = {value:g}" for name, value in grid.fixed.items())
        raise InputError(f"no cell of the grid lies in the domain at {fixed or 'this resolution'}")
    used, cells = np.unique(cells, return_inverse=True)
    cells = cells.reshape(-1, 2 ** len(grid.names))
    points = grid.position.reshape(-1, 3)[used]
    fields = {name: v.reshape(-1)[used] for name, v in grid.fields.items()}
    sampled = Sampled(points, kind, cells, fields, grid.names, grid.fixed)
    if rim:
        fields |= _beyond(solution, sampled.places)
    return sampled


def _beyond(solution: View, places: Mapping[str, Array]) -> dict[str, Array]:
    """The unknowns at points that may lie outside, and the distance from the boundary, each [P]."""
    domain = solution.problem.domain
    named = unknowns_at(solution, places)
    flat = torch.from_numpy(np.stack([places[name] for name in domain.names], 1))
    with torch.no_grad():
        distance = domain.distance(flat).numpy()
    return {**{name: np.asarray(values) for name, values in named.items()}, "distance": distance}


@dataclass(frozen=True)
class Grid:
    """Fields on a whole regular grid, NaN outside of the domain.

    Attributes:
        position: [..., 3].
        fields: By name, [...].
        inside: Which points lie in the domain, [...].
        names: Coordinates that vary.
        fixed: Values of all others.
    """

    position: Array
    fields: dict[str, Array]
    inside: NDArray[np.bool_]
    names: tuple[str, ...]
    fixed: dict[str, float]


def on_grid(
    solution: View, at: Mapping[str, float], resolution: int | None = None, residual: bool = True
) -> Grid:
    """The fields on a regular grid, with some coordinates given."""
    domain = solution.problem.domain
    shown = tuple(name for name in domain.names if name not in at)[:3]
    count = resolution or RESOLUTION[len(shown)]
    grids = np.meshgrid(*(np.linspace(*ends(domain, name), count) for name in shown), indexing="ij")
    fixed = {name: v for name, v in {**middle_of(domain), **at}.items() if name not in shown}
    places = dict(zip(shown, grids, strict=True))
    places |= {name: np.full_like(grids[0], v) for name, v in fixed.items()}
    values = evaluate(solution, places, residual)
    position = np.stack([*grids, *[np.zeros_like(grids[0])] * (3 - len(shown))], -1)
    return Grid(position, fields_of(values), values.inside, shown, fixed)


def whole_grid(solution: View) -> Grid:
    """All fields of `to_pyvista` on a regular grid, NaN outside of the domain; vectors are [..., 3]."""
    grid = on_grid(solution, {})
    flat = {name: values[grid.inside] for name, values in grid.fields.items()}
    none = np.empty((0, 0), np.int64)
    inside = Sampled(grid.position[grid.inside], "", none, flat, grid.names, grid.fixed)
    complete(solution, inside)
    for name, values in inside.fields.items():
        grid.fields[name] = np.full((*grid.inside.shape, *values.shape[1:]), np.nan)
        grid.fields[name][grid.inside] = values
    return grid


def fields_of(values: Values) -> dict[str, Array]:
    """The unknowns, with reference, error and residual as far as they are known."""
    fields: dict[str, Array] = {}
    for name, found in values.found.items():
        fields[name] = found
        if name in (values.exact or {}):
            assert values.exact is not None
            fields[f"{name}_reference"] = values.exact[name]
            fields[f"{name}_error"] = found - values.exact[name]
    if values.residual is not None:
        fields["residual"] = values.residual
    return fields


def cells_inside(
    inside: NDArray[np.bool_], which: Callable[..., NDArray[np.bool_]] = np.all
) -> tuple[str, NDArray[np.int64]]:
    """Corners [cells, 2^d] of the cells of which all (or any) lie inside, as lines, quads or hexahedra."""
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

    kept = which([shifted(inside, corner) for corner in corners], 0)
    cells = np.stack([shifted(number, corner) for corner in corners], 1)[kept]
    return {1: "line", 2: "quad", 3: "hexahedron"}[inside.ndim], cells
