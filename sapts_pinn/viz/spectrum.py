"""Spectra of Gauss-Newton matrices: how many directions of the parameters the residuals determine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .fields import Array
from .figures import new_figure, save_figure
from .style import CURVES, GREY, GRID, STYLE

EPS = float(np.finfo(np.float64).eps)


def plot_spectrum(spectra: Mapping[str, Array], path: Path) -> Path:
    """Draw the eigenvalues of J^T J from the largest down, with the level below which they are rounding.

    Args:
        spectra: Eigenvalues by the name of what they belong to, such as "whole network".
        path: Where.

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = new_figure(6.4, 3.6)
        axis = figure.subplots()
        for i, (name, values) in enumerate(spectra.items()):
            known = np.sort(values)[::-1]
            rank = int((known > EPS * known[0]).sum())
            label = f"{name}: {rank} of {len(known)} above rounding"
            axis.semilogy(
                np.arange(1, len(known) + 1), np.maximum(known, 1e-300), ".-", ms=2.5, lw=0.8,
                color=CURVES[i % len(CURVES)], label=label,
            )  # fmt: skip
        top = max(float(values.max()) for values in spectra.values())
        axis.axhline(EPS * top, color=GREY, lw=0.8, ls=":", label="rounding of the largest")
        axis.set(xlabel="number", ylabel="eigenvalue of $J^T J$", ylim=(1e-4 * EPS * top, 3 * top))
        axis.grid(**GRID)
        axis.legend(loc="best")
        return save_figure(figure, path)
