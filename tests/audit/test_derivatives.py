"""Derivatives that the equation reads, against the slopes of the values."""

import math

import numpy as np
import pytest
import torch

from audited_models import frozen, topics, untrained
from sapts_pinn.audit import audit
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from written_data import hat

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_a_hat_that_is_built_in_is_a_kink_that_the_equation_does_not_see():
    found = audit(*untrained(frozen(hat)))
    assert topics(found) == ["derivative"]
    words, figures = found.objections[0].words, found.objections[0].figures
    assert "u.x jumps" in words and "x=0.3" in words and "kink" in words and "u.xx" in words
    assert figures["jump"] == pytest.approx(1 / 0.3 + 1 / 0.7, rel=1e-6)


def test_a_narrow_kink_is_found_too():
    found = audit(*untrained(frozen(lambda x: torch.clamp(1 - (x - 0.617).abs() / 2e-3, min=0.0))))
    assert topics(found) == ["derivative"]


def test_a_step_that_is_built_in_is_a_jump():
    advected = frozen(lambda x: torch.where(x < 0.2, 1.0, 0.0).to(x), equation=lambda u: u.t + u.x)
    found = audit(*untrained(advected))
    assert topics(found) == ["derivative"] and "u jumps by 1 at x=0.2" in found.objections[0].words


@pytest.mark.parametrize(
    "value",
    [
        lambda x: torch.from_numpy(np.sin(math.pi * x.detach().numpy())) + 0 * x,
        lambda x: torch.cos(x) * torch.from_numpy(np.sin(math.pi * x.detach().numpy())),
    ],
    ids=["all", "a factor"],
)
def test_a_function_that_autograd_does_not_see_has_no_derivative(value):
    found = audit(*untrained(frozen(value)))
    assert set(topics(found)) == {"derivative"}
    assert "u.x, as the equation sees it, is not the slope of the values" in found.objections[0].words


@pytest.mark.parametrize(
    "value",
    [
        lambda x: torch.tanh((x - 0.5) / 1e-3),
        lambda x: torch.exp(-(((x - 0.3) / 0.01) ** 2)),
        lambda x: torch.sin(40 * math.pi * x),
        lambda x: (x - 0.4).abs() ** 3,
    ],
    ids=["layer", "peak", "waves", "cubic"],
)
def test_smooth_data_are_no_kink(value):
    assert "derivative" not in topics(audit(*untrained(frozen(value))))


def test_a_kink_that_no_derivative_of_the_equation_crosses_is_none():
    """u_t = u (1 - u) holds at every x alone."""
    assert "derivative" not in topics(audit(*untrained(frozen(hat, equation=lambda u: u.t - u * (1 - u)))))


def test_rounding_of_large_coefficients_is_no_wrong_derivative():
    """Two units that nearly cancel: u_x is right to 1e-3, the rounding of u over a short way is not small."""
    model, sites = untrained(frozen(lambda x: torch.sin(x)))
    network = network_of(model.problem, (2,), torch.Generator().manual_seed(0), torch.float64, "sin")
    first, _, last = network
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[2.0, 1.0], [2.0 + 1e-12, 1.0]], dtype=torch.float64))
        last.weight.copy_(torch.tensor([[1e12, -1e12]]))
    assert "derivative" not in topics(audit(Model(model.problem, network), sites))
