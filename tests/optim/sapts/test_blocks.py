"""Blocks of parameters as subdomains of SAPTS: all parameters, each once, with f itself in them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from draws import randn, rng
from sapts_pinn.errors import InputError
from sapts_pinn.kernels import build as kernels
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives.flat import gather
from sapts_pinn.optim import SAPTS, Sweep
from sapts_pinn.optim.sapts.blocks import (
    PARAMETER_KINDS,
    BlockSubdomain,
    ParameterDecomposition,
    parameter_parts,
)
from sapts_pinn.optim.sapts.decomposition import Cut
from sapts_pinn.parallel.communicator import SingleProcess
from sapts_runs import closure_of, pinn, rosenbrock
from subdomains import PROBLEMS, centred, check_slopes, closure, cut, make, relative


@pytest.mark.parametrize("order", ["additive", "multiplicative"])
@pytest.mark.parametrize("curvature", ["lbfgs", "lsr1", "ssbroyden"])
@pytest.mark.parametrize("pooled", [True, pytest.param(False, marks=pytest.mark.slow)])
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


# -- property 2: consistency ---------------------------------------------------------------------------------


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


@pytest.fixture(params=["0", "1"])
def compiled(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Without the compiled kernels, and with them; later tests find what they would have found."""
    monkeypatch.setenv("SAPTS_PINN_COMPILED", request.param)
    kernels.load.cache_clear()
    yield
    kernels.load.cache_clear()


def test_the_jacobian_of_a_block_computes_no_other_columns(compiled: None) -> None:
    """Nowhere is there an array as large as all columns would be."""
    objective = make("burgers", 400, hidden=(30, 30))
    division = cut(objective, "parameters", "layers")
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


def sizes_of(network: nn.Module, parts: int, kind: str, named: bool = False) -> list[int]:
    names = [name for name, _ in network.named_parameters()] if named else None
    found = parameter_parts(list(network.parameters()), parts, kind, names)
    n = sum(p.numel() for p in network.parameters())
    assert len(found) == parts and all((own.diff() > 0).all() for own in found)
    assert torch.equal(torch.cat(found).sort().values, torch.arange(n))
    return [len(own) for own in found]


@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    kind=st.sampled_from(PARAMETER_KINDS),
    parts=st.integers(1, 12),
    named=st.booleans(),
)
@settings(max_examples=150)
def test_parts_of_the_parameters_are_all_of_them(
    widths: list[int], kind: str, parts: int, named: bool
) -> None:
    network = MLP(widths)
    layers = len(widths) - 1
    count = {"layers": layers, "tensors": 2 * layers, "neurons": sum(widths[1:])}[kind]
    if parts > count:
        with pytest.raises(ValueError, match=f"cannot spread {count} {kind} over {parts} parts: use at most"):
            sizes_of(network, parts, kind, named)
        return
    sizes = sizes_of(network, parts, kind, named)
    assert min(sizes) > 0
    if kind == "neurons":
        assert max(sizes) - min(sizes) <= max(widths[:-1]) + 1
    if kind == "tensors":
        assert max(sizes) - min(sizes) <= max(p.numel() for p in network.parameters())


@given(sizes=st.lists(st.integers(1, 20), min_size=1, max_size=8), parts=st.integers(1, 8))
@settings(max_examples=100)
def test_layers_in_a_row_have_the_smallest_largest_part(sizes: list[int], parts: int) -> None:
    parts = min(parts, len(sizes))
    found = parameter_parts([torch.zeros(1, size) for size in sizes], parts, "layers")
    cuts = itertools.combinations(range(1, len(sizes)), parts - 1)
    best = min(max(sum(sizes[i:j]) for i, j in itertools.pairwise((0, *c, len(sizes)))) for c in cuts)
    assert max(map(len, found)) == best
    assert torch.equal(torch.cat(found), torch.arange(sum(sizes)))  # in a row


def test_neurons_are_rows_with_their_bias_from_every_layer() -> None:
    network = MLP((2, 4, 6, 1))
    tensors = list(network.parameters())
    owner = torch.empty(sum(p.numel() for p in tensors))
    for d, own in enumerate(parameter_parts(tensors, 2, "neurons")):
        owner[own] = d
    pieces = [o.view_as(p) for o, p in zip(owner.split([p.numel() for p in tensors]), tensors, strict=True)]
    for weight, bias in zip(pieces[::2], pieces[1::2], strict=True):
        assert torch.equal(weight, bias[:, None].expand_as(weight))
    assert [int(bias.sum()) for bias in pieces[1:4:2]] == [2, 3]


def test_neurons_of_every_layer_are_spread_evenly() -> None:
    """The long rows do not leave the short ones of the first layer to some parts only."""
    tensors = list(MLP((2, 20, 20, 1)).parameters())
    for own in parameter_parts(tensors, 4, "neurons"):
        assert int((own < 40).sum()) == 10  # weights of the first layer
    assert sizes_of(MLP((2, 20, 20, 1)), 20, "neurons") == [24 + 21] + [24] * 19


def test_layers_by_name_or_by_shape() -> None:
    """A norm is a layer of its own by name, and joins the one before by shape."""
    network = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    assert sizes_of(network, 2, "layers") == [24, 10]
    assert sizes_of(network, 3, "layers", named=True) == [16, 8, 10]
    assert sizes_of(network, 2, "neurons", named=True) == [17, 17]
    assert sizes_of(nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 2, 3)), 2, "neurons") == [75, 75]
    assert sizes_of(ModifiedMLP((2, 4, 4, 1)), 5, "layers", named=True) == [12, 12, 12, 20, 5]


def test_coefficients_belong_to_a_part() -> None:
    tensors = [*MLP((2, 3, 1)).parameters(), torch.tensor(0.1), torch.tensor(0.2)]
    for kind in PARAMETER_KINDS:
        found = parameter_parts(tensors, 2, kind)
        assert torch.equal(torch.cat(found).sort().values, torch.arange(len(gather(tensors))))


def test_bad_decompositions_of_the_parameters_are_refused() -> None:
    tensors = list(MLP((2, 3, 1)).parameters())
    with pytest.raises(ValueError, match=r"unknown .* 'rows'; choose one of layers, tensors, neurons"):
        parameter_parts(tensors, 2, "rows")
    with pytest.raises(ValueError, match="parts must be at least 1, not 0"):
        parameter_parts(tensors, 0, "layers")
    with pytest.raises(ValueError, match="2 layers over 3 parts: use at most 2 parts or the kind 'neurons'"):
        parameter_parts(tensors, 3, "layers")
    with pytest.raises(ValueError, match=r"4 neurons over 5 parts: use at most 4 parts$"):
        parameter_parts(tensors, 5, "neurons")
    with pytest.raises(ValueError, match="4 parameters but 1 names"):
        parameter_parts(tensors, 2, "layers", ["weight"])


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_the_whole_is_summed_in_pieces_of_the_points(pieces: int) -> None:
    objective = pinn()
    cut = Cut(2, "layers", 0.0, True, True, rng(), SingleProcess(), pieces)
    whole = ParameterDecomposition().divide(objective, cut).whole
    assert (whole is objective) == (pieces < 2)
    (value, slopes), (expected, gradient) = whole.value_and_grad(), objective.value_and_grad()
    assert value == pytest.approx(expected, rel=1e-14)
    assert float((slopes - gradient).norm()) <= 1e-13 * float(gradient.norm())


def test_pieces_that_ranks_cannot_share_evenly_are_refused() -> None:
    ranks = SingleProcess()
    ranks.size = 2
    cut = Cut(2, "layers", 0.0, True, True, rng(), ranks, 3)
    with pytest.raises(InputError, match="pieces must be a multiple of the number of ranks, 2, not 3"):
        ParameterDecomposition().divide(pinn(), cut)
