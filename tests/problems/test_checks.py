"""Checks of the arguments of a problem: names, coefficients and additions."""

import math

import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Problem, Quantity, Unknown
from sapts_pinn.results.places import places

X, T = Interval(-1, 1), Time(0, 1)
nan = math.nan


def problem(equation=lambda u: u.t - u.xx, domain=X * T, unknowns="u", **options):
    return Problem(domain, unknowns, equation, **options)


MESSAGES = [
    (lambda: problem(unknowns=()), "a problem needs at least one unknown, for example unknowns='u'"),
    (
        lambda: problem(unknowns="x"),
        "'x' names two things among unknowns, coordinates and coefficients; rename one",
    ),
    (lambda: problem(unknowns=("u", "u")), "'u' names two things"),
    (lambda: problem(coefficients=[Coefficient("t")]), "'t' names two things"),
    (
        lambda: problem(unknowns="u, v"),
        r"'u, v' cannot be the name of a function's parameter; .* unknowns=\('u', 'v'\)",
    ),
    (lambda: problem(unknowns="lambda"), "'lambda' cannot be the name"),
    (
        lambda: problem(lambda u: u.xx, domain=Interval(0, 1, name="d")),
        "'d' cannot name a coordinate, u.d has a meaning",
    ),
    (lambda: problem(coefficients=["nu"]), r"'nu' is not a coefficient; write Coefficient\('nu', init=0.1\)"),
    (
        lambda: problem(coefficients=[Coefficient("nu")]),
        "nothing uses the coefficient 'nu'; name it as a parameter",
    ),
    (lambda: Coefficient("nu", nan), r"Coefficient\('nu'\): init must be a finite number, not nan"),
    (lambda: problem(domain=(0, 1)), r"domain must be a shape such as Interval\(0, 1\), not \(0, 1\)"),
    (
        lambda: problem(reference=lambda y: y),
        "the reference asks for 'y', which is none of the coordinates x, t",
    ),
    (
        lambda: problem(reference={"u": lambda x, t: x}),
        r"reference must be a function of the coordinates, such as lambda x: x \* \(1 - x\) .*, not \{'u'",
    ),
    (
        lambda: problem(unknowns=Unknown("u", of=("x", "y"))),
        r"Unknown\('u', of='y'\): 'y' is none of the coordinates x, t; rename it",
    ),
    (
        lambda: problem(particular={"v": lambda x: x}),
        r"particular: 'v' is .*; give functions of the coordinates by unknown \(u\)",
    ),
    (lambda: problem(particular={"u": 1.0}), "particular: 'u' is 1.0; give functions"),
    (
        lambda: problem(quantities={"drag": 3.0}),
        r"quantities: 'drag' is 3.0; write Quantity\(lambda solution: ..., value=...\)",
    ),
    (lambda: problem(derived={"flux": 3.0}), r"derived: 'flux' is 3.0; give functions of the unknowns"),
    (lambda: problem(displacement=("v",)), r"displacement: 'v' is none of the unknowns u"),
]


@pytest.mark.parametrize("case", range(len(MESSAGES)))
def test_message(case):
    make, message = MESSAGES[case]
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_what_is_right_passes():
    given = problem(
        quantities={"mean": Quantity(lambda solution: 0.0)},
        reference=lambda x, t: 0 * x * t,
        particular={"u": lambda x: 0 * x},
    )
    assert given.unknown_names == ("u",)


@pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
def test_another_default_device_is_refused():
    given = problem()
    with torch.device("meta"):
        for refused in (problem, lambda: solve(given), lambda: places(("x", "t"), [[0.5, 0.5]], {})):
            with pytest.raises(
                InputError, match=r"default device is meta .* torch.set_default_device\('cpu'\)"
            ):
                refused()
