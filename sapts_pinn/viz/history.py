"""Pictures of the way to a solution: loss and error, trust region, weights of the terms, sweeps and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..runs.content import Row
from .fields import Array
from .figures import new_figure, save_figure
from .style import CURVES, GREY, GRID, OURS, STYLE, THEIRS, THIRD

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = (("seconds", "seconds"), ("gradient_evaluations", "gradient evaluations"))
RHO = (-1.0, 2.0)  # where rho is cut off
TERMS, NAMED = 6, 36  # terms that get a colour of their own; letters of their names


def plot_history(history: Sequence[Row], path: Path) -> Path:
    """Draw loss, error, trust radius and rho of a run against seconds and gradient evaluations.

    The agreement rho of model and loss has axes of its own, with accepted and rejected steps apart; below -1
    and above 2 it is drawn there.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path.
    """
    import matplotlib

    rows = [_loss, *(draw for name, draw in (("radius", _radius), ("rho", _rho)) if _known(history, name))]
    with matplotlib.rc_context(STYLE):
        figure = new_figure(9.6, 2.8 + 1.3 * (len(rows) - 1))
        axes = figure.subplots(
            len(rows), 2, sharex="col", sharey="row", squeeze=False, height_ratios=[2] + [1] * (len(rows) - 1)
        )
        for number, (key, label) in enumerate(AXES):
            for axis, draw in zip(axes[:, number], rows, strict=True):
                draw(axis, column(history, key), history)
                axis.grid(**GRID)
                if number:
                    axis.set_ylabel("")
                elif axis.get_legend_handles_labels()[1]:
                    axis.legend(loc="best", ncols=2)
            axes[-1, number].set_xlabel(label)
        return save_figure(figure, path)


def column(history: Sequence[Row], name: str) -> Array:
    """A column of a history, NaN where a row has nothing."""
    values = (row.get(name) for row in history)
    return np.array([np.nan if value is None else float(value) for value in values])


def _known(history: Sequence[Row], name: str) -> bool:
    return bool(np.isfinite(column(history, name)).any())


def _loss(axis: Axes, x: Array, history: Sequence[Row]) -> None:
    loss, error = column(history, "loss"), column(history, "relative_l2_error")
    axis.semilogy(x, loss, color=OURS, lw=1.4, label="loss")
    known = np.isfinite(error)
    if known.any():
        look = {"color": THEIRS, "lw": 1.4, "marker": "o", "ms": 2.5}
        axis.semilogy(x[known], error[known], label="relative L2 error", **look)
    axis.set_ylabel("loss, error" if known.any() else "loss")


def _radius(axis: Axes, x: Array, history: Sequence[Row]) -> None:
    axis.semilogy(x, column(history, "radius"), color=THIRD, lw=1)
    axis.set_ylabel("radius")


def _rho(axis: Axes, x: Array, history: Sequence[Row]) -> None:
    rho, accepted = column(history, "rho"), column(history, "accepted")
    taken = np.where(np.isfinite(accepted), accepted > 0, rho > 0)
    known = np.isfinite(rho)
    for these, colour, label in ((taken & known, OURS, "accepted"), (~taken & known, THEIRS, "rejected")):
        axis.plot(x[these], rho[these].clip(*RHO), ".", color=colour, ms=3, label=label)
    for value in (0, 1):
        axis.axhline(value, color="#bbbbbb", lw=0.7, zorder=0)
    axis.set(ylabel="rho", ylim=(RHO[0] - 0.15, RHO[1] + 0.15))


def plot_weights(history: Sequence[Row], path: Path) -> Path | None:
    """Draw the parts of the loss by term, and the balanced weights of the terms, against seconds.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path; None when no term has a weight that is balanced.
    """
    import matplotlib

    weights, losses = _terms(history, "weight_"), _terms(history, "loss_")
    if not weights:
        return None
    x = column(history, "seconds")
    named = dict(zip(dict.fromkeys([*losses, *weights]), CURVES, strict=False))
    with matplotlib.rc_context(STYLE):
        parts = [part for part in (losses, weights) if part]
        figure = new_figure(6.4, 0.6 + 2.1 * len(parts))
        axes = figure.subplots(len(parts), 1, sharex=True, squeeze=False)[:, 0]
        for axis, part in zip(axes, parts, strict=True):
            for name, values in part.items():
                known = np.isfinite(values) & (values > 0)
                colour = named.get(name, GREY)
                axis.semilogy(x[known], values[known], color=colour, lw=1.3, label=_short(name))
            axis.set_ylabel("weight" if part is weights else "part of the loss")
            axis.grid(**GRID)
            axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        axes[-1].set_xlabel("seconds")
        return save_figure(figure, path)


def _terms(history: Sequence[Row], start: str) -> dict[str, Array]:
    """Columns whose names begin so, by the rest of their names."""
    names = dict.fromkeys(name for row in history for name in row if name.startswith(start))
    found = {name.removeprefix(start): column(history, name) for name in names}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def _short(name: str) -> str:
    return name if len(name) <= NAMED else f"{name[: NAMED - 3]}..."


def plot_sweeps(history: Sequence[Row], path: Path) -> Path | None:
    """Draw how the sweeps of a SAPTS method fared: rho, local steps, and the share of sweeps taken.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path; None when the history knows of no sweeps.
    """
    import matplotlib

    step, rho, taken, m = (
        column(history, n) for n in ("iteration", "sweep_rho", "sweep_accepted", "local_steps")
    )
    swept = np.isfinite(taken)
    if not swept.any():
        return None
    with matplotlib.rc_context(STYLE):
        figure = new_figure(9.6, 4.2)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        for value, colour, label in ((1, OURS, "taken"), (0, THEIRS, "undone")):
            these = taken == value
            top.plot(step[these], rho[these].clip(*RHO), ".", color=colour, ms=3, label=label)
        top.axhline(0, color="#bbbbbb", lw=0.7, zorder=0)
        top.set(ylabel="rho, cut off at -1 and 2", ylim=(-1.1, 2.1))
        window = np.ones(min(50, int(swept.sum())))
        counts = np.convolve(swept, window, "same")
        share = np.convolve(np.nan_to_num(taken), window, "same") / np.maximum(counts, 1)
        twin = top.twinx()
        twin.plot(step, np.where(counts > 0, share, np.nan), color="#999999", lw=1, label="share taken")
        twin.set(ylim=(-1.1 / 2.1, 1), yticks=[0, 0.5, 1], ylabel="share taken")
        top.legend(loc="lower left", ncols=2)
        twin.legend(loc="lower right")
        bottom.step(step, m, color=THIRD, lw=1, where="mid")
        bottom.set(xlabel="step", ylabel="local steps, 0: plain", ylim=(0, None))
        return save_figure(figure, path)


def plot_parts(history: Sequence[Row], path: Path) -> Path | None:
    """Draw what each part of a SAPTS method gained on its visits, its radius, and its steps.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path; None when the history knows of no parts.
    """
    import matplotlib

    parts = _parts(history)
    if not parts:
        return None
    step = column(history, "iteration")
    with matplotlib.rc_context(STYLE):
        figure = new_figure(9.6, 4.6)
        grid = figure.add_gridspec(2, 3)
        gains, radii = (figure.add_subplot(grid[i, :2]) for i in (0, 1))
        for i, (number, part) in enumerate(parts.items()):
            seen = np.isfinite(part["gain"])
            look = {"color": CURVES[i % len(CURVES)], "ms": 3, "lw": 0.8}
            gain = np.where(part["gain"] > 0, part["gain"], np.nan)
            gains.semilogy(step[seen], gain[seen], "o", label=f"part {number}", **look)
            radii.semilogy(step[seen], part["radius"][seen], "-", **look)
        gains.set(ylabel="reduction by a visit")
        radii.set(ylabel="radius", xlabel="step", xlim=gains.get_xlim())
        if len(parts) <= TERMS:
            gains.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=TERMS, borderaxespad=0.2)
        _bars(figure.add_subplot(grid[0, 2]), parts, "gain", "reduction, all visits")
        _bars(figure.add_subplot(grid[1, 2]), parts, "steps", "local steps, accepted")
        for axis in (gains, radii):
            axis.grid(**GRID)
        return save_figure(figure, path)


def _parts(history: Sequence[Row]) -> dict[int, dict[str, Array]]:
    """Gain, radius, steps and accepted steps of the parts, by number from 1."""
    found: dict[int, dict[str, Array]] = {}
    while any(f"part{len(found) + 1}_gain" in row for row in history):
        n = len(found) + 1
        names = ("gain", "radius", "steps", "accepted")
        found[n] = {name: column(history, f"part{n}_{name}") for name in names}
    return found if any(np.isfinite(part["gain"]).any() for part in found.values()) else {}


def _bars(axis: Axes, parts: Mapping[int, Mapping[str, Array]], name: str, title: str) -> None:
    """Sum of a column by part; of steps the accepted ones in front of all."""
    from matplotlib.ticker import MaxNLocator

    numbers = [*parts]
    colours = [CURVES[i % len(CURVES)] for i in range(len(parts))]
    if name == "steps":
        axis.bar(numbers, [np.nansum(part[name]) for part in parts.values()], color="#dddddd")
        name = "accepted"
    axis.bar(numbers, [np.nansum(part[name]) for part in parts.values()], color=colours)
    axis.set_title(title, loc="left")
    axis.set_xlabel("part")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
