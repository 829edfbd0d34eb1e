"""Faults of SAPTS runs: one rank dies, disagrees, or sees numbers that the others do not."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from draws import rng
from sapts_pinn import cli, solve
from sapts_pinn.callbacks import Callback
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.curvature import make
from sapts_pinn.optim.methods import method
from sapts_pinn.parallel.torchrun import connect
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.sharded_model import ShardedModel
from sapts_pinn.pipeline.stage_objective import StageObjective
from sapts_pinn.pipeline.stages import ModelStageChain
from sapts_pinn.pipeline.trainable_model import WholeModel
from sapts_pinn.problems import build
from sapts_pinn.runs.checkpoint import load_checkpoint
from sapts_pinn.training.budget import Budget
from sapts_pinn.training.clock import Clock
from sapts_pinn.training.collocation import Collocation
from sapts_pinn.training.course import Course
from sapts_pinn.training.trainer import Trainer

SMALL = ["--network", "8,8", "--points", "300", "--quiet"]

# -- a rank that is killed -----------------------------------------------------------------------------------

# The command under torchrun; of the ranks the doomed one kills itself once there is a checkpoint.
COMMAND = """
import contextlib, io, os, signal, threading, time
from pathlib import Path
from sapts_pinn import callbacks, cli
folder, command, doomed = arguments
callbacks.CheckpointWriter.__init__.__defaults__ = (0.2,)  # seconds
cli.runs.draw = lambda *_: None  # pictures take seconds

def die():
    while not (Path(folder) / "checkpoint.pt").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    Path(folder, "killed").write_text(str(time.time()))
    os.kill(os.getpid(), signal.SIGKILL)

if int(os.environ["RANK"]) == doomed:
    threading.Thread(target=die, daemon=True).start()
said = io.StringIO()
with contextlib.redirect_stderr(said):
    status = cli.main(command)
result = status, said.getvalue(), time.time()
"""


@pytest.mark.slow
@pytest.mark.parametrize("doomed", [0, 1])
def test_survivors_name_the_dead_rank_and_the_run_goes_on_from_its_checkpoint(
    run_ranks: Callable[..., list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doomed: int
) -> None:
    folder = tmp_path / "run"
    command = ["solve", "burgers", "--method", "sapts-d", "--budget", "10min", "--out", str(folder), *SMALL]
    results = run_ranks(COMMAND, 2, str(folder), command, doomed, torchrun=True, lost=[doomed], timeout=100.0)
    status, said, ended = results[1 - doomed]
    assert status == cli.FAILED
    assert re.match(
        rf"error: rank {doomed} has died or lost its connection; the run stops, resume from", said
    ), said
    assert f"--nproc-per-node 2 -m sapts_pinn solve --resume {folder}" in said
    assert ended - float((folder / "killed").read_text()) < 60
    done = load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"]
    assert done > 0

    resume = ["solve", "--resume", str(folder), "--quiet", "--budget"]
    results = run_ranks(COMMAND, 2, str(folder), [*resume, f"{done + 4} iterations"], None, torchrun=True)
    assert [status for status, *_ in results] == [0, 0]
    assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == done + 4
    monkeypatch.setattr(cli.runs, "draw", lambda *_: None)
    assert cli.main([*resume, f"{done + 7} iterations"]) == 0
    assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] == done + 7


@pytest.mark.slow
def test_the_command_itself(tmp_path: Path) -> None:
    """As a user starts it, with checkpoints every half minute."""
    folder = tmp_path / "run"
    module = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    command = [
        "sapts_pinn",
        "solve",
        "burgers",
        "--method",
        "sapts-d",
        "--budget",
        "10min",
        "--out",
        str(folder),
    ]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    process = subprocess.Popen([*module, *command, *SMALL], env=variables, stderr=subprocess.PIPE, text=True)
    try:
        limit = time.monotonic() + 120
        while not (folder / "checkpoint.pt").exists():
            assert time.monotonic() < limit and process.poll() is None
            time.sleep(0.2)
        os.kill(child(process.pid, "RANK=1"), signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode and "error: rank 1 has died or lost its connection" in said
    assert load_checkpoint(folder / "checkpoint.pt")["trainer"]["iteration"] > 0


def child(parent: int, variable: str) -> int:
    """The process with such an environment that another one has started."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_child = f"PPid:\t{parent}\n" in (process / "status").read_text()
            if is_child and variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                return int(process.name)
        except OSError:
            continue
    raise AssertionError(f"no child of {parent} has {variable}")


# -- looks that are no numbers, on one rank ------------------------------------------------------------------


class Faults:
    """Spoils some of this rank's looks at any objective, once armed."""

    def __init__(self) -> None:
        self.generator, self.share, self.of, self.count = rng(), 0.0, "value", 0
        for kind in (LeastSquares, StageObjective, ClosureObjective, PipelineObjective):
            kind.evaluate = self.around(kind.evaluate)  # type: ignore[method-assign]

    def arm(self, seed: int, share: float, of: str = "value") -> None:
        self.generator, self.share, self.of, self.count = rng(seed), share, of, 0

    def around(self, evaluate: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def spoiled(objective: Any) -> Any:
            look = evaluate(objective)
            if float(torch.rand((), generator=self.generator)) < self.share:
                self.count += 1
                if isinstance(
                    objective, PipelineObjective
                ):  # all ranks share its value, each has its gradient
                    whole = look.gradient
                    look.gradient = lambda: whole() * math.nan
                elif self.of == "value":
                    look.value = math.nan
                    if hasattr(look, "terms"):
                        look.terms = dict.fromkeys(look.terms, math.nan)
                else:
                    bad = look.gradient() * math.nan
                    look.gradient = lambda: bad
            return look

        return spoiled


def objective_of(decomposition: str, parts: int, ranks: Any) -> Objective:
    problem, generator = build("burgers"), rng()
    network = build_network((6, 6, 6), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    model = Model(problem, network)
    sites = {t.name: t.sites(60, generator, "uniform") for t in problem.terms}
    if decomposition == "stages":
        return PipelineObjective.of_problem(ModelStageChain(problem, network, parts, ranks), sites)
    whole = LeastSquares(model, sites)
    return ClosureObjective(whole, whole.parameters) if decomposition == "closure" else whole


FAULTY = [
    ("data", 2, {}),
    ("data", 4, {"visits": 0}),
    ("data", 2, {"order": "additive", "pooled": False, "global_steps": 1}),
    ("parameters", 2, {"kind": "layers", "global_steps": 1}),
    ("closure", 2, {"kind": "layers", "order": "additive"}),
    ("stages", 2, {"order": "additive", "global_steps": 1, "local_curvature": "ssbroyden"}),
    ("stages", 2, {"order": "additive", "global_steps": 1, "curvature": "ssbroyden"}),
]


def victim(decomposition: str) -> int:
    """Rank whose looks are spoiled: of a closure rank 0, as the others' look at the whole does not count."""
    return 0 if decomposition == "closure" else 1


def train_with_faults() -> list[Any]:
    """For each case and kind of fault: what each step took, the parameters, the number of faults here."""
    ranks, faults = connect(), Faults()
    found: list[Any] = []
    for decomposition, parts, options in FAULTY:
        for of in ("value", "gradient"):
            faults.arm(0, 0.0)
            objective = objective_of(decomposition, parts, ranks)
            name = "parameters" if decomposition == "closure" else decomposition
            usual = "lsr1" if decomposition == "stages" else "ssbroyden"
            settings = {"curvature": usual, **options}
            curvature = settings.pop("curvature")
            sweep = Sweep(local_steps=3, adaptive=False, **settings)
            optimizer = SAPTS(
                objective.parameters,
                name,
                parts,
                curvature,
                sweep=sweep,
                communicator=ranks,
            )
            first = float(optimizer.step(objective))
            if ranks.rank == victim(decomposition):
                faults.arm(1, 0.3, of)
            steps = []
            for _ in range(30):
                before = gather(objective.parameters)
                loss = float(optimizer.step(objective))
                after = gather(objective.parameters)
                taken = optimizer.info["accepted"] or optimizer.info.get("sweep", {}).get("accepted", False)
                steps.append((loss, taken, optimizer.radius, torch.equal(before, after)))
            found.append((first, steps, after, faults.count))
    return found


@pytest.mark.slow
def test_what_is_no_number_on_one_rank_is_rejected_by_all(run_ranks: Callable[..., list[Any]]) -> None:
    for (decomposition, *_), a, b in zip(
        [case for case in FAULTY for _ in "vg"], *run_ranks(train_with_faults, 2, timeout=120.0), strict=True
    ):
        spoiled = a[3], b[3]
        assert spoiled[victim(decomposition)] > 0 == spoiled[1 - victim(decomposition)]
        assert a[0] == b[0] and [step[:3] for step in a[1]] == [step[:3] for step in b[1]]
        for its, others in zip(a[1], b[1], strict=True):
            # Of stages one rank's may stay where they are while the other's move.
            still = [steps[-1] for steps in (its, others)]
            stays = [all(still)] * 2 if decomposition == "stages" else still
            for (loss, accepted, radius, _), stayed in zip((its, others), stays, strict=True):
                assert math.isfinite(loss) and math.isfinite(radius) and accepted != stayed
        assert {accepted for _, accepted, *_ in a[1]} == {True, False}, decomposition
        assert decomposition == "stages" or torch.equal(a[2], b[2])
        assert torch.isfinite(a[2]).all() and torch.isfinite(b[2]).all()
        assert a[1][-1][0] < a[0]


# -- ranks that disagree from the start ----------------------------------------------------------------------

SAME = {"method": "sapts-d", "budget": "3 iterations", "network": (6,), "points": 50, "condition_points": 10}
DIFFERENT: dict[str, list[dict[str, Any]]] = {
    "seed": [{"seed": 0}, {"seed": 1}],
    "problem": [{"problem": "burgers"}, {"problem": "poisson-2d"}],
    "network": [{"network": (6,)}, {"network": (7,)}],
    "method": [{"method": "sapts-d"}, {"method": "sapts-p"}],
    "options": [{"options": {"kind": "random"}}, {"options": {"kind": "interleaved"}}],
    "parts": [{"parts": 2}, {"parts": 4}],
    "points": [{"points": 50}, {"points": 60}],
    "sampler": [{"sampler": "sobol"}, {"sampler": "uniform"}],
    "resample": [{"resample": 2}, {"resample": 0}],
    "budget": [{"budget": "3 iterations"}, {"budget": "4 iterations"}],
}


def disagree(names: list[str], out: str) -> list[str]:
    ranks = connect()
    found = []
    for name in names:
        settings = {"problem": "burgers", **SAME, **DIFFERENT.get(name, [{}, {}])[ranks.rank]}
        try:
            solve(build(settings.pop("problem")), communicator=ranks, out=f"{out}/{name}", **settings)
            found.append("")
        except (ValueError, RuntimeError) as error:
            found.append(f"{type(error).__name__}: {error}")
    ranks.close()
    return [*found, threads()]


def threads() -> str:
    """The names of this process's threads, those of C++ included."""
    return " ".join(sorted(file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")))


@pytest.mark.parametrize("names", [[*DIFFERENT][:-2], [*DIFFERENT][-2:]], ids=["what", "how long"])
def test_ranks_with_different_arguments_are_refused(
    run_ranks: Callable[..., list[Any]], tmp_path: Path, names: list[str]
) -> None:
    found = run_ranks(disagree, 2, ["nothing", *names], str(tmp_path), timeout=30.0)
    for rank in found:  # a thread that outlives its group may abort the process at its end
        assert "gloo" not in (left := rank.pop()), left
    assert found[0][0] == found[1][0] == ""
    missed = [name for name, a, b in zip(names, found[0][1:], found[1][1:], strict=True) if not a or not b]
    assert not missed, "these were not refused"
    for a, b in zip(found[0][1:], found[1][1:], strict=True):
        assert a == b and a.startswith("InputError: ")
        assert "of rank 1" in a and "start every rank" in a and "same arguments" in a


# -- many runs at random -------------------------------------------------------------------------------------


class StopAt(Callback):
    def __init__(self, step: int, reason: str) -> None:
        self.step, self.reason = step, reason

    def on_step(self, trainer: Trainer) -> None:
        if trainer.iteration == self.step:
            trainer.stop(self.reason)


METHODS = [
    "sapts-d",
    "sapts-p",
    "sapts-ip",
    "thesis-sapts-d",
    "thesis-sapts-p",
    "thesis-sapts-ip",
    "tr",
    "tr-lsr1",
]
SWEEPS: dict[str, list[Any]] = {
    "order": ["additive", "multiplicative"],
    "combination": ["sum", "mean", "subspace"],
    "pooled": [True, False],
    "visits": [0, 1],
    "adaptive": [True, False],
    "global_steps": [0, 1],
    "local_steps": [1, 3],
}


def random_runs(count: int) -> list[tuple[str, int, float, Tensor]]:
    """Ten steps each; what is drawn for all ranks, and what for one, comes from generators of their own."""
    ranks, faults, problems = connect(), Faults(), [build("burgers"), build("poisson-1d")]
    found = []
    for run in range(count):
        make.DIVIDED = 0 if run % 2 else 2_000  # of every second run the ranks divide dense curvature
        common, own = rng(run), rng(1000 * (ranks.rank + 1) + run)

        def pick(choices: list[Any], generator: Generator = common) -> Any:
            return choices[int(torch.randint(len(choices), (), generator=generator))]

        faults.arm(0, 0.0)
        problem, chosen = pick(problems), method(pick(METHODS))
        options: dict[str, Any] = {}
        if chosen.divides:
            options = {"parts": 2 * pick([1, 2]) if chosen.divides != "stages" else 2}
            options |= {name: pick(values) for name, values in SWEEPS.items() if pick([True, False])}
        network = (pick([3, 4]), 4, 3)
        if chosen.divides == "stages":
            model: Any = ShardedModel(problem, rng(run), network, torch.float64, "tanh", 2, ranks)
        else:
            features = len(problem.ansatz.feature_names)
            model = WholeModel(problem, build_network(network, features, 1, rng(run), torch.float64))
        collocation = Collocation(problem, 40, 8, "uniform", pick([0.0, 0.5]), rng(run))
        stop = StopAt(pick([3, 7, 99, 99], own), f"rank {ranks.rank} has seen enough")
        course = Course(chosen, options, resample=pick([0, 1, 3]))
        clock = Clock(Budget(iterations=10), ranks)
        trainer = Trainer(model, collocation, course, clock, callbacks=[stop])
        faults.arm(7 * run + ranks.rank, pick([0.0, 0.1, 0.4], own), pick(["value", "gradient"], own))
        trainer.run()
        theta = gather([p.detach() for p in model.parameters()])
        found.append((trainer.status, trainer.iteration, trainer.loss, theta, trainer.sharded))
    return found


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_random_runs_end_together(run_ranks: Callable[..., list[Any]], count: int) -> None:
    seen = set()
    results = run_ranks(random_runs, 2, count, timeout=50.0 + count)
    for run, (a, b) in enumerate(zip(*results, strict=True)):
        assert a[:2] == b[:2], run
        assert a[2] == b[2] or math.isnan(a[2]) == math.isnan(b[2]) == True, run  # noqa: E712
        assert a[4] or torch.equal(a[3], b[3]), run
        seen.add(re.sub(r"is .* at|rank \d", "", a[0]))
        assert not a[0].startswith("failed") or "at the starting point" in a[0]
    assert len(seen) >= 3, seen
