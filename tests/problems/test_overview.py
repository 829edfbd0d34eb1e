"""The printout of a problem: every part that was given has its line."""

from sapts_pinn import Coefficient, Contact, Dirichlet, Observations, Problem, Unknown
from sapts_pinn.geometry import Interval


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
        "condition",
        "condition",
        "condition",
        "unknown",
        "coefficient",
        "material",
    ]
    assert lines[:8] == wanted and {"network", "scales"} < set(lines)
    assert "  material    k: 2 in left, a function in right" in str(problem)
