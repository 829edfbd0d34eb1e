"""Methods of a solution that draw it."""

from matplotlib.image import imread

from pictured import untrained, waves


def test_a_line_is_drawn_into_a_file(tmp_path):
    solution = untrained(waves())
    path = solution.plot_line(tmp_path / "line.png", t=[0.0, 0.5])
    assert path == tmp_path / "line.png" and (imread(path)[..., :3] < 0.9).any(-1).mean() > 0.01
    assert solution.plot_line(tmp_path / "two.svg", {"x": -1, "t": 0}, {"x": 1, "t": 1}).is_file()


def test_a_picture_is_flat_unless_a_kind_is_given(tmp_path):
    solution = untrained(waves())
    assert imread(solution.plot(tmp_path / "flat.png")).shape[:2] != (900, 1200)
    assert imread(solution.plot(tmp_path / "scene.png", kind="map")).shape[:2] == (900, 1200)
