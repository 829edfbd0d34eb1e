"""Pictures of solutions and of the way to them: flat by matplotlib, in space by PyVista (`scene.py`).

Time counts as a coordinate.  One coordinate is drawn as a curve; two as images, clipped at the domain's
boundary; more as sections through the middle, or as snapshots where one of three coordinates is time, and
three coordinates of space as surfaces of equal value besides (`volumes.py`).  On a mesh the values at its
points are drawn, with its edges and its tagged boundary (`meshes.py`).  Unknowns u, v (and w) on as many
coordinates of space are a vector, drawn as streamlines and as arrows too (`flow.py`).
"""

from __future__ import annotations

from pathlib import Path

from .estimated import words
from .fields import mesh_of
from .figures import OURS, STYLE, THEIRS, new_figure, save_figure
from .grids import curves, images
from .history import column, plot_history, plot_sweeps
from .meshes import beside_sections, on_mesh
from .movies import animate_solution
from .space import sections
from .view import View

__all__ = [
    "OURS",
    "STYLE",
    "THEIRS",
    "animate_solution",
    "column",
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

    domain = solution.problem.domain
    mesh = mesh_of(domain)
    with matplotlib.rc_context(STYLE):
        if mesh is not None and mesh.dim == 2:
            figure = on_mesh(solution, mesh)
        elif mesh is not None and mesh.dim == 3:
            figure = sections(solution, beside_sections(solution, mesh))
        else:
            figure = {1: curves, 2: images}.get(domain.dim, sections)(solution)
        figure.suptitle(title_of(solution), x=0.02, ha="left")
        return save_figure(figure, path)


def title_of(solution: View) -> str:
    """Problem, method, error or its estimate, and time of a solution, on one line."""
    r = solution.result
    parts = [str(r["problem"]), str(r["method"])]
    if r.get("relative_l2_error") is not None:
        parts.append(f"relative L2 error {r['relative_l2_error']:.1e}")
    parts += [words(solution)] if words(solution) else []
    return "   ·   ".join([*parts, f"{r['seconds']:.0f} s"])
