"""SAPTS in one process: rejections leave no trace, runs go on bit for bit, known minima are reached."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from draws import randn
from sapts_pinn.objectives.base import Evaluation, Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.optim import SAPTS, RadiusRule, Sweep, TrustRegion
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.curvature import CURVATURES, Identity
from sapts_pinn.optim.curvature.make import make_curvature
from sapts_pinn.optim.sapts.local_solve import Correction
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.optim.snapshot import Snapshot
from sapts_pinn.optim.trust_region import PATIENCE, ROUNDING
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from sapts_runs import COMBINATIONS, DECOMPOSITIONS, PARTS, closure_of, objective_of, pinn, rosenbrock, sapts

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
    for _ in range(20):
        theta, random = gather(objective.parameters), torch.get_rng_state()
        loss = float(optimizer.step(objective))
        info = optimizer.info
        taken.append(info["accepted"])
        assert info["sweep"]["before"] == pytest.approx(last, rel=1e-14)
        if taken[-1]:
            assert loss < last and info["rho"] > optimizer.rule.accept
            assert info["rho"] * info["predicted"] == pytest.approx(last - loss, rel=1e-9)
        else:
            assert loss == info["sweep"]["before"] and torch.equal(gather(objective.parameters), theta)
        assert torch.equal(torch.get_rng_state(), random)
        assert objective.value() == pytest.approx(loss, rel=1e-14) and math.isfinite(optimizer.radius)
        last = loss
    if decomposition == "parameters" and order == "multiplicative":
        # In turn on f itself: what the parts gain is what it loses, down to rounding.
        assert all(taken) or last < 1e-10 * first, (taken, last)
    else:
        assert not all(taken), "nothing was rejected"


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
    options = {"visits": 0, "order": "additive", "adaptive": False, "local_steps": 3, "combination": "sum"}
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


@pytest.mark.parametrize("case", range(len(COMBINATIONS)))
def test_a_saved_run_goes_on_bit_for_bit(tmp_path: Path, case: int) -> None:
    decomposition, options = COMBINATIONS[case]
    points = 3000 if "batch" in options else 60

    def start() -> tuple[Objective, SAPTS]:
        objective = objective_of(decomposition, points=points)
        return objective, sapts(objective, decomposition, **{"local_steps": 4, **options})

    objective, optimizer = start()
    for _ in range(6):
        optimizer.step(objective)
    torch.save(
        {"theta": gather(objective.parameters), "optimizer": optimizer.state_dict()}, tmp_path / "run.pt"
    )
    steps = [(float(optimizer.step(objective)), optimizer.info) for _ in range(5)]
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


def test_a_state_of_another_kind_is_refused() -> None:
    objective = pinn()
    with pytest.raises(ValueError, match="was not saved by SAPTS; resume with the method it was written by"):
        sapts(objective, "data").load_state_dict(TrustRegion(objective.parameters).state_dict())
    with pytest.raises(ValueError, match="is of LSR1, not of SSBroyden"):
        sapts(objective, "data").load_state_dict(sapts(objective, "data", "lsr1").state_dict())


# -- property 8: known minima, and progress ------------------------------------------------------------------


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


# -- the start, and rejections in a row ----------------------------------------------------------------------


def test_a_bad_start_is_said() -> None:
    x = nn.Parameter(torch.ones(2))
    objective = Lying(closure_of(lambda x: (x**2).sum(), x), lambda count: math.nan)
    with pytest.raises(FloatingPointError, match="the loss is nan at the starting point"):
        SAPTS([x], "parameters", 1, sweep=Sweep("tensors")).step(objective)


class Asked(Identity):
    """The first-order model, with a record of where it was prepared and given up."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def prepare(self, evaluation: Evaluation) -> None:
        self.told.append(evaluation.value)

    def reset(self) -> bool:
        self.told.append("reset")
        return True


def test_after_so_many_rejected_sweeps_the_model_is_rebuilt_where_they_began() -> None:
    """A sweep looks at two blocks and at the whole, and the last of these looks lies."""
    x = [nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2)]
    objective = Lying(closure_of(lambda x: (x**2).sum(), *x), lambda k: 1e6 * (k > 1 and k % 3 == 1))
    sweep = Sweep(
        "tensors", adaptive=False, local_steps=1, visits=0, order="additive", local_curvature="identity"
    )
    model = Asked()
    optimizer = SAPTS(x, "parameters", 2, model, sweep=sweep)
    for k in range(1, 2 * PATIENCE + 1):
        before = optimizer.radius
        assert float(optimizer.step(objective)) == 2.0 and not optimizer.info.accepted
        assert objective.count == 1 + 3 * k and all(part.accepted == 1 for part in optimizer.info.parts or ())
        assert model.told == [2.0, "reset"] * (k // PATIENCE)
        assert optimizer.radius == 1.0 if k % PATIENCE == 0 else optimizer.radius < before


@pytest.mark.parametrize(("factor", "looks"), [(0.9, 0), (1.1, 1)])
def test_a_sweep_that_promises_no_more_than_rounding_is_not_looked_at(factor: float, looks: int) -> None:
    """Rounding is counted in units of the last accepted value, 1."""
    x = [nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2)]
    noise = ROUNDING * torch.finfo(torch.float64).eps
    objective = Lying(closure_of(lambda x: x.sum(), *x), lambda k: 0.0)
    optimizer = SAPTS(x, "parameters", 2, sweep=Sweep("tensors"))
    optimizer.values.append(1.0)
    corrections = [
        Correction(s, 0 * s, [SubdomainStats(0, gain=0.5 * factor * noise, length=1.0, accepted=1)])
        for s in torch.eye(2, dtype=torch.float64)
    ]
    theta, division = gather(x), optimizer.divider.divide(objective)
    around = Snapshot(objective, theta.device)
    trial = optimizer._try(division, corrections, theta, torch.ones_like(theta), around)
    assert objective.count == looks and (trial.evaluation is None) == (looks == 0)
    assert trial.predicted == pytest.approx(factor * noise) and trial.length == 2.0
