"""Panels of a picture: which of them are drawn, and how they stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from .figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 6  # panels of a picture
WIDTH = 8.4  # of a picture of three columns, in inches: its letters are read at 800 pixels
AROUND = 1.0, 0.75  # room of ticks and bar, and of title and labels
LONG = 36  # letters of a title in a panel, with those of a formula
FLAT, LOW = 0.3, 0.45  # height over width of planes that stand in one column, and in two


class Kind(Enum):
    """Axes of a panel: an image of a plane, a curve, or space."""

    PLANE, CURVE, SPACE = "plane", "curve", "space"


@dataclass(frozen=True)
class Panel:
    """A part of a picture that draws itself.

    Attributes:
        draw: Draws it into axes.
        rank: The lower, the more it tells; of more than `MOST` panels those of high ranks are left out.
        kind: Of its axes.
    """

    draw: Callable[[Any], object]  # Axes, or those of mpl_toolkits.mplot3d, which have no types
    rank: float = 0.0
    kind: Kind = Kind.PLANE


def chosen(panels: Sequence[Panel], most: int = MOST) -> list[Panel]:
    """The panels that tell most, in their order."""
    kept = sorted(range(len(panels)), key=lambda i: panels[i].rank)[:most]
    return [panels[i] for i in sorted(kept)]


def columns_for(count: int, aspect: float) -> int:
    """Columns of a picture of planes with this ratio of height to width."""
    if aspect < FLAT:
        return 1
    if aspect < LOW or count == 4:
        return min(2, count)
    return min(3, count)


def arranged(panels: Sequence[Panel], aspect: float, columns: int | None = None) -> Figure:
    """Draw panels row by row into a figure.

    Args:
        panels: At least one.
        aspect: Ratio of height to width of its planes.
        columns: Of the figure; by default those that suit the planes.
    """
    columns = columns or columns_for(len(panels), aspect)
    rows = -(-len(panels) // columns)
    width = {1: WIDTH if aspect < FLAT else 5.4, 2: 7.4}.get(columns, WIDTH)
    high = (width / columns - AROUND[0]) * min(max(aspect, 0.12), 2.0)
    if any(panel.kind is not Kind.PLANE for panel in panels):
        high = max(high, 1.6)
    figure = new_figure(width, 0.45 + rows * (high + AROUND[1]))
    grid = figure.add_gridspec(rows, columns)
    axes: list[Axes] = []
    for i, panel in enumerate(panels):
        projection = "3d" if panel.kind is Kind.SPACE else None
        axis = figure.add_subplot(grid[i // columns, i % columns], projection=projection)
        panel.draw(axis)
        break_title(axis, LONG)
        axes.append(axis)
    planes = [panel.kind is Kind.PLANE for panel in panels]
    for i in range(len(axes)):
        if planes[i] and i % columns and planes[i - 1]:
            _drop(axes[i], axes[i - 1], "y")
    for i in range(len(axes) - columns):
        if planes[i] and planes[i + columns]:
            _drop(axes[i], axes[i + columns], "x")
    return figure


def break_title(axis: Axes, most: int) -> None:
    """Put the end of a title that is longer than this, such as the place of a section, on a second line."""
    title = axis.get_title(loc="left")
    if len(title) > most:
        old, new = (" at ", "\nat ") if " at " in title else (", ", ",\n")
        axis.set_title(title.replace(old, new, 1), loc="left")


def _drop(axis: Axes, other: Axes, which: str) -> None:
    """Leave out the labels of an axis that its neighbour shows."""

    def side(of: Axes) -> tuple[object, ...]:
        limits = of.get_xlim() if which == "x" else of.get_ylim()
        return (of.get_xlabel() if which == "x" else of.get_ylabel(), *limits)

    mine, theirs = side(axis), side(other)
    if theirs[1:] == mine[1:] and theirs[0] in ("", mine[0]):
        axis.set(**{f"{which}label": ""})
        axis.tick_params(axis="x" if which == "x" else "y", labelbottom=which != "x", labelleft=which != "y")
