"""The contact sheet: a tile for every problem, and one that says so where a problem fails."""

import numpy as np
import pytest
from matplotlib.image import imread

from sapts_pinn.cli import main
from sapts_pinn.problems.zoo import ZOO
from sapts_pinn.solving import gallery as module
from sapts_pinn.solving.gallery import gallery
from sapts_pinn.viz import tiles

WIDTH, HEIGHT = round(tiles.WIDTH * tiles.DENSITY), round(tiles.HEIGHT * tiles.DENSITY)
KINDS = [
    "poisson-1d",
    "poisson-2d",
    "lorenz-inverse",
    "poisson-3d",
    "poisson-5d",
    "kovasznay",
    "navier-stokes-inverse",
]


@pytest.fixture
def quick(monkeypatch):
    """Runs that are hardly trained."""
    solve = module.solve
    small = {"network": (4,), "points": 64, "condition_points": 16}
    monkeypatch.setattr(module, "solve", lambda problem, **given: solve(problem, **given, **small))


def cut(path) -> list[np.ndarray]:
    """The tiles of a sheet, row by row."""
    sheet = imread(path)[..., :3]
    rows, columns = sheet.shape[0] // HEIGHT, sheet.shape[1] // WIDTH
    assert sheet.shape == (rows * HEIGHT, columns * WIDTH, 3)
    return [
        sheet[i * HEIGHT : (i + 1) * HEIGHT, j * WIDTH : (j + 1) * WIDTH]
        for i in range(rows)
        for j in range(columns)
    ]


def test_every_kind_of_problem_has_its_tile(tmp_path, quick):
    said = []
    told = lambda name, caption: said.append((name, caption))
    path = gallery(tmp_path / "new" / "sheet.png", KINDS, budget="1 iterations", told=told)
    pictures = cut(path)
    assert len(pictures) == 8, "two rows of four"
    assert [name for name, _ in said] == KINDS
    assert all("relative error" in caption and "s" in caption for _, caption in said), said
    for name, picture in zip(KINDS, pictures, strict=False):
        body = picture[: int(0.8 * HEIGHT)]
        assert (body < 0.9).any(-1).mean() > 0.02, f"{name} is blank"
        for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
            assert (edge > 0.99).all(), f"{name} is clipped"
    assert all((picture == 1).all() for picture in pictures[len(KINDS) :])


def test_a_failure_leaves_a_tile_that_says_so(tmp_path, quick, monkeypatch):
    def broken():
        raise RuntimeError("no $reference under this name_of")  # signs that would be mathematics

    entry = type(ZOO["heat"])(broken, "breaks", "Broken")
    monkeypatch.setitem(ZOO, "broken", entry)
    said = {}
    path = gallery(tmp_path / "s.png", ["broken", "poisson-1d"], budget="1 iterations", told=said.__setitem__)
    first, second = cut(path)
    assert said["broken"] == "RuntimeError: no $reference under this name_of"
    assert not np.allclose(first[5, 5], 1) and np.allclose(second[5, 5], 1), "it is tinted"
    red = (first[..., 0] > first[..., 1] + 0.3).mean()
    assert red > 0.005, "the reason is written in it"
    assert "relative error" in said["poisson-1d"], "and the next is drawn"


def test_a_picture_that_cannot_be_drawn_is_a_failure_of_that_problem(tmp_path, quick, monkeypatch):
    monkeypatch.setattr(tiles, "_curves", lambda figure, solution: 1 / 0)
    said = {}
    names = ["poisson-1d", "poisson-2d"]
    assert len(cut(gallery(tmp_path / "s.png", names, budget="1 iterations", told=said.__setitem__))) == 2
    assert said["poisson-1d"] == "ZeroDivisionError: division by zero"
    assert "relative error" in said["poisson-2d"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"path": "s.pdf"}, r"cannot draw the gallery into 's.pdf': use .png"),
        ({"problems": ["heet"]}, "there is no problem 'heet'; did you mean 'heat'"),
        ({"problems": []}, "at least one problem"),
        ({"budget": "soon"}, "soon"),
        ({"method": "trr"}, "trr"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(tmp_path, monkeypatch, given, message):
    monkeypatch.setattr(module, "solve", lambda *_, **__: pytest.fail("trained"))
    path = tmp_path / given.pop("path", "s.png")
    with pytest.raises(ValueError, match=message):
        gallery(path, **{"problems": ["heat"], **given})
    assert not path.exists()


def test_the_command_draws_and_says_where(tmp_path, quick, capsys):
    path = tmp_path / "sheet.png"
    command = ["gallery", "--problems", "poisson-1d, heat", "--budget", "1 iterations", "--out", str(path)]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(path) and len(cut(path)) == 2
    assert [line.partition(":")[0] for line in err.splitlines()] == ["poisson-1d", "heat"]
    assert main(["gallery", "--problems", "heet"]) == 2
    assert "did you mean 'heat'" in capsys.readouterr().err
