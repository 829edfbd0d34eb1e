"""Misfits of the weighted conditions at the places where they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Generator

from ..networks.model import Location
from ..networks.time_windows import spread
from ..problems.conditions.base import Sites
from ..problems.term import Term
from .fields import Array, ends
from .figures import Axes3D
from .planes import Plane
from .style import Meaning, colour_bar, log_limits, logs
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLACES = 600  # of each condition


@dataclass(frozen=True)
class Misfit:
    """Misfits of the weighted conditions.

    Attributes:
        points: Places where they hold, [N, dim].
        values: Largest absolute residual of a condition there over its natural size, [N].
    """

    points: Array
    values: Array

    def on_plane(self, axis: Axes, plane: Plane, bounds: Array, equal: bool) -> None:
        """Draw the places in the plane, coloured by decades, the worst above."""
        plane.outline(axis)
        order = np.argsort(self.values)
        x, y = self.points[order].T
        look = {**self._look(), "clip_on": False, "zorder": 3}  # above the lines of the boundary
        drawn = axis.scatter(x, y, c=logs(self.values[order]), **look)
        (left, low), (right, high) = bounds
        axis.set(xlim=(left, right), ylim=(low, high), xlabel=plane.names[0], ylabel=plane.names[1])
        axis.set_aspect("equal" if equal else "auto")
        for spine in axis.spines.values():
            spine.set(visible=True, color="#cccccc")
        self._finish(axis, drawn)

    def in_space(self, axis: Axes3D, solution: View) -> None:
        """Draw the places in space, the first three coordinates, time upwards."""
        from .volumes import frame

        domain = solution.problem.domain
        names = domain.names[:3]
        order = np.argsort(self.values)
        drawn = axis.scatter(*self.points[order, :3].T, c=logs(self.values[order]), **self._look())
        frame(axis, names, [ends(domain, name) for name in names], "")
        axis.set_box_aspect((1, 1, 1))
        self._finish(axis, drawn)

    def _look(self) -> dict[str, Any]:
        low, high = log_limits([self.values])
        return {"s": 7, "cmap": Meaning.ERROR.colours, "vmin": low, "vmax": high, "linewidths": 0}

    def _finish(self, axis: Any, drawn: Any) -> None:
        axis.set_title("log$_{10}$ |misfit of conditions|", loc="left")
        colour_bar(axis, drawn)


def misfit_of(solution: View) -> Misfit | None:
    """Misfits of the conditions that are terms of the loss; None where all others than data are exact."""
    found = [_misfit(solution, term) for term in solution.problem.terms[1:] if term.data is None]
    if not found:
        return None
    return Misfit(np.concatenate([p for p, _ in found]), np.concatenate([v for _, v in found]))


def _misfit(solution: View, term: Term) -> tuple[Array, Array]:
    """Places [N, dim] of a condition and its misfits [N]."""
    sites = term.sites(PLACES, Generator().manual_seed(0), "sobol")
    sites = Sites(sites.points.double(), sites.normals, sites.values, sites.fold)
    count = len(sites.points) // sites.fold
    worst = torch.empty(count, dtype=torch.float64)
    with torch.no_grad():
        for model, chosen in spread(solution.model, sites.points[:count]):
            here = sites.of(chosen)
            location = Location(model, here.points, term.needs)
            known = {name: p.detach() for name, p in model.coefficients.items()}
            rows = term.residual(location.fields(location.network_jet()), here, known)
            worst[chosen] = (torch.stack([row.double().cpu() for row in rows]) / term.row_units).abs().amax(0)
    return sites.points.numpy(), worst.repeat(sites.fold).numpy()
