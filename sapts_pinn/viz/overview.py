"""Overview of a solution in at most six panels, chosen by the meaning of its fields.

The main field comes first with its reference and its error; then the other unknowns, misfits of weighted
conditions, and where no reference is known the residual of each equation, once, and the estimated error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .curves import profile_panels
from .estimated import estimated_error
from .fields import Array, ends, evaluate, mesh_of, time_name
from .grids import IMAGE, SECTION, Cut
from .meshes import MeshPlane
from .misfit import misfit_of
from .observed import beside, dot_size
from .panels import MOST, Kind, Panel, arranged, chosen
from .planes import Plane
from .shown import Shown, limits_of, profiles_of, shown_of
from .space import cuts_of, moments, space_panels, volumes
from .style import Limits, colour_limits, is_above, log_limits
from .view import View

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMED = 0.8  # height over width of a plane with time


def planes_of(solution: View) -> list[Plane]:
    """Planes that show a solution of two coordinates or more."""
    domain, mesh = solution.problem.domain, mesh_of(solution.problem.domain)
    if mesh is not None and mesh.dim == 2:
        return [MeshPlane(solution, mesh, moment) for moment in moments(domain)]
    count = IMAGE if domain.dim == 2 else SECTION
    return [Cut(solution, section, count) for section in cuts_of(domain)]


def main_panels(solution: View) -> tuple[list[Panel], float]:
    """The main field of a solution of two coordinates or more, and its reference or another field beside.

    Returns:
        One or two panels, and the ratio of height to width of their planes.
    """
    domain, mesh = solution.problem.domain, mesh_of(solution.problem.domain)
    plane: Plane
    if mesh is not None and mesh.dim == 2:
        plane = MeshPlane(solution, mesh, moments(domain)[-1])
    else:
        plane = Cut(solution, cuts_of(domain)[-1], SECTION)
    panels = profile_panels(solution, profiles_of(solution))
    panels += [p for p in _one(solution, plane, shown_of(solution)) if p.rank < 1 or 2 <= p.rank < 3]
    return panels[:2], _aspect(solution, plane)


def overview_of(solution: View) -> Figure:
    """Draw a solution of two coordinates or more."""
    planes = planes_of(solution)
    shown, profiles = shown_of(solution), profiles_of(solution)
    if len(planes) == 1 or len(shown) + len(profiles) > 1:
        panels = _one(solution, planes[-1], shown) + profile_panels(solution, profiles)
    else:
        panels = _several(solution, planes, shown[0])
    panels += _misfit(solution, planes[-1], any(s.exact(planes[-1].values) is not None for s in shown))
    panels = chosen(panels)
    if len(panels) == MOST - 1:
        panels.append(Panel(partial(_largest, solution, planes[-1])))
    figure = arranged(panels, max(_aspect(solution, plane) for plane in planes))
    _name_faces(solution, figure)
    return figure


def _one(solution: View, plane: Plane, shown: Sequence[Shown]) -> list[Panel]:
    """Panels of all fields on one plane."""
    found = {s.name: s.found(solution, plane) for s in shown}
    exact = {s.name: values for s in shown if (values := s.exact(plane.values)) is not None}
    every = {n: [v, *([exact[n]] if n in exact else [])] for n, v in found.items()}
    limits = limits_of(shown, every)
    panels = []
    for i, s in enumerate(shown):
        panels.append(Panel(partial(_found, solution, plane, s, found[s.name], limits[s.name]), 0.01 * i))
        if s.name in exact:
            title = f"{s.name}, reference{plane.where}"
            field, bounds = exact[s.name], limits[s.name]
            panels.append(Panel(partial(_image, plane, s, field, title, bounds, True), 2 + 0.01 * i))
            title = f"|error of {s.name.strip('|')}|{plane.where}"
            panels.append(
                Panel(partial(plane.decades, field=s.error(plane.values), title=title), 1 + 0.01 * i)
            )
    if exact:
        return panels
    rows = plane.values.residuals or []
    if len(rows) > MOST - len(panels):
        panels.append(Panel(partial(_largest, solution, plane), 1.5))
    else:
        titles = ["|residual|"] if len(rows) == 1 else [f"|residual {i + 1}|" for i in range(len(rows))]
        for i, (title, row) in enumerate(zip(titles, rows, strict=True)):
            panels.append(Panel(partial(plane.decades, field=row, title=title + plane.where), 1.5 + 0.01 * i))
    at = {name: np.broadcast_to(column, plane.values.inside.shape) for name, column in plane.at.items()}
    for name, error in (estimated_error(solution, at, plane.values.inside) or {}).items():
        title = f"|estimated error of {name}|"
        panels.append(Panel(partial(plane.decades, field=error, title=title), 3))
    return panels


def _several(solution: View, planes: Sequence[Plane], shown: Shown) -> list[Panel]:
    """Panels of one field on three planes, its error, and what shows the whole."""
    fields = [shown.found(solution, plane) for plane in planes]
    solid = volumes(solution)
    inside = [v.values(shown.unknowns[0]) for v in solid] if not shown.flow else []
    limits = colour_limits([*fields, *inside], shown.meaning)
    panels = [
        Panel(partial(_found, solution, plane, shown, field, limits), 0.01 * i)
        for i, (plane, field) in enumerate(zip(planes, fields, strict=True))
    ]
    known = all(shown.exact(plane.values) is not None for plane in planes)
    wrong = [shown.error(p.values) if known else _residual(solution, p) for p in planes]
    rows = solution.problem.equation_term.rows
    what = (
        f"|error of {shown.name.strip('|')}|"
        if known
        else "|residual|"
        if rows == 1
        else "largest |residual|"
    )
    decades = log_limits(wrong)
    seen = [(plane, field) for plane, field in zip(planes, wrong, strict=True) if is_above(field, decades)]
    for i, (plane, field) in enumerate(seen):
        title = f"{what}{plane.where}"
        panels.append(Panel(partial(plane.decades, field=field, title=title, limits=decades), 1 + 0.5 * i))
    exact = shown.exact(planes[-1].values)
    if exact is not None and len(seen) < len(planes):  # as at the start, where a condition holds exactly
        title = f"{shown.name}, reference{planes[-1].where}"
        panels.append(Panel(partial(_image, planes[-1], shown, exact, title, limits, True), 2))
    return panels + (space_panels(solution, shown, limits, solid) if solid else [])


def _found(solution: View, plane: Plane, shown: Shown, field: Array, limits: Limits, axis: Axes) -> None:
    """A field on a plane, with the places of its observations; stress on the displaced body."""
    by = solution.problem.displacement
    if shown.function is not None and len(by) == 2:
        factor = plane.factor(plane.values.found, (by[0], by[1]))
        title = f"{shown.name}, displaced × {factor:g}"
        plane.deformed(axis, field, (by[0], by[1]), title, limits, shown.meaning)
        return
    _image(plane, shown, field, f"{shown.name}{plane.where}", limits, False, axis)
    fixed = {name: float(np.ravel(v)[0]) for name, v in plane.at.items() if name not in plane.names}
    for unknown in () if shown.flow else shown.unknowns:
        for at in beside(solution.problem, unknown, fixed):
            x, y = (at[name] for name in plane.names)
            axis.plot(x, y, ".", ms=dot_size(len(x)), mew=0, color="#111111", alpha=0.5)


def _image(
    plane: Plane, shown: Shown, field: Array, title: str, limits: Limits, exact: bool, axis: Axes
) -> None:
    moving = shown.flow and set(plane.names) <= set(shown.flow) and not shown.displaces
    if moving:
        plane.streams(axis, shown.flow, title, limits, exact)
    else:
        plane.image(axis, field, title, limits, shown.meaning)


def _residual(solution: View, plane: Plane) -> Array:
    """Largest residual on a plane."""
    found = plane.values.residual
    if found is None:
        found = evaluate(solution, plane.at, residual=True).residual
    assert found is not None
    return found


def _largest(solution: View, plane: Plane, axis: Axes) -> None:
    name = "|residual|" if solution.problem.equation_term.rows == 1 else "largest |residual|"
    plane.decades(axis, _residual(solution, plane), f"{name}{plane.where}")


def _misfit(solution: View, plane: Plane, compared: bool) -> list[Panel]:
    """The panel of the weighted conditions, if there are any."""
    misfit = misfit_of(solution)
    if misfit is None:
        return []
    domain, rank = solution.problem.domain, 3.0 if compared else 0.9
    if domain.dim > 2:
        return [Panel(lambda axis: misfit.in_space(axis, solution), rank, Kind.SPACE)]
    order = [domain.names.index(name) for name in plane.names]
    turned = type(misfit)(misfit.points[:, order], misfit.values)
    bounds, equal = domain.bounds.numpy()[:, order], time_name(domain) is None
    return [Panel(lambda axis: turned.on_plane(axis, plane, bounds, equal), rank)]


def _aspect(solution: View, plane: Plane) -> float:
    """Height over width of a plane in the picture."""
    domain = solution.problem.domain
    if time_name(domain) in plane.names:
        return TIMED
    wide, high = (end - start for start, end in (ends(domain, name) for name in plane.names))
    return high / wide


def _name_faces(solution: View, figure: Figure) -> None:
    """Say below which colour stands for which face of a mesh in the plane."""
    mesh = mesh_of(solution.problem.domain)
    if mesh is None or mesh.dim != 2:
        return
    drawn = [c for c in figure.axes[0].collections if c.get_label() in mesh.faces]
    handles: dict[str, Artist] = {str(c.get_label()): c for c in drawn}
    figure.legend([*handles.values()], [*handles], loc="outside lower left", ncols=8, handlelength=1.2)


__all__ = ["main_panels", "overview_of", "planes_of"]
