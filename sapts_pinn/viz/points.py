"""Collocation points: where the terms of the loss are evaluated, and how densely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Domain
from .fields import Array, coordinates_of, ends, time_name
from .figures import new_figure, save_figure
from .style import CURVES, STYLE, colour_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 24  # of the density along a coordinate
NAMED = 34  # letters of a term's name


def plot_points(
    domain: Domain, points: Mapping[str, Array], path: Path, parts: NDArray[np.int64] | None = None
) -> Path:
    """Draw the points of each term, and the density of those of the first, the equation.

    Of more than two coordinates the first two of space are shown, and the density of the projection.

    Args:
        domain: The domain.
        points: Points [N, dim] of each term by name, those of the equation first.
        path: Where.
        parts: Number of the subdomain of each point of the equation, [N], which colours them.

    Returns:
        The path.
    """
    import matplotlib

    (_, interior), *others = points.items()
    with matplotlib.rc_context(STYLE):
        figure = new_figure(8.4, 3.6)
        left, right = figure.subplots(1, 2)
        names = _shown(domain)
        if len(names) == 1:
            _on_line(left, right, domain, interior, others)
        else:
            columns = [domain.names.index(name) for name in names]
            if parts is None:
                left.plot(*interior[:, columns].T, ".", ms=1.5, color="#777777", label="equation")
            for i, number in enumerate([] if parts is None else np.unique(parts)):
                here = interior[parts == number][:, columns]
                left.plot(*here.T, ".", ms=1.5, color=CURVES[i % len(CURVES)], label=f"part {number + 1}")
            for i, (name, at) in enumerate(others):
                look = {"ms": 3, "color": CURVES[(i + 1) % len(CURVES)], "clip_on": False}
                left.plot(*at[:, columns].T, "." if parts is None else "x", label=name[:NAMED], **look)
            _density(right, domain, interior[:, columns], names)
            for axis in (left, right):
                axis.set(xlim=ends(domain, names[0]), ylim=ends(domain, names[1]))
                axis.set(xlabel=names[0], ylabel=names[1])
                axis.set_aspect("auto" if time_name(domain) in names else "equal")
        left.set_title(f"{len(interior):,} points of the equation", loc="left")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3, markerscale=3)
        return save_figure(figure, path)


def _shown(domain: Domain) -> list[str]:
    time, space = time_name(domain), coordinates_of(domain)
    return [time, *space[:1]] if time is not None and len(space) == 1 else (space or [str(time)])[:2]


def _on_line(
    left: Axes, right: Axes, domain: Domain, interior: Array, others: Sequence[tuple[str, Array]]
) -> None:
    """Draw the points of one coordinate on a line, and their histogram."""
    (name,) = domain.names
    left.plot(interior[:, 0], 0 * interior[:, 0], "|", ms=12, mew=0.5, color="#777777", label="equation")
    for i, (term, at) in enumerate(others):
        left.plot(at[:, 0], 0 * at[:, 0], "o", ms=4, color=CURVES[(i + 1) % len(CURVES)], label=term[:NAMED])
    left.set(yticks=[], xlabel=name)
    right.hist(interior[:, 0], bins=2 * BINS, color=CURVES[0])
    right.set(xlabel=name, ylabel="points")
    right.set_title("density", loc="left")


def _density(axis: Axes, domain: Domain, at: Array, names: Sequence[str]) -> None:
    """Number of points in squares, over their mean."""
    box: Any = [ends(domain, name) for name in names]
    counts, across, up = np.histogram2d(at[:, 0], at[:, 1], bins=BINS, range=box)
    share = np.where(counts > 0, counts, np.nan) / counts[counts > 0].mean()
    image = axis.pcolormesh(across, up, share.T, cmap="viridis", vmin=0, rasterized=True)
    axis.set_title("density over its mean", loc="left")
    colour_bar(axis, image)
