"""The printout of a problem: every part that was given has its line."""

from sapts_pinn import Coefficient, Contact, Dirichlet, Observations, Problem, Unknown
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.overview import overview
from sapts_pinn.problems.zoo import build


def test_all_lines():
    problem = Problem(
        Interval(0, 1).with_regions({"left": Interval(0, 0.3), "right": Interval(0.3, 1)}),
        ("u", Unknown("f", positive=True)),
        lambda u, f, k, c: k * u.xx + c * f,
        [
            Dirichlet("u", 0.0),
            Contact(flux=lambda u, k: k * u.x, unknown="u"),
            Observations("u", {"x": [0.5]}, [1.0]),
        ],
        coefficients=[Coefficient("c")],
        materials={"k": {"left": 2.0, "right": lambda x: x}},
        name="all",
    )
    lines = [line.split()[0] for line in str(problem).splitlines()]
    wanted = [
        "all:",
        "equations",
        "equation",
        "condition",
        "condition",
        "condition",
        "unknown",
        "coefficient",
        "material",
    ]
    assert lines[:9] == wanted and {"network", "scales"} < set(lines)
    assert "  material    k: 2 in left, a function in right" in str(problem)


def test_every_part_has_a_line():
    text = overview(build("delay"))
    assert text.splitlines() == str(build("delay")).splitlines()
    assert text.startswith("delay: u on Time(0, 5")
    for part in (
        "equations   1",
        "elsewhere   1 other place",
        "condition   initial value of u",
        "network of  t",
    ):
        assert f"  {part}" in text
