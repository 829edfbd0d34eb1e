"""The compiled kernel against the PyTorch path, and life without a compiler."""

import os
import subprocess
import sys
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sapts_pinn.derivatives.taylor import Channels, propagate
from sapts_pinn.kernels import Batch, CompiledMLP, load
from sapts_pinn.kernels.build import cache_folder
from sapts_pinn.networks.mlp import ACTIVATION_NAMES, MLP

compiled = pytest.mark.skipif(load() is None, reason="no C compiler on this machine")
BLOCK = 32  # points, in float64

ALL = [i for k in range(5) for i in combinations_with_replacement(range(2), k)]
CHANNELS = {
    "value": [()],
    "gradient": [(0,), (1,)],
    "heat": [(0, 0), (1,)],
    "mixed": [(0, 1), (2, 2)],
    "third": [(0, 0, 1), (1, 1, 1)],
    "fourth": [(0, 0, 1, 1)],
    "all": ALL,
}


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(widths: tuple[int, ...], activation: str, scale: float = 0.6) -> MLP:
    net = MLP(widths, activation).double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(scale * randn(*p.shape, seed=i))
    return net


class Case:
    """A network, its inputs and cotangents, and both ways to differentiate it."""

    def __init__(
        self, widths, activation, wanted, n, threads=1, dtype=torch.float64, scale=0.6, net=None
    ) -> None:
        self.net = net or network(widths, activation, scale)
        self.channels = Channels(wanted)
        inputs = randn(len(self.channels), n, widths[0], seed=77)  # any bundle, no mere coordinates
        self.inputs = inputs
        self.cotangent = randn(len(self.channels), widths[-1], n, seed=78)
        self.theta = torch.cat([p.detach().reshape(-1) for p in self.net.parameters()]).to(dtype)
        kernel = CompiledMLP(widths, activation, self.channels.chain, self.channels.order, dtype, threads)
        self.batch = Batch(kernel, inputs)

    def exact(self) -> tuple[Tensor, Tensor]:
        out = propagate(self.net, self.inputs, self.channels).transpose(1, 2)
        grads = torch.autograd.grad((out * self.cotangent).sum(), list(self.net.parameters()))
        return out.detach(), torch.cat([g.reshape(-1) for g in grads])

    def found(self) -> tuple[Tensor, Tensor, Tensor]:
        out = self.batch.forward(self.theta)
        cotangent = self.cotangent.to(out)
        return out, self.batch.reverse(self.theta, cotangent), self.batch.jacobian(self.theta, cotangent)


def assert_close(found: Tensor, exact: Tensor, tolerance: float = 1e-12) -> None:
    assert found.shape == exact.shape
    assert float((found.double() - exact).abs().max()) <= tolerance * max(1.0, float(exact.abs().max()))


def compare(case: Case, tolerance: float = 1e-12) -> None:
    out, gradient = case.exact()
    value, reverse, jacobian = case.found()
    assert_close(value, out, tolerance)
    assert_close(reverse, gradient, tolerance)
    assert_close(jacobian.sum(1), gradient, tolerance)


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("wanted", CHANNELS)
def test_every_activation_and_channel_set(activation, wanted):
    dimensions = 1 + max((i for index in CHANNELS[wanted] for i in index), default=0)
    compare(Case((dimensions, 6, 5, 2), activation, CHANNELS[wanted], 40))


@compiled
@pytest.mark.parametrize(
    "widths",
    [
        (1, 1),
        (2, 3),
        (1, 1, 1),
        (2, 3, 1),
        (3, 5, 5, 2),
        (2, 17, 1),
        (1, 17, 3, 5, 1),
        (5, 4, 8, 12, 4),
        (9, 2, 9),
    ],
)
def test_widths(widths):
    compare(Case(widths, "tanh", [(0, 0)], 45))


@compiled
@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 400])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_point_counts_and_threads(n, threads):
    compare(Case((2, 7, 5, 1), "tanh", [(0, 0), (1,)], n, threads))


@compiled
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_jacobian_column_by_column(activation):
    case = Case((2, 5, 3, 2), activation, CHANNELS["third"], BLOCK + 2)
    *_, jacobian = case.found()
    for point in (0, 5, BLOCK - 1, BLOCK, BLOCK + 1):
        only = torch.zeros_like(case.cotangent)
        only[:, :, point] = case.cotangent[:, :, point]
        out = propagate(case.net, case.inputs, case.channels).transpose(1, 2)
        grads = torch.autograd.grad((out * only).sum(), list(case.net.parameters()))
        assert_close(jacobian[:, point], torch.cat([g.reshape(-1) for g in grads]))


@compiled
@pytest.mark.parametrize("widths", [(1, 1), (2, 5, 3, 2)])
def test_chosen_rows_of_the_jacobian_are_those_of_all(widths):
    case = Case(widths, "tanh", [(0, 0)], BLOCK + 2, threads=2)
    *_, jacobian = case.found()
    n = len(case.theta)
    first, last = widths[1] * (widths[0] + 1), n - widths[-1] * (widths[-2] + 1)
    for indices in (range(n), range(first), range(last, n), [n - 1], [n - 1, 0], [0], [], range(0, n, 2)):
        chosen = torch.tensor([*indices], dtype=torch.long)
        found = case.batch.jacobian(case.theta, case.cotangent, chosen)
        assert torch.equal(found, jacobian[chosen])


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_single_precision(activation):
    case = Case((2, 6, 5, 1), activation, [(0, 0), (1,)], 100, dtype=torch.float32)
    assert case.batch.kernel.dtype == torch.float32
    compare(case, 2e-5)


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [0, 4, 8, -1])
def test_what_is_not_finite_stays_so(activation, bad, where):
    """Wherever PyTorch's result is not finite, the kernel's is not; a NaN always shows."""
    case = Case((2, 3, 3, 1), activation, [(0, 0)], 40)
    case.theta[where] = bad
    at = 0
    with torch.no_grad():
        for p in case.net.parameters():
            p.copy_(case.theta[at : at + p.numel()].view_as(p))
            at += p.numel()
    out = propagate(case.net, case.inputs, case.channels).transpose(1, 2)
    found = case.batch.forward(case.theta)
    assert bool(torch.isfinite(found).all()) == bool(torch.isfinite(out).all())
    if bad != bad:
        assert not torch.isfinite(found[0]).any()


@compiled
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_saturated_units_stay_finite(activation, dtype):
    case = Case((1, 4, 1), activation, [(0, 0, 0, 0)], 64, dtype=dtype)
    bundle = torch.zeros(5, 64, 1, dtype=torch.float64)
    bundle[0, :, 0] = torch.linspace(-1, 1, 64, dtype=torch.float64)
    bundle[1] = 1
    case.inputs, case.batch = bundle, Batch(case.batch.kernel, bundle)
    with torch.no_grad():
        case.net[0].weight.fill_(1e3)
        case.net[0].bias.zero_()
    case.theta[:4], case.theta[4:8] = 1e3, 0.0
    for found in case.found():
        assert torch.isfinite(found).all()
    if dtype == torch.float64:
        for order, (found, exact) in enumerate(zip(case.found()[0], case.exact()[0], strict=True)):
            assert float((found - exact).abs().max()) <= 1e-14 * 1e3 ** max(order, 1)


@compiled
def test_reverse_needs_a_tape_and_release_frees_it():
    case = Case((2, 3, 1), "tanh", [()], 10)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.batch.reverse(case.theta, case.cotangent)
    case.batch.forward(case.theta, keep=False)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.batch.reverse(case.theta, case.cotangent)
    out = case.batch.forward(case.theta)
    assert torch.equal(out, case.batch.forward(case.theta, keep=False))
    case.batch.release()
    with pytest.raises(RuntimeError, match="without a forward pass"):
        case.batch.jacobian(case.theta, case.cotangent)


@compiled
def test_results_are_reproducible_and_not_overwritten():
    case = Case((2, 5, 1), "tanh", [(0, 0)], 300, threads=2)
    first = [t.clone() for t in case.found()]
    out = case.batch.forward(case.theta)
    case.batch.forward(2 * case.theta)
    assert torch.equal(out, first[0])
    for a, b in zip(first, case.found(), strict=True):
        assert torch.equal(a, b)


@compiled
def test_what_the_kernel_cannot_do_is_refused():
    assert not CompiledMLP.supports("relu", 2, torch.float64)
    assert not CompiledMLP.supports("tanh", 5, torch.float64)
    assert not CompiledMLP.supports("tanh", 2, torch.bfloat16)
    channels = Channels([(0,) * 5])
    with pytest.raises(ValueError, match="not available"):
        CompiledMLP((1, 2, 1), "tanh", channels.chain, 5, torch.float64, 1)


# -- compiling -----------------------------------------------------------------------------------------------


@compiled
def test_a_fresh_or_damaged_cache_is_filled(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path / "new" / "folder"))
    assert load.__wrapped__() is not None
    (built,) = cache_folder().iterdir()
    assert built.suffix == ".so" and load.__wrapped__() is not None
    built.unlink()  # mapped into this process: do not write into it
    built.write_bytes(b"\x7fELF, cut short")
    assert load.__wrapped__() is not None
    assert [p.name for p in cache_folder().iterdir()] == [built.name]


@compiled
def test_without_a_writable_cache_the_kernel_serves_this_process(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path / "file" / "below"))
    assert cache_folder() is None
    assert load.__wrapped__() is not None


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("SAPTS_PINN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sapts_pinn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "sapts_pinn"


def test_switched_off_or_without_a_compiler_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("SAPTS_PINN_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", str(tmp_path / "no-such-compiler"))
    assert load.__wrapped__() is None
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load.__wrapped__() is None
    assert not list(tmp_path.glob("*"))
    monkeypatch.setenv("SAPTS_PINN_COMPILED", "0")
    assert load.__wrapped__() is None


SCRIPT = """
import torch
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.build import build_network
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import build
problem, generator = build("poisson-2d"), torch.Generator().manual_seed(0)
network = build_network((8, 8), len(problem.ansatz.feature_names), 1, generator, torch.float64)
sites = {t.name: t.sites(100, generator, "uniform") for t in problem.terms}
objective = LeastSquares(Model(problem, network), sites)
value, gradient = objective.value_and_grad()
found = objective.pieces[0].batch is not None, value, float(gradient.norm())
"""


@compiled
@pytest.mark.parametrize("how", ["switched off", "no compiler"])
def test_the_loss_is_the_same_without_the_kernel(how, tmp_path: Path):
    here: dict[str, Any] = {}
    exec(SCRIPT, here)
    assert here["found"][0]
    nowhere = str(tmp_path)
    off = {"SAPTS_PINN_COMPILED": "0"}
    if how == "no compiler":
        off = {"PATH": nowhere, "SAPTS_PINN_CACHE": nowhere, "CC": ""}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + "print(*found)"],
        capture_output=True,
        text=True,
        env={**os.environ, **off},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kernel, *numbers = done.stdout.split()
    assert kernel == "False"
    for there, value in zip(numbers, here["found"][1:], strict=True):
        assert float(there) == pytest.approx(value, rel=1e-13)
