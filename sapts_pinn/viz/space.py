"""Three coordinates and more: where they are cut, a line through the middle, surfaces and arrows in space."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..geometry import Domain, Interval
from .curves import CURVE, draw_curve
from .fields import coordinates_of, ends, evaluate, mesh_of, middle_of, time_name
from .grids import Section
from .meshes import Cutaway
from .panels import Kind, Panel
from .shown import Shown
from .style import Limits, Meaning, meaning_of
from .view import View
from .volumes import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def moments(domain: Domain) -> list[dict[str, float]]:
    """Start, middle and end of the time, or of the first parameter; one moment without any.

    Parameters that are not shown are in their middle.
    """
    shown = coordinates_of(domain)
    hidden = {
        f.names[0]: f.from_unit(torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)).tolist()
        for f in domain.factors()
        if isinstance(f, Interval) and (f.is_time or f.is_parameter) and f.names[0] not in shown
    }
    time = time_name(domain)
    if time is not None and len(shown) == 1:  # an axis of the picture
        hidden.pop(time)
    moving = time if time in hidden else next(iter(hidden), None)
    middle = {name: values[1] for name, values in hidden.items()}
    return [middle] if moving is None else [middle | {moving: value} for value in hidden[moving]]


def cuts_of(domain: Domain) -> list[Section]:
    """Planes that show a domain: its own, moments of it, or three through its middle."""
    time, middle, space = time_name(domain), middle_of(domain), coordinates_of(domain)
    if time is not None and len(space) == 1:
        return [Section(time, space[0], moment) for moment in moments(domain)]
    if len(space) == 2:
        return [Section(space[0], space[1], moment) for moment in moments(domain)]
    middle |= moments(domain)[len(moments(domain)) // 2]
    return [
        Section(a, b, {name: v for name, v in middle.items() if name not in (a, b)})
        for a, b in combinations(space[:3], 2)
    ]


def volumes(solution: View) -> list[Volume]:
    """The first three coordinates of space, at the start and at the end of the time; none in the plane."""
    domain = solution.problem.domain
    middle, space = middle_of(domain), coordinates_of(domain)
    if len(space) < 3:
        return []
    fixed = {name: middle[name] for name in space[3:]}
    found = moments(domain)
    return [Volume(solution, fixed | moment) for moment in (found if len(found) == 1 else found[::2])]


def space_panels(solution: View, shown: Shown, limits: Limits, found: list[Volume]) -> list[Panel]:
    """Panels that show the whole beside sections: surfaces or arrows, and a cutaway or a line.

    Args:
        solution: The solution.
        shown: What the sections show.
        limits: Of its colours.
        found: Of `volumes`.
    """
    unknown, mesh, panels = shown.unknowns[0], mesh_of(solution.problem.domain), []
    meaning = meaning_of(solution, unknown)

    def surfaces(volume: Volume) -> Panel:
        title, bounds = f"surfaces of {unknown}{volume.moment}", limits
        return Panel(lambda a: volume.draw(a, unknown, bounds, title, meaning.colours), 1.4, Kind.SPACE)

    if shown.flow:
        last, flow = found[-1], shown.flow
        title, colours = f"{shown.name.strip('|')}{last.moment}", Meaning.MAGNITUDE.colours
        return [Panel(lambda a: last.draw_arrows(a, flow, limits, title, colours), 1.4, Kind.SPACE)]
    if mesh is not None and mesh.dim == 3:
        cutaway = Cutaway(solution, mesh)
        panels.append(Panel(lambda a: cutaway.draw(a, unknown, limits, meaning.colours), 1.3, Kind.SPACE))
    elif len(found) == 1:
        panels.append(Panel(lambda a: draw_line(a, solution, unknown, {}), 1.6, Kind.CURVE))
    return panels + [surfaces(volume) for volume in found]


def draw_line(axis: Axes, solution: View, unknown: str, fixed: Mapping[str, float]) -> None:
    """Plot an unknown along the first coordinate of space, through the middle."""
    domain = solution.problem.domain
    line = next(name for name in domain.names if name != time_name(domain))
    x = np.linspace(*ends(domain, line), CURVE)
    middle = middle_of(domain) | dict(fixed)
    at = {name: x if name == line else np.array(v) for name, v in middle.items()}
    draw_curve(axis, x, evaluate(solution, at), [unknown])
    axis.set(xlabel=line, ylabel="", xlim=(x[0], x[-1]))
    axis.set_title(f"{unknown} along {line}", loc="left")
