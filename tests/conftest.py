"""Settings of all tests: a machine used sparingly, no screen, and the reference data beside the checkout."""

import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Read when torch, pyvista, matplotlib and DeepXDE are first imported, here and in every subprocess of a test.
os.environ.setdefault("OMP_NUM_THREADS", "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that spin slow down a busy machine manyfold
os.environ["MPLBACKEND"] = "Agg"
os.environ["PYVISTA_OFF_SCREEN"] = "true"
os.environ["DDE_BACKEND"] = "pytorch"  # or DeepXDE looks for others and writes a file into the home folder
os.environ["JUPYTER_PLATFORM_DIRS"] = "1"  # or jupyter_core warns

# The first call into torch is slow, and a failure has to repeat: no deadline, the same examples every time.
settings.register_profile("sapts_pinn", deadline=None, derandomize=True)
settings.load_profile("sapts_pinn")

# So many modules, problems and parsed tests are alive that looking for garbage in them as often as Python
# does takes a tenth of the time.
gc.set_threshold(20_000, 50, 100)

ROOT = Path(__file__).resolve().parents[1]
pytest.register_assert_rewrite(*(p.stem for p in ROOT.glob("tests/helpers/*.py")))  # they say why they fail


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, and leave the others in their order."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets and published references; the checkout does not carry it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no data folder {folder}")
    return folder


@pytest.fixture(scope="module", autouse=True)
def short_estimates() -> Iterator[None]:
    """End every run of `solve` with a cheap error estimate; a folder about them replaces this fixture."""
    from short_estimates import shorten

    with pytest.MonkeyPatch.context() as patch:
        shorten(patch.setattr)
        yield


# Rooms whose tests take problems of the zoo as they are; those of an audit and of estimates change them.
SHARING = {
    *("callbacks", "cli", "deepxde", "kernels", "networks", "objectives", "optim", "pipeline", "results"),
    *("problems", "runs", "solving", "training", "viz"),
}


BUILT: list[tuple[Any, dict[str, Any]]] = []  # problems, with what they consisted of at first


@cache
def shared_zoo() -> dict[str, Any]:
    """The entries of the zoo, each of which builds its problem once and gives it to all who ask."""
    from sapts_pinn.problems import ZOO

    def once(build: Callable[[], Any]) -> Callable[[], Any]:
        @cache
        def built() -> Any:
            problem = build()
            BUILT.append((problem, dict(vars(problem))))
            return problem

        return built

    return {name: replace(entry, build=once(entry.build)) for name, entry in ZOO.items()}


@pytest.fixture(scope="module", autouse=True)
def shared_problems(request: pytest.FixtureRequest) -> Iterator[None]:
    """Build no problem of the zoo twice, which takes a tenth of a second; nobody may change one."""
    with pytest.MonkeyPatch.context() as patch:
        if not SHARING.isdisjoint(request.path.relative_to(ROOT / "tests").parts):
            from sapts_pinn.problems import ZOO

            for name, entry in shared_zoo().items():
                patch.setitem(ZOO, name, entry)
        yield
    for problem, before in BUILT:
        for name, value in before.items():
            assert vars(problem).get(name) is value, f"a test has changed {name} of {problem.name}"
