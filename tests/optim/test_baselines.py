"""Adam and L-BFGS of PyTorch, through the same objective, and saved like everything else."""

import math

import pytest
import torch
from torch import Tensor, nn

from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.flat import gather
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim import LBFGS, Adam
from sapts_pinn.problems import build


def pinn() -> LeastSquares:
    problem, generator = build("poisson-1d"), torch.Generator().manual_seed(0)
    network = build_network((8,), len(problem.ansatz.feature_names), 1, generator, torch.float64)
    sites = {t.name: t.sites(40, generator, "uniform") for t in problem.terms}
    return LeastSquares(Model(problem, network), sites)


@pytest.mark.parametrize(("make", "steps", "factor"), [(Adam, 300, 0.5), (LBFGS, 15, 1e-3)])
def test_the_loss_falls(make, steps, factor):
    objective = pinn()
    optimizer = make(objective.parameters)
    first = objective.value()
    for _ in range(steps):
        loss = optimizer.step(objective)
        assert math.isfinite(float(loss))
        assert optimizer.info["accepted"]
    assert objective.value() < factor * first


def test_adam_is_that_of_pytorch_with_a_decaying_rate():
    x, y = (nn.Parameter(torch.tensor([2.0, -1.0], dtype=torch.float64)) for _ in range(2))
    ours, theirs = Adam([x]), torch.optim.Adam([y], lr=5e-3, betas=(0.99, 0.999), eps=1e-20)
    for k in range(50):
        assert ours.param_groups[0]["lr"] == pytest.approx(5e-3 * 0.98 ** (k / 1000), rel=1e-12)
        theirs.param_groups[0]["lr"] = ours.param_groups[0]["lr"]
        for p, optimizer in ((x, ours), (y, theirs)):
            p.grad = 4 * p.detach() ** 3
            optimizer.step()
    assert torch.equal(x, y)
    assert ours.info["radius"] == ours.param_groups[0]["lr"]


@pytest.mark.parametrize("make", [Adam, LBFGS])
def test_saved_and_loaded_they_continue_bit_for_bit(make, tmp_path):
    objective = pinn()
    optimizer = make(objective.parameters)
    for _ in range(7):
        optimizer.step(objective)
    state = {"model": objective.model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(state, tmp_path / "run.pt")
    for _ in range(6):
        optimizer.step(objective)
    other = pinn()
    again = make(other.parameters)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    other.model.load_state_dict(state["model"])
    again.load_state_dict(state["optimizer"])
    for _ in range(6):
        again.step(other)
    assert torch.equal(gather(objective.parameters), gather(other.parameters))


def test_lbfgs_says_when_it_cannot_move():
    x = nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    optimizer = LBFGS([x])

    def closure() -> Tensor:
        x.grad = None
        loss = (x**2).sum()
        loss.backward()
        return loss

    for _ in range(30):
        optimizer.step(closure)
        if optimizer.info["converged"]:
            break
    assert optimizer.info["converged"] and not optimizer.info["accepted"]
    assert float(x.detach().norm()) < 1e-12


@pytest.mark.parametrize("make", [Adam, LBFGS])
def test_a_plain_closure_works(make):
    net = nn.Linear(2, 1)
    optimizer = make(net.parameters())
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (net(x) - 1).square().mean()
        loss.backward()
        return loss

    first = float(closure().detach())
    for _ in range(20):
        optimizer.step(closure)
    assert float(closure().detach()) < first
