"""Runs on another device than the processor, for which a stand-in is enough; `test_gpu.py` has a real one.

The stand-in refuses what a GPU refuses: an operation between its tensors and those of the processor.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from elsewhere import DEVICE, Away, Elsewhere
from on_a_device import FEATURES, HERE, Place, losses, same
from sapts_pinn import Dirichlet, Problem
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.residual_block import ResidualBlock
from sapts_pinn.optim.methods import METHODS
from sapts_pinn.problems import zoo
from sapts_pinn.problems.fields import Field

LONG = {  # features
    *("starts", "own_points", "seeds", "files", "report", "windows", "ranks"),
    *("without_settings", "goes_on_to_train", "accuracy"),
}
FAST = ("tr", "tr-gauss-newton", "tr-lbfgs", "sapts-d", "sapts-p", "sapts-ip", "features", "adam")  # methods


@pytest.fixture
def elsewhere() -> Iterator[Place]:
    with Elsewhere():
        yield Place(DEVICE, Elsewhere)


def slow(name: str, so: bool) -> object:
    return pytest.param(name, marks=[pytest.mark.slow] * so)


# -- the stand-in ----------------------------------------------------------------------------------------


def test_devices_do_not_mix(elsewhere: Place) -> None:
    there = torch.arange(3.0, device=DEVICE)
    assert isinstance(there, Away) and there.device.type == DEVICE and there.tolist() == [0.0, 1.0, 2.0]
    assert float((2 * there + torch.tensor(1.0)).sum()) == 9.0  # a single number goes anywhere
    for mixed in (
        lambda: there + torch.zeros(3),
        lambda: torch.cat([there, torch.zeros(1)]),
        lambda: torch.stack([there[0], torch.tensor(0.0)]),
        lambda: torch.rand(3, device=DEVICE, generator=torch.Generator()),
        lambda: torch.zeros(3).index_put((there.long(),), there[0]),
    ):
        with pytest.raises(RuntimeError, match="elsewhere"):
            mixed()
    with pytest.raises(TypeError, match=r"Tensor.cpu\(\)"):
        there.numpy()
    assert there[torch.tensor([2, 0])].tolist() == [2.0, 0.0]
    assert torch.zeros(3).copy_(there).tolist() == there.cpu().tolist()


def test_views_written_to_and_gradients(elsewhere: Place) -> None:
    x = torch.ones(2, 3, dtype=torch.float64, device=DEVICE)
    x[:, 0] = 2.0
    x.mul_(3.0)
    assert x.tolist() == [[6.0, 3.0, 3.0]] * 2 and (x[0] @ x.T).shape == (2,)
    x.requires_grad_()
    (slope,) = torch.autograd.grad((x**2).sum(), x)
    assert slope.device == x.device and torch.equal(slope, 2 * x)
    moved = torch.nn.Linear(3, 1).to(DEVICE)
    assert moved.weight.device.type == DEVICE and moved.cpu().weight.device.type == "cpu"


def careless(u: Field) -> Tensor:
    return u.xx + torch.ones(1)


def test_a_tensor_without_a_device_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    residual, pull_back = ResidualBlock.residual_of, ResidualBlock._pull_back
    problem = zoo.build("poisson-1d")
    for name, wrong in {
        "residual_of": lambda self, *given: residual(self, *given) + torch.zeros(self.rows),
        "_pull_back": lambda self, made, row, one: pull_back(self, made, row, torch.ones(self.rows)),
    }.items():
        with monkeypatch.context() as patch, Elsewhere():
            patch.setattr(ResidualBlock, name, wrong)
            with pytest.raises(RuntimeError, match="meets one that is elsewhere"):
                looks(problem, DEVICE)
    user = Problem(Interval(0, 1), "u", careless, [Dirichlet("u", 0.0)])
    looks(user, "cpu")
    with Elsewhere(), pytest.raises(Exception, match="meets one that is elsewhere"):
        looks(user, DEVICE)


# -- what runs there -------------------------------------------------------------------------------------


def looks(problem: Problem, device: str) -> dict[str, Tensor]:
    """All that methods ask of the loss of a problem, for a small network."""
    generator = torch.Generator().manual_seed(0)
    network = network_of(problem, (8, 8), generator, torch.float64, "tanh")
    sites = {term.name: term.sites(48, generator, "sobol") for term in problem.terms}
    objective = LeastSquares(Model(problem, network.to(device)), sites)
    found = objective.evaluate()
    n = found.size
    v = torch.linspace(-1, 1, n, dtype=torch.float64).to(device)
    picked = torch.arange(0, n, 7, device=device)
    out = {
        "value": torch.tensor(found.value),
        "gradient": found.gradient(),
        "residual": found.residual(),
        "jacobian": found.jacobian(),
        "columns": found.columns(picked),
        "jvp": found.jvp(v),
        "vjp": found.vjp(found.residual()),
        "part": objective.restrict({"equation": torch.arange(0, 48, 2)}).evaluate().gradient(),
    }
    assert all(x.device == v.device for name, x in out.items() if name != "value")
    return {name: x.cpu() for name, x in out.items()}


# The stand-in's tensors are no other subclass, as expressions in round coordinates are, and know no complex
# views. Those problems are looked at on a GPU only, where there is one (`test_gpu.py`).
BEYOND = {"heat-cylinder", "heat-ball", "wave-packet"}


@pytest.mark.parametrize("name", [name for name in zoo.ZOO if name not in BEYOND])
def test_every_problem_has_the_loss_that_it_has_here(name: str) -> None:
    problem = zoo.build(name)
    here = looks(problem, "cpu")
    with Elsewhere():
        there = looks(problem, DEVICE)
    for what, wanted in here.items():
        scale = float(wanted.abs().max())
        np.testing.assert_allclose(there[what], wanted, rtol=0, atol=1e-11 * scale, err_msg=what)


@pytest.mark.parametrize("method", [slow(name, name not in FAST) for name in METHODS])
def test_every_method_takes_the_steps_that_it_takes_here(method: str, elsewhere: Place) -> None:
    own = {"network": (8,), "budget": "60 iterations"} if method == "features" else {}
    here, there = (place.run("burgers", method=method, **own) for place in (HERE, elsewhere))
    same(losses(there), losses(here))
    assert there.result["device"] == DEVICE


@pytest.mark.parametrize("feature", [slow(name, name in LONG) for name in FEATURES])
def test_features(feature: str, elsewhere: Place, tmp_path: Path) -> None:
    FEATURES[feature](elsewhere, tmp_path)


IMPORTED = """
import torch
torch.set_default_device("meta")  # as `import deepxde` does with a GPU
import sapts_pinn.deepxde
import sapts_pinn
torch.set_default_device(None)
from sapts_pinn.problems import build
print(build("burgers").symmetry, len(build("burgers").ansatz.columns))
"""


def test_the_package_may_be_imported_where_another_device_is_the_default() -> None:
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
