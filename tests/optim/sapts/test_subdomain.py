"""Parts of SAPTS: consistent at theta_k in value and gradient, their local solves, their division and sum."""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from draws import randn, rng
from sapts_pinn.kernels import build as kernels
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import Objective
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.data_parallel import DataParallelObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.partition import DATA_KINDS, data_parts
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.curvature import CURVATURES, SSBroyden
from sapts_pinn.optim.radius import RadiusRule
from sapts_pinn.optim.sapts import DECOMPOSITIONS
from sapts_pinn.optim.sapts.blocks import PARAMETER_KINDS, BlockSubdomain
from sapts_pinn.optim.sapts.data import DataSubdomain
from sapts_pinn.optim.sapts.decomposition import Cut
from sapts_pinn.optim.sapts.exchange import Division
from sapts_pinn.optim.sapts.local_solve import Correction, local_solve
from sapts_pinn.optim.sapts.subdomain import LocalEvaluation, Subdomain
from sapts_pinn.parallel.communicator import Communicator, SingleProcess, Traffic
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain
from sapts_pinn.problems import Observations, Problem, build

PROBLEMS = ("burgers", "poisson-2d", "soft")
COUNT = 3
RULE = RadiusRule()


def problem_of(name: str) -> Problem:
    """Two with hard conditions only, one with three terms of different weights, of which one is a pair."""
    if name != "soft":
        return build(name)
    from sapts_pinn.geometry import Interval, Time
    from sapts_pinn.problems import Coefficient, Initial, Periodic

    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu: u.t + u * u.x - nu * u.xx,
        conditions=[
            Periodic("x", hard=False, weight=2.0),
            Initial("u", lambda x: torch.sin(torch.pi * x), hard=False, weight=5.0),
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
        ],
        coefficients=[Coefficient("nu", 0.1)],
    )


def make(name: str, interior: int = 60, others: int = 12, hidden: tuple[int, ...] = (8, 8)) -> LeastSquares:
    problem = problem_of(name)
    features = len(problem.ansatz.feature_names)
    model = Model(problem, build_network(hidden, features, len(problem.unknown_names), rng(), torch.float64))
    sites = {
        t.name: t.sites(interior if t.name == "equation" else others, rng(5), "uniform")
        for t in problem.terms
    }
    objective = LeastSquares(model, sites)
    perturb(objective)
    return objective


def perturb(objective: Objective) -> None:
    theta = gather(objective.parameters)
    scatter_(objective.parameters, theta + 0.1 * randn(len(theta), seed=9))


def classifier() -> tuple[nn.Module, Tensor, Tensor]:
    x = randn(50, 3, seed=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    return net, x, (x[:, 0] * x[:, 1] > 0).long()


def closure() -> ClosureObjective:
    net, x, y = classifier()

    def loss() -> Tensor:
        net.zero_grad()
        value = nn.functional.cross_entropy(net(x), y)
        value.backward()
        return value

    return ClosureObjective(loss, net.parameters(), net)


def pipeline(name: str) -> PipelineObjective:
    if name == "classifier":
        net, x, y = classifier()
        return PipelineObjective.of_data(
            StageChain(net, COUNT), x, lambda out: nn.functional.cross_entropy(out, y)
        )
    whole = make(name)
    return PipelineObjective.of_problem(
        ModelStageChain(whole.model.problem, whole.model.network, COUNT), whole.sites
    )


def cut(
    objective: Objective,
    decomposition: str = "data",
    kind: str = "interleaved",
    parts: int = COUNT,
    overlap: float = 0.0,
    consistent: bool = True,
    additive: bool = True,
    communicator: Communicator | None = None,
) -> Division:
    how = Cut(parts, kind, overlap, consistent, additive, rng(1), communicator or SingleProcess())
    return DECOMPOSITIONS[decomposition].divide(objective, how)


def centred(division: Division) -> tuple[Tensor, Tensor, float]:
    """All parts made consistent here; theta_k, g and f."""
    theta, look = gather(division.whole.parameters), division.whole.evaluate()
    g = look.gradient()
    for part in division.own:
        scatter_(division.whole.parameters, theta)
        part.centre(theta, look, division.base(part, look))
    return theta, g, look.value


def relative(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def check_slopes(part: Subdomain, z: Tensor, seed: int) -> None:
    """Central differences along a random direction of the part's parameters, away from theta_k."""
    for look_at in (z, z + 0.05 * part.extend(part.restrict(randn(len(z), seed=seed)), len(z))):
        d = part.extend(part.restrict(randn(len(z), seed=seed + 1)), len(z))
        h = 1e-5
        slope = (part.evaluate(look_at + h * d).value - part.evaluate(look_at - h * d).value) / (2 * h)
        found = part.evaluate(look_at).gradient()
        size = float(found.norm() * d.norm())
        assert float(found @ part.restrict(d)) == pytest.approx(slope, abs=1e-7 * size)
        assert abs(slope) > 1e-4 * size  # else any two small numbers would do


# -- the sum -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["interleaved", "bisection"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_sum_of_parts_is_the_undivided_objective(name: str, kind: str) -> None:
    whole = make(name)
    names = whole.model.problem.domain.names
    owned = data_parts(whole.sites, COUNT, kind, rng(2), names).owned
    terms = dict.fromkeys((t.name for t in whole.terms), 0.0)
    total = DataParallelObjective([whole.restrict(own) for own in owned], SingleProcess(), terms)
    a, b = whole.evaluate(), total.evaluate()
    assert b.value == pytest.approx(a.value, rel=1e-14)
    assert terms == pytest.approx(a.terms, rel=1e-14) and total.last_terms is terms
    assert relative(b.gradient(), a.gradient()) < 1e-13
    assert (b.rows, b.size, b.whole) == (a.rows, a.size, True)

    # Its residuals are those of the whole in another order.
    start, place = {}, 0
    for term in whole.terms:
        start[term.name] = place
        place += term.rows * whole.counts[term.name]
    order = torch.cat(
        [
            start[t.name] + row * whole.counts[t.name] + own[t.name]
            for own in owned
            for t in whole.terms
            if t.name in own
            for row in range(t.rows)
        ]
    )
    assert torch.equal(order.sort().values, torch.arange(a.rows)) and not torch.equal(order, order.sort()[0])
    J = a.jacobian()
    v, u = randn(a.size, seed=1), randn(a.rows, seed=2)
    assert relative(b.jacobian(), J[order]) < 1e-13
    assert relative(b.jvp(v), J[order] @ v) < 1e-12
    assert relative(b.vjp(u), J[order].T @ u) < 1e-12
    assert relative(b.gram(), J.T @ J) < 1e-13
    assert relative(b.gram_product(v), J.T @ (J @ v)) < 1e-12


def test_a_sum_takes_the_looks_that_are_known() -> None:
    whole = make("burgers")
    division = cut(whole)
    summed = division.whole
    assert isinstance(summed, DataParallelObjective)
    perturb(whole)
    fresh = summed.evaluate()
    known = summed.parts[1].evaluate()
    before = whole.counters.functions
    look = summed.evaluate({1: known})
    assert look.parts[1] is known and whole.counters.functions - before == pytest.approx(2 / 3, rel=0.05)
    assert look.value == fresh.value and torch.equal(look.gradient(), fresh.gradient())


# -- property 2: consistency ---------------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [0.0, 0.33])
@pytest.mark.parametrize("kind", [*DATA_KINDS, "slabs"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_data_parts_have_the_gradient_of_the_whole(name: str, kind: str, overlap: float) -> None:
    whole = make(name)
    kind = whole.model.problem.domain.names[-1] if kind == "slabs" else kind
    division = cut(whole, kind=kind, overlap=overlap)
    theta, g, f = centred(division)
    total = 0.0
    for i, part in enumerate(division.own):
        assert isinstance(part, DataSubdomain)
        here = part.evaluate(theta)
        assert relative(here.gradient(), g) < 1e-12
        assert torch.equal(here.gradient(), here.full_gradient())
        plain = part.local.evaluate()
        assert here.value == pytest.approx(part.scale * plain.value, rel=1e-14)
        assert relative(part.scale * plain.gradient(), g) > 1e-3, "there is nothing to correct"
        total += plain.value if overlap == 0 else part.owned.value()
        check_slopes(part, theta, i)
        rows = sum(s.points.shape[0] for s in part.local.sites.values())
        assert part.scale == pytest.approx(sum(s.points.shape[0] for s in whole.sites.values()) / rows)
    assert total == pytest.approx(f, rel=1e-13)


@pytest.mark.parametrize("overlap", [0.0, 0.33])
def test_what_is_known_of_a_data_part_is_what_it_would_find(overlap: float) -> None:
    division = cut(make("soft"), overlap=overlap)
    theta, _, _ = centred(division)
    look = division.whole.evaluate()
    for part in division.own:
        known = part.begin(look, division.base(part, look))
        assert (known is None) == (overlap > 0)  # its own points are then not all that it looks at
        if known is not None:
            here = part.evaluate(theta)
            assert known.value == here.value and torch.equal(known.gradient(), here.gradient())


def test_parts_of_a_batch_are_consistent_with_the_batch() -> None:
    whole = make("soft", 90, 30)
    batch = whole.restrict(
        {n: torch.arange(len(s.points) // s.fold // 2) for n, s in whole.sites.items()}, True
    )
    division = cut(batch)
    theta, g, _ = centred(division)
    assert relative(g, batch.evaluate().gradient()) < 1e-13
    assert relative(g, whole.evaluate().gradient()) > 1e-3
    for part in division.own:
        assert relative(part.evaluate(theta).gradient(), g) < 1e-12
        assert part.scale == pytest.approx(COUNT, rel=0.1)


def test_without_the_linear_term_a_data_part_knows_its_own_points_only() -> None:
    division = cut(make("burgers"), kind="t", consistent=False)
    theta, g, _ = centred(division)
    for part in division.own:
        assert part.linear is None
        here = part.evaluate(theta)
        assert torch.equal(here.gradient(), part.scale * part.local.evaluate().gradient())
        assert relative(here.gradient(), g) > 0.1
        check_slopes(part, theta, 3)


@pytest.mark.parametrize("overlap", [0.0, 0.33])
def test_the_jacobian_of_a_data_part_is_that_of_its_residuals(overlap: float) -> None:
    division = cut(make("soft"), kind="bisection", overlap=overlap)
    theta, _, _ = centred(division)
    part = division.own[1]
    here = part.evaluate(theta)
    J = here.jacobian()
    assert J.shape == (here.rows, here.size) and len(theta) == here.size
    u, v = randn(here.rows), randn(here.size)
    assert relative(here.jvp(v), J @ v) < 1e-12 and relative(here.vjp(u), J.T @ u) < 1e-12
    assert (
        relative(
            J.T @ part.local.evaluate().residual() * math.sqrt(part.scale), here.gradient() - part.linear
        )
        < 1e-12
    )


@pytest.mark.parametrize("kind", PARAMETER_KINDS)
@pytest.mark.parametrize("name", [*PROBLEMS, "classifier"])
def test_blocks_of_parameters_have_their_block_of_the_gradient(name: str, kind: str) -> None:
    objective = closure() if name == "classifier" else make(name)
    division = cut(objective, "parameters", kind)
    theta, g, f = centred(division)
    whole = objective.evaluate().gradient()
    for i, part in enumerate(division.own):
        assert isinstance(part, BlockSubdomain) and part.indices is not None
        here = part.evaluate(theta)
        assert here.value == pytest.approx(f, rel=1e-14)
        assert relative(here.gradient(), g[part.indices]) < 1e-12
        assert torch.equal(here.full_gradient(), whole)
        known = part.begin(division.whole.evaluate(), None)
        assert relative(known.gradient(), here.gradient()) < 1e-12
        check_slopes(part, theta, i)
        frozen = torch.ones(len(theta), dtype=torch.bool).index_fill(0, part.indices, False)
        moved = part.extend(part.restrict(randn(len(theta))), len(theta))
        assert not moved[frozen].any() and torch.equal(part.restrict(moved), randn(len(theta))[part.indices])
    assert torch.equal(torch.cat([p.indices for p in division.own]).sort().values, torch.arange(len(theta)))


def test_the_jacobian_of_a_block_has_its_columns() -> None:
    objective = make("soft")
    division = cut(objective, "parameters", "neurons")
    theta, _, _ = centred(division)
    J = objective.evaluate().jacobian()
    part = division.own[1]
    here = part.evaluate(theta)
    assert (here.rows, here.size) == (J.shape[0], len(part.indices)) and here.whole
    u, v = randn(here.rows), randn(here.size)
    block = J[:, part.indices]
    assert relative(here.jacobian(), block) < 1e-14
    assert relative(here.jvp(v), block @ v) < 1e-12 and relative(here.vjp(u), block.T @ u) < 1e-12
    assert relative(here.gram(), block.T @ block) < 1e-13
    assert relative(here.gram_product(v), block.T @ (block @ v)) < 1e-12


@pytest.mark.parametrize("compiled", ["0", "1"])
def test_the_jacobian_of_a_block_computes_no_other_columns(
    monkeypatch: pytest.MonkeyPatch, compiled: str
) -> None:
    """Nowhere is there an array as large as all columns would be."""
    monkeypatch.setenv("SAPTS_PINN_COMPILED", compiled)
    kernels.load.cache_clear()
    objective = make("burgers", 400, hidden=(30, 30))
    division = cut(objective, "parameters", "layers")
    kernels.load.cache_clear()
    theta, _, _ = centred(division)
    part = min(division.own, key=lambda part: len(part.indices))
    for here in (part.evaluate(theta), part.begin(division.whole.evaluate(), None)):
        with Largest() as seen:
            J = here.jacobian()
        assert J.shape == (400, len(part.indices))
        assert seen.entries < 0.25 * 400 * len(theta), "all columns were computed"


class Largest(TorchDispatchMode):
    """Number of entries of the largest tensor that an operation of PyTorch makes."""

    entries = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        if isinstance(out, Tensor):
            self.entries = max(self.entries, out.numel())
        return out


@pytest.mark.parametrize("name", [*PROBLEMS, "classifier"])
def test_stages_have_their_block_of_the_gradient(name: str) -> None:
    objective = pipeline(name)
    division = cut(objective, "stages")
    theta, g, f = centred(division)
    assert len(division.own) == COUNT and division.sharded
    for i, part in enumerate(division.own):
        here = part.evaluate(theta)
        assert relative(here.gradient(), g[part.indices]) < 1e-12
        full = here.full_gradient()
        assert torch.equal(full[part.indices], here.gradient())
        assert int((full != 0).sum()) <= len(part.indices)
        check_slopes(part, theta, i)
    assert here.value == pytest.approx(f, rel=1e-12), "the last stage has the loss itself"
    assert torch.equal(torch.cat([p.indices for p in division.own]), torch.arange(len(theta)))


def test_a_part_with_a_single_point() -> None:
    whole = make("burgers", 4)
    for overlap in (0.0, 0.33):
        division = cut(whole, parts=4, overlap=overlap)
        theta, g, _ = centred(division)
        for part in division.own:
            assert part.owned.evaluate().rows == 1
            assert relative(part.evaluate(theta).gradient(), g) < 1e-12
            z, _, record, _ = local_solve(part, theta, part.evaluate(theta), SSBroyden(), 0.1, 3, RULE)
            assert record.accepted > 0 and record.gain > 0 and not torch.equal(z, theta)


# -- the local solve -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("decomposition", ["data", "parameters", "stages"])
def test_a_local_solve_is_what_its_record_says(decomposition: str, curvature: str) -> None:
    if curvature == "gauss-newton" and decomposition == "stages":
        pytest.skip("stages have no residuals")
    objective = pipeline("burgers") if decomposition == "stages" else make("burgers")
    division = cut(objective, decomposition, "layers" if decomposition == "parameters" else "interleaved")
    theta, _, _ = centred(division)
    for part in division.own:
        start = part.evaluate(theta)
        z, end, record, pairs = local_solve(part, theta, start, CURVATURES[curvature](), 0.5, 6, RULE)
        assert 0 < record.accepted <= record.steps <= 6 and record.accepted == len(pairs)
        assert record.number == part.number
        again = part.evaluate(z)
        assert again.value == end.value and torch.equal(again.gradient(), end.gradient())
        assert record.gain == pytest.approx(start.value - end.value) and record.gain > 0
        if part.indices is not None:
            frozen = torch.ones(len(theta), dtype=torch.bool).index_fill(0, part.indices, False)
            assert torch.equal(z[frozen], theta[frozen])
        at, look = theta, start
        for s, y, length in pairs:  # secant pairs from point to point
            after = part.evaluate(at + s)
            assert torch.equal(y, after.full_gradient() - look.full_gradient())
            assert length > 0 and after.value < look.value
            at, look = at + s, after
        assert torch.equal(at, z)
        assert record.length == pytest.approx(sum(length for *_, length in pairs))
        scatter_(objective.parameters, theta)


class Cliff(Subdomain):
    """|z|^2 / 2, but not a number where it is shorter than 1, or its gradient there."""

    number = 7

    def __init__(self, of: str) -> None:
        self.of, self.looks = of, 0

    def centre(self, *_: object) -> None:
        pass

    def evaluate(self, z: Tensor) -> LocalEvaluation:
        self.looks += 1
        look = CliffLook()
        inside = float(z.norm()) < 1
        look.value = math.nan if inside and self.of == "value" else 0.5 * float(z @ z)
        look.known = z * math.nan if inside and self.of == "gradient" else z
        return look


class CliffLook(LocalEvaluation):
    whole = True

    def gradient(self) -> Tensor:
        return self.known

    def full_gradient(self) -> Tensor:
        return self.known


@pytest.mark.parametrize("curvature", ["identity", "lbfgs", "lsr1", "ssbroyden"])
@pytest.mark.parametrize("of", ["value", "gradient"])
def test_a_look_that_is_not_finite_is_a_rejection(of: str, curvature: str) -> None:
    part, z = Cliff(of), torch.tensor([3.0, 0.0], dtype=torch.float64)
    z, end, record, pairs = local_solve(part, z, part.evaluate(z), CURVATURES[curvature](), 2.5, 20, RULE)
    assert record.steps == part.looks - 1 == 20 > record.accepted > 0
    assert 1 <= float(z.norm()) < 1.2 and end.value == 0.5 * float(z @ z)
    assert all(torch.isfinite(y).all() for _, y, _ in pairs) and 0 < record.radius < 2.5


def test_a_local_solve_ends_where_nothing_is_left_to_gain() -> None:
    part, z = Cliff("nothing"), torch.tensor([3.0, 1.0], dtype=torch.float64)
    z, end, record, _ = local_solve(part, z, part.evaluate(z), SSBroyden(), 100.0, 50, RULE)
    assert record.steps < 10 and end.value < 1e-30 and record.gain == pytest.approx(5.0)
    still = local_solve(part, z * 0, part.evaluate(z * 0), SSBroyden(), 1.0, 5, RULE)
    assert still[2] == SubdomainStats(7, 0.0, 1.0) and still[3] == [] and torch.equal(still[0], z * 0)


# -- the division --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decomposition", ["data", "parameters", "stages"])
def test_parts_in_turn_are_one_group_and_independent_ones_many(decomposition: str) -> None:
    for additive, sizes in ((True, [1, 1, 1]), (False, [3])):
        objective = pipeline("burgers") if decomposition == "stages" else make("burgers")
        kind = "layers" if decomposition == "parameters" else "interleaved"
        division = cut(objective, decomposition, kind, additive=additive)
        assert [len(group) for group in division.groups] == sizes and division.count == len(sizes)
        assert [part.number for part in division.own] == [0, 1, 2]
        assert division.shared == (decomposition == "data")
        assert division.whole.evaluate().value == pytest.approx(objective.evaluate().value, rel=1e-14)


class Twins(Communicator):
    """Two ranks that do the same."""

    def __init__(self, rank: int) -> None:
        self.rank, self.size, self.traffic = rank, 2, Traffic()

    def all_gather(self, tensor: Tensor) -> list[Tensor]:
        self.traffic.collectives += 1
        return [tensor.clone(), tensor.clone()]

    def gather_objects(self, value: object) -> list[object]:
        return [value, value]

    def broadcast(self, tensor: Tensor, source: int = 0) -> Tensor:
        return tensor

    def send(self, tensor: Tensor, to: int) -> None:
        raise NotImplementedError

    def receive(self, like: Tensor, source: int) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("sharded", [False, True])
def test_corrections_travel_whole(rank: int, sharded: bool) -> None:
    n, room = 5, 4
    own = [
        Correction(
            randn(n, seed=i),
            randn(n, seed=i + 10),
            [SubdomainStats(k, *randn(6, seed=j).tolist()) for k, j in ((i, i), (i + 7, i + 3))],
            [(randn(n, seed=j), randn(n, seed=j + 50), 0.5 + j) for j in range(i + 1)],
        )
        for i in (0, 2)
    ]
    ranks = Twins(rank)
    whole = make("burgers")
    division = Division(whole, whole, [[], []], ranks, True, sharded, [[2, 2], [2, 2]])
    found = division.exchange(own, 0 if sharded else room)
    assert ranks.traffic.collectives == 1 and len(found) == 4
    assert [found[2 * rank] is own[0], found[2 * rank + 1] is own[1]] == [True, True]
    for mine, its in zip(own, found[2 * (1 - rank) :][:2], strict=True):
        assert its is not mine
        assert [astuple(r) for r in its.records] == [astuple(r) for r in mine.records]
        if sharded:
            assert not its.s.any() and not its.y.any() and its.pairs == []
            continue
        assert torch.equal(its.s, mine.s) and torch.equal(its.y, mine.y)
        assert len(its.pairs) == len(mine.pairs)
        for a, b in zip(its.pairs, mine.pairs, strict=True):
            assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) and a[2] == b[2]


def test_each_rank_has_its_own_parts_of_one_cut() -> None:
    whole = make("soft")
    alone = cut(whole, "data", "random", parts=4)
    for rank in (0, 1):
        division = cut(whole, "data", "random", parts=4, communicator=Twins(rank))
        assert [part.number for part in division.own] == [2 * rank, 2 * rank + 1]
        for part in division.own:
            its = alone.own[part.number]
            for name, sites in part.owned.sites.items():
                assert torch.equal(sites.points, its.owned.sites[name].points)


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"needs an objective that knows its points.*decomposition='parameters'"
    ):
        cut(closure())
    for objective in (closure(), make("burgers")):
        with pytest.raises(TypeError, match="stages need a PipelineObjective as the objective"):
            cut(objective, "stages")
    with pytest.raises(TypeError, match="points"):
        cut(pipeline("burgers"), "data")
    with pytest.raises(ValueError, match="part 5 of 6 would get no residual"):
        cut(make("burgers", 5), parts=6)
    with pytest.raises(
        ValueError, match="cannot spread 3 layers over 4 parts: use at most 3 parts or the kind"
    ):
        cut(make("burgers"), "parameters", "layers", parts=4)
