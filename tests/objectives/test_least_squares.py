"""Objectives against an oracle that differentiates the whole model by nested reverse mode."""

import math
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from draws import randn
from sapts_pinn.derivatives.activations import Sine
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.kernels import load, network
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives import least_squares as module
from sapts_pinn.objectives import residual_block
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import (
    LeastSquares,
    LeastSquaresEvaluation,
    jacobian_cost,
    residuals,
)
from sapts_pinn.problems import (
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Sites,
    build,
)
from sapts_pinn.problems.fields import Field

pi = math.pi
BAR = Interval(-1, 1, name="x") * Time(0, 1)


def soft() -> Problem:
    return Problem(
        domain=BAR,
        unknowns="u",
        equation=lambda u: u.t + u * u.x - 0.1 * u.xx,
        conditions=[
            Dirichlet("u", 0.0, on="x=-1", hard=False, weight=3.0),
            Neumann("u", 0.2, on="x=1", hard=False),
            Initial("u", lambda x: -torch.sin(pi * x), hard=False),
        ],
    )


def periodic() -> Problem:
    return Problem(
        domain=BAR,
        unknowns="u",
        equation=lambda u: u.t + u.x,
        conditions=[Periodic("x", hard=False), Initial("u", lambda x: torch.sin(pi * x))],
    )


def system() -> Problem:
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns=("u", "v"),
        equation=lambda u, v, x: (u.x - v.y * v, u.y + v.x - x, u.xy * v),
        conditions=[Dirichlet("u", 1.0, hard=False), Dirichlet("v", lambda x, y: x * y)],
    )


def inverse() -> Problem:
    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    return Problem(
        domain=BAR,
        unknowns="u",
        equation=lambda u, nu, c: u.t + c * u * u.x - nu * u.xx,
        conditions=[
            Observations("u", {"x": x, "t": 0.5 + 0 * x}, torch.sin(x)),
            Initial("u", lambda x: -torch.sin(pi * x)),
        ],
        coefficients=[Coefficient("nu", 0.1), Coefficient("c", 1.3)],
    )


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "hard": lambda: build("poisson-2d"),
    "soft": soft,
    "periodic": periodic,
    "system": system,
    "inverse": inverse,
}
NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "mlp": lambda i, o: MLP((i, 5, 4, o)),
    "sequential": lambda i, o: nn.Sequential(
        nn.Linear(i, 5), nn.Sequential(nn.Tanh(), nn.Linear(5, 4)), Sine(), nn.Linear(4, o)
    ),
    "modified": lambda i, o: ModifiedMLP((i, 4, 4, o), "sin"),
    "fourier": lambda i, o: nn.Sequential(
        FourierFeatures(i, 2, 0.5, torch.Generator().manual_seed(1)), MLP((4, 4, o))
    ),
}
KINDS = ["mlp", "mlp-uncompiled", "sequential", "modified", "modified-uncompiled", "fourier"]


def make(
    name: str, kind: str = "mlp", n: int = 13, monkeypatch: pytest.MonkeyPatch | None = None
) -> LeastSquares:
    if kind.endswith("-uncompiled"):
        assert monkeypatch is not None
        monkeypatch.setattr(network, "why_not_loaded", lambda single: "there is no C compiler")
    problem = PROBLEMS[name]()
    net = NETWORKS[kind.removesuffix("-uncompiled")](
        len(problem.ansatz.feature_names), len(problem.unknown_names)
    ).double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(0.6 * randn(*p.shape, seed=i))
    generator = torch.Generator().manual_seed(5)
    sites = {t.name: t.sites(n, generator, "uniform") for t in problem.terms}
    return LeastSquares(Model(problem, net), sites)


def oracle(objective: LeastSquares) -> Callable[[Tensor], Tensor]:
    """The residual vector as a function of theta: nothing of taylor.py, of Location or of the kernel."""
    model, problem = objective.model, objective.model.problem
    names = [name for name, p in model.network.named_parameters() if p.requires_grad]

    def residual(theta: Tensor) -> Tensor:
        pieces = theta.split([p.numel() for p in objective.parameters])
        shaped = [piece.view(p.shape) for piece, p in zip(pieces, objective.parameters, strict=True)]
        weights, known = (
            dict(zip(names, shaped, strict=False)),
            dict(zip(model.coefficients, shaped[len(names) :], strict=True)),
        )
        rows = []
        for term in problem.terms:
            sites = objective.sites[term.name]
            x = sites.points.clone().requires_grad_()
            features = problem.ansatz.features(x)
            out = torch.func.functional_call(model.network, weights, (features,))
            fields = {}
            for j, name in enumerate(problem.unknown_names):
                value, factor = problem.natural.unknowns[name] * out[:, j], problem.ansatz.factor[name]
                extension = problem.ansatz.extension[name]
                value = value if factor is None else factor(x) * value
                value = value if extension is None else extension(x) + value

                def channels(index: tuple[int, ...], value: Tensor = value, x: Tensor = x) -> Tensor:
                    for axis in index:
                        grad = torch.autograd.grad(value.sum(), x, create_graph=True, materialize_grads=True)
                        value = grad[0][:, axis]
                    return value

                fields[name] = Field(name, problem.domain.names, channels)
            scale = math.sqrt(term.weight / objective.counts[term.name])
            found = term.residual(fields, sites, known)
            rows += [scale * r / unit for r, unit in zip(found, term.units, strict=True)]
        return torch.cat(rows)

    return residual


def assert_close(found: Tensor, exact: Tensor, tolerance: float = 1e-12) -> None:
    assert found.shape == exact.shape
    assert float((found - exact).abs().max()) <= tolerance * max(1e-300, float(exact.abs().max()))


# -- value, gradient, residual, Jacobian ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_everything_against_the_oracle(name, kind, monkeypatch):
    objective = make(name, kind, monkeypatch=monkeypatch)
    compiled = load() is not None and not kind.endswith("uncompiled")
    assert objective.compiled == compiled == all(piece.points is not None for piece in objective.blocks)
    theta, residual = gather(objective.parameters), oracle(objective)
    r = residual(theta).detach()
    J = torch.autograd.functional.jacobian(residual, theta)
    look = objective.evaluate()
    v, u = randn(len(theta), seed=8), randn(len(r), seed=9)
    assert look.value == pytest.approx(0.5 * float(r @ r), rel=1e-13)
    assert_close(look.residual(), r)
    assert_close(look.gradient(), J.T @ r)
    assert_close(look.jacobian(), J)
    assert_close(look.jvp(v), J @ v)
    assert_close(look.vjp(u), J.T @ u)
    assert sum(look.terms.values()) == look.value
    assert set(look.terms) == set(objective.last_terms) == {t.name for t in objective.model.problem.terms}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_chosen_columns_of_the_jacobian_are_those_of_all(name, kind, monkeypatch):
    """Of the first and the last parameters, of single ones, in any order, of none."""
    look = make(name, kind, monkeypatch=monkeypatch).evaluate()
    J, n = look.jacobian(), look.size
    random = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    for indices in (torch.arange(n), random, random[:7], torch.arange(4), torch.tensor([n - 1, 2])):
        assert_close(look.columns(indices), J[:, indices])
    assert look.columns(random[:0]).shape == (look.rows, 0)


@pytest.mark.parametrize("name", ["soft", "inverse"])
def test_central_differences(name):
    objective = make(name)
    theta = gather(objective.parameters)
    value, gradient = objective.value_and_grad()
    for seed in range(3):
        d = randn(len(theta), seed=20 + seed)
        h = 1e-4
        values = []
        for t in (-2 * h, -h, h, 2 * h):
            scatter_(objective.parameters, theta + t * d)
            values.append(objective.value())
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        assert slope == pytest.approx(float(gradient @ d), rel=1e-8)
    scatter_(objective.parameters, theta)
    assert objective.value() == value


def test_products_agree_with_torch_func():
    """The stacked residual by `torch.func`, through the Taylor rules and the ansatz."""
    objective = make("soft")
    theta, look = gather(objective.parameters), objective.evaluate()

    def residual(theta: Tensor) -> Tensor:
        return torch.cat([p.residual_of(p._network(theta), {}).reshape(-1) for p in objective.blocks])

    J = torch.func.jacrev(residual)(theta)
    assert_close(look.jacobian(), J)
    assert_close(look.jacobian(), torch.func.jacfwd(residual)(theta))
    assert_close(look.gradient(), torch.func.grad(lambda t: 0.5 * residual(t).square().sum())(theta))


def test_an_evaluation_speaks_of_the_point_where_it_was_made(monkeypatch):
    for kind in ("mlp", "mlp-uncompiled"):
        objective = make("inverse", kind, monkeypatch=monkeypatch)
        theta = gather(objective.parameters)
        fresh = objective.evaluate()
        v, u = randn(len(theta)), randn(len(fresh.residual()))
        exact = (fresh.gradient(), fresh.jacobian(), fresh.jvp(v), fresh.vjp(u))
        old = objective.evaluate()
        scatter_(objective.parameters, theta + 0.1 * randn(len(theta), seed=3))
        objective.evaluate().gradient()
        for a, b in zip((old.gradient(), old.jacobian(), old.jvp(v), old.vjp(u)), exact, strict=True):
            assert_close(a, b, 1e-15)


@pytest.mark.parametrize("kind", ["mlp", "modified"])
def test_frozen_parameters_leave_the_rest_as_it_was(kind):
    objective = make("inverse", kind)
    look = objective.evaluate()
    J, g, names = look.jacobian(), look.gradient(), [n for n, _ in objective.model.named_parameters()]
    keep = []
    for name, p in objective.model.named_parameters():
        frozen = name in (names[0], names[3], "coefficients.nu")
        keep += [not frozen] * p.numel()
        p.requires_grad_(not frozen)
    part = LeastSquares(objective.model, objective.sites)
    look, chosen = part.evaluate(), torch.tensor(keep)
    assert_close(look.gradient(), g[chosen])
    assert_close(look.jacobian(), J[:, chosen])
    v = randn(int(chosen.sum()))
    assert_close(look.jvp(v), J[:, chosen] @ v)


def test_single_precision():
    objective = make("soft")
    value, gradient = objective.value_and_grad()
    single = LeastSquares(Model(objective.model.problem, objective.model.network.float()), objective.sites)
    other, its = single.value_and_grad()
    assert its.dtype == torch.float32
    assert other == pytest.approx(value, rel=1e-5)
    assert_close(its.double(), gradient, 1e-4)


def test_a_changed_mlp_is_not_left_to_the_kernel():
    objective = make("soft")
    objective.model.network[1] = nn.Softsign()
    value, _ = (again := LeastSquares(objective.model, objective.sites)).value_and_grad()
    r = oracle(again)(gather(again.parameters))
    assert again.blocks[0].points is None
    assert value == pytest.approx(0.5 * float(r.detach() @ r.detach()), rel=1e-13)


def test_a_slow_path_is_told_once(monkeypatch, caplog):
    objective = make("soft", "mlp-uncompiled", monkeypatch=monkeypatch)
    sentence = "the network runs in PyTorch, more slowly than in the compiled kernel: there is no C compiler"
    assert objective.slow_path == sentence and not objective.compiled
    with caplog.at_level("WARNING", logger="sapts_pinn"):
        objective.evaluate()
        objective.restrict({"equation": torch.arange(3)}).evaluate()
        objective.copy().evaluate()
    assert [(r.name, r.getMessage()) for r in caplog.records] == [("sapts_pinn", sentence)]
    caplog.clear()
    make("soft", "mlp-uncompiled", monkeypatch=monkeypatch).evaluate()
    assert len(caplog.records) == 1


def test_a_slow_path_names_the_layer(monkeypatch, caplog):
    monkeypatch.setattr(network, "why_not_loaded", lambda single: None)
    objective = make("soft")
    assert objective.slow_path is None and objective.compiled
    model = objective.model
    model.network[1] = nn.Softsign()
    changed = LeastSquares(model, objective.sites)
    assert changed.slow_path is not None and "does not know layer 1 (Softsign)" in changed.slow_path
    model.network[1] = nn.Tanh()
    model.network[0].bias.requires_grad_(False)
    frozen = LeastSquares(model, objective.sites)
    assert (
        frozen.slow_path is not None and "some parameters of the network are not trained" in frozen.slow_path
    )


def test_nothing_is_printed_of_a_slow_path():
    script = """
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import build
import torch
problem, generator = build("poisson-2d"), torch.Generator().manual_seed(0)
sites = {t.name: t.sites(20, generator, "uniform") for t in problem.terms}
objective = LeastSquares(Model(problem, MLP((len(problem.ansatz.feature_names), 4, 1))), sites)
objective.evaluate()
assert "SAPTS_PINN_COMPILED=0" in objective.slow_path
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "SAPTS_PINN_COMPILED": "0"},
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_parameters_give_a_bad_value_and_no_exception(bad, monkeypatch):
    for kind in KINDS:
        objective = make("soft", kind, monkeypatch=monkeypatch)
        theta = gather(objective.parameters)
        theta[-2] = bad
        scatter_(objective.parameters, theta)
        look = objective.evaluate()
        assert not math.isfinite(look.value)
        assert not torch.isfinite(look.gradient()).all()
        monkeypatch.undo()


# -- parts ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.sampled_from(list(PROBLEMS)), st.integers(1, 4), st.integers(0, 99))
def test_parts_add_up_to_the_whole(name, parts, seed):
    """Property 1, with any partition of the residuals of every term."""
    objective = make(name, n=20)
    generator = torch.Generator().manual_seed(seed)
    owner = {
        term: torch.randint(parts, (s.points.shape[0] // s.fold,), generator=generator)
        for term, s in objective.sites.items()
    }
    values, gradients, terms = [], [], dict.fromkeys(objective.sites, 0.0)
    for d in range(parts):
        part = {term: (who == d).nonzero()[:, 0] for term, who in owner.items()}
        if not any(len(index) for index in part.values()):
            continue
        look = objective.restrict(part).evaluate()
        values.append(look.value)
        gradients.append(look.gradient())
        for term, value in look.terms.items():
            terms[term] += value
    whole = objective.evaluate()
    assert math.fsum(values) == pytest.approx(whole.value, rel=1e-14)
    assert_close(torch.stack(gradients).sum(0), whole.gradient(), 1e-14)
    for term, value in whole.terms.items():
        assert terms[term] == pytest.approx(value, rel=1e-14)


def test_parts_of_parts_and_their_share_of_the_work():
    objective = make("soft", n=20)
    half = objective.restrict({name: torch.arange(10) for name in objective.sites})
    quarter = half.restrict({name: torch.arange(5) for name in half.sites})
    assert quarter.counts == objective.counts and quarter.counters is objective.counters
    assert (half.share, quarter.share) == (0.5, 0.25)
    quarter.value_and_grad()
    assert (objective.counters.functions, objective.counters.gradients) == (0.25, 0.25)
    assert_close(quarter.evaluate().residual().view(4, 5), objective.evaluate().residual().view(4, 20)[:, :5])


def test_an_empty_objective_is_refused():
    objective = make("soft")
    with pytest.raises(ValueError, match="no points"):
        objective.restrict({"equation": torch.arange(0)})


# -- memory, counters, closures ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "mlp-uncompiled"])
@pytest.mark.parametrize("name", ["soft", "periodic", "inverse"])
def test_streaming_changes_nothing_but_the_memory(name, kind, monkeypatch):
    objective = make(name, kind, n=150, monkeypatch=monkeypatch)
    look = objective.evaluate()
    v, u = randn(len(look.theta)), randn(len(look.residual()))
    exact = (look.gradient(), look.residual(), look.jacobian(), look.jvp(v), look.vjp(u))
    monkeypatch.setattr(residual_block, "BLOCK_POINTS", 64)
    monkeypatch.setattr(module, "TAPE_LIMIT", 0)
    streamed = LeastSquares(objective.model, objective.sites)
    assert len(streamed.blocks) > len(objective.blocks)
    other = streamed.evaluate()
    assert other.value == pytest.approx(look.value, rel=1e-14)
    found = (other.gradient(), other.residual(), other.jacobian(), other.jvp(v), other.vjp(u))
    for a, b in zip(found, exact, strict=True):
        assert_close(a, b, 1e-13)
    for piece in streamed.blocks:  # whatever was asked, nothing is kept
        assert piece._graph is None and (piece.points is None or piece.points._tape is None)
    # With the value, the product, and the Jacobian, which costs more.
    points = sum(r.shape[-1] for r in other._rows)
    expected = 2 + jacobian_cost(other.rows / points, 1.0)
    assert streamed.counters.gradients == pytest.approx(expected)


def test_counters():
    objective = make("soft")
    look = objective.evaluate()
    assert (objective.counters.functions, objective.counters.gradients) == (1, 0)
    look.gradient()
    look.gradient()
    assert (objective.counters.functions, objective.counters.gradients) == (1, 1)
    look.jacobian()
    look.jvp(torch.zeros_like(look.theta))
    assert (objective.counters.functions, objective.counters.gradients) == (2, 5)
    look.columns(torch.arange(len(look.theta) // 2))
    assert objective.counters.gradients == pytest.approx(7, abs=0.1)


def test_an_objective_is_a_closure():
    objective = make("soft")
    value, gradient = objective.value_and_grad()
    loss = objective()
    assert loss.shape == () and float(loss) == value
    assert torch.equal(torch.cat([p.grad.reshape(-1) for p in objective.parameters]), gradient)


def test_closure_objective():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    extra = nn.Parameter(torch.ones(2, dtype=torch.float64))  # the loss does not depend on it
    table = nn.Embedding(5, 3, sparse=True).double()
    parameters = [*net.parameters(), extra, *table.parameters()]

    def closure() -> Tensor:
        for p in parameters:
            p.grad = None
        loss = net(table(torch.tensor([0, 1, 1, 3]))).square().mean()
        loss.backward()
        return loss

    objective = ClosureObjective(closure, iter(parameters), net)
    with torch.no_grad():
        value, gradient = objective.value_and_grad()
    assert value == float(closure().detach())
    assert gradient.shape == (sum(p.numel() for p in parameters),)
    assert not gradient[-17:-15].any() and gradient[-15:].any()
    assert [b.data_ptr() for b in objective.buffers()] == [b.data_ptr() for b in net.buffers()]
    assert ClosureObjective(closure, parameters).buffers() == []
    assert (objective.counters.functions, objective.counters.gradients) == (1, 1)


def test_residuals_anywhere(monkeypatch):
    objective = make("system")
    x = objective.model.problem.domain.interior(50, torch.Generator().manual_seed(2))
    whole = LeastSquares(objective.model, {"equation": Sites(x)})
    units = objective.model.problem.terms[0].row_units
    exact = whole.evaluate().residual().view(3, 50) * math.sqrt(50) * units  # in the user's units
    assert_close(residuals(objective.model, x), exact, 1e-14)
    monkeypatch.setattr(module, "BLOCK_POINTS", 16)
    assert_close(residuals(objective.model, x), exact, 1e-14)


def test_a_look_belongs_to_least_squares():
    assert isinstance(make("soft").evaluate(), LeastSquaresEvaluation)


def test_only_sums_over_points_are_separable():
    objective = make("soft")
    assert objective.separable() is objective and not objective.collective
    closure = ClosureObjective(lambda: 0.0, objective.parameters)
    assert closure.separable() is None and closure.last_terms == {}
    assert not closure.compiled and closure.slow_path is None
