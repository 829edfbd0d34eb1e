"""Solutions in time, as animated pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..runs.files import write_atomically
from .curves import CURVE
from .fields import Array, Values, ends, evaluate, mesh_of, middle_of, time_name
from .figures import new_figure, pixels
from .grids import SECTION, Cut, Section
from .meshes import MeshPlane
from .planes import Plane
from .shown import limits_of, shown_of
from .style import DASHED, OURS, STYLE, THEIRS, colour_bar, colour_limits
from .view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEP = 4  # colours that differ by less count as one in the choice of a palette
EXTENSIONS = (".gif", ".mp4")


def animate_solution(solution: View, path: Path, frames: int = 40, seconds: float = 4.0) -> Path:
    """Draw a solution as it goes in time: a curve, or an image (in space, of a section through the middle).

    Args:
        solution: What to draw.
        path: A .gif or .mp4 file; the latter needs imageio-ffmpeg.
        frames: Number of pictures, at least 2.
        seconds: How long it runs.

    Returns:
        The path.

    Raises:
        InputError: No time in the domain, another extension, or too few frames.
    """
    import matplotlib

    domain = solution.problem.domain
    time = time_name(domain)
    if time is None:
        raise InputError(f"{solution.problem.name} has no time to animate; use plot")
    if path.suffix.lower() not in EXTENSIONS:
        raise InputError(f"cannot animate into {path.name!r}: use {' or '.join(EXTENSIONS)}")
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("imageio_ffmpeg") is None:
        raise InputError("an .mp4 file needs imageio-ffmpeg: pip install 'sapts-pinn[view]'; or use .gif")
    if frames < 2:
        raise InputError(f"an animation needs at least 2 frames, not {frames}")
    with matplotlib.rc_context(STYLE):
        movie = _Movie(solution, np.linspace(*ends(domain, time), frames), time)
        shown = [movie.frame(i) for i in range(frames)]
    save = _save_gif if path.suffix.lower() == ".gif" else _save_mp4
    write_atomically(path, lambda p: save(p, shown, seconds / frames))
    return path


def _save_gif(path: Path, shown: Sequence[NDArray[np.uint8]], duration: float) -> None:
    """Write frames with one palette, and diffuse what it lacks: no bands.

    The palette is chosen from the different colours of all frames, each counted once, so that those of a bar
    are in it as well as those of a background.
    """
    from PIL import Image

    every = np.concatenate([frame.reshape(-1, 3) for frame in shown])
    different = np.unique(every // STEP * STEP + STEP // 2, axis=0)
    palette = Image.fromarray(different[None].astype(np.uint8)).quantize(
        256, method=Image.Quantize.MAXCOVERAGE
    )
    table = np.array(palette.getpalette(), np.int64).reshape(-1, 3)
    table[np.abs(table - 255).sum(1).argmin()] = 255  # the background is white
    palette.putpalette(table.astype(np.uint8).tobytes())
    dither = Image.Dither.FLOYDSTEINBERG
    pictures = [Image.fromarray(frame).quantize(palette=palette, dither=dither) for frame in shown]
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "loop": 0}
    pictures[0].save(path, format="GIF", duration=max(20, round(1000 * duration)), **options)


def _save_mp4(path: Path, shown: Sequence[NDArray[np.uint8]], duration: float) -> None:
    """Write frames in H.264, whose sides are even numbers of pixels."""
    import imageio.v3 as imageio

    even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in shown]
    imageio.imwrite(
        path, even, extension=".mp4", plugin="FFMPEG", fps=1 / duration, codec="libx264", quality=8,
        macro_block_size=2,
    )  # fmt: skip


class _Movie:
    """A figure whose contents are exchanged from frame to frame."""

    def __init__(self, solution: View, times: Array, time: str) -> None:
        self._times, self._time = times, time
        self._draw: list[tuple[Callable[[Array], object], Sequence[Array]]] = []
        space = [name for name in solution.problem.domain.names if name != time]
        if len(space) == 1:
            self._curves(solution, space[0])
        else:
            self._planes(solution, space)

    def _curves(self, solution: View, coordinate: str) -> None:
        domain, unknowns = solution.problem.domain, solution.problem.unknown_names
        x = np.linspace(*ends(domain, coordinate), CURVE)
        values = [evaluate(solution, {coordinate: x, self._time: np.array(t)}) for t in self._times]
        axes = self._axes(len(unknowns), 3.2)
        for axis, unknown in zip(axes, unknowns, strict=True):
            self._curve(axis, x, values, unknown)
            axis.set(xlabel=coordinate, ylabel=unknown, xlim=(x[0], x[-1]))

    def _curve(self, axis: Axes, x: Array, values: Sequence[Values], unknown: str) -> None:
        found = [v.found[unknown] for v in values]
        (line,) = axis.plot(x, found[0], color=OURS, lw=2, label="network")
        self._draw.append((line.set_ydata, found))
        exact = [v.exact[unknown] for v in values if v.exact is not None and v.compared([unknown])]
        if len(exact) == len(values):
            (line,) = axis.plot(x, exact[0], color=THEIRS, lw=1.2, ls=DASHED, label="reference")
            self._draw.append((line.set_ydata, exact))
            axis.legend(loc="upper right")
        low, high = colour_limits(found + (exact if len(exact) == len(values) else []))
        gap = 0.05 * (high - low)
        axis.set_ylim(low - gap, high + gap)

    def _planes(self, solution: View, space: Sequence[str]) -> None:
        domain = solution.problem.domain
        middle, mesh = middle_of(domain), mesh_of(domain)

        def plane(t: float) -> Plane:
            if mesh is not None and mesh.dim == 2:
                return MeshPlane(solution, mesh, {self._time: t})
            fixed = {n: middle[n] for n in space[2:]} | {self._time: t}
            return Cut(solution, Section(space[0], space[1], fixed), SECTION)

        planes = [plane(float(t)) for t in self._times]
        shown = shown_of(solution)
        fields = {s.name: [s.found(solution, p) for p in planes] for s in shown}
        limits = limits_of(shown, fields)
        (left, right), (low, high) = (ends(domain, name) for name in space[:2])
        axes = self._axes(len(shown), 4.0 * min(max((high - low) / (right - left), 0.4), 1.5))
        first = planes[len(planes) // 2]  # the first and the last moment may be faces
        for axis, s in zip(axes, shown, strict=True):
            painted = first.paint(axis, fields[s.name][0], limits[s.name], s.meaning.colours)
            axis.set_title(s.name, loc="left")
            axis.set(xlabel=space[0], ylabel=space[1])
            colour_bar(axis, painted.mapped, np.stack(fields[s.name]))
            self._draw.append((painted.exchange, fields[s.name]))

    def _axes(self, count: int, high: float) -> Sequence[Axes]:
        self._figure = new_figure(5.0 * count, high + 0.6)
        self._figure.set_dpi(110)  # at which bold letters are hinted well
        axes: Sequence[Axes] = self._figure.subplots(1, count, squeeze=False)[0]
        return axes

    def frame(self, i: int) -> NDArray[np.uint8]:
        """The picture of one moment, [height, width, 3]."""
        for exchange, fields in self._draw:
            exchange(fields[i])
        self._figure.suptitle(f"{self._time} = {self._times[i]:.3f}", x=0.02, ha="left")
        if i == 1:
            self._figure.set_layout_engine("none")  # the places of the first frame serve all
        return pixels(self._figure)
