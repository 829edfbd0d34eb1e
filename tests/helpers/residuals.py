"""Least-squares problems of every kind, and an oracle by nested reverse mode."""

import math
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.derivatives.activations import Sine
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.kernels import network
from sapts_pinn.networks.embeddings import FourierFeatures
from sapts_pinn.networks.mlp import MLP
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.modified_mlp import ModifiedMLP
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.problems import (
    Coefficient,
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    build,
)
from sapts_pinn.problems.fields import Field

pi = math.pi
BAR = Interval(-1, 1, name="x") * Time(0, 1)


@cache
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


@cache
def periodic() -> Problem:
    return Problem(
        domain=BAR,
        unknowns="u",
        equation=lambda u: u.t + u.x,
        conditions=[Periodic("x", hard=False), Initial("u", lambda x: torch.sin(pi * x))],
    )


@cache
def system() -> Problem:
    return Problem(
        domain=Box((0, 0), (1, 1)),
        unknowns=("u", "v"),
        equation=lambda u, v, x: (u.x - v.y * v, u.y + v.x - x, u.xy * v),
        conditions=[Dirichlet("u", 1.0, hard=False), Dirichlet("v", lambda x, y: x * y)],
    )


@cache
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
