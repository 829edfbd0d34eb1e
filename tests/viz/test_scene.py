"""Scenes that PyVista renders."""

import subprocess

import numpy as np
import pytest
import pyvista

from sapts_pinn.errors import InputError
from sapts_pinn.viz import scene

needs_rendering = pytest.mark.skipif(not scene._renders(), reason="VTK cannot render on this machine")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "SIZE", (300, 240))


@needs_rendering
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("system", "warp"),
        ("system", "map"),
        ("clipped", None),
        ("flow", "arrows"),
        ("flow", "streamlines"),
        ("flow", "deformed"),
        ("mesh in space", None),
        ("mesh in space", "slices"),
        ("mesh in space", "isosurfaces"),
        ("mesh in time", "warp"),
    ],
)
def test_a_scene_is_not_blank(solutions, tmp_path, name, kind):
    solution = solutions[name]
    field = solution.problem.unknown_names[0] if kind is None else None
    path = solution.plot(tmp_path / "scene.png", kind=kind, field=field)
    image = pyvista.read(path)
    pixels = np.asarray(image.point_data.active_scalars)[:, :3].reshape(240, 300, 3)
    middle = pixels[60:180, 60:220]  # of it, where the scene is; not the title nor the bar of colours
    assert (middle != 255).any(-1).mean() > 0.03
    assert len(np.unique(middle.reshape(-1, 3), axis=0)) > 20


@needs_rendering
def test_colours_and_axes_show_the_users_numbers(solutions):
    plotter = scene.scene(solutions["system"], "v_error", "warp", off_screen=True)
    error = solutions["system"].to_pyvista()["v_error"]
    (actor,) = (a for a in plotter.actors.values() if getattr(a, "mapper", None) is not None)
    low, high = actor.mapper.scalar_range
    assert low >= error.min() - abs(high) and error.min() < high <= max(error.max(), -error.min()) * (
        1 + 1e-6
    )
    axes = plotter.renderer.cube_axes_actor
    assert (axes.GetXTitle(), axes.GetYTitle(), axes.GetZTitle()) == ("x", "t", "v_error")
    (bar,) = plotter.scalar_bars.values()
    assert bar.GetTitle() == "v_error\n", "an empty line between the title and the numbers"
    assert bar.GetLabelTextProperty().GetFontSize() >= 16, "to be read at two thirds of the size"
    lower, upper = solutions["system"].problem.domain.bounds[:, 0].tolist()
    assert axes.GetXAxisRange() == pytest.approx((lower, upper))
    plotter.close()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("system", {"kind": "isosurfaces"}, "no scene of the kind 'isosurfaces'; choose warp, map$"),
        ("system", {"field": "w"}, "no field 'w'; it has u, "),
        ("system", {"t": 0.5}, "has 1 coordinate to show"),
        ("system", {"kind": "warp", "t": 3.0}, "has 1 coordinate to show|must lie in"),
        ("mesh in space", {"kind": "warp"}, "choose slices, isosurfaces, outside$"),
    ],
)
def test_what_cannot_be_shown_is_refused(solutions, tmp_path, name, options, words):
    with pytest.raises(InputError, match=words):
        solutions[name].plot(tmp_path / "scene.png", **options)
    assert not [*tmp_path.iterdir()]


def test_a_picture_needs_a_known_extension(solutions, tmp_path):
    with pytest.raises(InputError, match=r"cannot render 'scene.pdf': use .png"):
        solutions["system"].plot(tmp_path / "scene.pdf", kind="warp")


def test_without_a_display_there_is_a_sentence(solutions, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(scene.sys, "platform", "linux")
    monkeypatch.delitem(scene.sys.modules, "ipykernel", raising=False)
    with pytest.raises(InputError, match=r"no display .* draw into a file with plot"):
        solutions["system"].show()


def test_where_vtk_cannot_render_there_is_a_sentence(solutions, tmp_path, monkeypatch):
    """It ends its process there, so that another one has to try."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(scene.sys, "platform", "linux")
    scene._renders.cache_clear()
    ended = subprocess.CompletedProcess([], -11)
    monkeypatch.setattr(scene.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(InputError, match=r"cannot render here: .* leave out kind="):
        solutions["system"].plot(tmp_path / "scene.png", kind="warp")
    scene._renders.cache_clear()


@needs_rendering
def test_a_round_rim_is_smooth(solutions):
    """Cells that the boundary cuts are clipped there: the area is that of the ring, not of whole cells."""
    plotter = scene.scene(solutions["clipped"], "u", "map", off_screen=True)
    (mesh,) = (a.mapper.dataset for a in plotter.actors.values() if getattr(a, "mapper", None) is not None)
    lengths = np.diff(np.reshape(mesh.bounds, (3, 2)), axis=1)[:2, 0]
    assert mesh.area / lengths.prod() == pytest.approx(np.pi / 4 * (1 - 0.16), rel=1e-3)
    plotter.close()
