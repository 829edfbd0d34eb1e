"""The residual where training did not look."""

import math

import pytest
import torch

from audited_models import SMALL, topics, untrained, with_ansatz
from sapts_pinn import solve
from sapts_pinn.audit import audit
from sapts_pinn.audit.residuals import Beside, _order
from sapts_pinn.audit.residuals import check as check_residual
from sapts_pinn.audit.state import State
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Coefficient, Dirichlet, Initial, Observations, Periodic, Problem

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def beltrami(power):
    """The Laplacian minus one on the sphere, times sin^power theta; u = cos theta + sin theta cos phi."""

    def equation(u, th, ph):
        s, c = torch.sin(th), torch.cos(th)
        laplacian = u.d("th", "th") + c / s * u.d("th") + u.d("ph", "ph") / s**2
        return s**power * (laplacian - u + 3 * (c + s * torch.cos(ph)))

    sphere = Interval(0, math.pi, name="th") * Interval(0, 2 * math.pi, name="ph")
    return Problem(sphere, "u", equation, [Periodic("ph")], symmetry=False)


def test_a_singular_coefficient_is_not_called_sampling():
    d = solve(beltrami(0), **SMALL).result["diagnosis"]
    assert d["limit"] == "singular" and "1/d^2" in d["words"] and "th=" in d["words"]
    assert solve(beltrami(2), **SMALL).result["diagnosis"]["limit"] not in ("singular", "sampling")


def test_a_false_steady_state_shows_in_the_layer_where_it_begins():
    """u_t = u (1 - u)(u - 0.3) from 0.2 falls to 0; a function that jumps to 1 is wrong in a layer."""
    problem = Problem(
        Time(0, 100), "u", lambda u: u.t - u * (1 - u) * (u - 0.3), [Initial("u", 0.2)], symmetry=False
    )
    model, sites = untrained(problem)
    jump = with_ansatz(
        problem,
        extension={"u": lambda p: 1 - 0.8 * torch.exp(-p[:, 0] / 1e-2)},
        factor={"u": lambda p: p[:, 0]},
    )
    model = Model(jump, model.network)
    seen = sites["equation"].points > 1.0  # no point in the layer
    findings, figures = check_residual(State(model, 4096), sites["equation"].points[seen.flatten()])
    assert figures["train_residual"] < 1e-6
    assert [f.topic for f in findings if f.topic != "residual"] == ["layer"]
    words = findings[0].words
    assert "layer at t=0" in words and "windows" in words


def test_a_spike_between_the_points_is_found_by_its_branching():
    def source(x):
        return torch.where((x - 0.3217).abs() < 1e-5, 1e5, 0.0).to(x) + torch.exp(x)

    problem = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + source(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    smooth = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + torch.exp(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    _, sites = untrained(smooth)
    problem.__dict__["natural"] = smooth.natural
    trained = solve(smooth, **SMALL).model  # what a run finds whose points all miss the spike
    found = audit(Model(problem, trained.network), sites)
    assert topics(found) == ["sampling"] and "spike" in found.objections[0].words
    assert "x=0.322" in found.objections[0].words


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_order_of_a_pole_is_the_slope_of_its_logarithm(power):
    distance = torch.logspace(-6, 0, 200, dtype=torch.float64)
    beside = Beside("x=0", distance[:, None], distance, distance[None], 3 * distance**-power)
    assert _order(beside) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(("kinds", "expected"), [({}, ["data"]), ({"noise": 0.05}, [])])
def test_noisy_readings_that_bend_the_equation_are_said(kinds, expected):
    """Decay at an unknown rate; ten readings with errors of 5 % of the start."""
    generator = torch.Generator().manual_seed(5)
    t = torch.linspace(0.05, 2, 10, dtype=torch.float64)
    readings = torch.exp(-t) + 0.05 * torch.randn(10, generator=generator, dtype=torch.float64)
    problem = Problem(
        Time(0, 2),
        "u",
        lambda u, k: u.t + k * u,
        [Initial("u", 1.0), Observations("u", {"t": t}, readings, **kinds)],
        coefficients=[Coefficient("k", init=0.5)],
    )
    solution = solve(problem, method="tr", budget="200 iterations", points=256, network=(16, 16))
    audit = solution.result["audit"]
    assert [f["topic"] for f in audit["objections"]] == expected
    assert all("noise=" in f["words"] for f in audit["objections"])
