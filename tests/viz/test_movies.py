"""Solutions in time, animated."""

import numpy as np
import pytest
from PIL import Image


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
