"""Functions with known minima, and small classifiers, as closures."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from draws import randn
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import TrustRegion

LEARNING = ["lbfgs", "lsr1", "ssbroyden"]
PLAIN = ["identity", *LEARNING]  # those that a closure is enough for


def closure_of(function: Callable[[Tensor], Tensor], x: nn.Parameter) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        x.grad = None
        f = function(x)
        f.backward()
        return f

    return closure


def minimise(
    function: Callable[[Tensor], Tensor], start: Tensor, steps: int, *args: object, **options: object
) -> tuple[Tensor, TrustRegion]:
    x = nn.Parameter(start.clone())
    optimizer = TrustRegion([x], *args, **options)
    objective = ClosureObjective(closure_of(function, x), [x])
    for _ in range(steps):
        optimizer.step(objective)
        if optimizer.info["converged"]:
            break
    return x.detach(), optimizer


def quadratic(condition: float, n: int = 8) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    Q = torch.linalg.qr(randn(n, n, seed=1))[0]
    A = Q @ torch.diag(torch.logspace(0, math.log10(condition), n, dtype=torch.float64)) @ Q.T
    best = randn(n, seed=2)
    return lambda x: 0.5 * (x - best) @ (A @ (x - best)) + 1.0, best


def classification() -> tuple[Tensor, Tensor]:
    x = randn(120, 2, seed=4).float()
    return x, ((x[:, 0] * x[:, 1]) > 0).long()


def classifier(norm: bool = False, dropout: float = 0.0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers: list[nn.Module] = [nn.Linear(2, 12)]
        layers += [nn.BatchNorm1d(12)] if norm else []
        layers += [nn.ReLU()] + ([nn.Dropout(dropout)] if dropout else [])
        return nn.Sequential(*layers, nn.Linear(12, 2))


def training_closure(net: nn.Module, x: Tensor, y: Tensor) -> Callable[[], Tensor]:
    def closure() -> Tensor:
        net.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        return loss

    return closure
