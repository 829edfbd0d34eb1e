"""All that is done on a device other than the processor: what a GPU is tested with, and its stand-in.

Each feature takes a place, which names the device, and an empty folder, and fails by an assertion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sapts_pinn import Solution, cli, compare, solve
from sapts_pinn.callbacks import EarlyStop
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.problems import zoo
from sapts_pinn.results.report import write_report
from thread_ranks import on_ranks

SMALL: dict[str, Any] = {"network": (8, 8), "points": 128, "condition_points": 64}
POINTS = {"x": np.array([0.1, -0.3]), "t": np.array([0.5, 0.2])}
ORDER = 1e-5  # relative: sums in another order, magnified by a few steps


@dataclass(frozen=True)
class Place:
    """A device.

    Attributes:
        device: Its name.
        inside: Makes the context in which it exists, which each thread has to enter.
    """

    device: str
    inside: Callable[[], AbstractContextManager[object]] = nullcontext

    def run(self, name: str, budget: str = "4 iterations", **options: Any) -> Any:
        """Solve a problem of the zoo there."""
        return solve(zoo.build(name), device=self.device, budget=budget, **{**SMALL, **options})

    def tensor(self, values: object) -> Tensor:
        """A tensor there, float64."""
        return torch.tensor(values, dtype=torch.float64).to(self.device)


HERE = Place("cpu")


def losses(solution: Solution) -> list[float]:
    return [float(row["loss"]) for row in solution.history]


def same(found: object, wanted: object, rtol: float = ORDER) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=rtol, atol=rtol)


def whole(solution: Solution) -> Solution:
    """Make sure that a run has been examined, and nothing went wrong with that."""
    result = solution.result
    assert result["audit"] is not None and result["diagnosis"] is not None
    assert not [remark for remark in result["remarks"] if "Error" in remark]
    assert result["error_estimate"] is not None and math.isfinite(result["error_estimate"]["relative"])
    return solution


def starts(place: Place, folder: Path) -> None:
    """A run goes on from a solution, wherever that one is."""
    first = {p: p.run("burgers") for p in (HERE, place)}
    for start in first.values():
        again = place.run("burgers", init=start)
        assert again.config["init"]["how"] == "parameters taken over"
        assert losses(again)[-1] < losses(start)[-1]
    fits = [p.run("burgers", init=start, network=(6,)) for p, start in first.items()]
    assert {fit.config["init"]["how"] for fit in fits} == {"fitted to its values"}
    same(fits[1].config["init"]["misfit"], fits[0].config["init"]["misfit"], 1e-2)


def own_points(place: Place, folder: Path) -> None:
    """Points of the user's own, arrays or tensors there."""
    table = zoo.build("burgers").domain.interior(100, torch.Generator().manual_seed(3)).numpy()
    wanted = losses(HERE.run("burgers", points=table))
    for points in (table, place.tensor(table), dict(zip("xt", table.T, strict=True))):
        run = place.run("burgers", points=points, out=folder / "run", overwrite=True)
        same(losses(run), wanted)
    again = solve(zoo.build("burgers"), device=place.device, budget="6 iterations", resume=folder / "run")
    same(losses(again)[: len(wanted)], wanted)


def seeds(place: Place, folder: Path) -> None:
    """Several seeds, together and each in its folder."""
    found = place.run("burgers", seeds=2, out=folder / "runs")
    assert np.isfinite(found.predict(POINTS)).all() and (found.spread(POINTS) > 0).all()
    on = {name: place.tensor(x) for name, x in POINTS.items()}
    same(found.predict(on), found.predict(POINTS), 1e-12)


def callbacks(place: Place, folder: Path) -> None:
    """A function of the run that evaluates the model, and an early stop."""
    seen: list[float] = []

    def look(run: Any) -> None:
        seen.append(float(run.model(place.tensor([[0.1, 0.5]])).detach()))
        here = torch.tensor([[0.1, 0.5]], dtype=torch.float64)
        same(float(run.model(here).detach()), seen[-1], 1e-12)

    place.run("burgers", callbacks=[look, EarlyStop(patience=50)])
    assert len(seen) == 4 and np.isfinite(seen).all()


def asks(place: Place, folder: Path) -> None:
    """Ask a solution at arrays and tensors, here and there, with gradients."""
    solution = place.run("burgers")
    values, slopes = solution.predict(POINTS), solution.derivative(POINTS, "x")
    for at in (torch.tensor, place.tensor):
        given = {name: at(list(x)).requires_grad_() for name, x in POINTS.items()}
        found = solution.predict(given)
        same(found.detach().cpu(), values, 1e-12)
        (slope,) = torch.autograd.grad(found.sum(), given["x"])
        assert slope.device == given["x"].device
        same(slope.cpu(), slopes, 1e-10)
        curved = solution.derivative(given, "xx").detach()
        same(curved, solution.derivative(POINTS, "xx"), 1e-9)
        expression = solution.evaluate(lambda u, x: u.x + x, given).detach()
        same(expression, slopes + POINTS["x"], 1e-10)
    for ask in (solution.residual, solution.error_field, lambda p: solution.reference(p)["u"]):
        assert np.isfinite(np.asarray(ask(POINTS))).all()
    assert solution.error() == pytest.approx(solution.result["relative_l2_error"])
    assert solution.error(POINTS, values) < 1e-12


def files(place: Place, folder: Path) -> None:
    """Write the model and its fields, and read them without the device."""
    solution = place.run("burgers")
    points = torch.tensor(np.stack([*POINTS.values()], 1))
    values = solution.predict(points)
    program = torch.export.load(solution.export(folder / "u.pt2")).module()
    same(program(points).detach()[:, 0], values, 1e-12)
    for extension in ("csv", "npz", *(["safetensors"] if find_spec("safetensors") else [])):
        assert solution.export(folder / f"u.{extension}").stat().st_size > 100
    if find_spec("onnxscript"):
        from onnx.reference import ReferenceEvaluator

        run = ReferenceEvaluator(str(solution.export(folder / "u.onnx")))
        same(run.run(None, {"points": points.numpy()})[0][:, 0], values, 1e-12)
    if find_spec("pyvista"):
        assert solution.export(folder / "u.vtu", frames=2).exists()
    assert solution.plot(folder / "u.png").exists()
    loaded = Solution.load(solution.save(folder / "saved"))
    assert next(loaded.model.parameters()).device.type == "cpu"
    same(loaded.predict(points), values, 1e-12)


def examination(place: Place, folder: Path) -> None:
    """Audit, error estimate and uncertainty at the end of a run."""
    here, there = (whole(p.run("burgers-inverse", "6 iterations")) for p in (HERE, place))
    for name in ("standard_errors", "numerical_errors", "noise", "coefficients"):
        assert there.result[name] == pytest.approx(here.result[name], rel=1e-4, abs=1e-12)
    same(there.standard_error(POINTS), here.standard_error(POINTS), 1e-4)
    same(there.result["error_estimate"]["relative"], here.result["error_estimate"]["relative"], 1e-3)


def comparison(place: Place, folder: Path) -> None:
    """Several methods in a table."""
    found = compare(
        zoo.build("burgers"),
        ["tr", "adam"],
        "4 iterations",
        device=place.device,
        out=folder / "runs",
        **SMALL,
    )
    assert [row["steps"] for row in found.rows] == [4, 4] and found.measured


def report(place: Place, folder: Path) -> None:
    """The command line, with its pictures and its report."""
    run = folder / "run"
    command = ["solve", "burgers", "--device", place.device, "--budget", "4 iterations", "--quiet"]
    command += ["--network", "8,8", "--points", "128", "--out", str(run)]
    if find_spec("pyvista"):
        assert cli.main(command) == 0
        assert cli.main(["show", str(run)]) == 0
    else:
        place.run("burgers", out=run)
    assert place.device in write_report(run).read_text()


def windows(place: Place, folder: Path) -> None:
    """Windows in time, which go on from their folders and are read from them."""
    whole_run = place.run("heat", "8 iterations", windows=2, out=folder / "run")
    again = place.run("heat", "8 iterations", windows=2, resume=folder / "run")
    assert again.result["loss"] == whole_run.result["loss"]
    same(losses(HERE.run("heat", "8 iterations", windows=2)), losses(whole_run))
    asked = {"x": np.array([0.3, 0.3]), "t": np.array([0.1, 0.9])}
    same(Solution.load(folder / "run").predict(asked), whole_run.predict(asked), 1e-12)


def ranks(place: Place, folder: Path) -> None:
    """Two ranks that divide points or stages, with every stage on both and each on one."""
    for method, options in (("sapts-d", {}), ("sapts-ip", {"pipeline": False}), ("sapts-ip", {}), ("tr", {})):

        def work(rank: Communicator, method: str = method, options: Any = options, at: Place = HERE) -> Any:
            with at.inside():
                given = {"method": method, "options": options, "communicator": rank, "budget": "4 iterations"}
                return losses(solve(zoo.build("burgers"), device=at.device, **{**SMALL, **given}))

        for found, wanted in zip(
            on_ranks(2, lambda r, work=work: work(r, at=place)), on_ranks(2, work), strict=True
        ):
            same(found, wanted)


def stages(place: Place, folder: Path) -> None:
    """A network in stages in one process."""
    here, there = (
        p.run("burgers", method="sapts-ip", parts=2, options={"adaptive": False}) for p in (HERE, place)
    )
    same(losses(whole(there)), losses(here))


def single_precision(place: Place, folder: Path) -> None:
    """Float32 throughout."""
    found = whole(place.run("burgers", "10 iterations", dtype="float32"))
    assert losses(found)[-1] < losses(found)[0]
    assert found.predict(POINTS).dtype == np.float64


def adapts(place: Place, folder: Path) -> None:
    """Points drawn anew where the residual is large, and weights of conditions."""
    here, there = (p.run("poisson-lshape", "8 iterations", resample=3) for p in (HERE, place))
    same(losses(there)[-1], losses(here)[-1], 1e-3)


def without_settings(place: Place, folder: Path) -> None:
    """Random features by default, for a field in one go and for a delay in windows of time."""
    for name in ("heat", "delay"):
        found = solve(zoo.build(name), device=place.device, budget="5min", out=folder / name)
        assert found.config["method"] == "features" and found.result["device"].startswith(place.device)
        assert found.error() < 1e-8
        again = Solution.load(folder / name)
        assert again.error() == pytest.approx(found.error(), rel=1e-2, abs=1e-13)


def goes_on_to_train(place: Place, folder: Path) -> None:
    """Random features are tried, do not suffice, and a network is trained instead."""
    found = whole(solve(zoo.build("burgers"), device=place.device, budget="20s"))
    assert found.config["method"] != "features" and found.result["iterations"] > 0
    assert losses(found)[-1] <= losses(found)[0]


def accuracy(place: Place, folder: Path) -> None:
    """A run for an accuracy, which ends by the estimate of its error."""
    found = place.run("klein-gordon", "120s", accuracy=0.3)
    assert "reached by the error estimate" in found.result["status"] and found.error() < 0.9


FEATURES: dict[str, Callable[[Place, Path], None]] = {
    f.__name__: f
    for f in (
        starts, own_points, seeds, callbacks, asks, files, examination, comparison, report, windows, ranks,
        stages, single_precision, adapts, without_settings, goes_on_to_train, accuracy,
    )
}  # fmt: skip
