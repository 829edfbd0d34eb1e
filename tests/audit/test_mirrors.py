"""Symmetries that are built in, against the equation, the conditions and the data."""

import math

import numpy as np
import pytest
import torch

from audited_models import SMALL, topics, untrained
from sapts_pinn import solve
from sapts_pinn.audit import audit
from sapts_pinn.geometry import Box, Interval
from sapts_pinn.problems import Dirichlet, Observations, Problem
from sapts_pinn.problems.symmetry.symmetry import Symmetry
from sapts_pinn.problems.zoo import build

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def forced(monkeypatch, found, *arguments, **more):
    from sapts_pinn.problems import problem as base

    monkeypatch.setattr(base.Problem, "symmetries", property(lambda self: found))
    return Problem(*arguments, **more)


def window(x, y):
    return torch.where(((x - 0.7137).abs() < 2e-3) & ((y - 0.3).abs() < 2e-3), 1e4, 0.0).to(x)


@pytest.mark.parametrize(
    "source",
    [
        lambda x, y: 1 + 1e-3 * torch.sin(math.pi * x) * x,
        lambda x, y: 1 + window(x, y),
        lambda x, y: torch.exp(-(((x - 0.7) / 0.05) ** 2)),
    ],
    ids=["a little", "a window", "a peak"],
)
def test_a_source_that_is_not_symmetric_speaks_against_a_forced_symmetry(monkeypatch, source):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Box((0, 0), (1, 1)), "u",
        lambda u, x, y: u.xx + u.yy + source(x, y), [Dirichlet("u", 0.0)],
    )  # fmt: skip
    found = audit(*untrained(problem))
    assert "symmetry" in topics(found)
    words = " ".join(f.words for f in found.objections)
    assert "reflection of x about the middle" in words


def test_a_small_load_beside_a_large_stiffness_is_seen(monkeypatch):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Interval(0, 0.1), "u",
        lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, [Dirichlet("u", 0.0)],
    )  # fmt: skip
    assert "symmetry" in topics(audit(*untrained(problem)))


def test_a_condition_that_is_not_symmetric_speaks_against_a_forced_symmetry(monkeypatch):
    problem = forced(
        monkeypatch, {"x": Symmetry((1,), None)}, Box((0, 0), (1, 1)), "u", lambda u: u.xx + u.yy,
        [Dirichlet("u", 0.0, ("x", "y=1")), Dirichlet("u", lambda x: x - x**3, "y=0", hard=False)],
    )  # fmt: skip
    assert "u on y=0 is not symmetric" in " ".join(f.words for f in audit(*untrained(problem)).objections)


def test_data_that_are_fitted_on_one_side_only_are_not_to_blame(monkeypatch):
    """u'' + f = 0 with u observed and f unknown."""
    x = np.linspace(0, 1, 41)
    problem = forced(
        monkeypatch, {"x": Symmetry((1, 1), None)}, Interval(0, 1), ("u", "f"), lambda u, f: u.xx + f,
        [Dirichlet("u", 0.0), Observations("u", {"x": x}, x * (1 - x) * (1 + 2 * x))],
    )  # fmt: skip
    result = solve(problem, **SMALL).result
    assert result["diagnosis"]["limit"] == "symmetry" and "observations of u" in result["diagnosis"]["words"]


@pytest.mark.parametrize("name", ["poisson-2d", "burgers", "wave", "allen-cahn-steady"])
def test_true_symmetries_hold(name):
    problem = build(name)
    assert problem.symmetries
    assert "symmetry" not in topics(audit(*untrained(problem)))


def test_observations_beside_a_mirror_are_not_their_own_partners():
    """Burgers' equation is odd in x, about the middle and the ends; misfits are noise."""
    problem = build("burgers-inverse-noise-1")
    assert problem.symmetries["x"].ends is not None
    assert "symmetry" not in topics(audit(*untrained(problem)))
