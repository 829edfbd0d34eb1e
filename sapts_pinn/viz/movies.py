"""Solutions in time, as animated pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..runs.files import write_atomically
from .fields import Array, ends, evaluate, mesh_of, middle_of, time_name
from .figures import OURS, STYLE, THEIRS, colour_limits, new_figure, pixels
from .grids import CURVE, SECTION, Section, draw_image
from .meshes import draw_mesh, draw_values, smooth_triangles
from .view import View


def animate_solution(solution: View, path: Path, frames: int = 40, seconds: float = 4.0) -> Path:
    """Draw a solution as it goes in time: a curve, or an image (in space, of a section through the middle).

    Args:
        solution: What to draw.
        path: A .gif file.
        frames: Number of pictures, at least 2.
        seconds: How long it runs.

    Returns:
        The path.

    Raises:
        InputError: No time in the domain, another extension, or too few frames.
    """
    import matplotlib
    from PIL import Image

    domain = solution.problem.domain
    time = time_name(domain)
    if time is None:
        raise InputError(f"{solution.problem.name} has no time to animate; use plot")
    if path.suffix.lower() != ".gif":
        raise InputError(f"cannot animate into {path.name!r}: use .gif")
    if frames < 2:
        raise InputError(f"an animation needs at least 2 frames, not {frames}")
    with matplotlib.rc_context(STYLE):
        movie = _Movie(solution, np.linspace(*ends(domain, time), frames), time)
        shown = [movie.frame(i) for i in range(frames)]
    # One palette for all, from three of them.
    some = Image.fromarray(np.concatenate([shown[0], shown[frames // 2], shown[-1]]))
    palette = some.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    pictures = [Image.fromarray(f).quantize(palette=palette, dither=Image.Dither.NONE) for f in shown]
    options: dict[str, object] = {"save_all": True, "append_images": pictures[1:], "loop": 0}
    duration = max(20, round(1000 * seconds / frames))
    write_atomically(path, lambda p: pictures[0].save(p, format="GIF", duration=duration, **options))
    return path


class _Movie:
    """A figure whose contents are exchanged from frame to frame."""

    def __init__(self, solution: View, times: Array, time: str) -> None:
        domain, unknowns = solution.problem.domain, solution.problem.unknown_names
        space = [name for name in domain.names if name != time]
        middle, mesh = middle_of(domain), mesh_of(domain)
        self._times, self._time = times, time
        if len(space) == 1:
            at: dict[str, Array] = {space[0]: np.linspace(*ends(domain, space[0]), CURVE)}
        elif mesh is not None and mesh.dim == 2:
            points, triangles = smooth_triangles(mesh)
            at = dict(zip(mesh.names, points.T, strict=True))
        else:
            section = Section(space[0], space[1], {n: middle[n] for n in space[2:]} | {time: float(times[0])})
            at = {n: v for n, v in section.grid(domain, SECTION).items() if n != time}
        self._values = [evaluate(solution, {**at, time: np.array(t)}) for t in times]
        wide, high = 5.0, 3.2
        if len(space) > 1:
            (left, right), (low, top) = (ends(domain, name) for name in space[:2])
            high = 4.0 * min(max((top - low) / (right - left), 0.4), 1.5)
        self._figure = new_figure(wide * len(unknowns), high + 0.6)
        self._figure.set_dpi(100)
        self._draw = []
        for axis, unknown in zip(
            self._figure.subplots(1, len(unknowns), squeeze=False)[0], unknowns, strict=True
        ):
            fields = [v.found[unknown] for v in self._values]
            low, high = colour_limits(fields)
            if len(space) == 1:
                (line,) = axis.plot(at[space[0]], fields[0], color=OURS, lw=2, label="network")
                self._draw.append((line.set_ydata, fields))
                if all(v.exact is not None for v in self._values):
                    exact = [v.exact[unknown] for v in self._values if v.exact is not None]
                    (line,) = axis.plot(
                        at[space[0]], exact[0], color=THEIRS, lw=1.2, ls=(0, (4, 3)), label="reference"
                    )
                    self._draw.append((line.set_ydata, exact))
                    axis.legend(loc="upper right")
                gap = 0.05 * (high - low)
                axis.set(
                    xlabel=space[0], ylabel=unknown, ylim=(low - gap, high + gap), xlim=ends(domain, space[0])
                )
            elif mesh is not None and mesh.dim == 2:
                blended = draw_values(axis, points, triangles, fields[0], (low, high))
                draw_mesh(axis, mesh)
                axis.set_title(unknown, loc="left")
                self._figure.colorbar(blended, ax=axis, pad=0.02, aspect=25).outline.set_visible(False)
                self._draw.append((blended.set_array, [np.clip(f, low, high) for f in fields]))
            else:
                image = draw_image(
                    axis,
                    section,
                    section.grid(domain, SECTION),
                    self._values[len(times) // 2].inside,
                    fields[0],
                    unknown,
                    (low, high),
                    domain,
                    True,
                )
                self._draw.append((image, fields))

    def frame(self, i: int) -> NDArray[np.uint8]:
        """The picture of one moment, [height, width, 3]."""
        for exchange, fields in self._draw:
            exchange(fields[i])
        self._figure.suptitle(f"{self._time} = {self._times[i]:.3f}", x=0.02, ha="left")
        if i == 1:
            self._figure.set_layout_engine("none")  # the places of the first frame serve all
        return pixels(self._figure)
