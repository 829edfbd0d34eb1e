"""Solutions in time, animated."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from sapts_pinn.errors import InputError
from sapts_pinn.viz import movies


@pytest.mark.parametrize("name", ["mesh in time", "snapshots", "system"])
def test_a_solution_in_time_is_animated(solutions, tmp_path, name):
    pictures = []
    with Image.open(solutions[name].animate(tmp_path / "s.gif", frames=3, seconds=1.5)) as movie:
        assert movie.n_frames == 3 and movie.info["duration"] == 500
        for i in range(3):
            movie.seek(i)
            pictures.append(np.asarray(movie.convert("RGB"), dtype=int))
    assert (abs(pictures[0] - pictures[2]).max(2) > 60).mean() > 0.005, "it moves"
    assert len(np.unique(pictures[1].reshape(-1, 3) // 16, axis=0)) > 20


def test_what_cannot_be_animated_is_told(solutions, tmp_path):
    with pytest.raises(ValueError, match="pipe has no time to animate; use plot"):
        solutions["mesh in space"].animate(tmp_path / "s.gif")
    with pytest.raises(ValueError, match=r"pipe has no time for 's.pvd'; use .vtu"):
        solutions["mesh in space"].export(tmp_path / "s.pvd")
    with pytest.raises(ValueError, match=r"cannot animate into 's.avi': use .gif or .mp4"):
        solutions["snapshots"].animate(tmp_path / "s.avi")
    with pytest.raises(ValueError, match="an animation needs at least 2 frames, not 1"):
        solutions["snapshots"].animate(tmp_path / "s.gif", frames=1)


def test_a_smooth_transition_stays_smooth_in_a_gif(tmp_path):
    ramp = np.linspace(0, 1, 300)[None, :, None]
    colours = (np.array([5, 48, 97]) * (1 - ramp) + np.array([253, 219, 199]) * ramp).round()
    frame = np.repeat(colours.astype(np.uint8), 80, axis=0)
    frame[:20] = 255  # much of one colour leaves the others their places in the palette
    movies._save_gif(tmp_path / "s.gif", [frame, frame[:, ::-1]], 0.1)
    with Image.open(tmp_path / "s.gif") as movie:
        drawn = np.asarray(movie.convert("RGB"), float)
        movie.seek(1)
        assert np.abs(np.asarray(movie.convert("RGB"), float)[20:].mean(0)[::-1] - colours[0]).max() < 6
    assert (drawn[:20] == 255).all()
    assert np.abs(drawn[20:].mean(0) - colours[0]).max() < 6, "no bands: the mean of a column is right"


def test_an_mp4_has_all_frames(solutions, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    path = solutions["system"].animate(tmp_path / "s.mp4", frames=4, seconds=1.0)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    found = subprocess.run([ffmpeg, "-i", path, *raw], capture_output=True, check=True).stdout
    frames = np.frombuffer(found, np.uint8).reshape(4, -1).astype(int)
    assert np.abs(frames[0] - frames[3]).max() > 60, "it moves"


def test_an_mp4_without_its_encoder_is_refused_with_the_fix(solutions, tmp_path, monkeypatch):
    monkeypatch.setattr(movies.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"an .mp4 file needs imageio-ffmpeg: pip install"):
        solutions["system"].animate(tmp_path / "s.mp4")
