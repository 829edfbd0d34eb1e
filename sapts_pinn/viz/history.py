"""Pictures of the way to a solution: loss, error, radius, and how the sweeps fared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..runs.content import Row
from .fields import Array
from .figures import OURS, STYLE, THEIRS, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(history: Sequence[Row], path: Path) -> Path:
    """Draw loss, error, trust radius and rho of a run against seconds and gradient evaluations.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = new_figure(10.5, 5.6)
        axes = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=[2, 1])
        for column, (key, label) in enumerate(
            (("seconds", "seconds"), ("gradient_evaluations", "gradient evaluations"))
        ):
            _history(axes[0, column], axes[1, column], history, key)
            axes[1, column].set_xlabel(label)
        axes[0, 0].legend(loc="best")
        if axes[1, 0].lines or axes[1, 0].collections:
            axes[1, 0].legend(loc="best", ncols=2)
        return save_figure(figure, path)


def column(history: Sequence[Row], name: str) -> Array:
    """A column of a history, NaN where a row has nothing."""
    values = (row.get(name) for row in history)
    return np.array([np.nan if value is None else float(value) for value in values])


def _history(top: Axes, bottom: Axes, history: Sequence[Row], key: str) -> None:
    x = column(history, key)
    loss, error, radius, rho = (column(history, n) for n in ("loss", "relative_l2_error", "radius", "rho"))
    top.semilogy(x, loss, color=OURS, lw=1.4, label="loss")
    known = np.isfinite(error)
    if known.any():
        top.semilogy(
            x[known], error[known], color=THEIRS, lw=1.4, marker="o", ms=2.5, label="relative L2 error"
        )
    top.grid(color="#dddddd", lw=0.5)
    if np.isfinite(radius).any():
        bottom.semilogy(x, radius, color="#4d9221", lw=1, label="radius")
    if np.isfinite(rho).any():
        bottom.semilogy(
            x, np.clip(rho, 1e-3, None), ".", color="#999999", ms=2.5, label="rho (negative: at the bottom)"
        )
    bottom.grid(color="#dddddd", lw=0.5)


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
        figure = new_figure(10.5, 4.2)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        for value, colour, label in ((1, OURS, "taken"), (0, THEIRS, "undone")):
            these = taken == value
            top.plot(step[these], rho[these].clip(-1, 2), ".", color=colour, ms=2.5, label=label)
        top.axhline(0, color="#bbbbbb", lw=0.7, zorder=0)
        top.set(ylabel="rho, cut off at -1 and 2", ylim=(-1.1, 2.1))
        window = np.ones(min(50, int(swept.sum())))
        counts = np.convolve(swept, window, "same")
        share = np.convolve(np.nan_to_num(taken), window, "same") / np.maximum(counts, 1)
        twin = top.twinx()
        twin.plot(step, np.where(counts > 0, share, np.nan), color="#999999", lw=1, label="share taken")
        twin.set(ylim=(-1.1 / 2.1, 1), yticks=[0, 0.5, 1])
        top.legend(loc="lower left", ncols=2)
        twin.legend(loc="lower right")
        bottom.step(step, m, color="#4d9221", lw=1, where="mid")
        bottom.set(xlabel="step", ylabel="local steps, 0: plain", ylim=(0, None))
        return save_figure(figure, path)
