"""Methods of a solution that draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..viz.view import View


class Pictures:
    """Pictures of a solution: flat ones, scenes in space, lines and animations."""

    def plot(
        self: View, path: str | Path, kind: str | None = None, field: str | None = None, **at: float
    ) -> Path:
        """Draw the solution (and its error, where a reference is known) into a picture.

        Args:
            path: Where; the extension gives the format.
            kind: Of a scene in space that PyVista renders, such as "warp" or "slices", in place of flat
                pictures; see `sapts_pinn.viz.scene`.
            field: What its colours show: an unknown or another field of `to_pyvista`; None chooses.
            at: Values of some coordinates of the scene, such as t=0.5.

        Raises:
            InputError: The extension is no picture's, or there is no such scene.
        """
        from ..viz import plot_solution, title_of
        from ..viz.scene import draw

        if kind is None and field is None and not at:
            return plot_solution(self, Path(path))
        return draw(self, Path(path), field, kind, at, title_of(self))

    def draw_into(self: View, folder: Path) -> list[Path]:
        """Draw the solution into `solution.png` of a folder, for a callback that shows it elsewhere."""
        from ..viz import plot_solution

        return [plot_solution(self, folder / "solution.png")]

    def show(self: View, kind: str | None = None, field: str | None = None, **at: float) -> None:
        """Show a scene in a window, or in a notebook; arguments and errors as of `plot`."""
        from ..viz import scene, title_of

        scene.show(self, field, kind, at, title_of(self))

    def plot_line(
        self: View,
        path: str | Path,
        start: Mapping[str, float] | None = None,
        end: Mapping[str, float] | None = None,
        **at: float | Sequence[float],
    ) -> Path:
        """Draw the unknowns along a straight line, with reference and error.

            solution.plot_line("u.png", t=[0, 0.5, 1])
            solution.plot_line("u.png", {"x": 0, "y": 0}, {"x": 1, "y": 1}, t=0.5)

        Args:
            path: Where; the extension gives the format.
            start: First point of the line; by default it runs along the coordinate that `at` leaves out.
            end: Its last point.
            at: Values of the other coordinates; several of one of them give a curve for each.

        Raises:
            InputError: The coordinates do not make a line, or it lies outside of the domain.
        """
        from ..viz import title_of
        from ..viz.lines import plot_line

        return plot_line(self, Path(path), start, end, at, title_of(self))

    def animate(self: View, path: str | Path, frames: int = 40, seconds: float = 4.0) -> Path:
        """Write a .gif or .mp4 animation over time: `frames` frames in `seconds` seconds."""
        from ..viz import animate_solution

        return animate_solution(self, Path(path), frames, seconds)
