"""`solve` a problem with no settings, and the `Solution` it returns."""

from __future__ import annotations

import json
import math
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import __version__
from .budget import Budget
from .callbacks import Callback, CheckpointWriter
from .checkpoint import load_checkpoint, write_json
from .methods import method as find_method
from .model import Location, Model
from .networks import NetworkSpec, build_network
from .objective import residuals
from .problems import Problem, Reference
from .problems.fields import parse_derivative
from .sampling import Collocation
from .training import Trainer

DEFAULTS: dict[str, Any] = {
    "network": (20, 20, 20),
    "activation": "tanh",
    "points": 8192,
    "condition_points": 1024,
    "sampler": "sobol",
    "adaptive": 0.5,
}
PRECISIONS = {"float64": torch.float64, "float32": torch.float32}
TEST_POINTS = 20_000  # where a solution is compared with an exact one given as a function


def solve(
    problem: Problem,
    *,
    method: str = "tr",
    budget: str | float | Budget = "2min",
    target_error: float | None = None,
    seed: int = 0,
    network: NetworkSpec | None = None,
    activation: str | None = None,
    points: int | None = None,
    condition_points: int | None = None,
    sampler: str | None = None,
    adaptive: float | None = None,
    resample: int | None = None,
    dtype: str = "float64",
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: str | Path | None = None,
    source: str | None = None,
    started: float | None = None,
) -> Solution:
    """Train a network to solve a problem.

    Args:
        problem: What to solve.
        method: Name of a method, see `sapts_pinn.methods.METHODS`.
        budget: "2min", "500 iterations", "10000 evaluations", seconds; what an earlier session spent counts.
        target_error: Stop when the relative L2 error is this small (needs a reference).
        seed: Fixes the whole run on a given machine and number of threads.
        network: Hidden widths, a module, or a function (inputs, outputs) -> module.
        activation: "tanh", "sin", "gelu", "silu" or "softplus", for a network given by widths.
        points: Collocation points of the equation.
        condition_points: Points of every condition that is a weighted term.
        sampler: "uniform", "grid", "lhs", "sobol" or "halton".
        adaptive: Share of the points drawn where the residual is large, at a resampling.
        resample: Steps between resamplings; None leaves it to the method, 0 never resamples.
        dtype: "float64" or "float32".
        device: "cpu", "cuda", ...
        options: Keyword arguments of the optimizer, such as {"radius": 0.1}.
        callbacks: Told after every step.
        out: Run folder to write: configuration, checkpoint, history.
        overwrite: Whether `out` may hold an earlier run, which is replaced.
        resume: Run folder, or checkpoint, to continue; it is also written to when `out` is not given.
        source: Where the problem came from, for the configuration (the command line sets it).
        started: `time.monotonic()` when the user's command began.

    Returns:
        The solution.

    Raises:
        ValueError: A setting is wrong; one sentence with the value and the fix.
    """
    started = time.monotonic() if started is None else started
    given = {
        "network": network, "activation": activation, "points": points, "condition_points": condition_points,
        "sampler": sampler, "adaptive": adaptive,
    }  # fmt: skip
    settings = {**DEFAULTS, **problem.options, **{k: v for k, v in given.items() if v is not None}}
    limits, chosen = Budget.parse(budget), find_method(method)
    if dtype not in PRECISIONS:
        raise ValueError(f"dtype must be float64 or float32, not {dtype!r}")
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, not {seed!r}")
    measure = error_measure(problem)
    if target_error is not None and not target_error > 0:
        raise ValueError(f"target_error must be positive, not {target_error:g}")
    if target_error is not None and measure is None:
        raise ValueError(f"target_error needs a reference solution, and {problem.name} has none")
    generator = torch.Generator().manual_seed(seed)
    with _fixed_global_seed(seed):
        net = build_network(
            settings["network"],
            len(problem.ansatz.feature_names),
            len(problem.unknown_names),
            generator,
            PRECISIONS[dtype],
            settings["activation"],
        )
    model = Model(problem, net.to(_device(device)))
    collocation = Collocation(
        problem, settings["points"], settings["condition_points"], settings["sampler"], settings["adaptive"], generator
    )
    folder = Path(out) if out is not None else None
    config = {
        "problem": problem.name, "source": source, "method": method, "budget": str(limits), "seed": seed,
        "target_error": target_error, **{k: _describe(v) for k, v in settings.items()}, "resample": resample,
        "dtype": dtype, "device": device, "options": dict(options or {}), "threads": torch.get_num_threads(),
        "symmetry": problem.symmetry, "description": str(problem), "versions": versions(),
    }  # fmt: skip
    state = None
    if resume is not None:
        path = Path(resume)
        path = path / "checkpoint.pt" if path.is_dir() or path.suffix != ".pt" else path
        state = load_checkpoint(path)
        _check_resumable(state, config, path)
        folder = folder or path.parent
        overwrite = overwrite or folder == path.parent
    writers: list[Callback] = [] if folder is None else [_Writer(folder, config)]
    trainer = Trainer(
        model,
        collocation,
        chosen,
        limits,
        measure,
        target_error,
        [*callbacks, *writers],
        resample,
        options,
        started,
    )
    if state is not None:
        trainer.load_state_dict(state["trainer"])
        if trainer.used >= 1:
            raise ValueError(f"the budget {limits} is already spent by the run in {path}; give a larger one to go on")
    if folder is not None:  # only now: a wrong setting leaves no trace
        prepare_folder(folder, overwrite, keep=resume is not None)
        write_json(folder / "config.json", config)
    trainer.run()
    solution = Solution(problem, model, config, trainer.history, summary(trainer, config))
    if folder is not None:
        write_json(folder / "result.json", solution.result)
    return solution


class _Writer(CheckpointWriter):
    """Checkpoints that also know which run they belong to."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        super().__init__(folder)
        self.config = config

    def state(self, trainer: Trainer) -> dict[str, Any]:
        return {"config": identity(self.config), "trainer": trainer.state_dict()}


@contextmanager
def _fixed_global_seed(seed: int) -> Iterator[None]:
    """Modules that draw their own weights use PyTorch's global generator: seed it, and put it back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {name!r} is not available here; use 'cpu'") from error
    return device


def _describe(value: Any) -> Any:
    """A setting as JSON: numbers, strings and lists as they are, modules by their printed form."""
    if isinstance(value, (str, int, float)) or value is None:
        return value
    return list(value) if isinstance(value, (tuple, list)) else repr(value)


def identity(config: Mapping[str, Any]) -> dict[str, Any]:
    """What two sessions of one run have in common."""
    names = ("problem", "method", "seed", "network", "activation", "dtype", "description")
    return {name: config[name] for name in names}


def _check_resumable(state: Mapping[str, Any], config: Mapping[str, Any], path: Path) -> None:
    saved, now = state.get("config", {}), identity(config)
    for name, value in now.items():
        if saved.get(name) != value:
            if name == "description":
                now_, then = str(value).splitlines(), str(saved.get(name)).splitlines()
                first = next((line for line in now_ if line not in then), now_[0])
                raise ValueError(
                    f"{path} is of another problem than the one given, for which it does not hold that {first.strip()!r};"
                    " restore the problem or start anew"
                )
            raise ValueError(
                f"{path} is of another run: its {name} is {saved.get(name)!r}, not {value!r}; give the same {name}"
            )


RUN_FILES = (
    "config.json", "history.csv", "result.json", "checkpoint.pt", "model.pt", "solution.png", "solution.vtu", "report.html",
)  # fmt: skip


def prepare_folder(folder: Path, overwrite: bool, keep: bool = False) -> None:
    """Make a run folder.

    Args:
        folder: Where.
        overwrite: Whether it may hold an earlier run.
        keep: Leave the files of that run where they are, because it goes on.

    Raises:
        ValueError: It holds another run, is a file, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder")
    if not overwrite and (folder / "config.json").exists():
        raise ValueError(f"{folder} already holds a run; give another folder, --resume {folder}, or --overwrite")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-test"
        probe.touch()
        probe.unlink()
        for name in () if keep else RUN_FILES:  # or the pictures of one run would stand beside the figures of another
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"cannot write to {folder}: {error.strerror}; give another folder") from error


def versions() -> dict[str, str]:
    """What a run depends on."""
    commit = ""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=5, check=False
        )
        commit = found.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return {
        "sapts_pinn": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "git_commit": commit,
    }


def summary(trainer: Trainer, config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of result.json."""
    return {
        "problem": config["problem"],
        "method": config["method"],
        "seed": config["seed"],
        "parts": 1,
        "world_size": 1,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "points": sum(s.points.shape[0] for s in trainer.collocation.sites.values()),
        "dtype": config["dtype"],
        "device": config["device"],
        "threads": config["threads"],
        "iterations": trainer.iteration,
        "function_evaluations": trainer.counters.functions,
        "gradient_evaluations": trainer.counters.gradients,
        "seconds": trainer.seconds,
        "seconds_to_first_step": trainer.seconds_to_first_step,
        "loss": trainer.loss,
        "relative_l2_error": trainer.error,
        "coefficients": {name: value.item() for name, value in trainer.model.coefficients.items()},
        "status": trainer.status,
    }


def _unfinished(model: Model, config: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """A summary of a run that was killed, from its last checkpoint."""
    measure = error_measure(model.problem)
    return {
        **{name: config[name] for name in ("problem", "method", "seed", "dtype", "device", "threads")},
        "parts": 1,
        "world_size": 1,
        "parameters": sum(p.numel() for p in model.parameters()),
        "points": sum(site["points"].shape[0] for site in state["collocation"]["sites"].values()),
        "iterations": state["iteration"],
        "function_evaluations": state["counters"][0],
        "gradient_evaluations": state["counters"][1],
        "seconds": state["seconds"],
        "seconds_to_first_step": state["seconds_to_first_step"],
        "loss": state["loss"],
        "relative_l2_error": None if measure is None else measure(model),
        "coefficients": {name: float(value) for name, value in model.coefficients.items()},
        "status": "unfinished: this is its last checkpoint",
    }


# -- comparing with a reference ---------------------------------------------------------------------------------------


def test_grid(problem: Problem) -> Tensor:
    """Points [M, dim] on which solutions are compared with a function: a seeded Sobol set inside the domain."""
    return problem.domain.interior(TEST_POINTS, torch.Generator().manual_seed(2_024), "sobol")


def reference_values(problem: Problem, points: Tensor) -> Tensor | None:
    """Reference values [M, unknowns] at points [M, dim], or None when the problem has no reference."""
    reference = problem.reference
    if reference is None:
        return None
    columns = {name: points[:, i].cpu() for i, name in enumerate(problem.domain.names)}
    if isinstance(reference, Reference):
        values: Any = reference.evaluate({name: c.numpy() for name, c in columns.items()})
    else:
        from .problems.fields import call_by_name

        values = call_by_name(reference, columns, "the reference")
    if not isinstance(values, Mapping):
        values = {problem.unknown_names[0]: values}
    missing = [name for name in problem.unknown_names if name not in values]
    if missing:
        raise ValueError(f"the reference gives no values of {missing[0]!r}; return a dict by unknown")
    out = [torch.as_tensor(values[name], dtype=torch.float64).expand(points.shape[0]) for name in problem.unknown_names]
    return torch.stack(out, 1)


def error_measure(problem: Problem) -> Callable[[Model], float] | None:
    """A function that gives a model's relative L2 error over all unknowns, or None without a reference.

    The reference is evaluated once, when the function is first called.
    """
    if problem.reference is None:
        return None
    cache: list[tuple[Location, Tensor]] = []

    def error(model: Model) -> float:
        if not cache:
            if isinstance(problem.reference, Reference):
                flat = problem.reference.test_points()
                points = torch.stack([torch.as_tensor(flat[name]) for name in problem.domain.names], 1)
            else:
                points = test_grid(problem)
            exact = reference_values(problem, points)
            assert exact is not None
            known = torch.isfinite(exact).all(1)
            if not known.any():
                raise ValueError(f"the reference of {problem.name} is NaN at every test point; check it")
            location = Location(model, points[known], {name: ((),) for name in problem.unknown_names})
            cache.append((location, exact[known]))
        location, exact = cache[0]
        with torch.no_grad():
            fields = location.fields(location.network_bundle())
            found = torch.stack([field.value for field in fields.values()], 1).cpu().to(torch.float64)
        return float((found - exact).norm() / exact.norm())

    return error


# -- the solution -------------------------------------------------------------------------------------------------------


@dataclass
class Solution:
    """A trained model with its history.

    Attributes:
        problem: What was solved.
        model: The trained model; `model(points)` maps [N, dim] to [N, unknowns].
        config: Settings of the run.
        history: One dict for each recorded step.
        result: Summary of the run, as in result.json.
    """

    problem: Problem
    model: Model
    config: dict[str, Any] = field(repr=False)
    history: list[dict[str, Any]] = field(repr=False)
    result: dict[str, Any]

    @cached_property
    def coefficients(self) -> dict[str, float]:
        """Estimates of the unknown coefficients."""
        return {name: value.item() for name, value in self.model.coefficients.items()}

    def _points(self, points: Mapping[str, Any]) -> tuple[Tensor, tuple[int, ...], bool]:
        names = self.problem.domain.names
        for name in (*points, *names):
            if name not in names or name not in points:
                raise ValueError(f"points must give exactly the coordinates {', '.join(names)}, not {', '.join(points)}")
        torch_in = any(isinstance(v, Tensor) for v in points.values())
        columns = torch.broadcast_tensors(
            *(torch.as_tensor(points[name], dtype=torch.float64).detach().cpu() for name in names)
        )
        return torch.stack([c.reshape(-1) for c in columns], 1), tuple(columns[0].shape), torch_in

    def _evaluate(self, points: Tensor, index: tuple[int, ...]) -> dict[str, Tensor]:
        names = self.problem.unknown_names
        out: dict[str, list[Tensor]] = {name: [] for name in names}
        with torch.no_grad():
            for chunk in points.split(16_384):
                location = Location(self.model, chunk, {name: (index,) for name in names})
                fields = location.fields(location.network_bundle())
                for name in names:
                    out[name].append(fields[name].d(*(self.problem.domain.names[i] for i in index)).value.cpu())
        return {name: torch.cat(parts).to(torch.float64) for name, parts in out.items()}

    def predict(self, points: Mapping[str, Any]) -> Any:
        """The unknowns at points.

        Args:
            points: Coordinates by name, NumPy arrays, tensors or numbers that broadcast.

        Returns:
            An array of the broadcast shape (a tensor if a coordinate is one); for a system a dict of them by unknown.
        """
        return self.derivative(points, "")

    def derivative(self, points: Mapping[str, Any], which: str) -> Any:
        """A derivative of the unknowns, such as "x", "xx" or "xt"; arguments and result as for `predict`.

        Raises:
            ValueError: `which` is not made of coordinate names.
        """
        index = parse_derivative(which, self.problem.domain.names)
        if index is None:
            raise ValueError(f"{which!r} is not made of the coordinates {', '.join(self.problem.domain.names)}")
        flat, shape, torch_in = self._points(points)
        values = {name: v.reshape(shape) for name, v in self._evaluate(flat, index).items()}
        out = {name: v if torch_in else v.numpy() for name, v in values.items()}
        return out if len(out) > 1 else next(iter(out.values()))

    def residual(self, points: Mapping[str, Any]) -> Any:
        """The equation's residual at points; a list of arrays for a system of several equations."""
        flat, shape, torch_in = self._points(points)
        rows = [r.reshape(shape) for r in residuals(self.model, flat)]
        out = [r if torch_in else r.numpy() for r in rows]
        return out if len(out) > 1 else out[0]

    def reference(self, points: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reference's values by unknown, shaped as by `predict`; None when the problem has no reference."""
        flat, shape, torch_in = self._points(points)
        values = reference_values(self.problem, flat)
        if values is None:
            return None
        rows = [v.reshape(shape) for v in values.unbind(1)]
        names = self.problem.unknown_names
        return {name: v if torch_in else v.numpy() for name, v in zip(names, rows, strict=True)}

    def error(self, points: Mapping[str, Any] | None = None, values: Any = None) -> float:
        """The relative L2 error against the problem's reference, or against data.

        Args:
            points: Coordinates of the data.
            values: The data (a dict by unknown for a system); NaN entries are ignored.

        Raises:
            ValueError: There is neither a reference nor data.
        """
        if points is None:
            measure = error_measure(self.problem)
            if measure is None:
                raise ValueError(f"{self.problem.name} has no reference; give points and values to compare with")
            return measure(self.model)
        found = self.predict(points)
        pairs = [(found[n], values[n]) for n in found] if isinstance(found, dict) else [(found, values)]
        above = below = 0.0
        for ours, theirs in pairs:
            a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
            known = np.isfinite(b)
            above += float(((a - b)[known] ** 2).sum())
            below += float((b[known] ** 2).sum())
        return math.sqrt(above / below)

    def plot(self, path: str | Path) -> Path:
        """Draw the solution (and its error, where a reference is known) into a picture."""
        from .viz import plot_solution

        return plot_solution(self, Path(path))

    def export(self, path: str | Path) -> Path:
        """Write the fields for ParaView: .vtu, .vts or any format meshio writes."""
        from .viz import export_solution

        return export_solution(self, Path(path))

    def save(self, folder: str | Path, overwrite: bool = True) -> Path:
        """Write the model, configuration, history and result into a folder that `Solution.load` reads."""
        from .callbacks import write_history
        from .checkpoint import save_checkpoint

        target = Path(folder)
        prepare_folder(target, overwrite)
        save_checkpoint(target / "model.pt", {"config": identity(self.config), "model": self.model.state_dict()})
        write_json(target / "config.json", self.config)
        write_json(target / "result.json", self.result)
        write_history(target / "history.csv", self.history)
        return target

    @classmethod
    def load(cls, folder: str | Path, problem: Problem | None = None, network: NetworkSpec | None = None) -> Solution:
        """Read a run folder.

        Args:
            folder: Written by `save`, or by `solve(out=...)`.
            problem: Needed when it is not one of the zoo.
            network: Needed when the network was not given by widths.

        Raises:
            ValueError: The folder holds no run, or one of another problem.
        """
        target = Path(folder)
        if not (target / "config.json").is_file():
            raise ValueError(f"{target} holds no run: there is no config.json in it")
        config = json.loads((target / "config.json").read_text())
        if problem is None:
            from .problems.zoo import build

            problem = build(config["problem"])
        path = target / ("model.pt" if (target / "model.pt").is_file() else "checkpoint.pt")
        state = load_checkpoint(path)
        spec = network if network is not None else config["network"]
        if isinstance(spec, str):
            raise ValueError(f"{target} was trained with its own network, {spec.splitlines()[0]}; give it as network=")
        net = build_network(
            spec,
            len(problem.ansatz.feature_names),
            len(problem.unknown_names),
            torch.Generator(),
            PRECISIONS[config["dtype"]],
            config["activation"],
        )
        model = Model(problem, net)
        _check_resumable(state, {**config, "problem": problem.name, "description": str(problem)}, path)
        model.load_state_dict(state["model"] if "model" in state else state["trainer"]["model"])
        result_file, history = target / "result.json", []
        result = json.loads(result_file.read_text()) if result_file.is_file() else {}
        if "trainer" in state:
            history = state["trainer"]["history"]
            result = result or _unfinished(model, config, state["trainer"])
        elif (target / "history.csv").is_file():
            import csv

            with (target / "history.csv").open() as file:
                history = [{k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(file)]
        return cls(problem, model, config, history, result)

    def __str__(self) -> str:
        r = self.result
        lines = [f"{r['problem']} by {r['method']}: {r['status']}"]
        if r["relative_l2_error"] is not None:
            source = self.problem.reference.source if isinstance(self.problem.reference, Reference) else "given function"
            lines.append(f"  relative L2 error  {r['relative_l2_error']:.3e}   (reference: {source})")
        lines.append(f"  loss               {r['loss']:.3e}")
        lines += [f"  {name:<18} {value:.8g}" for name, value in r["coefficients"].items()]
        lines.append(
            f"  work               {r['iterations']} steps, {r['gradient_evaluations']:.0f} gradients on {r['points']} "
            f"points, {r['seconds']:.1f} s"
        )
        lines.append(f"  network            {r['parameters']} parameters, {r['dtype']}, {r['device']}")
        return "\n".join(lines)
