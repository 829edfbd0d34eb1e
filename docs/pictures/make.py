"""Draw the pictures of the README and the documentation from real runs.

python docs/pictures/make.py hero              the animation of the README, 30 s of training
python docs/pictures/make.py tiles [NAME ...]  a tile for each problem of the zoo, 10 s of training each
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyvista
from PIL import Image

from sapts_pinn import Solution, solve
from sapts_pinn.problems import ZOO, build
from sapts_pinn.viz.tiles import describe, tile

HERE = Path(__file__).parent
TILES = HERE.parent / "gallery" / "pictures"
FRAMES, SIZE, COLOURS = 36, (860, 380), 96
LEAST = -9.0  # of log10 of the error: exact conditions have none


def surface(x: np.ndarray, t: np.ndarray, height: np.ndarray, values: np.ndarray) -> pyvista.StructuredGrid:
    """A surface over (x, t), coloured by values."""
    grid = pyvista.StructuredGrid(*np.meshgrid(x, 2 * t, indexing="ij"), height)
    grid["values"] = values.ravel(order="F")
    return grid


def frame(solution: Solution, x: np.ndarray, t: np.ndarray, until: float) -> Image.Image:
    """The solution and its error up to a time."""
    past = np.append(t[t < until], until)
    points = {"x": x[:, None], "t": past[None, :]}
    u, exact = solution.predict(points), solution.reference(points)["u"]
    error = np.log10(np.maximum(abs(u - exact), 10**LEAST))
    plotter = pyvista.Plotter(shape=(1, 2), off_screen=True, window_size=list(SIZE), border=False)
    lit = {"smooth_shading": True, "specular": 0.2, "scalars": "values", "show_scalar_bar": False}
    plotter.set_background("white")
    for column, (title, height, values, limits, colours) in enumerate(
        (
            ("u(x, t)", 0.6 * u, u, (-1.0, 1.0), "RdBu_r"),
            ("log10 |error|", 0.25 * (error - LEAST), error, (LEAST, -4.0), "magma"),
        )
    ):
        plotter.subplot(0, column)
        plotter.add_mesh(surface(x, past, height, values), clim=limits, cmap=colours, **lit)
        plotter.add_text(title, position="upper_left", font_size=9, color="#333333")
        bar = {"title": "", "n_labels": 3, "color": "#333333", "width": 0.5, "position_x": 0.25}
        plotter.add_scalar_bar(**bar, position_y=0.03, height=0.06, fmt="%.0f", label_font_size=13)
        angle = np.radians(-62 + 24 * until)
        plotter.camera_position = [
            (4.6 * np.cos(angle), 1 + 4.6 * np.sin(angle), 3.0),
            (0, 1, 0.3 * column),
            (0, 0, 1),
        ]
    plotter.subplot(0, 0)
    plotter.add_text(f"t = {until:.2f}", position="upper_right", font_size=9, color="#333333")
    shown = Image.fromarray(plotter.screenshot(return_img=True))
    plotter.close()
    return shown


def hero() -> None:
    """Write the animation: Burgers' equation forms its layer, and what is wrong with it."""
    solution = solve(build("burgers"), budget="30s")
    print(solution)
    x = np.concatenate([np.linspace(-1, -0.06, 60), np.linspace(-0.05, 0.05, 61), np.linspace(0.06, 1, 60)])
    t = np.linspace(0, 1, 81)
    frames = [frame(solution, x, t, until) for until in np.linspace(0.02, 1, FRAMES)]
    palette = frames[-1].quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    few = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    duration = [110] * (FRAMES - 1) + [1800]
    few[0].save(HERE / "burgers.gif", save_all=True, append_images=few[1:], loop=0, duration=duration)


def tiles(names: list[str]) -> None:
    """Write a tile for each problem, in few colours: tiles live in a repository."""
    TILES.mkdir(parents=True, exist_ok=True)
    for name in names or list(ZOO):
        solution = solve(build(name), budget="10s")
        caption = f"{describe(solution.result)}, {solution.result['seconds']:.0f} s"
        drawn = Image.fromarray(tile(solution, caption, name))
        drawn.quantize(64, method=Image.Quantize.MAXCOVERAGE).save(TILES / f"{name}.png", optimize=True)
        print(name, caption, (TILES / f"{name}.png").stat().st_size, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["hero"]:
        hero()
    elif sys.argv[1:2] == ["tiles"]:
        tiles(sys.argv[2:])
    else:
        sys.exit(__doc__)
