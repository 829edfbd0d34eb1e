"""Pictures of how a run went."""

import matplotlib.image
import pytest

from pictured import SMALL, untrained, vortex
from sapts_pinn import Neumann, Problem, solve
from sapts_pinn.geometry import Box
from sapts_pinn.results.training_pictures import training_pictures


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    problem = Problem(
        Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy + u - 1, [Neumann("u", 0.0)], name="poured"
    )
    folder = tmp_path_factory.mktemp("run")
    solution = solve(
        problem, **{**SMALL, "budget": "4 iterations"}, method="sapts-d", out=folder, overwrite=True
    )
    return solution, folder


def test_a_run_of_parts_has_all_pictures(run, tmp_path):
    solution, folder = run
    drawn = {
        title: draw(tmp_path / f"{title}.png") for title, draw in training_pictures(folder, solution).items()
    }
    assert {"Convergence", "Sweeps", "Gains of the parts", "Collocation points"} <= {
        t for t, p in drawn.items() if p
    }
    for path in filter(None, drawn.values()):
        image = matplotlib.image.imread(path)[..., :3]
        assert (image < 0.9).any(-1).mean() > 0.01


def test_an_empty_folder_has_none(tmp_path):
    assert training_pictures(tmp_path) == {}
    assert [*training_pictures(tmp_path, untrained(vortex()))] == ["Spectrum of the Gauss-Newton matrix"]
