"""Runs on a GPU: the same mathematics as on the processor.  Skipped where there is no GPU.

Sums are taken in other orders there, so that values agree to rounding, which training steps magnify.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from on_a_device import FEATURES, Place
from sapts_pinn import Solution, solve
from sapts_pinn.optim import SAPTS, TrustRegion
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.problems import zoo
from sapts_pinn.problems.pinnacle import PINNACLE
from sapts_pinn.supervised import Supervised

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SMALL: dict[str, Any] = {"network": (8, 8), "points": 128}
RESUMED = ("tr", "sapts-d", "sapts-p", "sapts-ip", "adam", "lbfgs")


def run(name: str, device: str, budget: str = "6 iterations", **options: Any) -> Solution:
    return solve(zoo.build(name), device=device, budget=budget, **{**SMALL, **options})


def losses(solution: Solution) -> list[float]:
    return [float(row["loss"]) for row in solution.history]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_the_steps_it_takes_on_the_processor(method: str) -> None:
    own = {"network": (8,)} if method == "features" else {}
    here, there = (run("burgers", device, method=method, **own) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(losses(there), losses(here), rtol=1e-5)
    assert there.result["device"].startswith("cuda")


@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_problem_has_the_loss_and_the_error_it_has_on_the_processor(name: str) -> None:
    here, there = (run(name, device, "3 iterations") for device in ("cpu", "cuda"))
    np.testing.assert_allclose(losses(there), losses(here), rtol=1e-5)
    wanted = here.result["relative_l2_error"]
    assert there.result["relative_l2_error"] == (wanted and pytest.approx(wanted, rel=1e-5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_default_run_lowers_the_error(dtype: str) -> None:
    solution = run("klein-gordon", "cuda", "60 iterations", dtype=dtype, network=(16, 16), points=1000)
    assert losses(solution)[-1] < 1e-3 * losses(solution)[0]


def test_a_solution_is_asked_with_points_of_the_processor(tmp_path: Path) -> None:
    solution = run("burgers", "cuda", out=tmp_path / "run")
    points = {"x": np.array([0.1, -0.3]), "t": np.array([0.5, 0.2])}
    values = solution.predict(points)
    assert np.isfinite(np.asarray(solution.residual(points))).all()
    assert np.isfinite(np.asarray(solution.derivative(points, "xx"))).all()
    solution.save(tmp_path / "saved")
    loaded = Solution.load(tmp_path / "saved")
    np.testing.assert_allclose(np.asarray(loaded.predict(points)), np.asarray(values), rtol=1e-12)
    assert solution.plot(tmp_path / "picture.png").exists()
    if find_spec("pyvista"):  # a lent machine may lack it
        assert solution.export(tmp_path / "solution.vtu", frames=2).exists()


@pytest.mark.parametrize("method", RESUMED)
def test_a_run_goes_on_where_it_was(method: str, tmp_path: Path) -> None:
    whole = run("burgers", "cuda", "8 iterations", method=method)
    run("burgers", "cuda", "4 iterations", method=method, out=tmp_path / "run")
    rest = run("burgers", "cuda", "8 iterations", method=method, resume=tmp_path / "run")
    np.testing.assert_allclose(losses(rest)[-1], losses(whole)[-1], rtol=1e-5)


@pytest.mark.parametrize("feature", FEATURES)
def test_features(feature: str, tmp_path: Path) -> None:
    FEATURES[feature](Place("cuda"), tmp_path)


@pytest.mark.parametrize("name", ["kovasznay", "fredholm", "heat-ball", "composite-ring"])
def test_the_default_solves_smooth_problems_by_random_features(name: str, tmp_path: Path) -> None:
    """Also nonlinear ones, integrals, round coordinates and several materials."""
    found = solve(zoo.build(name), device="cuda", budget="2min", out=tmp_path / "run")
    assert found.config["method"] == "features" and found.result["device"].startswith("cuda")
    assert found.error() < {"composite-ring": 1e-4}.get(name, 1e-8)
    assert Solution.load(tmp_path / "run").error() == pytest.approx(found.error(), rel=1e-2, abs=1e-13)


@pytest.mark.parametrize("name", PINNACLE)
def test_every_problem_of_pinnacle_has_the_loss_it_has_on_the_processor(name: str) -> None:
    here, there = (run(name, device, "3 iterations") for device in ("cpu", "cuda"))
    np.testing.assert_allclose(losses(there), losses(here), rtol=1e-5)


def test_windows_and_observations() -> None:
    assert np.isfinite(run("heat", "cuda", "6 iterations", windows=2).result["loss"])
    assert np.isfinite(run("burgers-inverse", "cuda", "6 iterations").coefficients["nu"])


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def descended(device: str, make: Callable[[list[Tensor]], Any]) -> list[float]:
    random = Generator().manual_seed(1)
    x = torch.randn(60, 4, generator=random, dtype=torch.float64).to(device)
    y = torch.randint(3, (60,), generator=random).to(device)
    objective = Supervised(network().to(device), x, y)
    optimizer = make(objective.parameters)
    return [float(optimizer.step(objective)) for _ in range(6)]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: TrustRegion(p),
        lambda p: SAPTS(p, "data", 2),
        lambda p: SAPTS(p, "parameters", 2),
    ],
    ids=["tr", "data", "parameters"],
)
def test_samples_on_the_gpu(make: Callable[[list[Tensor]], Any]) -> None:
    np.testing.assert_allclose(descended("cuda", make), descended("cpu", make), rtol=1e-6)
