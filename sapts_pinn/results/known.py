"""Picture of a problem's reference solution, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..problems import Problem
from ..viz.fields import ends, time_name
from ..viz.figures import new_figure, save_figure
from ..viz.style import STYLE, THEIRS, colour_bar, colour_limits, meaning_by_sign
from .reference_error import compared, reference_values

CURVE, IMAGE = 801, 301  # points along a curve, and along a side of an image


def plot_reference(problem: Problem, path: Path) -> Path:
    """Draw the reference of every unknown: a curve, or an image of two coordinates.

    Of more coordinates a time is shown horizontally, and the others are in the middle of their range.

    Args:
        problem: The problem.
        path: Where; the extension gives the format.

    Raises:
        InputError: The problem has no reference, or the extension is no picture's.
    """
    import matplotlib

    shown = compared(problem)
    if not shown:
        raise InputError(f"{problem.name} has no reference to draw; solve it, and see solution.png")
    names, time = problem.domain.names, time_name(problem.domain)
    axes = [name for name in names if name == time] + [name for name in names if name != time]
    axes = sorted(axes[:2], key=lambda name: name != time)
    count = CURVE if len(axes) == 1 else IMAGE
    lines = [np.linspace(*ends(problem.domain, name), count) for name in axes]
    grid = dict(zip(axes, np.meshgrid(*lines, indexing="ij"), strict=True))
    fixed = {n: sum(ends(problem.domain, n)) / 2 for n in names if n not in axes}
    columns = [np.full(grid[axes[0]].shape, fixed[n]) if n in fixed else grid[n] for n in names]
    points = torch.from_numpy(np.stack([c.reshape(-1) for c in columns], 1))
    values = reference_values(problem, points)
    assert values is not None
    values[problem.domain.distance(points) > 1e-9] = np.nan
    with matplotlib.rc_context(STYLE):
        figure = new_figure(5.4, 0.5 + 3.2 * len(shown))
        for place, unknown in zip(figure.subplots(len(shown), 1, squeeze=False)[:, 0], shown, strict=True):
            found = values[:, problem.unknown_names.index(unknown)].numpy().reshape(columns[0].shape)
            if len(axes) == 1:
                place.plot(lines[0], found, color=THEIRS)
                place.set(xlabel=axes[0], ylabel=unknown)
                continue
            meaning = meaning_by_sign([found])
            low, high = colour_limits([found], meaning)
            image = place.pcolormesh(
                *lines, found.T, cmap=meaning.colours, vmin=low, vmax=high, rasterized=True
            )
            place.set(xlabel=axes[0], ylabel=axes[1], title=unknown)
            colour_bar(place, image)
        at = "".join(f",  {name} = {value:.3g}" for name, value in fixed.items())
        figure.suptitle(f"{problem.name}, reference{at}", x=0.02, ha="left")
        return save_figure(figure, path)
