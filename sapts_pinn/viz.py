"""Pictures of solutions and of the way to them.

Time counts as a coordinate.  One coordinate is drawn as a curve; two as images, clipped at the domain's
boundary; more as sections through the middle, or as snapshots where one of three coordinates is time.  Every
unknown has its row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from .checkpoint import write_atomically
from .geometry import Domain
from .sampled import Array, Values, ends, evaluate, middle_of, time_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .solution import Solution

CURVE, IMAGE, SECTION = 801, 301, 121  # points along a curve, along a side of an image and of one of many
OURS, THEIRS = "#2166ac", "#d6604d"
STYLE: Any = {
    "font.size": 9, "axes.titlesize": 9.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#666666", "xtick.color": "#444444", "ytick.color": "#444444", "axes.linewidth": 0.7,
    "figure.titlesize": 11, "figure.titleweight": "bold", "mathtext.default": "regular",
    "legend.frameon": False,
}  # fmt: skip


def plot_solution(solution: Solution, path: Path) -> Path:
    """Draw a solution with its reference and error, where known, into a picture.

    Args:
        solution: What to draw.
        path: Where; the extension gives the format (.png, .pdf, .svg).

    Returns:
        The path.

    Raises:
        ValueError: The extension is no picture's.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        draw = {1: _curves, 2: _images}.get(solution.problem.domain.dim, _sections)
        figure = draw(solution)
        figure.suptitle(_title(solution), x=0.02, ha="left")
        return _save(figure, path)


def _title(solution: Solution) -> str:
    r = solution.result
    parts = [str(r["problem"]), str(r["method"])]
    if r.get("relative_l2_error") is not None:
        parts.append(f"relative L2 error {r['relative_l2_error']:.1e}")
    return "   ·   ".join([*parts, f"{r['seconds']:.0f} s"])


def _figure(width: float, height: float) -> Figure:
    """A figure of its own: pyplot would choose a window system and keep every figure alive."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="compressed", dpi=160)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(f"cannot draw {path.name!r}: use .png, .pdf or .svg")
    write_atomically(path, lambda p: figure.savefig(p, bbox_inches="tight"))
    return path


def _curves(solution: Solution) -> Figure:
    """One coordinate: the solution over it, and the error below."""
    problem = solution.problem
    (name,) = problem.domain.names
    x = np.linspace(*ends(problem.domain, name), CURVE)
    values = evaluate(solution, {name: x})
    rows = len(values.found)
    figure = _figure(6.4, 0.5 + 3.4 * rows)
    axes = figure.subplots(2 * rows, 1, sharex=True, squeeze=False, height_ratios=[2, 1] * rows)[:, 0]
    for row, unknown in enumerate(values.found):
        _curve(axes[2 * row], axes[2 * row + 1], x, values, unknown)
    axes[-1].set(xlabel=name, xlim=(x[0], x[-1]))
    return figure


def _curve(top: Axes, bottom: Axes, x: Array, values: Values, unknown: str) -> None:
    top.plot(x, values.found[unknown], color=OURS, lw=2, label="network")
    if values.exact is not None:
        top.plot(x, values.exact[unknown], color=THEIRS, lw=1.2, ls=(0, (4, 3)), label="reference")
    top.legend(loc="best")
    top.set_ylabel(unknown)
    shown, label = values.wrong(unknown)
    bottom.semilogy(x, np.maximum(shown, 1e-300), color="#444444", lw=1)
    with np.errstate(all="ignore"):
        top_value = float(np.nanmax(shown, initial=0.0)) or 1.0
    bottom.set(ylabel=label, ylim=(max(top_value * 1e-5, 1e-17), 3 * top_value))
    bottom.grid(color="#dddddd", lw=0.5)


@dataclass(frozen=True)
class Section:
    """A plane through the domain, to be drawn as an image.

    Attributes:
        across: Horizontal coordinate.
        up: Vertical coordinate.
        fixed: All others.
    """

    across: str
    up: str
    fixed: dict[str, float]

    def grid(self, domain: Domain, count: int) -> dict[str, Array]:
        """Coordinates [count, count] of the points."""
        a, b = (np.linspace(*ends(domain, name), count) for name in (self.across, self.up))
        first, second = np.meshgrid(a, b)
        return {
            **{name: np.full_like(first, v) for name, v in self.fixed.items()},
            self.across: first,
            self.up: second,
        }

    @property
    def label(self) -> str:
        """Where it lies."""
        values = list(self.fixed.values())
        if max(values) - min(values) < 1e-12:
            return " = ".join([*self.fixed, f"{values[0]:.3g}"])
        return ", ".join(f"{name} = {value:.3g}" for name, value in self.fixed.items())


def _images(solution: Solution) -> Figure:
    """Two coordinates: solution, reference, error; or solution and residual."""
    domain = solution.problem.domain
    time = time_name(domain)
    across = time or domain.names[0]
    (up,) = (name for name in domain.names if name != across)
    section = Section(across, up, {})
    grid = section.grid(domain, IMAGE)
    values = evaluate(solution, grid)
    rows, columns = len(values.found), 2 if values.exact is None else 3
    wide, high = (end - start for start, end in (ends(domain, across), ends(domain, up)))
    aspect = 0.85 if time else min(max(high / wide, 0.4), 2.0)
    figure = _figure(3.4 * columns + 0.4, 0.5 + rows * (2.6 * aspect + 0.45))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for row, unknown in enumerate(values.found):
        drawn = (
            [values.found[unknown]]
            if values.exact is None
            else [values.found[unknown], values.exact[unknown]]
        )
        limits = _limits(drawn)
        for axis, field, title in zip(axes[row], drawn, (unknown, f"{unknown}, reference"), strict=False):
            _image(axis, section, grid, values.inside, field, title, limits, domain, equal=time is None)
        wrong, title = values.wrong(unknown)
        limits = _log_limits([wrong])
        _log_image(
            axes[row, -1], section, grid, values.inside, wrong, title, limits, domain, equal=time is None
        )
    for axis in axes[-1]:
        axis.set_xlabel(across)
    for axis in axes[:, 0]:
        axis.set_ylabel(up)
    return figure


def _sections(solution: Solution) -> Figure:
    """Three coordinates and more: three sections with their errors, and a line through the middle."""
    domain = solution.problem.domain
    middle, time = middle_of(domain), time_name(domain)
    if time is not None and domain.dim == 3:
        start, end = ends(domain, time)
        a, b = (name for name in domain.names if name != time)
        sections = [Section(a, b, {time: t}) for t in (start, (start + end) / 2, end)]
    else:
        x, y, z = domain.names[:3]
        sections = [
            Section(a, b, {name: v for name, v in middle.items() if name not in (a, b)})
            for a, b in ((x, y), (x, z), (y, z))
        ]
    grids = [section.grid(domain, SECTION) for section in sections]
    values = [evaluate(solution, grid) for grid in grids]
    unknowns = solution.problem.unknown_names
    figure = _figure(14.0, 0.5 + 5.6 * len(unknowns))
    axes = figure.subplots(2 * len(unknowns), 4, squeeze=False, width_ratios=[1, 1, 1, 1.1])
    line_name = next(name for name in domain.names if name != time)
    x_line = np.linspace(*ends(domain, line_name), CURVE)
    fixed = {name: v for name, v in middle.items() if name != line_name}
    on_line = evaluate(solution, {line_name: x_line, **{name: np.array(v) for name, v in fixed.items()}})
    for row, unknown in enumerate(unknowns):
        limits, log_limits = (
            _limits([v.found[unknown] for v in values]),
            _log_limits([v.wrong(unknown)[0] for v in values]),
        )
        for column, (section, grid, value) in enumerate(zip(sections, grids, values, strict=True)):
            top, bottom = axes[2 * row, column], axes[2 * row + 1, column]
            equal = time not in (section.across, section.up)
            title = f"{unknown} at {section.label}"
            _image(top, section, grid, value.inside, value.found[unknown], title, limits, domain, equal)
            wrong, title = value.wrong(unknown)
            _log_image(bottom, section, grid, value.inside, wrong, title, log_limits, domain, equal)
            for axis in (top, bottom):
                axis.set(xlabel=section.across, ylabel=section.up)
        _curve(axes[2 * row, 3], axes[2 * row + 1, 3], x_line, on_line, unknown)
        axes[2 * row, 3].set_title(f"{unknown} along {line_name} through the middle", loc="left")
        axes[2 * row + 1, 3].set_title(axes[2 * row + 1, 3].get_ylabel(), loc="left")
        for axis in axes[2 * row : 2 * row + 2, 3]:
            axis.set(xlabel=line_name, ylabel="", xlim=(x_line[0], x_line[-1]))
    return figure


def _limits(fields: Sequence[Array]) -> tuple[float, float]:
    """Common limits, symmetric when the values change sign in earnest."""
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low < 0 < high and min(-low, high) > 0.2 * max(-low, high):
        low, high = -max(-low, high), max(-low, high)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _image(
    axis: Axes,
    section: Section,
    grid: Mapping[str, Array],
    inside: NDArray[np.bool_],
    field: Array,
    title: str,
    limits: tuple[float, float],
    domain: Domain,
    equal: bool,
    colours: str | None = None,
) -> None:
    symmetric = limits[0] == -limits[1]
    (left, right), (low, high) = (ends(domain, name) for name in (section.across, section.up))
    a, b = (right - left) / (field.shape[1] - 1) / 2, (high - low) / (field.shape[0] - 1) / 2
    mesh = axis.imshow(
        _continued(field),
        origin="lower",
        extent=(left - a, right + a, low - b, high + b),  # the points are the middles of the pixels
        interpolation="bilinear",
        interpolation_stage="data",
        aspect="equal" if equal else "auto",
        cmap=colours or ("RdBu_r" if symmetric else "viridis"),
        vmin=limits[0],
        vmax=limits[1],
    )
    if not inside.all():
        _clip(axis, mesh, section, grid, domain)
    axis.set(xlim=(left, right), ylim=(low, high))
    axis.set_title(title, loc="left")
    bar = axis.figure.colorbar(mesh, ax=axis, pad=0.02, aspect=25)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=8)


def _log_image(
    axis: Axes,
    section: Section,
    grid: Mapping[str, Array],
    inside: NDArray[np.bool_],
    field: Array,
    title: str,
    limits: tuple[float, float],
    domain: Domain,
    equal: bool,
) -> None:
    logs = np.log10(np.maximum(field, 1e-300))
    _image(axis, section, grid, inside, logs, f"log$_{{10}}$ {title}", limits, domain, equal, "magma")


def _log_limits(fields: Sequence[Array]) -> tuple[float, float]:
    """Decades to show: at most four down from the largest, leaving out the zeros of an exact condition."""
    known = np.concatenate([f[np.isfinite(f)].reshape(-1) for f in fields])
    if known.size == 0:
        return -1.0, 0.0
    known = np.log10(np.maximum(known, 1e-300))
    high = math.ceil(10 * float(known.max())) / 10
    return max(high - 4.0, min(high - 1.0, float(np.percentile(known, 2)))), high


def _continued(field: Array) -> Array:
    """Unknown values replaced by the nearest known one, so that a clipped image reaches its boundary."""
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(field)
    if not unknown.any() or unknown.all():
        return np.nan_to_num(field)
    nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
    return field[tuple(nearest)]  # type: ignore[no-any-return]


def _clip(axis: Axes, mesh: Any, section: Section, grid: Mapping[str, Array], domain: Domain) -> None:
    """Cut an image off at the boundary and draw that, both from the zero level of the distance."""
    # One ring of points outside, so that the level closes where the domain touches its bounding box.
    pad = {name: np.pad(values, 1, mode="edge") for name, values in grid.items()}
    # The distance vanishes all over the first and the last moment; the shape is that of every other.
    pad |= {
        name: np.full_like(pad[name], sum(ends(domain, name)) / 2)
        for name in section.fixed
        if name == time_name(domain)
    }
    for name, axis_number in ((section.across, 1), (section.up, 0)):
        step = (grid[name].max() - grid[name].min()) / (len(grid[name]) - 1)
        column = np.concatenate([[grid[name].min() - step], np.unique(grid[name]), [grid[name].max() + step]])
        pad[name] = np.broadcast_to(column[None] if axis_number == 1 else column[:, None], pad[name].shape)
    points = np.stack([pad[name].reshape(-1) for name in domain.names], 1)
    distance = domain.distance(torch.from_numpy(points)).detach().numpy().reshape(pad[section.up].shape)
    if not (distance < 0).any():
        return
    region = axis.contourf(pad[section.across], pad[section.up], distance, levels=[-1e300, 0.0], alpha=0.0)
    path = region.get_paths()[0]
    region.remove()
    mesh.set_clip_path(path, axis.transData)
    axis.contour(
        pad[section.across],
        pad[section.up],
        distance,
        levels=[0.0],
        colors="#444444",
        linewidths=0.8,
        negative_linestyles="solid",
    )
    for spine in axis.spines.values():
        spine.set_visible(False)


def plot_history(history: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw loss, error, trust radius and rho of a run against seconds and gradient evaluations.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _figure(10.5, 5.6)
        axes = figure.subplots(2, 2, sharex="col", sharey="row", height_ratios=[2, 1])
        for column, (key, label) in enumerate(
            (("seconds", "seconds"), ("gradient_evaluations", "gradient evaluations"))
        ):
            _history(axes[0, column], axes[1, column], history, key)
            axes[1, column].set_xlabel(label)
        axes[0, 0].legend(loc="best")
        if axes[1, 0].lines or axes[1, 0].collections:
            axes[1, 0].legend(loc="best", ncols=2)
        return _save(figure, path)


def _column(history: Sequence[Mapping[str, Any]], name: str) -> Array:
    return np.array([np.nan if row.get(name) in (None, "") else float(row[name]) for row in history])


def _history(top: Axes, bottom: Axes, history: Sequence[Mapping[str, Any]], key: str) -> None:
    x = _column(history, key)
    loss, error, radius, rho = (_column(history, n) for n in ("loss", "relative_l2_error", "radius", "rho"))
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


def plot_sweeps(history: Sequence[Mapping[str, Any]], path: Path) -> Path | None:
    """Draw how the sweeps of a SAPTS method fared: rho, local steps, and the share of sweeps taken.

    Args:
        history: Rows of history.csv.
        path: Where.

    Returns:
        The path; None when the history knows of no sweeps.
    """
    import matplotlib

    step, rho, taken, m = (
        _column(history, n) for n in ("iteration", "sweep_rho", "sweep_accepted", "local_steps")
    )
    swept = np.isfinite(taken)
    if not swept.any():
        return None
    with matplotlib.rc_context(STYLE):
        figure = _figure(10.5, 4.2)
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
        return _save(figure, path)
