"""Planes that solutions are drawn on: what a regular grid and a mesh have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .fields import Array, Values
from .style import Limits, Meaning, colour_bar, log_limits, logs
from .vectors import draw_arrows, draw_streams, speed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

MOVED = 0.12  # of the extent: the largest displacement of a deformed body


class Painted(NamedTuple):
    """An image in its axes.

    Attributes:
        mapped: Artist of matplotlib.
        exchange: Puts other values in the place of those that it shows.
    """

    mapped: ScalarMappable
    exchange: Callable[[Array], None]


class Plane(ABC):
    """A solution on a plane.

    Attributes:
        names: Horizontal and vertical coordinate.
        label: Values of all other coordinates, such as "t = 0.5"; empty where there are none.
        at: Coordinates of its points by name.
        values: The solution at them.
    """

    names: tuple[str, str]
    label: str
    at: Mapping[str, Array]
    values: Values

    @abstractmethod
    def paint(self, axis: Axes, field: Array, limits: Limits, colours: str) -> Painted:
        """Draw a field, cut off at the boundary of the domain."""

    @abstractmethod
    def outline(self, axis: Axes) -> None:
        """Draw the boundary of the domain."""

    @abstractmethod
    def moved(self, axis: Axes, field: Array, by: tuple[str, str], limits: Limits, colours: str) -> Painted:
        """Draw a field on the body that unknowns displace, magnified so that it is seen."""

    @abstractmethod
    def vectors(self, flow: Mapping[str, str], exact: bool) -> tuple[Array, Array, Array, Array]:
        """Coordinates [n] and [m] of a grid, and the components [m, n] of a vector, or of its reference."""

    @property
    def where(self) -> str:
        """Place of the plane as the end of a title, such as " at t = 0.5"."""
        return f" at {self.label}" if self.label else ""

    def image(self, axis: Axes, field: Array, title: str, limits: Limits, meaning: Meaning) -> None:
        """Draw a field with its title and its bar."""
        self._finish(axis, self.paint(axis, field, limits, meaning.colours).mapped, title, field)

    def decades(self, axis: Axes, field: Array, title: str, limits: Limits | None = None) -> None:
        """Draw the decades of a field that is not negative."""
        limits = limits or log_limits([field])
        self.image(axis, logs(field), f"log$_{{10}}$ {title}", limits, Meaning.ERROR)

    def streams(
        self, axis: Axes, flow: Mapping[str, str], title: str, limits: Limits, exact: bool = False
    ) -> None:
        """Draw the length of a vector, or of its reference, with streamlines of its part in the plane."""
        fields = self.values.exact if exact else self.values.found
        assert fields is not None
        self.image(axis, speed(fields, flow), title, limits, Meaning.MAGNITUDE)
        draw_streams(axis, *self.vectors(flow, exact))

    def arrows(self, axis: Axes, flow: Mapping[str, str], title: str, limits: Limits) -> None:
        """Draw arrows of the part of a vector in the plane."""
        drawn = draw_arrows(axis, *self.vectors(flow, False), limits, Meaning.MAGNITUDE.colours)
        self.outline(axis)
        self._finish(axis, drawn, title)

    def deformed(
        self, axis: Axes, field: Array, by: tuple[str, str], title: str, limits: Limits, meaning: Meaning
    ) -> None:
        """Draw a field on the displaced body, with the outline of the body at rest."""
        drawn = self.moved(axis, field, by, limits, meaning.colours)
        axis.set_aspect("equal")
        self._finish(axis, drawn.mapped, title, field)

    def factor(self, found: Mapping[str, Array], by: tuple[str, str]) -> float:
        """Magnification of a displacement: a number of one digit."""
        across, up = (np.asarray(self.at[name]) for name in self.names)
        extent = max(float(np.ptp(across)), float(np.ptp(up)))
        largest = max(float(np.nanmax(np.abs(found[name]), initial=0.0)) for name in by)
        full = MOVED * extent / largest if largest > 0 else 1.0
        step = 10.0 ** np.floor(np.log10(full))
        return float(np.floor(full / step) * step)

    def _finish(self, axis: Axes, mapped: ScalarMappable, title: str, field: Array | None = None) -> None:
        axis.set_title(title, loc="left")
        axis.set(xlabel=self.names[0], ylabel=self.names[1])
        for spine in axis.spines.values():
            spine.set_visible(False)
        colour_bar(axis, mapped, field)
