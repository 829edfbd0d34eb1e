"""Statements of whole problems: each condition with its value and its place, or in words."""

import json
from types import SimpleNamespace

import pytest
import torch

from sapts_pinn import (
    BoundaryEquation,
    Dirichlet,
    Initial,
    Integral,
    IntegralCondition,
    Interface,
    Neumann,
    Observations,
    Problem,
    Robin,
)
from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import ZOO, Coefficient, div, grad, laplace
from sapts_pinn.problems.complex_unknowns import Parts
from sapts_pinn.problems.pinnacle import PINNACLE
from sapts_pinn.problems.written import as_mathml, as_text, place, statement_of


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
            BoundaryEquation(lambda u: torch.relu(u.value), on="x=1"),
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


ONLY_WRITTEN = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
SQUARE = Interval(0, 1, name="x") * Interval(0, 1, name="y")


def lines(problem):
    """Conditions as text, with the surface or the faces where they hold."""
    return [
        (as_text(c["left"], c["right"]), c["on"] or as_text(c["surface"]))
        for c in statement_of(problem)["conditions"]
    ]


@ONLY_WRITTEN
def test_equations_on_faces_have_a_row_for_each_of_their_parts():
    def traction(u, v, y, mu, n_x, n_y):
        return mu * (u.x * n_x + v.y * n_y), u - torch.sin(y) * n_y

    problem = Problem(
        SQUARE,
        ("u", "v"),
        lambda u, v: (laplace(u), laplace(v)),
        [BoundaryEquation(traction, on=("x=1", "y=1")), Dirichlet("u", 0.0, on="x=0")],
        coefficients=[Coefficient("mu")],
    )
    assert lines(problem)[:2] == [
        ("mu (u_x n_x + v_y n_y) = 0", "x=1, y=1"),
        ("u - sin(y) n_y = 0", "x=1, y=1"),
    ]
    assert as_mathml("u - sin(y)*n_y") is not None
    assert statement_of(problem)["equations"] == ["u.xx + u.yy", "v.xx + v.yy"]


@ONLY_WRITTEN
def test_a_factor_of_one_is_not_written_and_a_tag_is():
    plate = Box((0, 0), (2, 2), tag="outer") - Box((0.5, 0.5), (1, 1), tag="slot")
    robin = [Robin("u", 1.0, on="outer", alpha=2.0), Robin("u", 0.0, on="slot", beta=3.0)]
    problem = Problem(plate, "u", lambda u: laplace(u), robin)
    assert lines(problem) == [("2 u + du/dn = 1", "outer"), ("u + 3 du/dn = 0", "slot")]


@ONLY_WRITTEN
def test_a_flux_is_written_as_a_jump_across_a_surface():
    problem = Problem(
        SQUARE * Time(0, 1),
        "u",
        lambda u: u.t - laplace(u),
        [
            Interface(
                at=lambda x, t: x - 0.5 * t,
                flux=lambda u, x, t, n_x: torch.where(x < 0.5 * t, 1.0, 9.0) * u.x * n_x,
            ),
            Interface(at=lambda y: y - 0.5, flux=lambda u, n_y: (u.y * n_y, u.yy)),
            Dirichlet("u", 0.0),
            Initial("u", 0.0),
        ],
    )
    assert lines(problem)[:3] == [
        ("[(1 where x < 0.5 t, else 9) u_x n_x] = 0", "x - 0.5 t = 0"),
        ("[u_y n_y] = 0", "y - 0.5 = 0"),
        ("[u_yy] = 0", "y - 0.5 = 0"),
    ]


@ONLY_WRITTEN
def test_a_surface_without_a_formula_leaves_its_flux_one():
    def at(y):
        return torch.nn.functional.softplus(y) - 1

    problem = Problem(
        SQUARE,
        "u",
        lambda u: laplace(u),
        [Interface(at, flux=lambda u, n_y: u.y * n_y), Dirichlet("u", 0.0)],
    )
    row = statement_of(problem)["conditions"][0]
    assert row == {"words": "flux across the interface", "left": "jump(u.y * n_y)", "right": "0", "on": ""}


def test_a_formula_that_is_not_its_function_is_not_given():
    """Formulas are compared with their functions on random numbers, those with a normal as well."""
    calls = []

    def twice(u, n_x):
        calls.append(n_x)
        return u.x * n_x * len(calls)

    problem = SimpleNamespace(
        domain=SQUARE,
        unknown_names=("u",),
        equation=lambda u: laplace(u),
        conditions=[BoundaryEquation(twice, on="x=1")],
        coefficients=(),
        materials={},
        integrals=(),
        sources=(),
        obstacles=(),
        complex_parts=Parts({}, SQUARE),
    )
    assert statement_of(problem)["conditions"] == [{"words": "boundary equation on x=1"}] and len(calls) == 2


@ONLY_WRITTEN
def test_operators_are_written_out_where_they_go_over_unknowns():
    problem = Problem(SQUARE * Time(0, 1), "u", lambda u: u.t - div(grad(u)), [Dirichlet("u", 0.0)])
    assert statement_of(problem)["equations"] == ["u.t - (u.xx + u.yy)"]


@ONLY_WRITTEN
def test_integrals_are_written_with_their_limits():
    problem = Problem(
        Interval(0, 2, name="x"),
        "u",
        lambda u, I, J: u - I - J,
        [IntegralCondition(lambda u, x: x * u, 1.0), IntegralCondition(lambda u: u, 2.0, on="x=2")],
        integrals=[
            Integral("I", lambda u, x, s: (x - s) * u, over="x", variable="s", upper=lambda x: x),
            Integral("J", lambda u: u**2, over="x"),
        ],
    )
    found = statement_of(problem)
    assert found["equations"] == ["u - I - J"]
    assert [(as_text(row["left"], row["right"]), place(row)) for row in found["where"]] == [
        ("I = int_0^x (x - s) u ds", "with u at x=s"),
        ("J = int_0^2 u^2 dx", ""),
    ]
    first, on_a_face = found["conditions"]
    assert as_text(first["left"], first["right"]) == "int x u dx = 1" and place(first) == ""
    assert set(on_a_face) == {"words"}


@ONLY_WRITTEN
def test_an_integral_of_what_has_no_formula_is_told_in_words():
    soft = Integral("I", lambda u: torch.relu(u.value), over="x")
    problem = Problem(Interval(0, 1, name="x"), "u", lambda u, I: u - I, [], integrals=[soft])
    found = statement_of(problem)
    assert found == {"equations": ["u - I"], "conditions": [], "where": [{"words": "I, an integral over x"}]}


def test_a_delay_has_its_values_before_the_start():
    found = statement_of(ZOO["delay"].build())
    assert [as_text(formula) for formula in found["equations"]] == ["u_t + u(t - 1) = 0"]
    assert [(row["right"], row["on"]) for row in found["conditions"]] == [("1.0", "t=0"), ("1.0", "t < 0")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("poisson-source", "source of strength 1 at x=0.3, y=0.4"), ("composite-wall", "[k u_x n_x] = 0")],
)
def test_sources_and_contacts_are_told(name, expected):
    found = statement_of(ZOO[name].build())
    formulas = [as_text(row["left"], row["right"]) for row in found["conditions"]]
    assert expected in [*formulas, *(row["words"] for row in found["where"])]


def test_places_in_words():
    jump = {"words": "flux", "left": "jump(u.x)", "right": "0", "on": ""}
    assert place(jump) == "across the interface" and place({**jump, "on": "rim"}) == "on rim"
    assert place({"words": "u"}) == ""


@pytest.mark.parametrize("name", ["kirsch", "cylinder", "poisson-interface"])
def test_conditions_of_the_zoo_have_formulas(name):
    found = statement_of(ZOO[name].build())["conditions"]
    assert all(as_text(c["left"], c["right"]) and as_mathml(c["left"], c["right"]) for c in found)


WITHOUT = [
    "pinnacle-poisson2d-ms",
    "pinnacle-heat2d-vc",
    "pinnacle-wave2d-cg",
]  # their coefficients are tables


@pytest.mark.parametrize("name", [*ZOO, *WITHOUT, "pinnacle-pinv", "pinnacle-hinv"])
def test_problems_of_the_zoo_have_formulas(name):
    """All but those with tables of data, whose pages say so."""
    problem = PINNACLE[name]() if name in PINNACLE else ZOO[name].build()
    found = statement_of(problem)
    rows = [row for row in (*found["conditions"], *found["where"]) if "left" in row]
    assert (found["equations"] is None) == (name in WITHOUT)
    assert all(as_text(f) and as_mathml(f) for f in found["equations"] or ())
    assert all(as_text(row["left"], row["right"]) and as_mathml(row["left"], row["right"]) for row in rows)
