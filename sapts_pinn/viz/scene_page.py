"""A scene as a page of its own: to be turned with the mouse, with a slider through time or a coordinate.

PyVista builds the scene; trame-vtk, of the extra "view", writes it down and brings the viewer, vtk.js.
(PyVista's own export starts a server for that, which loads files from the network.)  The slider is ours: some
things in the scene are moments, of which it shows one.  They are surfaces where two coordinates of space are
left beside the time; else lines on the surface, or planes, along a coordinate.

The viewer has no axes with numbers of one's own.  They are drawn as text in space, at the ends of the axes.
"""

from __future__ import annotations

import importlib.util
import io
import json
import zipfile
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..runs.files import write_text
from .dataset import sample
from .fields import Array, ends, time_name
from .scene import HEIGHT, scene_lengths, silence
from .style import colour_limits, meaning_of
from .view import View

Place = tuple[float, float, float]

MOMENTS = 21
RESOLUTION = {2: 61, 3: 33}  # points along each of so many coordinates of a moment
SURFACE = 201  # of one surface that stays
TEXT, ASIDE = 0.045, 0.03  # height of text, and its distance from the axes
TUBE = 0.004  # radius of a line


def can_export() -> bool:
    """Test for the package that writes a scene down."""
    return importlib.util.find_spec("trame_vtk") is not None


def export_scene(solution: View, path: Path) -> Path:
    """Write a page with the first unknown of a solution in space.

    Args:
        solution: The solution.
        path: Where, an .html file.

    Raises:
        InputError: A package is missing, or there is a single coordinate.
    """
    domain = solution.problem.domain
    if not can_export():
        raise InputError("a scene as a page needs more packages: pip install 'sapts-pinn[view]'")
    if domain.dim < 2:
        raise InputError(f"{solution.problem.name} has one coordinate, and nothing to show in space")
    import pyvista

    silence()  # nothing is rendered here
    plotter: Any = pyvista.Plotter(off_screen=True, window_size=[900, 700])  # PyVista has no types that fit
    plotter.background_color = "white"
    name, values = _fill(plotter, solution)
    plotter.view_vector((0.45, -1.0, 0.6))
    page = _written(plotter)
    plotter.close()
    write_text(
        path,
        _with_slider(page, f"{solution.problem.unknown_names[0]} of {solution.problem.name}", name, values),
    )
    return path


def _written(plotter: Any) -> str:
    """The viewer with the scene of a plotter in it."""
    from trame_vtk.modules.vtk import serializers as vtk
    from trame_vtk.tools.vtksz2html import write_html

    vtk.initialize_serializers()
    context, window = vtk.SynchronizationContext(), plotter.render_window
    context.set_ignore_last_dependencies(True)
    scene = vtk.serialize(None, window, vtk.reference_id(window), context, 1)
    camera = plotter.renderer.GetActiveCamera()
    scene["extra"] = {
        "vtkRefId": vtk.reference_id(window),
        "centerOfRotation": camera.GetFocalPoint(),
        "camera": vtk.reference_id(camera),
    }
    arrays = {
        entry["hash"]: {**entry, "content": context.get_cached_data_array(entry["hash"], False)}
        for entry in vtk.extract_array_hash(scene)
    }
    packed, page = io.BytesIO(), io.StringIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("index.json", json.dumps({"hashes": arrays, "scene": scene}))
    write_html(packed.getvalue(), page)
    return page.getvalue()


def _fill(plotter: Any, solution: View) -> tuple[str, list[float]]:
    """Add what stays and, last of all, the moments.

    Returns:
        The coordinate of the slider, and its values.
    """
    domain, time = solution.problem.domain, time_name(solution.problem.domain)
    if time is not None and domain.dim > 2:
        moments = np.linspace(*ends(domain, time), MOMENTS).tolist()
        seen = min(domain.dim - 1, 3)
        data = [sample(solution, {time: t}, RESOLUTION[seen], residual=False).dataset() for t in moments]
        frame = _Frame(solution, tuple(n for n in domain.names if n != time)[:3], time, data)
        frame.add_box(plotter)
        for one in data:
            frame.add(plotter, frame.raised(one) if seen == 2 else one.slice_orthogonal())
        return time, moments
    names = domain.names[:3]
    data = [sample(solution, {}, SURFACE if len(names) == 2 else 2 * RESOLUTION[3], residual=False).dataset()]
    frame = _Frame(solution, names, time, data)
    along = names.index(time) if time is not None else len(names) - 1
    frame.add_box(plotter)
    body: Any = data[0]
    if len(names) == 2:
        body = frame.raised(body)
        frame.add(plotter, body)
    low, high = ends(domain, names[along])
    moments = np.linspace(low, high, MOMENTS).tolist()
    normal = np.eye(3)[along]
    for share in np.linspace(1e-6, 1 - 1e-6, MOMENTS):
        cut = body.slice(normal=normal, origin=share * frame.lengths[along] * normal)
        if len(names) == 2:
            plotter.add_mesh(cut.tube(radius=TUBE, n_sides=6) if cut.n_points else cut, color="black")
        else:
            frame.add(plotter, cut)
    return names[along], moments


class _Frame:
    """The box of a scene: lengths, colours, and text at the axes.

    Args:
        solution: The solution.
        names: Coordinates of the scene.
        time: The time, if it has one.
        data: Datasets in the user's coordinates, which get those of the scene.
    """

    def __init__(self, solution: View, names: tuple[str, ...], time: str | None, data: list[Any]) -> None:
        domain, self.field = solution.problem.domain, solution.problem.unknown_names[0]
        self.names = names
        self.lower, self.upper = (np.array([ends(domain, name)[i] for name in names]) for i in (0, 1))
        self.lengths: Array = scene_lengths(self.upper - self.lower, [name == time for name in names])
        self.meaning = meaning_of(solution, self.field)
        fields = [np.asarray(one.point_data[self.field]) for one in data]
        self.limits = colour_limits(fields, self.meaning)
        for one in data:
            scaled = (one.points[:, : len(names)] - self.lower) / (self.upper - self.lower) * self.lengths
            one.points[:, : len(names)] = scaled
            values = np.asarray(one.point_data[self.field], dtype=np.float32)
            one.clear_data()
            one.point_data[self.field] = values

    def raised(self, data: Any) -> Any:
        """A surface whose height is the field."""
        low, high = self.limits
        height = (data.point_data[self.field] - low) / (high - low)
        data.points[:, 2] = HEIGHT * np.clip(height, -0.2, 1.2)
        return data.extract_surface(algorithm="dataset_surface")

    def add(self, plotter: Any, data: Any) -> None:
        """Add something in the colours of the field."""
        bar = {"title": self.field, "color": "black", "vertical": True, "fmt": "%.3g"}
        plotter.add_mesh(
            data, scalars=self.field, clim=self.limits, cmap=self.meaning.colours, scalar_bar_args=bar,
            smooth_shading=data.n_cells > 0, ambient=0.3,
        )  # fmt: skip

    def add_box(self, plotter: Any) -> None:
        """Add the edges of the box, and the names and ends of its axes as text."""
        import pyvista

        flat = len(self.names) == 2
        x, y = self.lengths[:2].tolist()
        z = HEIGHT if flat else float(self.lengths[2])
        box: Any = pyvista.Box(bounds=(0, x, 0, y, 0, z))
        plotter.add_mesh(box.extract_all_edges(), color="grey")
        names = [*self.names, self.field] if flat else [*self.names]
        ranges = [*zip(self.lower.tolist(), self.upper.tolist(), strict=True)]
        ranges = [*ranges, self.limits] if flat else ranges
        step = ASIDE + TEXT
        marks: list[tuple[str, tuple[float, float], Callable[[float], Place], bool]] = [
            (names[0], ranges[0], lambda share: (share * x, -step, 0.0), False),
            (names[1], ranges[1], lambda share: (x + step, share * y, 0.0), False),
            (names[2], ranges[2], lambda share: (-2 * step, 0.0, share * z), True),
        ]
        for name, (low, high), place, upright in marks:
            for share, text in ((0.0, f"{low:.3g}"), (0.5, name), (1.0, f"{high:.3g}")):
                plotter.add_mesh(_text(text, place(share), upright), color="black", lighting=False)


def _text(text: str, centre: Place, upright: bool) -> Any:
    """Text in the plane of the first two coordinates, or upright, around a point."""
    import pyvista

    write: Any = pyvista.Text3D  # which has no types
    made = write(text, depth=0.0)
    made.points -= np.asarray(made.center)
    made.points *= TEXT  # of a letter of height 1
    if upright:
        made.rotate_x(90, inplace=True)
    made.points += np.asarray(centre)
    return made.triangulate()


HEAD = """<style>
  .content { position: absolute; inset: 0 0 2.6rem 0; }
  #moment { position: fixed; left: 0; right: 0; bottom: 0; display: flex; gap: .8rem; padding: .5rem .8rem;
    align-items: center; font: 14px/1.4 system-ui, sans-serif; color: #222; background: #fff; }
  #moment input { flex: 1; } #moment output { min-width: 7rem; }
</style>
"""
BODY = """<div class="content"></div>
<label id="moment"><output></output><input type="range" min="0" step="1"></label>
"""
SCRIPT = """<script>
(() => {
  const name = NAME, values = VALUES, slider = document.querySelector("#moment input");
  const text = document.querySelector("#moment output");
  function show() {  // the moments are what was added last
    const view = (window.global || window).renderWindow;
    const all = view ? view.getRenderers().flatMap((renderer) => renderer.getActors()) : [];
    const actors = all.filter((actor) => actor.getClassName() === "vtkActor");
    if (actors.length < values.length) { setTimeout(show, 50); return; }
    const shown = Number(slider.value);
    actors.slice(-values.length).forEach((actor, place) => actor.setVisibility(place === shown));
    view.render();
    document.body.dataset.moment = shown;
  }
  function say() { text.value = `${name} = ${values[slider.value].toPrecision(3)}`; show(); }
  slider.max = values.length - 1;
  slider.value = Number(location.hash.slice(1)) || 0;
  slider.addEventListener("input", say);
  say();
})();
</script>
"""


def _with_slider(page: str, title: str, name: str, values: list[float]) -> str:
    """The viewer with our title, and a slider at its end."""
    script = SCRIPT
    for word, value in (("NAME", name), ("VALUES", values)):
        script = script.replace(word, json.dumps(value).replace("<", "\\u003c"), 1)
    start, rest = page.split("<title>", 1)
    _, head = rest.split("</title>", 1)
    head, body = head.split("<body>", 1)
    body, _, end = body.rpartition("</body>")
    return f"{start}<title>{escape(title)}</title>{HEAD}{head}<body>{BODY}{body}{script}</body>{end}"
