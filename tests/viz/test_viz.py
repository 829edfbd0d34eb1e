"""The picture of a solution suits its domain."""

from types import SimpleNamespace

import pytest
from matplotlib.image import imread

from pictured import PROBLEMS, colours_in, panels_of
from sapts_pinn import viz
from sapts_pinn.viz import figures

# Of every panel, column by column of the figure's making.
RESIDUAL, LARGEST, MISFIT = "|residual|", "largest |residual|", "|misfit of conditions|"
TITLES = {
    "curve": [],
    "system": ["u", "u, reference", "|error of u|", "v", "v, reference", "|error of v|"],
    "clipped": ["u", RESIDUAL, "|estimated error of u|"],
    "flow": [
        "|(u, v)|", "|residual 1|", "|residual 2|", "|estimated error of u|", "|estimated error of v|",
        LARGEST,
    ],
    "flow on a mesh": [
        "|(u, v)|", "|residual 1|", "|residual 2|", "|estimated error of u|", "|estimated error of v|",
        MISFIT,
    ],
    "mesh in time": [
        "u at t = 0", "u at t = 0.5", "u at t = 1", "|residual| at t = 0", "|residual| at t = 0.5", MISFIT,
    ],
    "snapshots": [
        "u at t = 0", "u at t = 0.5", "u at t = 1",
        "|residual| at t = 0", "|residual| at t = 0.5", "|residual| at t = 1",
    ],
    "sections": [
        "u at x2 = 0.5", "u at x1 = 0.5", "u at x0 = 0.5", "|residual| at x2 = 0.5", "|residual| at x1 = 0.5",
        "surfaces of u",
    ],
    "mesh in space": [
        "u at z = 0", "u at y = 0", "u at x = 1", "|error of u| at z = 0", "u, cut at y = 0", "surfaces of u",
    ],
    "space and time": [
        "u at z = 0, t = 0.5", "u at y = 0, t = 0.5", "u at x = 0, t = 0.5",
        "|residual| at z = 0, t = 0.5", "surfaces of u at t = 0", "surfaces of u at t = 1",
    ],
    "flow in time": [
        "|(u, v)| at t = 0", "|(u, v)| at t = 0.5", "|(u, v)| at t = 1",
        "largest |residual| at t = 0", "largest |residual| at t = 0.5", MISFIT,
    ],
    "flow in space": [
        "|(u, v, w)| at z = 0.5", "|(u, v, w)| at y = 0.5", "|(u, v, w)| at x = 0.5",
        "largest |residual| at z = 0.5", "largest |residual| at y = 0.5", "(u, v, w)",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_picture_suits_the_domain_and_is_not_blank(
    solutions, tmp_path, name, small_pictures, monkeypatch
):
    drawn, save = [], figures.save_figure
    monkeypatch.setattr(viz, "save_figure", lambda figure, path: drawn.append(figure) or save(figure, path))
    image = imread(solutions[name].plot(tmp_path / "solution.png"))[..., :3]
    assert min(image.shape[:2]) > 140
    white = (image > 0.99).all(-1).mean()
    assert white < 0.97, "there is something in it"
    assert colours_in(image) > 20, "in colours"
    (figure,) = drawn
    panels = panels_of(figure)
    titles = [axis.get_title(loc="left").removeprefix("log$_{10}$ ").replace("\n", " ") for axis in panels]
    assert [title for title in titles if title] == TITLES[name]
    assert all(axis.has_data() for axis in panels)


def test_a_title_has_the_coefficients_with_their_errors():
    result = {"problem": "decay", "method": "tr", "seconds": 3.2, "relative_l2_error": 0.01}
    texts = {"D": "4.80e-02 ± 1.3e-03", "r": "7.2e-01 ± 2.1e-02"}
    given = SimpleNamespace(result=result, coefficient_texts=texts)
    first, second = viz.title_of(given).split("\n")
    assert first.startswith("decay   ·   tr   ·   relative L2 error 1.0e-02")
    assert second == "D = 4.80e-02 ± 1.3e-03, r = 7.2e-01 ± 2.1e-02"
