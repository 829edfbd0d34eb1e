"""A chain of stages against the undivided network: values, gradients, local objectives, several ranks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from draws import randn, rng
from sapts_pinn.derivatives.taylor import Channels, by_nested_jvp, propagate
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives import least_squares, residual_block
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares, residuals
from sapts_pinn.optim.trust_region import TrustRegion
from sapts_pinn.parallel.communicator import Communicator
from sapts_pinn.pipeline import pipeline_objective as pipeline_module
from sapts_pinn.pipeline.build import build_partly
from sapts_pinn.pipeline.pipeline_objective import PipelineObjective
from sapts_pinn.pipeline.stages import ModelStageChain, StageChain, balance, merge, stage_chain
from sapts_pinn.problems import Coefficient, Initial, Observations, Problem, Sites, build
from thread_ranks import on_ranks


def perturb(parameters: list[Tensor], amount: float = 0.1) -> None:
    """Away from zero biases, where some derivatives vanish."""
    scatter_(parameters, gather(parameters) + amount * randn(sum(p.numel() for p in parameters), seed=9))


def inverse() -> Problem:
    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    return Problem(
        domain=Interval(-1, 1, name="x") * Time(0, 1),
        unknowns="u",
        equation=lambda u, nu, c: u.t + c * u * u.x - nu * u.xx,
        conditions=[
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
            Initial("u", lambda x: -torch.sin(torch.pi * x), hard=False),
        ],
        coefficients=[Coefficient("nu", 0.1), Coefficient("c", 1.3)],
    )


def problem_of(name: str) -> Problem:
    return inverse() if name == "inverse" else build(name)


def embedded(inputs: int, outputs: int) -> nn.Module:
    fourier = FourierFeatures(inputs, 2, 0.5, rng(1))
    return nn.Sequential(nn.Sequential(fourier, nn.Identity()), MLP((4, 5, 4, 3, outputs), "sin"))


NETWORKS: dict[str, Any] = {
    "widths": (6, 5, 4),
    "modified": lambda i, o: ModifiedMLP((i, 4, 4, 4, o)),
    "embedded": embedded,
}
PROBLEMS = ["burgers", "poisson-2d", "allen-cahn", "inverse"]


def network_of(problem: Problem, kind: str = "widths") -> nn.Module:
    counts = len(problem.ansatz.feature_names), len(problem.unknown_names)
    return build_network(NETWORKS[kind], *counts, rng(), torch.float64)


def sites_of(problem: Problem, n: int = 11) -> dict[str, Sites]:
    generator = rng(5)
    return {t.name: t.sites(n, generator, "uniform") for t in problem.terms}


def whole_of(name: str, kind: str = "widths") -> LeastSquares:
    problem = problem_of(name)
    objective = LeastSquares(Model(problem, network_of(problem, kind)), sites_of(problem))
    perturb(objective.parameters)
    return objective


def divided(
    name: str, parts: int, communicator: Communicator | None = None, kind: str = "widths"
) -> PipelineObjective:
    """The same objective divided."""
    whole = whole_of(name, kind)
    chain = ModelStageChain(whole.model.problem, network_of(whole.model.problem, kind), parts, communicator)
    chain.load_state_dict(whole.model.state_dict())
    return PipelineObjective.of_problem(chain, whole.sites)


def close(a: Tensor, b: Tensor) -> bool:
    return float((a - b).norm()) <= 1e-12 * float(b.norm())


# -- cutting ---------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.data())
def test_balance_finds_the_least_largest_part(sizes: list[int], data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, len(sizes)))
    found = balance(sizes, parts)
    assert [i for part in found for i in part] == list(range(len(sizes))) and all(found)

    def every(start: int, left: int) -> Iterator[int]:
        if left == 1:
            yield sum(sizes[start:])
        for end in range(start + 1, len(sizes) - left + 2) if left > 1 else ():
            for rest in every(end, left - 1):
                yield max(sum(sizes[start:end]), rest)

    assert max(sum(sizes[i] for i in part) for part in found) == min(every(0, parts))


def test_stages_are_runs_of_layers_with_their_activations() -> None:
    stages = stage_chain(MLP((2, 8, 8, 8, 1)), 3)
    kinds = [[type(layer).__name__ for layer in stage] for stage in stages]
    assert kinds == [["Linear", "Tanh"], ["Linear", "Tanh"], ["Linear", "Tanh", "Linear"]]
    classifier = nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), nn.Sequential(nn.ReLU(), nn.BatchNorm1d(5)), nn.Linear(5, 3)
    )
    kinds = [[type(layer).__name__ for layer in stage] for stage in stage_chain(classifier, 2)]
    assert kinds == [["Flatten", "Linear", "ReLU"], ["BatchNorm1d", "Linear"]]


@pytest.mark.parametrize(
    "network",
    [MLP((2, 4, 3, 1)), ModifiedMLP((2, 4, 4, 4, 1)), embedded(2, 1)],
    ids=lambda n: type(n).__name__,
)
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_stages_one_after_the_other_are_the_network(network: nn.Module, parts: int) -> None:
    network.double()
    channels = Channels([(0, 0), (0, 1)])
    x, jet = randn(7, 2), randn(len(channels), 7, 2)
    stages = stage_chain(network, parts)
    y, out = x, jet
    for stage in stages:
        assert torch.allclose(
            propagate(stage, out, channels), by_nested_jvp(stage, out, channels), rtol=1e-12, atol=1e-14
        )
        y, out = stage(y), propagate(stage, out, channels)
    assert torch.equal(y, network(x)) and torch.equal(out, propagate(network, jet, channels))
    names = [id(p) for stage in stages for p in stage.parameters()]
    assert names == [id(p) for p in network.parameters()]


def test_what_cannot_be_cut_says_so() -> None:
    with pytest.raises(ValueError, match="MLP cannot be cut into 4 stages: it has 3 layers"):
        stage_chain(MLP((2, 4, 4, 1)), 4)

    class Custom(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1

    with pytest.raises(ValueError, match="Custom cannot be cut into 2 stages: it has 1 layers"):
        stage_chain(Custom(nn.Linear(2, 2), nn.Linear(2, 2)), 2)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    tied[2].weight = tied[0].weight
    with pytest.raises(ValueError, match=r"stages 0 and 1 share a parameter of shape \(3, 3\)"):
        stage_chain(tied, 2)
    assert len(stage_chain(tied, 1)) == 1

    def too_few(communicator: Communicator) -> str:
        with pytest.raises(ValueError, match="too few") as error:
            StageChain(MLP((2, 4, 1)), 1, communicator)
        return str(error.value)

    assert set(on_ranks(2, too_few)) == {"1 stages are too few for 2 ranks; every rank needs one"}


# -- values and gradients --------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_pipeline_is_the_least_squares_loss(name: str, kind: str, parts: int) -> None:
    whole, pipeline = whole_of(name, kind), divided(name, parts, kind=kind)
    assert torch.equal(gather(pipeline.parameters), gather(whole.parameters))
    expected, found = whole.evaluate(), pipeline.evaluate()
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    assert found.terms == pytest.approx(expected.terms, rel=1e-12)
    assert pipeline.last_terms == found.terms
    assert close(found.gradient(), expected.gradient())
    points = whole.sites["equation"].points
    assert torch.allclose(pipeline.predict(points), whole.model(points).detach(), rtol=1e-13, atol=1e-14)
    assert torch.allclose(pipeline.residuals(points), residuals(whole.model, points), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["burgers", "inverse"])
def test_a_gradient_is_that_of_the_evaluation_after_the_parameters_moved(name: str) -> None:
    pipeline = divided(name, 3)
    expected = pipeline.evaluate().gradient()
    evaluation = pipeline.evaluate()
    scatter_(pipeline.parameters, 2 * gather(pipeline.parameters))
    assert torch.equal(evaluation.gradient(), expected)
    assert not torch.equal(pipeline.evaluate().gradient(), expected)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_local_gradients_are_the_blocks_of_the_global_one(name: str, parts: int) -> None:
    pipeline = divided(name, parts)
    evaluation = pipeline.evaluate()
    gradient = evaluation.gradient()
    blocks = gradient.split(pipeline.chain.sizes)
    for s, block in enumerate(blocks):
        local = pipeline.local(s)
        assert [id(p) for p in local.parameters] == [id(p) for p in pipeline.chain.stages[s].parameters()]
        value, found = local.value_and_grad()
        assert close(found, block)
        # Central differences: the value belongs to the gradient.
        theta, v = gather(local.parameters), randn(found.numel(), seed=s)
        ends = []
        for h in (1e-5, -1e-5):
            scatter_(local.parameters, theta + h * v)
            ends.append(local.value())
        scatter_(local.parameters, theta)
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(found.dot(v)), rel=1e-5, abs=1e-8)
    assert value == pytest.approx(evaluation.value, rel=1e-14)  # the last stage's is the true loss


def test_a_local_objective_keeps_what_it_was_made_of() -> None:
    pipeline = divided("poisson-2d", 2)
    with pytest.raises(ValueError, match="call gradient"):
        pipeline.local(0)
    here = pipeline.evaluate()
    expected = here.gradient()
    scatter_(pipeline.parameters, 1.5 * gather(pipeline.parameters))
    there = pipeline.evaluate()
    with pytest.raises(ValueError, match="call gradient"):
        there.local(0)
    there.gradient()
    scatter_(pipeline.parameters, gather(pipeline.parameters) / 1.5)
    first = expected[: pipeline.chain.sizes[0]]
    assert close(here.local(0).evaluate().gradient(), first)
    assert not close(pipeline.local(0).evaluate().gradient(), first)


def test_local_work_counts_by_share() -> None:
    pipeline = divided("burgers", 2)
    pipeline.evaluate().gradient()
    assert (pipeline.counters.functions, pipeline.counters.gradients) == (1, 1)
    sizes = pipeline.chain.sizes
    local = pipeline.local(1)
    evaluation = local.evaluate()
    evaluation.gradient()
    evaluation.gradient()
    local.evaluate()
    assert pipeline.counters.functions == pytest.approx(1 + 2 * sizes[1] / sum(sizes))
    assert pipeline.counters.gradients == pytest.approx(1 + sizes[1] / sum(sizes))


def test_a_trust_region_improves_a_stage() -> None:
    pipeline = divided("poisson-2d", 3)
    before = pipeline.evaluate()
    before.gradient()
    for s in range(3):
        local = pipeline.local(s)
        optimizer = TrustRegion(local.parameters, "identity", radius=1e-3)
        optimizer.step(local)
        assert optimizer.info["accepted"]
    assert pipeline.value() < before.value


def test_a_loss_that_is_not_finite_is_a_value() -> None:
    pipeline = divided("burgers", 2)
    scatter_(pipeline.parameters, 1e300 * gather(pipeline.parameters))
    evaluation = pipeline.evaluate()
    assert not math.isfinite(evaluation.value)
    assert evaluation.gradient().shape == (sum(pipeline.chain.sizes),)


def test_many_points_travel_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = divided("poisson-2d", 2)
    expected, gradient = whole.value_and_grad()
    points = randn(11, 2).sigmoid()
    unknowns, rows = whole.predict(points), whole.residuals(points)
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 4)
    monkeypatch.setattr(least_squares, "BLOCK_POINTS", 4)
    monkeypatch.setattr(pipeline_module, "BLOCK_POINTS", 4)
    pieces = divided("poisson-2d", 2)
    assert len(pieces.micro_batches) > len(whole.micro_batches)
    value, found = pieces.value_and_grad()
    assert value == pytest.approx(expected, rel=1e-13) and close(found, gradient)
    assert close(pieces.predict(points), unknowns) and close(pieces.residuals(points), rows)
    assert close(pieces.local(0).evaluate().gradient(), gradient[: pieces.chain.sizes[0]])


# -- classifiers -----------------------------------------------------------------------------------------


def classifier() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Unflatten(1, (1, 6, 6)),
        nn.Conv2d(1, 3, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(48, 7),
        nn.GELU(),
        nn.LayerNorm(7),
        nn.Linear(7, 4),
    ).double()


LABELS = torch.arange(9) % 4


def cross_entropy(out: Tensor) -> Tensor:
    return nn.functional.cross_entropy(out, LABELS)


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_a_classifier_against_autograd(parts: int) -> None:
    network, inputs = classifier(), randn(9, 36)
    loss = cross_entropy(network(inputs))
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, [*network.parameters()])])
    pipeline = PipelineObjective.of_data(StageChain(network, parts), inputs, cross_entropy)
    evaluation = pipeline.evaluate()
    assert evaluation.value == pytest.approx(loss.item(), rel=1e-14)
    assert close(evaluation.gradient(), expected)
    locals_ = [pipeline.local(s).evaluate().gradient() for s in range(parts)]
    assert close(torch.cat(locals_), expected)
    assert torch.allclose(pipeline.predict(inputs), network(inputs).detach(), rtol=1e-13)
    with pytest.raises(ValueError, match="only a problem"):
        pipeline.residuals(inputs)


def test_tokens_enter_and_running_means_are_buffers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Embedding(11, 5), nn.Flatten(), nn.BatchNorm1d(15), nn.Linear(15, 4)).double()
    tokens = torch.arange(27).reshape(9, 3) % 11
    loss = cross_entropy(network(tokens))
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, [*network.parameters()])])
    pipeline = PipelineObjective.of_data(StageChain(network, 3), tokens, cross_entropy)
    assert len(pipeline.buffers()) == 3
    mean = pipeline.buffers()[0].clone()
    assert close(pipeline.evaluate().gradient(), expected)
    assert not torch.equal(pipeline.buffers()[0], mean)


# -- several ranks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parts", "ranks"), [(2, 2), (3, 2), (4, 4)])
@pytest.mark.parametrize("kind", NETWORKS)
def test_stages_on_ranks_are_stages_in_one_process(kind: str, parts: int, ranks: int) -> None:
    alone = divided("burgers", parts, kind=kind)
    points = alone.micro_batches[0].inputs.new_tensor([[0.1, 0.2], [-0.5, 0.9]])

    def work(communicator: Communicator) -> Any:
        pipeline = divided("burgers", parts, communicator, kind)
        evaluation = pipeline.evaluate()
        gradient = evaluation.gradient()
        locals_ = [pipeline.local(s).evaluate().gradient() for s in pipeline.chain.owned]
        norm = communicator.dot(gradient, gradient) ** 0.5
        rest = pipeline.predict(points), pipeline.residuals(points), pipeline.chain.state_dict()
        return evaluation.value, evaluation.terms, gradient, torch.cat(locals_), norm, *rest

    values, terms, gradients, locals_, norms, predictions, rows, shards = zip(
        *on_ranks(ranks, work), strict=True
    )
    evaluation = alone.evaluate()
    expected = evaluation.gradient()
    assert set(values) == {evaluation.value} and all(t == evaluation.terms for t in terms)
    assert torch.equal(torch.cat(gradients), expected)
    assert close(torch.cat(locals_), expected)
    assert norms == pytest.approx([float(expected.norm())] * ranks, rel=1e-14)
    for prediction, row in zip(predictions, rows, strict=True):
        assert torch.equal(prediction, alone.predict(points)) and torch.equal(row, alone.residuals(points))
    # The shards are disjoint and together the model that one process has.
    assert sum(len(shard) for shard in shards) == len(merge(shards))
    whole = whole_of("burgers", kind)
    model = Model(whole.model.problem, network_of(whole.model.problem, kind))
    model.load_state_dict(merge(shards))
    assert torch.equal(gather([*model.parameters()]), gather(alone.parameters))


def test_coefficients_are_the_last_ranks() -> None:
    alone = divided("inverse", 2)

    def work(communicator: Communicator) -> Any:
        pipeline = divided("inverse", 2, communicator)
        assert pipeline.chain.sizes == alone.chain.sizes
        assert pipeline.chain.memory()[1] == alone.chain.memory()[1]
        assert isinstance(pipeline.chain, ModelStageChain)
        assert pipeline.chain.coefficients() == told
        return pipeline.evaluate().gradient(), pipeline.chain.state_dict()

    assert isinstance(alone.chain, ModelStageChain)
    told = alone.chain.coefficients()
    assert told == alone.chain.part.values() and len(told) == 2
    (first, low), (last, high) = on_ranks(2, work)
    assert torch.equal(torch.cat([first, last]), alone.evaluate().gradient())
    assert not any(name.startswith("coefficients") for name in low) and "coefficients.nu" in high
    assert bool((last[-2:] != 0).all())


def test_a_classifier_on_ranks() -> None:
    inputs = randn(9, 36)
    alone = PipelineObjective.of_data(StageChain(classifier(), 3), inputs, cross_entropy)
    networks = [classifier() for _ in range(3)]  # made here: the seed is the process's

    def work(communicator: Communicator) -> Any:
        chain = StageChain(networks[communicator.rank], 3, communicator)
        # Beyond the first rank only the shape counts.
        pipeline = PipelineObjective.of_data(chain, inputs if chain.first else inputs * 0, cross_entropy)
        return pipeline.evaluate().gradient(), pipeline.predict(inputs)

    gradients, predictions = zip(*on_ranks(3, work), strict=True)
    assert torch.equal(torch.cat(gradients), alone.evaluate().gradient())
    assert all(torch.equal(p, alone.predict(inputs)) for p in predictions)


@pytest.mark.parametrize("kind", NETWORKS)
def test_ranks_start_with_what_one_process_gets(kind: str) -> None:
    generator = rng(4)
    whole = build_network(NETWORKS[kind], 2, 1, generator, torch.float64)

    def work(communicator: Communicator) -> Any:
        own = rng(4)
        network = build_partly(NETWORKS[kind], 2, 1, own, torch.float64, parts=4, communicator=communicator)
        assert torch.equal(own.get_state(), generator.get_state())
        return StageChain(network, 4, communicator).state_dict()

    shards = on_ranks(2, work)
    state = merge(shards)
    assert state.keys() == whole.state_dict().keys() and all(len(shard) < len(state) for shard in shards)
    assert all(torch.equal(state[name], t) for name, t in whole.state_dict().items())


def test_at_most_one_foreign_layer_is_held_while_building(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is allocated that is larger than a layer, beside the rank's own."""
    sizes: list[int] = []
    draw = torch.randn

    def watched(*args: Any, **kwargs: Any) -> Tensor:
        out = draw(*args, **kwargs)
        sizes.append(out.numel())
        return out

    monkeypatch.setattr(torch, "randn", watched)

    def work(communicator: Communicator) -> Any:
        network = build_partly((32,) * 5, 2, 1, rng(), torch.float64, parts=3, communicator=communicator)
        return sum(p.numel() for p in network.parameters() if p.device.type != "meta")

    held = on_ranks(3, work)
    assert max(sizes) == 32 * 32
    assert sum(held) == sum(p.numel() for p in MLP((2, *(32,) * 5, 1)).parameters())


def test_a_state_of_something_else_is_refused() -> None:
    pipeline = divided("burgers", 2)
    with pytest.raises(ValueError, match=r"the state has nothing for network.0.weight of shape"):
        pipeline.chain.load_state_dict({})


def test_single_precision() -> None:
    problem = problem_of("burgers")
    network = build_network((6, 5), 2, 1, rng(), torch.float32)
    pipeline = PipelineObjective.of_problem(ModelStageChain(problem, network, 2), sites_of(problem))
    value, gradient = pipeline.value_and_grad()
    reference = LeastSquares(Model(problem, network), sites_of(problem))
    assert value == pytest.approx(reference.value(), rel=1e-5)
    assert gradient.dtype == torch.float32
    assert torch.allclose(gradient, reference.value_and_grad()[1], rtol=1e-3, atol=1e-4)
