"""SAPTS in one process: rejections leave no trace, runs go on bit for bit, known minima are reached."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from draws import randn, rng
from sapts_pinn import solve
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Evaluation, Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import SAPTS, RadiusRule, Sweep, TrustRegion
from sapts_pinn.optim.curvature import CURVATURES
from sapts_pinn.optim.curvature import make as making
from sapts_pinn.optim.curvature.make import curvature_name, make_curvature
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.optim.sapts.schedule import LocalStepSchedule
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from sapts_pinn.problems import build

DECOMPOSITIONS = ("data", "parameters", "stages")
PARTS = 3


def pinn(
    name: str = "burgers", points: int = 90, hidden: tuple[int, ...] = (8, 8), seed: int = 0
) -> LeastSquares:
    problem, generator = build(name), rng(seed)
    network = build_network(hidden, len(problem.ansatz.feature_names), 1, generator, torch.float64)
    return LeastSquares(
        Model(problem, network), {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    )


def objective_of(decomposition: str, **options: Any) -> LeastSquares | PipelineObjective:
    whole = pinn(**options)
    if decomposition != "stages":
        return whole
    return PipelineObjective.of_problem(
        ModelStageChain(whole.model.problem, whole.model.network, PARTS), whole.sites
    )


def sapts(objective: Objective, decomposition: str, curvature: str = "ssbroyden", **options: Any) -> SAPTS:
    """Options of the sweep and of the optimizer together; stages get what they can have."""
    if decomposition == "stages" and curvature == "gauss-newton":
        curvature = "lsr1"
    own = {k: options.pop(k) for k in ("parts", "radius", "rule") if k in options}
    options = {"kind": "layers" if decomposition == "parameters" else "interleaved", **options}
    return SAPTS(
        objective.parameters,
        decomposition,
        **{"parts": PARTS, **own},
        curvature=curvature,
        sweep=Sweep(**options),
    )


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def closure_of(function: Callable[[Tensor], Tensor], *tensors: nn.Parameter) -> ClosureObjective:
    """Of several tensors side by side, each a layer of its own."""

    def closure() -> Tensor:
        for t in tensors:
            t.grad = None
        f = function(torch.cat([t.reshape(-1) for t in tensors]))
        f.backward()
        return f

    return ClosureObjective(closure, tensors)


# -- property 5: without local steps it is the trust region --------------------------------------------------


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_without_local_steps_it_is_the_trust_region_bit_for_bit(decomposition: str, curvature: str) -> None:
    if decomposition == "stages" and curvature == "gauss-newton":
        pytest.skip("the Jacobian of stages is at hand nowhere")
    runs = []
    for plain in (True, False):
        objective = pinn()
        if decomposition == "stages":
            chain = ModelStageChain(objective.model.problem, objective.model.network, 1)
            objective = PipelineObjective.of_problem(chain, objective.sites)
        kind = "layers" if decomposition == "parameters" else "interleaved"
        if plain:
            products = ShardedProducts(SingleProcess())  # which sums what stages give in an order of its own
            products.split_by([sum(p.numel() for p in objective.parameters)])
            model = make_curvature(curvature, products if decomposition == "stages" else None)
            optimizer = TrustRegion(objective.parameters, model, 0.3)
        else:
            sweep = Sweep(kind, local_steps=0)
            optimizer = SAPTS(objective.parameters, decomposition, 1, curvature, 0.3, sweep)
        steps = []
        for _ in range(30):
            steps.append((float(optimizer.step(objective)), optimizer.info, gather(objective.parameters)))
        runs.append(steps)
    for (loss, info, theta), (its_loss, its_info, its_theta) in zip(*runs, strict=True):
        assert loss == its_loss and info == its_info and torch.equal(theta, its_theta)
    assert {info["accepted"] for _, info, _ in runs[0]} == {True, False}
    assert runs[0][-1][0] < 0.6 * runs[0][0][0]


@pytest.mark.parametrize("parts", [1, 4])
def test_of_a_closure_too(parts: int) -> None:
    ends = []
    for plain in (True, False):
        x = [nn.Parameter(torch.full((1,), -1.2, dtype=torch.float64)) for _ in range(4)]
        objective = closure_of(rosenbrock, *x)
        optimizer = (
            TrustRegion(x)
            if plain
            else SAPTS(x, "parameters", parts, sweep=Sweep("tensors", local_steps=0, adaptive=False))
        )
        ends.append([(float(optimizer.step(objective)), optimizer.info["radius"]) for _ in range(40)])
    assert ends[0] == ends[1] and ends[0][-1][0] < 0.1 * ends[0][0][0]


# -- property 3: rejections ----------------------------------------------------------------------------------


class Lying(Objective):
    """Another objective whose value as a whole is beyond all bounds, or no number, after so many looks.

    Every look draws random numbers and moves a buffer.
    """

    def __init__(self, inner: Objective, lies: Callable[[int], float]) -> None:
        self.inner, self.lies, self.count, self.state = inner, lies, 0, torch.zeros(3)
        self.parameters, self.counters = inner.parameters, inner.counters

    def buffers(self) -> list[Tensor]:
        return [self.state]

    def evaluate(self) -> Evaluation:
        self.count += 1
        self.state += torch.rand(3)
        look = self.inner.evaluate()
        look.value += self.lies(self.count)
        return look


RUINOUS = {"adaptive": False, "local_steps": 12, "radius": 1e3}


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_a_rejected_sweep_leaves_everything_as_it_was(decomposition: str, pooled: bool, order: str) -> None:
    """Parts that go as far as they can, without any global pass: many sweeps are wrong, some are right."""
    torch.manual_seed(3)
    objective = objective_of(decomposition, points=30)
    optimizer = sapts(
        objective,
        decomposition,
        order=order,
        visits=0,
        pooled=pooled,
        combination="sum",
        consistent=False,
        **RUINOUS,
    )
    first = last = objective.value()
    taken = []
    for _ in range(40):
        theta, random = gather(objective.parameters), torch.get_rng_state()
        loss = float(optimizer.step(objective))
        info = optimizer.info
        taken.append(info["accepted"])
        assert info["sweep"]["before"] == pytest.approx(last, rel=1e-14)
        if taken[-1]:
            assert loss < last and info["rho"] > optimizer.rule.accept
            assert info["rho"] * info["predicted"] == pytest.approx(last - loss, rel=1e-9)
        else:
            assert loss == last and torch.equal(gather(objective.parameters), theta)
        assert torch.equal(torch.get_rng_state(), random)
        assert objective.value() == pytest.approx(loss, rel=1e-14) and math.isfinite(optimizer.radius)
        last = loss
    if decomposition == "parameters" and order == "multiplicative":
        # In turn on f itself: what the parts gain is what it loses, down to rounding.
        assert all(taken) or last < 1e-10 * first, (taken, last)
    else:
        assert len(taken) - sum(taken) >= 2, "nothing was rejected"


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_rejected_sweeps_come_to_an_end(decomposition: str, pooled: bool) -> None:
    """Also of a fixed number of local steps, which on their own may go ever farther."""
    objective = objective_of(decomposition, points=30)
    optimizer = sapts(objective, decomposition, order="additive", visits=0, pooled=pooled, **RUINOUS)
    taken = []
    for _ in range(30):
        optimizer.step(objective)
        taken.append(optimizer.info["accepted"])
        assert math.isfinite(optimizer.radius)
    assert not taken[0] and sum(taken) >= 2


@pytest.mark.parametrize("lie", [math.nan, math.inf, -math.inf, 1e6])
@pytest.mark.parametrize("adaptive", [True, False])
def test_random_numbers_and_buffers_are_put_back(adaptive: bool, lie: float) -> None:
    """Looks that lie now and then, in the parts as well as at the end of a sweep."""
    torch.manual_seed(0)
    x = [nn.Parameter(randn(3, seed=i)) for i in range(4)]
    chosen = Generator().manual_seed(1)
    lies = [lie * (float(torch.rand((), generator=chosen)) < 0.3) if lie == 1e6 else
            (lie if float(torch.rand((), generator=chosen)) < 0.3 else 0.0) for _ in range(5000)]  # fmt: skip
    objective = Lying(closure_of(rosenbrock, *x), lambda count: lies[count] if count > 1 else 0.0)
    optimizer = SAPTS(
        x, "parameters", 2, sweep=Sweep("tensors", local_steps=3, adaptive=adaptive, visits=0, global_steps=0)
    )
    seen = {True: 0, False: 0}
    last = float(rosenbrock(gather(x)))
    for _ in range(60):
        before = gather(x), torch.get_rng_state(), objective.state.clone()
        loss = float(optimizer.step(objective))
        accepted = optimizer.info["accepted"]
        seen[accepted] += 1
        if not accepted:
            assert torch.equal(gather(x), before[0]) and torch.equal(objective.state, before[2])
            assert torch.equal(torch.get_rng_state(), before[1])
            assert loss == last
        else:
            assert not torch.equal(objective.state, before[2]) and loss < last
        assert math.isfinite(loss)
        last = loss
    assert min(seen.values()) >= 3
    if lie != -math.inf:
        assert last == pytest.approx(float(rosenbrock(gather(x))))


def test_a_gradient_that_is_not_finite_rejects_the_sweep() -> None:
    x = [nn.Parameter(torch.full((2,), 3.0, dtype=torch.float64)) for _ in range(2)]

    def closure() -> Tensor:
        f = sum((t.detach() ** 2).sum() for t in x)
        for t in x:  # below 4 the value is fine and the gradient is not, of the second block alone
            t.grad = 2 * t.detach() * (math.nan if float(f) < 4 and t is x[1] else 1.0)
        return f

    optimizer = SAPTS(
        x, "parameters", 2, radius=0.5, sweep=Sweep("tensors", adaptive=False, local_steps=2, visits=0)
    )
    seen = set()
    for _ in range(30):
        before = gather(x)
        loss = float(optimizer.step(ClosureObjective(closure, x)))
        seen.add(optimizer.info["accepted"])
        assert optimizer.info["accepted"] or torch.equal(gather(x), before)
        assert loss >= 4 and torch.isfinite(gather(x)).all() and math.isfinite(optimizer.radius)
    assert seen == {True, False} and loss < 8


@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_what_is_accepted_stays_below_the_bound(decomposition: str) -> None:
    """The largest of the last four values: for sweeps and plain steps alike."""
    objective = objective_of(decomposition, points=30)
    options = {"visits": 0, "order": "additive", "adaptive": False, "local_steps": 3}
    optimizer = sapts(objective, decomposition, radius=1.0, rule=RadiusRule(grow_factor=1.2), **options)
    optimizer.values = type(optimizer.values)(maxlen=4)
    accepted = [objective.value()]
    for _ in range(40):
        loss = float(optimizer.step(objective))
        if optimizer.info["accepted"]:
            assert loss < max(accepted[-4:])
            accepted.append(loss)
    assert len(accepted) > 5 and any(b > a for a, b in itertools.pairwise(accepted))


# -- property 6: a saved run goes on bit for bit -------------------------------------------------------------

COMBINATIONS = [
    ("data", {}),
    ("data", {"order": "additive", "visits": 0}),
    ("data", {"order": "additive", "visits": 0, "combination": "subspace", "overlap": 0.3, "kind": "random"}),
    ("data", {"pooled": False, "visits": 2, "global_steps": 1, "kind": "bisection"}),
    ("data", {"pooled": False, "order": "additive", "local_curvature": "lsr1", "consistent": False}),
    ("data", {"batch": 0.2, "kind": "random"}),
    ("data", {"batch": 0.2, "order": "additive", "visits": 0, "adaptive": False, "local_steps": 2}),
    ("data", {"curvature": "gauss-newton", "order": "additive", "visits": 0}),
    ("data", {"curvature": "lsr1", "order": "additive", "combination": "mean", "global_steps": 2}),
    ("data", {"curvature": "identity", "visits": 0}),
    ("parameters", {}),
    ("parameters", {"adaptive": False, "order": "additive", "visits": 0, "global_steps": 1}),
    (
        "parameters",
        {
            "adaptive": False,
            "pooled": False,
            "kind": "neurons",
            "combination": "subspace",
            "order": "additive",
        },
    ),
    ("parameters", {"adaptive": False, "curvature": "gauss-newton", "kind": "tensors", "visits": 2}),
    ("stages", {"order": "additive", "visits": 0, "global_steps": 1}),
    (
        "stages",
        {
            "adaptive": False,
            "curvature": "identity",
            "combination": "subspace",
            "order": "additive",
            "visits": 0,
        },
    ),
]


@pytest.mark.parametrize("case", range(len(COMBINATIONS)))
def test_a_saved_run_goes_on_bit_for_bit(tmp_path: Path, case: int) -> None:
    decomposition, options = COMBINATIONS[case]
    points = 3000 if "batch" in options else 60

    def start() -> tuple[Objective, SAPTS]:
        objective = objective_of(decomposition, points=points)
        return objective, sapts(objective, decomposition, **{"local_steps": 4, **options})

    objective, optimizer = start()
    for _ in range(11):
        optimizer.step(objective)
    torch.save(
        {"theta": gather(objective.parameters), "optimizer": optimizer.state_dict()}, tmp_path / "run.pt"
    )
    steps = [(float(optimizer.step(objective)), optimizer.info) for _ in range(9)]
    other, again = start()
    saved = torch.load(tmp_path / "run.pt", weights_only=True)
    scatter_(other.parameters, saved["theta"])
    again.load_state_dict(saved["optimizer"])
    for loss, info in steps:
        assert float(again.step(other)) == loss
        for found in (info, again.info):  # a difference of sums, which rounds by how much was counted before
            for part in found.get("parts", ()):
                part.work = pytest.approx(part.work)
        assert again.info == info
    assert torch.equal(gather(objective.parameters), gather(other.parameters))
    assert (
        optimizer.sweep.adaptive or all("sweep" in info for _, info in steps)
    ) and again.schedule.steps == optimizer.schedule.steps
    assert torch.equal(again.divider.generator.get_state(), optimizer.divider.generator.get_state())


@pytest.mark.parametrize("case", [0, 5])
def test_a_state_may_be_saved_again_before_the_next_step(case: int) -> None:
    decomposition, options = COMBINATIONS[case]
    objective = objective_of(decomposition, points=3000)
    optimizer = sapts(objective, decomposition, **options)
    for _ in range(3):
        optimizer.step(objective)
    theta, state = gather(objective.parameters), optimizer.state_dict()
    for _ in range(2):  # load and save, without a step in between
        passing = sapts(objective, decomposition, **options)
        passing.load_state_dict(state)
        state = passing.state_dict()
    steps = [float(optimizer.step(objective)) for _ in range(12)]
    scatter_(objective.parameters, theta)
    again = sapts(objective, decomposition, **options)
    again.load_state_dict(state)
    assert [float(again.step(objective)) for _ in range(12)] == steps


SAPTS_METHODS = [name for name, method in METHODS.items() if method.divides]
SMALL = {"network": (6, 6), "points": 1200, "condition_points": 40, "seed": 3}


def stopped(
    folder: Path, method: str, first: int, last: int, resample: int, name: str = "poisson-1d"
) -> tuple[Any, Any]:
    options = {**SMALL, "method": method, "resample": resample, "parts": 3}
    whole = solve(build(name), budget=f"{last} iterations", **options)
    solve(build(name), budget=f"{first} iterations", out=folder, **options)
    return whole, solve(build(name), budget=f"{last} iterations", resume=folder, **options)


@pytest.mark.parametrize("first", [7, 8])
@pytest.mark.parametrize("method", SAPTS_METHODS)
def test_two_sessions_are_one_run_also_with_new_points(tmp_path: Path, method: str, first: int) -> None:
    """At a resample after 4 steps the points are new, and with 8 that is just after the interruption."""
    whole, parts = stopped(tmp_path, method, first, 12, 4)
    assert torch.equal(gather(list(whole.model.parameters())), gather(list(parts.model.parameters())))
    names = ["loss", "radius", "rho", "accepted", "sweep_rho", "local_steps"]
    for a, b in zip(whole.history, parts.history, strict=True):
        assert [a[name] for name in names] == [b[name] for name in names]
    assert method in ("sapts-p", "sapts-ip") or any(row["local_steps"] for row in whole.history)
    for row in whole.history:  # what a step has left behind, by terms: this problem has one
        assert row.get("loss_equation") in (None, pytest.approx(row["loss"]))


def test_in_a_fresh_process_too(tmp_path: Path) -> None:
    options = {**SMALL, "method": "sapts-d", "resample": 4, "parts": 3}
    whole = solve(build("poisson-1d"), budget="24 iterations", **options)
    solve(build("poisson-1d"), budget="9 iterations", out=tmp_path / "run", **options)
    code = (
        "import torch; torch.set_num_threads({threads})\n"
        "from sapts_pinn import solve; from sapts_pinn.problems import build\n"
        "solve(build('poisson-1d'), budget='24 iterations', resume={run!r}, **{options!r})"
    ).format(threads=torch.get_num_threads(), run=str(tmp_path / "run"), options=options)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["trainer"]
    assert saved["iteration"] == 24
    state = whole.model.state_dict()
    assert state.keys() == saved["model"].keys()
    assert all(torch.equal(tensor, saved["model"][name]) for name, tensor in state.items())


def test_a_state_of_another_kind_is_refused() -> None:
    objective = pinn()
    with pytest.raises(ValueError, match="was not saved by SAPTS; resume with the method it was written by"):
        sapts(objective, "data").load_state_dict(TrustRegion(objective.parameters).state_dict())
    with pytest.raises(ValueError, match="is of LSR1, not of SSBroyden"):
        sapts(objective, "data").load_state_dict(sapts(objective, "data", "lsr1").state_dict())


# -- property 8: known minima, and progress ------------------------------------------------------------------


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "ssbroyden"])
@pytest.mark.parametrize("pooled", [True, False])
def test_blocks_of_parameters_reach_known_minima(curvature: str, pooled: bool, order: str) -> None:
    A = randn(6, 6, seed=1)
    A = A @ A.T + 0.3 * torch.eye(6, dtype=torch.float64)
    best = randn(6, seed=2)
    quadratic = lambda x: 0.5 * (x - best) @ A @ (x - best) + 1.0
    for adaptive, (function, minimum, where) in itertools.product(
        (True, False),
        ((quadratic, 1.0, best), (rosenbrock, 0.0, torch.ones(6, dtype=torch.float64))),
    ):
        x = [nn.Parameter(torch.full((2,), 0.4, dtype=torch.float64)) for _ in range(3)]
        options = {"order": order, "pooled": pooled, "adaptive": adaptive}
        sweep = Sweep("tensors", visits=0, global_steps=1, local_steps=3, **options)
        optimizer = SAPTS(x, "parameters", 3, curvature, sweep=sweep)
        objective = closure_of(function, *x)
        swept = 0
        for _ in range(1500):
            loss = float(optimizer.step(objective))
            swept += bool(optimizer.info.get("sweep", {}).get("accepted"))
            if optimizer.info["converged"] or loss - minimum < 1e-16:
                break
        assert loss == pytest.approx(minimum, abs=1e-13)
        assert float((gather(x) - where).norm()) < 1e-5
        assert adaptive or swept > 0


def linear(points: int = 60) -> tuple[LeastSquares, float]:
    """Poisson's equation with an unknown linear in its parameters, and the least loss, by a dense solver."""
    problem = build("poisson-1d")
    hidden, last = nn.Linear(1, 6, dtype=torch.float64), nn.Linear(6, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        hidden.weight.copy_(4 * randn(6, 1, seed=1))
        hidden.bias.copy_(randn(6, seed=2))
        last.weight.zero_()
    model = Model(problem, nn.Sequential(hidden.requires_grad_(False), nn.Tanh(), last))
    objective = LeastSquares(model, {t.name: t.sites(points, rng(), "uniform") for t in problem.terms})
    look = objective.evaluate()
    J, r = look.jacobian(), look.residual()
    left = r - J @ torch.linalg.lstsq(J, r.unsqueeze(1), driver="gelsd").solution[:, 0]
    return objective, 0.5 * float(left @ left)


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "ssbroyden", "gauss-newton"])
@pytest.mark.parametrize("pooled", [True, False])
def test_parts_of_the_data_reach_the_least_squares_solution(curvature: str, pooled: bool, order: str) -> None:
    objective, least = linear()
    first = objective.value()
    optimizer = sapts(objective, "data", curvature, order=order, visits=0, pooled=pooled)
    swept = 0
    for _ in range(400):
        loss = float(optimizer.step(objective))
        swept += bool(optimizer.info.get("sweep", {}).get("accepted"))
        if optimizer.info["converged"] or loss - least < 1e-10 * first:
            break
    assert (swept > 0 or curvature == "gauss-newton") and least < 0.9 * first
    assert loss - least < 1e-9 * first


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("decomposition", DECOMPOSITIONS)
def test_every_combination_makes_progress(decomposition: str, curvature: str) -> None:
    if decomposition == "stages" and curvature == "gauss-newton":
        pytest.skip("the Jacobian of stages is at hand nowhere")
    for combination, order, pooled in itertools.product(
        ("sum", "mean", "subspace"), ("additive", "multiplicative"), (True, False)
    ):
        if order == "multiplicative" and combination != "sum":
            continue  # there is nothing to combine
        objective = objective_of(decomposition, points=60)
        options = {
            "combination": combination,
            "order": order,
            "pooled": pooled,
            "visits": 0,
            "local_steps": 4,
        }
        optimizer = sapts(objective, decomposition, curvature, **options)
        first = last = objective.value()
        for _ in range(8):
            loss = float(optimizer.step(objective))
            assert loss <= last
            last = loss
        assert last < 0.95 * first, options
        assert objective.value() == pytest.approx(last, rel=1e-13)


@pytest.mark.parametrize("visits", [0, 1, 2])
def test_a_sweep_visits_as_many_parts_as_asked_for(visits: int) -> None:
    for order, expected in (("multiplicative", visits or PARTS), ("additive", PARTS)):
        objective = pinn(points=60)
        optimizer = sapts(objective, "data", order=order, visits=visits, adaptive=False, local_steps=2)
        seen = set()
        for _ in range(12):
            optimizer.step(objective)
            numbers = [part["number"] for part in optimizer.info["parts"]]
            assert len(numbers) == len(set(numbers)) == expected
            assert all(part["steps"] <= 2 for part in optimizer.info["parts"])
            seen |= set(numbers)
        assert seen == set(range(PARTS))


def test_pooled_pairs_teach_the_one_model() -> None:
    """Every accepted local step, and the sweep as a whole; else the latter alone."""
    found = {}
    for pooled in (True, False):
        objective = pinn(points=60)
        optimizer = sapts(
            objective, "data", order="additive", visits=0, pooled=pooled, adaptive=False, local_steps=3
        )
        learned: list[Any] = []
        optimizer.curvature.learn_all = lambda pairs, to=learned: to.extend(pairs)
        optimizer.step(objective)
        found[pooled] = len(learned), sum(part["accepted"] for part in optimizer.info["parts"])
    assert found[False][0] == 1 and found[True][1] > 2
    assert found[True][0] == found[True][1] + 1


def test_eta_is_what_the_parts_have_not_seen_of_the_gradients_change() -> None:
    objective = pinn()
    optimizer = sapts(objective, "data", parts=3)
    optimizer.step(objective)
    H = optimizer.curvature.H
    change, seen = randn(len(H), seed=1), randn(len(H), seed=2)
    missed = change - seen
    eta = math.sqrt(float(missed @ H @ missed) / float(change @ H @ change))
    optimizer.schedule.eta = 0.0
    optimizer.schedule.compare(optimizer.curvature, change, seen)
    assert optimizer.schedule.eta == pytest.approx(0.02 * eta, rel=1e-10)
    optimizer.schedule.compare(optimizer.curvature, change, change)
    assert optimizer.schedule.eta == pytest.approx(0.98 * 0.02 * eta, rel=1e-10)


@pytest.mark.parametrize(("eta", "fade"), [(0.99, True), (0.5, False)])
def test_parts_that_see_nothing_fade(monkeypatch: pytest.MonkeyPatch, eta: float, fade: bool) -> None:
    monkeypatch.setattr(LocalStepSchedule, "compare", lambda self, *_: setattr(self, "eta", eta))
    objective = pinn()
    optimizer = sapts(objective, "data", parts=3)
    swept = []
    for _ in range(30):
        optimizer.step(objective)
        swept.append("sweep" in optimizer.info)
    assert any(swept[:3]) and any(swept[-10:]) != fade


def test_a_sweep_is_cut_short_at_its_deadline() -> None:
    """A run of so many seconds does not wait for the steps that a sweep might still take."""
    counts = []
    for deadline in (math.inf, 0.0):
        objective = pinn()
        optimizer = sapts(objective, "data", parts=3, visits=0, adaptive=False, local_steps=5)
        optimizer.set_progress(0.0, deadline)
        optimizer.step(objective)
        counts.append([part["steps"] for part in optimizer.info["parts"]])
    assert counts == [[5, 5, 5], [0, 0, 0]]


def test_batches_grow_and_end_with_all_points() -> None:
    objective = pinn(points=4000)
    optimizer = sapts(objective, "data", batch=0.3)
    optimizer.divider.batches.steps = 2
    sizes = []
    for _ in range(150):
        optimizer.step(objective)
        assert optimizer.divider.division is not None
        sizes.append(sum(len(s.points) for s in optimizer.divider.division.objective.sites.values()))
        if sizes[-1] == 4000:
            break
    assert sizes == sorted(sizes) and len(set(sizes)) >= 3
    assert sizes[0] == pytest.approx(0.3 * 1.33 * 4000, rel=0.01) and sizes[-1] == 4000


def test_a_part_may_have_a_single_point() -> None:
    objective = pinn(points=5)
    optimizer = sapts(objective, "data", parts=5, visits=0, order="additive")
    first = objective.value()
    for _ in range(20):
        loss = float(optimizer.step(objective))
    assert loss < 0.5 * first and optimizer.info["accepted"] in (True, False)


def test_a_classifier_with_blocks_of_parameters_and_with_stages() -> None:
    x = randn(120, 2, seed=4)
    y = (x[:, 0] * x[:, 1] > 0).long()
    for decomposition in ("parameters", "stages"):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net = nn.Sequential(
                nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2)
            ).double()
        if decomposition == "stages":
            loss = lambda out: nn.functional.cross_entropy(out, y)
            objective: Objective = PipelineObjective.of_data(StageChain(net, PARTS), x, loss)
        else:

            def closure(net: nn.Module = net) -> Tensor:
                net.zero_grad()
                value = nn.functional.cross_entropy(net(x), y)
                value.backward()
                return value

            objective = ClosureObjective(closure, net.parameters(), net)
        optimizer = sapts(objective, decomposition, order="additive", visits=0)
        first = objective.value()
        for _ in range(60):
            last = float(optimizer.step(objective))
        assert last < 0.5 * first


# -- arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "parallel"}, "unknown order 'parallel'; choose one of additive, multiplicative"),
        ({"combination": "best"}, "unknown combination 'best'; choose one of sum, mean, subspace"),
        ({"local_steps": -1}, "local_steps must not be negative, and is -1"),
        ({"visits": -2}, "visits must not be negative, and is -2"),
        ({"global_steps": -1}, "global_steps must not be negative, and is -1"),
        ({"low": 0.6, "high": 0.5}, "0 <= low <= high < 1 is needed, not 0.6 and 0.5"),
        ({"batch": 0.0}, r"batch must lie in \(0, 1\], not 0"),
        ({"batch": 1.5}, r"batch must lie in \(0, 1\], not 1.5"),
        ({"overlap": 1.5}, r"must lie in \[0, 1\), not 1.5"),
        ({"overlap": -0.1}, r"must lie in \[0, 1\), not -0.1"),
        (
            {"kind": "stripes"},
            "unknown decomposition of the data 'stripes'; choose one of interleaved, random",
        ),
        ({"local_curvature": "bfgs", "pooled": False}, "unknown curvature 'bfgs'; choose one of identity"),
        ({"parts": 0}, "parts must be a positive multiple of the number of ranks, 1, not 0"),
        (
            {"parts": 61},
            "part 60 of 61 would get no residual, for there are only 60: use fewer parts or more",
        ),
        ({"radius": 0.0}, "radius must be positive and finite, not 0.0"),
        ({"rule": {"accept": 0.9}}, "0 <= accept <= shrink < grow < 1 is needed, not 0.9"),
        ({"rule": {"grow_factor": 0.9}}, "0 < shrink_factor < 1 < grow_factor .* are needed, not 0.5, 0.9"),
        (
            {"rule": {"min_radius": 3.0, "max_radius": 2.0}},
            "0 <= min_radius < max_radius are needed, not .* 3.0, 2.0",
        ),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    objective = pinn(points=60)

    def step(rule: dict[str, float] | None = None, **others: Any) -> None:
        given = others if rule is None else {"rule": RadiusRule(**rule)}
        sapts(objective, "data", **given).step(objective)

    with pytest.raises(ValueError, match=message):
        step(**options)


def test_decompositions_that_do_not_fit() -> None:
    objective = pinn(points=60)
    with pytest.raises(
        ValueError, match="unknown decomposition 'points'; choose one of data, parameters, stages"
    ):
        SAPTS(objective.parameters, "points")
    with pytest.raises(
        ValueError, match="unknown decomposition of the parameters 'rows'; choose one of layers"
    ):
        sapts(objective, "parameters", kind="rows").step(objective)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind 'neu"
    ):
        sapts(objective, "parameters", parts=4).step(objective)
    with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
        sapts(objective, "stages").step(objective)
    with pytest.raises(
        ValueError, match=r"'gauss-newton' needs all parameters on one rank; stages take 'id.* or 'ssbroyden'"
    ):
        SAPTS(objective.parameters, "stages", curvature="gauss-newton")
    x = nn.Parameter(torch.ones(4))
    closure = lambda: (x**2).sum()
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        SAPTS([x], "data").step(closure)
    with pytest.raises(
        TypeError, match="batches need an objective that knows its points; drop the option batch"
    ):
        SAPTS([x], "parameters", 1, sweep=Sweep("tensors", batch=0.5)).step(closure)
    with pytest.raises(TypeError, match="least-squares objective"):
        SAPTS([x], "parameters", 1, "gauss-newton", sweep=Sweep("tensors")).step(
            ClosureObjective(lambda: closure().backward() or closure(), [x])
        )
    four = SingleProcess()
    four.size = 4
    with pytest.raises(
        ValueError, match="parts must be a positive multiple of the number of ranks, 4, not 6"
    ):
        SAPTS([x], "parameters", 6, communicator=four)


def test_stages_and_parts_have_to_be_as_many() -> None:
    objective = objective_of("stages")  # three
    with pytest.raises(ValueError, match=r"3 stages.*4|4 parts.*3"):
        sapts(objective, "stages", parts=4).step(objective)


@pytest.mark.parametrize("method", SAPTS_METHODS)
def test_a_run_says_what_it_cannot_divide(method: str) -> None:
    sentence = {
        "data": "part 12 of 40 would get no residual|12 points into 40|only 12",
        "parameters": "cannot spread .* over 40 parts",
        "stages": "cannot be cut into 40 stages",
    }[METHODS[method].divides or ""]
    with pytest.raises(ValueError, match=sentence):
        solve(build("burgers"), method=method, budget="3 iterations", parts=40, network=(8, 8), points=12)


# -- the parts' own models -----------------------------------------------------------------------------------


def own_models(optimizer: SAPTS) -> list[str | None]:
    """Kinds of the parts' models, by the number of the part."""
    return [curvature_name(model) for _, (model, _) in sorted(optimizer.local_models.models.items())]


def test_a_stage_has_a_dense_model_only_while_its_matrix_fits() -> None:
    """Three stages of 300, 10,200 and 101 parameters: a dense matrix of the second would have 800 MB."""
    objective = objective_of("stages", points=20, hidden=(100, 100))
    optimizer = METHODS["sapts-ip"].phases[0].make(objective.parameters, parts=PARTS)
    assert isinstance(optimizer, SAPTS) and curvature_name(optimizer.curvature) == "lbfgs"
    for _ in range(2):
        optimizer.step(objective)
    assert own_models(optimizer) == ["ssbroyden", "lbfgs", "ssbroyden"]


def test_the_limit_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, kind in ((300, "ssbroyden"), (299, "lbfgs")):
        monkeypatch.setattr(making, "DENSE", limit)
        objective = pinn(points=20, hidden=(100,))
        layers = [p.numel() for p in objective.parameters]
        assert layers[0] + layers[1] == 300
        alone = METHODS["tr"].phases[0].make([nn.Parameter(torch.ones(300))])
        assert isinstance(alone, TrustRegion) and curvature_name(alone.curvature) == kind
        optimizer = METHODS["sapts-p"].phases[0].make(objective.parameters, parts=2)
        assert isinstance(optimizer, SAPTS)
        optimizer.step(objective)
        assert own_models(optimizer) == [kind, "ssbroyden"]


@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "identity"])
def test_the_parts_models_are_of_the_kind_that_was_asked_for(curvature: str) -> None:
    for decomposition in ("parameters", "stages"):
        objective = objective_of(decomposition, points=20)
        for given in (curvature, None):
            chosen = {"curvature": given or "lsr1", "local_curvature": None if given else curvature}
            optimizer = sapts(objective, decomposition, visits=0, **chosen)
            optimizer.step(objective)
            assert own_models(optimizer) == [curvature] * PARTS
    objective = pinn(points=20)
    whole = make_curvature(curvature)
    optimizer = SAPTS(objective.parameters, "parameters", PARTS, whole, sweep=Sweep("layers", visits=0))
    optimizer.step(objective)
    assert own_models(optimizer) == [curvature] * PARTS


def test_states_of_dense_stages_of_earlier_versions_load() -> None:
    objective = objective_of("stages", points=20)
    optimizer = sapts(objective, "stages", "lsr1", visits=0, local_curvature="ssbroyden")
    optimizer.step(objective)
    state = optimizer.state_dict()
    for saved in state["sapts"]["local"].values():
        assert saved.pop("name") == "ssbroyden"
    again = sapts(objective, "stages", "lsr1", visits=0)
    again.load_state_dict(state)
    assert own_models(again) == ["ssbroyden"] * PARTS


def test_a_bad_start_is_said() -> None:
    x = nn.Parameter(torch.ones(2))
    objective = Lying(closure_of(lambda x: (x**2).sum(), x), lambda count: math.nan)
    with pytest.raises(FloatingPointError, match="the loss is nan at the starting point"):
        SAPTS([x], "parameters", 1, sweep=Sweep("tensors")).step(objective)
