"""Solutions that tests of pictures and exported files share."""

import pytest

from pictured import PROBLEMS, SMALL, corner, cube
from sapts_pinn import solve
from sapts_pinn.results.solution import Solution
from sapts_pinn.viz import figures, meshes, misfit, overview, style, volumes


class Solutions(dict[str, Solution]):
    """Hardly trained solutions by name, each computed when it is first asked for."""

    def __missing__(self, name: str) -> Solution:
        build = {**PROBLEMS, "corner": corner, "five": lambda: cube(5)}[name]
        self[name] = solve(build(), **SMALL)
        return self[name]


@pytest.fixture(scope="session")
def solutions() -> Solutions:
    return Solutions()


@pytest.fixture
def small_pictures(monkeypatch) -> None:
    """Draw with few pixels and points: what a picture shows then, it shows with many."""
    monkeypatch.setattr(figures, "DPI", 60)
    for module, name, value in (
        (overview, "IMAGE", 31), (overview, "SECTION", 25), (meshes, "FINE", 1_400), (volumes, "SIDE", 13),
        (misfit, "PLACES", 60), (style, "PROBES", 64),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
