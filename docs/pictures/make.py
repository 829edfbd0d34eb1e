"""Draw the pictures of the README and the documentation from real runs.

`python docs/pictures/make.py hero` makes the animation of the README, after 1,000 gradients, and
`python docs/pictures/make.py tiles [NAME ...]` a tile for each problem of the zoo, after 400.
Budgets are of work, so that the pictures are those of a quiet machine on a busy one, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyvista
from PIL import Image
from scipy.ndimage import maximum_filter

from sapts_pinn import Solution, solve
from sapts_pinn.problems import ZOO, build
from sapts_pinn.viz.tiles import describe, tile

HERE = Path(__file__).parent
TILES = HERE.parent / "gallery" / "pictures"
FRAMES, SIZE, COLOURS = 24, (860, 380), 200


def surface(
    x: np.ndarray, t: np.ndarray, height: np.ndarray, name: str, values: np.ndarray
) -> pyvista.StructuredGrid:
    """A surface over (x, t), coloured by values."""
    grid = pyvista.StructuredGrid(*np.meshgrid(x, 2 * t, indexing="ij"), height)
    grid[name] = values.ravel(order="F")
    return grid


def log_error(solution: Solution, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """log10 of |u - reference| on a grid, smoothed a little: the error changes its sign everywhere."""
    points = {"x": x[:, None], "t": t[None, :]}
    error = abs(solution.predict(points) - solution.reference(points)["u"])
    return np.log10(np.maximum(maximum_filter(error, 5), 1e-12))


def frame(
    solution: Solution, x: np.ndarray, t: np.ndarray, until: float, limits: tuple[float, float]
) -> Image.Image:
    """The solution and its error up to a time."""
    past = np.append(t[t < until], until)
    u = solution.predict({"x": x[:, None], "t": past[None, :]})
    error = log_error(
        solution, x[2:-2], past[past > 0.02]
    )  # nothing is wrong where the conditions hold exactly
    low, high = limits
    plotter = pyvista.Plotter(shape=(1, 2), off_screen=True, window_size=list(SIZE), border=False)
    plotter.set_background("white")
    for column, (name, grid, ends, colours) in enumerate(
        (
            ("u", surface(x, past, 0.6 * u, "u", u), (-1.0, 1.0), "coolwarm"),
            (
                "log10 of the error",
                surface(
                    x[2:-2],
                    past[past > 0.02],
                    0.7 * (np.clip(error, low, high) - low) / (high - low),
                    "log10 of the error",
                    error,
                ),
                limits,
                "viridis",
            ),
        )
    ):
        plotter.subplot(0, column)
        bar = {"title": column * " ", "n_labels": 3, "color": "#333333", "width": 0.56, "position_x": 0.22}
        bar |= {
            "position_y": 0.02,
            "height": 0.1,
            "fmt": "%.0f",
            "label_font_size": 13,
            "title_font_size": 15,
        }
        plotter.add_mesh(grid, scalars=name, clim=ends, cmap=colours, specular=0.2, scalar_bar_args=bar)
        title = f"{name},  t = {until:.2f}" if column == 0 else name
        plotter.add_text(title, position="upper_left", font_size=9, color="#333333")
        angle = np.radians(-66 + 26 * until)
        eye = (4.5 * np.cos(angle), 1 + 4.5 * np.sin(angle), 2.9)
        plotter.camera_position = [eye, (0, 1, 0.3 * column - 0.15), (0, 0, 1)]
    shown = Image.fromarray(plotter.screenshot(return_img=True))
    plotter.close()
    return shown


def hero() -> None:
    """Write the animation: Burgers' equation forms its layer, and what is wrong with it."""
    solution = solve(build("burgers"), budget="1000 evaluations", points=4096)
    print(solution)
    x = np.concatenate([np.linspace(-1, -0.06, 60), np.linspace(-0.05, 0.05, 61), np.linspace(0.06, 1, 60)])
    t = np.linspace(0, 1, 81)
    known = log_error(solution, x[2:-2], t[2:])
    limits = (float(np.floor(np.quantile(known, 0.02))), float(np.ceil(known.max())))
    frames = [frame(solution, x, t, until, limits) for until in np.linspace(0.06, 1, FRAMES)]
    some = np.concatenate([np.asarray(frames[i]) for i in (FRAMES // 4, FRAMES // 2, FRAMES - 1)])
    palette = Image.fromarray(some).quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    few = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in frames]
    duration = [140] * (FRAMES - 1) + [1800]
    few[0].save(HERE / "burgers.gif", save_all=True, append_images=few[1:], loop=0, duration=duration)


def tiles(names: list[str]) -> None:
    """Write a tile for each problem, in few colours: tiles live in a repository."""
    TILES.mkdir(parents=True, exist_ok=True)
    for name in names or list(ZOO):
        solution = solve(build(name), budget="400 evaluations", points=2048)
        caption = f"{describe(solution.result)}, {solution.result['gradient_evaluations']:.0f} gradients"
        drawn = Image.fromarray(tile(solution, caption, name))
        drawn.quantize(128, method=Image.Quantize.MAXCOVERAGE).save(TILES / f"{name}.png", optimize=True)
        print(name, caption, (TILES / f"{name}.png").stat().st_size, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["hero"]:
        hero()
    elif sys.argv[1:2] == ["tiles"]:
        tiles(sys.argv[2:])
    else:
        sys.exit(__doc__)
