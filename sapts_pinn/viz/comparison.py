"""Picture of several runs of one problem: error or loss against time and against work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..runs.content import Row
from .figures import new_figure, save_figure
from .history import column
from .style import STYLE

COLOURS = ("#2166ac", "#d6604d", "#1b7837", "#762a83", "#b8860b", "#01665e", "#8c510a", "#4d4d4d")
DASHES = ("-", "--", ":", "-.")  # a further style for each round of the colours


def plot_comparison(
    runs: Mapping[str, Sequence[Sequence[Row]]], quantity: str, label: str, path: Path
) -> Path:
    """Draw a column of the histories of several runs against seconds and gradient evaluations.

    Args:
        runs: Histories by name of the method, one for each seed.
        quantity: Column of the histories.
        label: Its name on the axis.
        path: Where; the extension gives the format (.png, .pdf, .svg).

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = new_figure(9.5, 3.8)
        axes = figure.subplots(1, 2, sharey=True)
        for axis, (key, words) in zip(
            axes,
            (("seconds", "seconds"), ("gradient_evaluations", "gradient evaluations")),
            strict=True,
        ):
            for number, (name, histories) in enumerate(runs.items()):
                style = {
                    "color": COLOURS[number % len(COLOURS)],
                    "ls": DASHES[number // len(COLOURS) % len(DASHES)],
                }
                for seed, history in enumerate(histories):
                    x, y = column(history, key), column(history, quantity)
                    known = np.isfinite(y)
                    axis.semilogy(x[known], y[known], lw=1.3, label=None if seed else name, **style)
            axis.set_xlabel(words)
            axis.grid(color="#dddddd", lw=0.5)
        axes[0].set_ylabel(label)
        axes[0].legend(loc="best")
        return save_figure(figure, path)
