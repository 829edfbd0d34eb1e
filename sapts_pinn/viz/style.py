"""Style of all pictures: fonts, sizes, colours, colour maps by the meaning of a field, and their limits.

The map of a field follows from the problem, never from the values that a network happens to have: a picture
of a bad solution has the colours of a good one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Generator

from ..problems.conditions.base import value_at
from .fields import Array
from .vectors import flow_of
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

FEW, OUTLYING = 0.005, 4.0  # share of values on either side that may be left out, and how far they are then
IN_EARNEST = 0.2  # of the larger side: values of the other sign that make a field a signed one
PROBES = 512  # points at which the sign of a field is looked up
OURS, THEIRS, THIRD, GREY = "#2166ac", "#d6604d", "#4d9221", "#888888"
CURVES = (OURS, THEIRS, THIRD, "#762a83", "#b8860b", "#01665e")
DASHED = (0, (4, 3))
GRID: Any = {"color": "#dddddd", "lw": 0.5}
STYLE: Any = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#666666", "xtick.color": "#444444", "ytick.color": "#444444", "axes.linewidth": 0.7,
    "figure.titlesize": 11, "figure.titleweight": "bold", "mathtext.default": "regular",
    "legend.frameon": False, "legend.fontsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8,
}  # fmt: skip

Limits = tuple[float, float]


class Meaning(Enum):
    """Meaning of a field's values, which decides its colour map.

    Attributes:
        SIGNED: Zero is a value of its own, as of a displacement or a wave: two colours.
        LEVEL: Values on one scale, as of a temperature or a pressure.
        MAGNITUDE: Lengths of vectors, stresses: from zero upwards.
        ERROR: Decades of what ought to be zero.
    """

    SIGNED = "RdBu_r"
    LEVEL = "viridis"
    MAGNITUDE = "cividis"
    ERROR = "magma"

    @property
    def colours(self) -> str:
        """Name of the colour map in matplotlib."""
        return self.value


def meaning_of(solution: View, unknown: str) -> Meaning:
    """Meaning of an unknown, from the problem alone.

    It is signed if it is a component of a vector, or if its reference, or without one the values that are
    prescribed for it, have both signs.
    """
    problem = solution.problem
    if next(u.positive for u in problem.functions if u.name == unknown):
        return Meaning.LEVEL
    if unknown in flow_of(problem).values():
        return Meaning.SIGNED
    points = problem.domain.interior(PROBES, Generator().manual_seed(0))
    exact = solution.reference(dict(zip(problem.domain.names, points.T.numpy(), strict=True)))
    known = [] if exact is None else [np.asarray(exact[unknown])]
    if not any(np.isfinite(values).any() for values in known):
        known = _prescribed(solution, unknown)
    return meaning_by_sign(known)


def meaning_by_sign(known: Sequence[Array]) -> Meaning:
    """Meaning of a field by the signs of exact values: signed if both matter."""
    values = np.concatenate([v[np.isfinite(v)] for v in known]) if known else np.zeros(0)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    both = low < 0 < high and min(-low, high) > IN_EARNEST * max(-low, high)
    return Meaning.SIGNED if both else Meaning.LEVEL


def _prescribed(solution: View, unknown: str) -> list[Array]:
    """Values that conditions prescribe for an unknown, on some of their sites."""
    problem, found = solution.problem, []
    for condition in problem.conditions:
        given = condition.prescribed()
        if given is not None and given.unknown == unknown and given.value is not None:
            sites = condition.sites(problem.domain, PROBES, Generator().manual_seed(0), "uniform")
            what = condition.describe(problem.domain)
            known = problem.initial_coefficients
            values = value_at(given.value, sites.points, problem.domain.names, what, known)
            found.append(values.detach().double().numpy())
    return found


def colour_limits(fields: Sequence[Array], meaning: Meaning = Meaning.LEVEL) -> Limits:
    """Common limits: symmetric of signed fields, from zero of magnitudes.

    Where a few values are far from all others, such as a pressure in a corner, the limits are quantiles.
    """
    if meaning is Meaning.ERROR:
        return log_limits(fields)
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    near, far = np.quantile(known, [FEW, 1 - FEW]).tolist()
    if high - low > OUTLYING * (far - near) > 0:
        low, high = near, far
    if meaning is Meaning.SIGNED:
        low, high = -max(-low, high), max(-low, high)
    elif meaning is Meaning.MAGNITUDE and 0 <= low < 0.5 * high:
        low = 0.0
    if abs(low) < 1e-12 * high:
        low = 0.0
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def log_limits(fields: Sequence[Array]) -> Limits:
    """Decades to show: at most four down from the largest, leaving out the zeros of an exact condition."""
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return -1.0, 0.0
    known = np.log10(np.maximum(known, 1e-300))
    high = math.ceil(10 * float(known.max())) / 10
    return max(high - 4.0, min(high - 1.0, float(np.percentile(known, 2)))), high


def is_above(field: Array, decades: Limits) -> bool:
    """Test for values of a field above the least of the decades shown, without which its picture is blank."""
    return bool((logs(field[np.isfinite(field)]) > decades[0]).any())


def logs(field: Array) -> Array:
    """Decades of a field that is not negative."""
    found: Array = np.log10(np.maximum(field, 1e-300))
    return found


def colour_bar(axis: Axes, mapped: ScalarMappable, field: Array | None = None) -> None:
    """A slim bar beside an image, with arrows where values lie beyond the limits.

    Args:
        axis: Of the image.
        mapped: The image.
        field: Its values, where the image holds others besides.
    """
    from matplotlib.ticker import MaxNLocator

    extend = "neither"
    values, (low, high) = mapped.get_array() if field is None else field, mapped.get_clim()
    if values is not None and low is not None and high is not None:
        known = np.ma.masked_invalid(values).compressed()
        slack = 1e-6 * (high - low)
        beyond = (bool((known < low - slack).any()), bool((known > high + slack).any()))
        extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, extend)
    bar = axis.figure.colorbar(mapped, ax=axis, pad=0.02, aspect=22, extend=extend)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
