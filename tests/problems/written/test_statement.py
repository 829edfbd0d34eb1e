"""Statements of whole problems: each condition with its value and its place, or in words."""

import json

import pytest
import torch

from sapts_pinn import BoundaryEquation, Dirichlet, Initial, Neumann, Observations, Problem, Robin
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import ZOO
from sapts_pinn.problems.written import as_mathml, as_text, statement_of


def test_equations_and_conditions():
    problem = Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u, x: u.tt - u.xx + torch.sin(x),
        [
            Robin("u", 0.0, on="x=1", alpha=2.0, beta=lambda t: 1 + t),
            Dirichlet("u", lambda t: torch.cos(t), on="x=0"),
            Initial("u", lambda x: 1 - x**2, 0.0),
        ],
    )
    found = statement_of(problem)
    assert found["equations"] == ["u.tt - u.xx + sin(x)"]
    lines = [(as_text(c["left"], c["right"]), c["on"]) for c in found["conditions"]]
    assert lines == [
        ("2 u + (1 + t) du/dn = 0", "x=1"),
        ("u = cos(t)", "x=0"),
        ("u = 1 - x^2", "t=0"),
        ("u_t = 0", "t=0"),
    ]
    assert json.loads(json.dumps(found)) == found


def test_what_has_no_formula_is_told_in_words():
    def table(t):
        return torch.from_numpy(t.detach().numpy().copy())

    problem = Problem(
        Interval(0, 1) * Time(0, 1),
        "u",
        lambda u: u.t - u.xx + 0 * torch.relu(u.value),
        [
            Neumann("u", table, on="x=0", hard=False),
            BoundaryEquation(lambda u: u, on="x=1"),
            Initial("u", 0.0),
            Observations("u", {"x": 0.5, "t": 0.5}, 0.1),
        ],
    )
    found = statement_of(problem)
    assert found["equations"] is None
    assert [set(c) for c in found["conditions"]] == [
        {"words"},
        {"words"},
        {"words", "left", "right", "on"},
        {"words"},
    ]
    assert found["conditions"][0]["words"] == "normal derivative of u on x=0"


@pytest.mark.parametrize("name", ["burgers", "cavity", "poisson-interface", "lorenz-inverse"])
def test_problems_of_the_zoo_have_formulas(name):
    found = statement_of(ZOO[name].build())
    assert found["equations"] and all(as_text(f) and as_mathml(f) for f in found["equations"])
