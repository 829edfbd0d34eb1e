"""Values and formulas on pages."""

import pytest

from sapts_pinn.results.pages import number, plain, render, typeset

EVIL = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        ({}, "–"),
        (True, "yes"),
        (0.123456, "0.123"),
        (12345, "12,345"),
        ([10, 10], "10, 10"),
        ({"u": 1.43, "rows": {"equation": [1.15]}}, "u 1.43; rows equation 1.15"),
        ("word", "word"),
    ],
)
def test_values_are_written_without_braces(value, expected):
    assert plain(value) == expected


def test_a_number_that_is_none_is_a_dash():
    assert number(None) == number("x") == "–" and number(0.5, ".1%") == "50.0%"


def test_formulas_become_mathml():
    row = {"words": "u on x=0", "left": "u", "right": "0.123456", "on": "x=0"}
    found = typeset({"statement": {"equations": ["u.t - u.xx"], "conditions": [row, {"words": "data"}]}})
    assert len(found["equations"]) == 1 and "<math" in found["equations"][0]
    assert "<math" in found["conditions"][0]["math"] and found["conditions"][1]["math"] is None
    assert found["rounded"] is True


def test_a_condition_inside_the_domain_has_its_surface():
    row = {"words": "flux", "left": "jump(k*u.x)", "right": "0", "on": ""}
    statement = {"equations": ["u.xx"], "conditions": [{**row, "surface": "x - 0.123456"}, row]}
    found = typeset({"statement": statement})
    first, second = found["conditions"]
    assert "⟦" in first["math"] and "<math" in first["surface"] and second["surface"] is None
    assert found["rounded"] is True


def test_integrals_are_typeset_and_an_equation_without_a_formula_is_told():
    row = {"words": "I", "left": "I", "right": "integral(u, (s, 0, x))", "on": "", "at": "u at x=s"}
    found = typeset({"statement": {"equations": ["u - I"], "conditions": [], "where": [row]}})
    assert "∫" in found["where"][0]["math"] and found["where"][0]["place"] == "with u at x=s"
    assert found["unwritten"] is False
    for equations in (None, [EVIL]):
        assert typeset({"statement": {"equations": equations, "conditions": []}})["unwritten"] is True
    assert typeset({})["unwritten"] is False


@pytest.mark.parametrize(
    "statement", [None, [], "x", {"equations": 3}, {"conditions": [1]}, {"equations": [EVIL]}]
)
def test_what_is_no_statement_shows_nothing(statement):
    found = typeset({"statement": statement})
    assert found["equations"] == [] and found["conditions"] == []


def test_everything_in_a_template_is_escaped():
    page = render(
        "comparison.html", title=EVIL, heads=[EVIL], rows=[([EVIL, EVIL], EVIL)], differing=[(EVIL, [EVIL])],
        charts=[],
    )  # fmt: skip
    assert EVIL not in page and page.count("&lt;script&gt;") >= 6
