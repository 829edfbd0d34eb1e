"""Problems of every kind that a picture or an exported file tells apart."""

import math
from itertools import combinations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from sapts_pinn import Dirichlet, Initial, Neumann, Problem
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Polygon, Time, example_mesh
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.results.solution import Solution

SMALL = {"budget": "2 iterations", "network": (4,), "points": 64, "condition_points": 16}


def line() -> Problem:
    return Problem(
        Interval(0, 1),
        "u",
        lambda u: u.xx + 1,
        [Dirichlet("u", 0.0)],
        reference=lambda x: x * (1 - x) / 2,
        name="line",
    )


def waves() -> Problem:
    return Problem(
        Interval(-1, 1) * Time(0, 1),
        ("u", "v"),
        lambda u, v: (u.t - v.x, v.t - u.x),
        [Dirichlet("u", 0.0, on="x"), Initial("u", lambda x: torch.sin(math.pi * x)), Initial("v", 0.0)],
        reference=lambda x, t: {
            "u": torch.sin(math.pi * x) * torch.cos(math.pi * t),
            "v": torch.cos(math.pi * x) * torch.sin(math.pi * t),
        },
        name="waves",
    )


def ring() -> Problem:
    domain = Ball((0, 0), 1) - Ball((0, 0), 0.4, tag="hole")
    return Problem(domain, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], name="<b>ring</b> & co")


def corner() -> Problem:
    shape = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    return Problem(shape, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], name="corner")


def disk_in_time() -> Problem:
    conditions = [Dirichlet("u", 0.0), Initial("u", lambda x, y: 1 - x**2 - y**2)]
    return Problem(Ball((0, 0), 1) * Time(0, 1), "u", lambda u: u.t - u.xx - u.yy, conditions, name="disk")


def cube(dim: int) -> Problem:
    names = [f"x{i}" for i in range(dim)]
    return Problem(
        Box([0] * dim, [1] * dim, names),
        "u",
        lambda u: sum(u.d(name, name) for name in names) + 1,
        [Dirichlet("u", 0.0)],
        name="cube",
    )


def plate_in_time() -> Problem:
    plate = Mesh(example_mesh("plate-with-holes"))
    conditions = [Dirichlet("u", 0.0), Initial("u", 0.0)]
    return Problem(plate * Time(0, 1), "u", lambda u: u.t - u.xx - u.yy - 1, conditions, name="heated plate")


def pipe() -> Problem:
    return Problem(
        Mesh(example_mesh("cylinder")),
        "u",
        lambda u: u.xx + u.yy + u.zz,
        [Dirichlet("u", lambda x, y, z: x / 2)],
        reference=lambda x, y, z: x / 2,
        name="pipe",
    )


def profile() -> Problem:
    wing = Mesh(example_mesh("airfoil"))
    conditions = [
        Dirichlet("u", 1.0, on=["inlet", "walls"]),
        Dirichlet("v", 0.0),
        Dirichlet("u", 0.0, on="profile"),
    ]
    return Problem(wing, ("u", "v"), lambda u, v: (u.x + v.y, v.x - u.y), conditions, name="profile")


def vortex() -> Problem:
    equation = lambda u, v: (u.x + v.y, u.xx + v.xx + u.yy + v.yy)
    conditions = [Dirichlet("u", lambda x, y: y - 0.5), Dirichlet("v", lambda x, y: 0.5 - x)]
    return Problem(Box((0, 0), (1, 1)), ("u", "v"), equation, conditions, name="vortex")


def heat_in_space() -> Problem:
    start = Initial("u", lambda x, y, z: 1 - x**2 - y**2 - z**2)
    equation = lambda u: u.t - u.xx - u.yy - u.zz
    ball = Ball((0, 0, 0), 1) * Time(0, 1)
    return Problem(ball, "u", equation, [Dirichlet("u", 0.0), start], name="heat in a ball")


def stirred() -> Problem:
    conditions = [
        *(Neumann(name, 0.0) for name in ("u", "v")),
        Initial("u", lambda x, y: y - 0.5),
        Initial("v", lambda x, y: 0.5 - x),
    ]
    equation = lambda u, v: (u.t - u.xx - u.yy, v.t - v.xx - v.yy)
    return Problem(Box((0, 0), (1, 1)) * Time(0, 1), ("u", "v"), equation, conditions, name="stirred")


def screw() -> Problem:
    conditions = [
        Dirichlet("u", lambda x, y, z: 1 - z),
        Dirichlet("v", lambda x, y, z: z - 0.5),
        Dirichlet("w", lambda x, y, z: 0.5 - y),
    ]
    equation = lambda u, v, w: (u.xx + u.yy + u.zz, v.xx + v.yy + v.zz, w.xx + w.yy + w.zz)
    return Problem(Box((0, 0, 0), (1, 1, 1)), ("u", "v", "w"), equation, conditions, name="screw")


PROBLEMS = {
    "curve": line, "system": waves, "clipped": ring, "snapshots": disk_in_time, "sections": lambda: cube(3),
    "mesh in time": plate_in_time, "mesh in space": pipe, "flow on a mesh": profile, "flow": vortex,
    "space and time": heat_in_space, "flow in time": stirred, "flow in space": screw,
}  # fmt: skip


def colours_in(image: np.ndarray) -> int:
    """How many colours there are, in 16 steps of each of the three."""
    steps = (image * 15).astype(int)
    return len(np.unique(steps @ (256, 16, 1)))


def untrained(problem: Problem) -> Solution:
    """A solution as it is before training, to be drawn."""
    network = network_of(problem, (6,), torch.Generator().manual_seed(0), torch.float64)
    result = {"problem": problem.name, "method": "untrained", "seconds": 0.0, "loss": 1.0}
    return Solution(problem, Model(problem, network), {}, [], result)


def panels_of(figure: Figure) -> list[Axes]:
    """The axes of a figure that are no colour bars."""
    return [axis for axis in figure.axes if axis.get_visible() and axis.get_label() != "<colorbar>"]


def texts_of(figure: Figure) -> list[tuple[str, Bbox]]:
    """Texts of a figure that has been drawn, with their boxes in pixels."""
    written = [figure._suptitle] if figure._suptitle is not None else []
    for legend in [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend() is not None)]:
        written += legend.get_texts()
    for axes in figure.axes:
        written += [axes.title, axes._left_title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis, *([axes.zaxis] if axes.name == "3d" else [])):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            ticks = [t for t in axis.get_major_ticks() if low - slack <= t.get_loc() <= high + slack]
            written += [axis.label, *(text for t in ticks for text in (t.label1, t.label2))]
    renderer = figure.canvas.get_renderer()
    shown = [text for text in written if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in shown]


def overlaps(figure: Figure, allowed: float = 1.0) -> list[tuple[str, str]]:
    """Pairs of texts of a figure that lie on each other by more than some pixels both ways."""
    found = []
    for (a, p), (b, q) in combinations(texts_of(figure), 2):
        wide = min(p.x1, q.x1) - max(p.x0, q.x0)
        high = min(p.y1, q.y1) - max(p.y0, q.y0)
        if min(wide, high) > allowed:
            found.append((a, b))
    return found
