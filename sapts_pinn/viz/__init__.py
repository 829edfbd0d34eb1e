"""Pictures of solutions and of the way to them: flat by matplotlib, in space by PyVista (`scene.py`).

Time counts as a coordinate.  One coordinate is drawn as a curve (`curves.py`); two and more by panels
(`overview.py`), chosen by the meaning of the fields: on a plane, at three moments, or on three planes through
the middle with surfaces of equal value beside (`volumes.py`).  A plane is a regular grid clipped at the
domain's boundary (`grids.py`) or a mesh (`meshes.py`).  Unknowns u, v (and w) on as many coordinates of space
are a vector, drawn with streamlines.  `style.py` holds the style of all pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .curves import curves_of
from .estimated import words
from .figures import new_figure, save_figure
from .history import column, plot_history, plot_sweeps
from .movies import animate_solution
from .overview import overview_of
from .style import OURS, STYLE, THEIRS
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "OURS",
    "STYLE",
    "THEIRS",
    "animate_solution",
    "column",
    "draw_solution",
    "new_figure",
    "plot_history",
    "plot_solution",
    "plot_sweeps",
    "save_figure",
    "title_of",
]


def plot_solution(solution: View, path: Path) -> Path:
    """Draw a solution with its reference and error, where known, into a picture.

    Args:
        solution: What to draw.
        path: Where; the extension gives the format (.png, .pdf, .svg).

    Returns:
        The path.

    Raises:
        InputError: The extension is no picture's.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return save_figure(draw_solution(solution), path)


def draw_solution(solution: View) -> Figure:
    """Figure of a solution, in at most six panels."""
    figure = (curves_of if solution.problem.domain.dim == 1 else overview_of)(solution)
    figure.suptitle(title_of(solution), x=0.02, ha="left")
    return figure


def title_of(solution: View) -> str:
    """Problem, method, error or its estimate, time; on a second line the coefficients with their errors."""
    r = solution.result
    parts = [str(r["problem"]), str(r["method"])]
    if r.get("relative_l2_error") is not None:
        parts.append(f"relative L2 error {r['relative_l2_error']:.1e}")
    parts += [words(solution)] if words(solution) else []
    found = ", ".join(f"{name} = {text}" for name, text in solution.coefficient_texts.items())
    return "   ·   ".join([*parts, f"{r['seconds']:.0f} s"]) + (f"\n{found}" if found else "")
