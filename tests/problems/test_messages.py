"""Wrong input: one clear sentence that names the value and the fix; and what a stranger would write works."""

import math

import numpy as np
import pytest
import torch

from sapts_pinn.geometry import Ball, Interval, Time
from sapts_pinn.problems import (
    Dirichlet,
    Initial,
    Neumann,
    Observations,
    Periodic,
    Problem,
    Robin,
)

# Problems of one condition, or none: what a test is about, not what a user would solve.
pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

X, T = Interval(-1, 1), Time(0, 1)
ok = lambda u: u.t - u.xx
V = Initial("u", 0.0)


def problem(equation=ok, conditions=(), domain=X * T, unknowns="u", **options):
    return Problem(domain, unknowns, equation, conditions, **options)


def broken(u):
    return {}["key"]


def no_return(u):
    u.x + 1


nan = float("nan")
points = {"x": [0.0, 0.5], "t": [0.0, 0.5]}
MESSAGES = [
    # equations
    (
        lambda: problem(lambda u: u.t - u.yy),
        r"the equation asks for u\.yy, but 'yy' is not made of the coordinates x, t",
    ),
    (lambda: problem(lambda u: u.d("z")), r"the equation asks for u\.z, but 'z' is not made of"),
    (
        lambda: problem(lambda u, y: u.t - y),
        "the equation asks for 'y', which is none of u, x, t; rename the parameter",
    ),
    (lambda: problem(lambda w: w.t), "the equation asks for 'w', which is none of u, x, t"),
    (
        lambda: problem(lambda u, v: u.t, unknowns=("u", "v")),
        "the equation does not use its unknown 'v'; add it or drop",
    ),
    (lambda: problem(lambda x: x), "the equation does not use its unknown 'u'"),
    (lambda: problem(lambda u: 0), "the equation does not use its unknown 'u'"),
    (
        lambda: problem(lambda u, x: u.t + torch.log(x - 5)),
        "the equation gives NaN or infinity at ordinary points of",
    ),
    (lambda: problem(lambda u: u.t / 0), "the equation gives NaN or infinity"),
    (lambda: problem(lambda u: u.t[:3]), "the equation failed with TypeError"),
    (
        lambda: problem(lambda u, x: (u.t + x)[:3]),
        r"the equation returned shape \(3,\) for 7 points; return shape \(7,\)",
    ),
    (
        lambda: problem(lambda u, x: u.t + torch.ones(4)),
        "the equation failed with RuntimeError: The size of tensor",
    ),
    (
        lambda: problem(lambda u, x: (u.t, (x * u.x)[:, None])),
        r"an equation of the system returned shape \(7, 1\)",
    ),
    (
        lambda: problem(lambda u, x: u.t + np.sin(x)),
        "the equation failed: it hands a tensor to NumPy.*; use torch.sin, not numpy.sin",
    ),
    (
        lambda: problem(lambda u: u.t + np.sin(u)),
        "the equation failed with TypeError.*; use torch.sin, not numpy.sin",
    ),
    (
        lambda: problem(lambda u, x: u.t + math.sin(x)),
        "the equation failed with .*; use torch.sin, not numpy.sin or math",
    ),
    (
        lambda: problem(lambda u: u.t + math.sin(u)),
        "the equation failed with TypeError.*; use torch.sin, not numpy.sin or",
    ),
    (lambda: problem(lambda u: "u.t"), "the equation returned str; return a torch tensor"),
    (lambda: problem(no_return), "the equation returned NoneType; did it forget to return"),
    (lambda: problem(lambda u: ()), "the equation returned nothing; return what must vanish"),
    (lambda: problem(broken), "the equation failed with KeyError: 'key'"),
    (lambda: problem(lambda u: u.t + undefined), "the equation failed with NameError: name 'undefined'"),  # noqa: F821
    (
        lambda: problem(lambda u, x: x.sinn() + u.t),
        "the equation failed with AttributeError: 'Tensor' object has no",
    ),
    (
        lambda: problem("u.t - u.xx"),
        r"equation must be a function such as lambda u: \.\.\., not 'u\.t - u\.xx'",
    ),
    (
        lambda: problem(torch.sin),
        "the equation is <built-in .*, whose parameters have no names to match; wrap it",
    ),
    # conditions
    (lambda: problem(conditions=[0.0]), "0.0 is not a condition; use Dirichlet, Neumann, Initial"),
    (lambda: problem(conditions=[Dirichlet("w", 0.0)]), r"Dirichlet\('w'\): there is no unknown 'w' among u"),
    (
        lambda: problem(conditions=[Dirichlet("u", 0.0, on="x=2")]),
        "no face 'x=2': the faces of this domain are x=-1, x=1",
    ),
    (
        lambda: problem(conditions=[Neumann("u", 0.0, on="y")]),
        "no face 'y'.*a coordinate \\(x, t\\) stands for all of its",
    ),
    (
        lambda: problem(conditions=[Neumann("u", 0.0, on="t=0")]),
        r"Neumann\('u'\) on t=0: .* use Initial\('u', value, vel",
    ),
    (
        lambda: problem(lambda u: u.t, [Dirichlet("u")], T),
        r"Dirichlet\('u'\): Time.* has no boundary in space; use Initial",
    ),
    (
        lambda: problem(lambda u: u.xx, [V], X),
        r"Initial\('u'\) needs a time in the domain: multiply it by Time\(0, 1\)",
    ),
    (
        lambda: problem(conditions=[Periodic("z")]),
        r"Periodic\(on='z'\) needs an interval coordinate; .* has none of that",
    ),
    (
        lambda: problem(lambda u: u.xx + u.yy, [Periodic("x")], Ball((0, 0), 1)),
        r"Periodic\(on='x'\) needs an interval coordinate; Ball",
    ),
    (
        lambda: Dirichlet("u", nan),
        r"Dirichlet\('u'\): value must be a finite number or a function of the coordinates, not n",
    ),
    (lambda: Dirichlet("u", "x"), r"Dirichlet\('u'\): value must be .*, not 'x'"),
    (lambda: Dirichlet("u", None), r"Dirichlet\('u'\): value must be .*, not None"),
    (lambda: Dirichlet("u", np.zeros(3)), r"Dirichlet\('u'\): value must be"),
    (
        lambda: Initial("u", math.inf),
        r"Initial\('u'\): value must be a finite number or a function .*, not inf",
    ),
    (lambda: Initial("u", 0.0, velocity=nan), r"Initial\('u'\): velocity must be"),
    (lambda: Initial("u", None), r"Initial\('u'\) prescribes nothing; give a value or a velocity"),
    (lambda: Robin("u", alpha=nan), r"Robin\('u'\): alpha must be"),
    (lambda: Dirichlet("u", weight=0), r"Dirichlet\('u'\): weight must be a positive number, not 0"),
    (lambda: Initial("u", weight=-1), r"Initial\('u'\): weight must be a positive number, not -1"),
    (lambda: Periodic("x", weight=nan), r"Periodic\(\): weight must be a positive number, not nan"),
    (lambda: Neumann("u", weight="high"), r"Neumann\('u'\): weight must be a positive number, not 'high'"),
    (
        lambda: problem(conditions=[Dirichlet("u", lambda z: z)]),
        "the value of u on x=-1, x=1 asks for 'z', which is none of",
    ),
    (
        lambda: problem(conditions=[Initial("u", torch.sin)]),
        "is <built-in .* wrap it in a function that names them",
    ),
    (
        lambda: problem(conditions=[Initial("u", lambda x: torch.log(x - 3))]),
        "initial value of u gives NaN or infinity",
    ),
    (
        lambda: problem(conditions=[Initial("u", lambda x: x[:, None])]),
        r"the value of initial value of u returned shape",
    ),
    (
        lambda: problem(conditions=[Initial("u", lambda x: np.sin(x))]),
        "initial value of u failed.* use torch.sin",
    ),
    (
        lambda: problem(conditions=[Initial("u", lambda x: x.foo)]),
        "the value of initial value of u failed with AttributeE",
    ),
    (
        lambda: problem(conditions=[Initial("u", lambda x: None)]),
        "the value of initial value of u returned NoneType; did",
    ),
    (
        lambda: problem(conditions=[Dirichlet("u", hard=True, on="t=1")]),
        "u on t=1: hard=True, but there is no exact cons",
    ),
    # observations
    (lambda: Observations("u", points, [1.0]), "Observations of u: 2 numbers in 'x' but 1 values"),
    (
        lambda: Observations("u", points, [1.0, nan]),
        "Observations of u: 'values' holds a NaN or an infinity; remove it",
    ),
    (lambda: Observations("u", {"x": [nan]}, [1.0]), "Observations of u: 'x' holds a NaN"),
    (lambda: Observations("u", {"x": []}, []), "Observations of u hold no values; leave them out"),
    (
        lambda: Observations("u", points, [1.0, 2.0], weight=0),
        r"Observations\('u'\): weight must be a positive number",
    ),
    (
        lambda: problem(conditions=[Observations("u", {"x": [0.0]}, [1.0])]),
        "Observations of u lack the coordinate 't'; add",
    ),
    (
        lambda: problem(conditions=[Observations("u", points | {"z": [0.0, 0.0]}, [1.0, 2.0])]),
        "Observations of u: 'z' is none of the coordinates x, t; remove or rename it",
    ),
    (
        lambda: problem(conditions=[Observations("u", {"x": [0.0, 3.0], "t": [0.0, 0.5]}, [1.0, 2.0])]),
        r"Observations of u: number 1, at x=3, t=0\.5, is outside Interval\(.*; remove it",
    ),
]


@pytest.mark.parametrize("case", range(len(MESSAGES)))
def test_message(case):
    make, message = MESSAGES[case]
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_cause_is_kept():
    with pytest.raises(ValueError, match="the equation failed") as caught:
        problem(broken)
    assert isinstance(caught.value.__cause__, KeyError)


def test_two_unknowns_with_names_of_one_length_are_not_taken_for_equal():
    problem(lambda u, v: (u.t + 1 / (u - v), v.t - u.x / (v.x - u.x)), unknowns=("u", "v"))


def test_numpy_numbers_are_numbers():
    nu, half = np.float64(0.1), np.float32(0.5)
    found = problem(
        lambda u, x: half * u.t - nu * u.xx + np.float64(2) * x,
        [Dirichlet("u", nu), Initial("u", np.array(0.1))],
    )
    assert len(found.terms) == 1
    assert found.equation_term.needs == {"u": ((1,), (0, 0))}


# -- as a stranger would write them ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: Dirichlet("u", 1.0, on=0), r"on must name faces, such as on='x=0' .*, not 0"),
        (lambda: Dirichlet("u", 1.0, on=lambda x: x < 1), "on must name faces"),
        (lambda: Dirichlet("u", 1.0, hard="yes"), "hard must be True, False or None, not 'yes'"),
        (lambda: Ball((0, 0), 1, tag=3), "a face tag must be text such as 'inlet', not 3"),
        (lambda: Problem(Interval(0, 1), "u", lambda u: u.xx, Dirichlet("u")), r"conditions must be a list"),
        (lambda: Problem(Interval(0, 1), "u", lambda u: u.xx, None), r"conditions must be a list"),
        (
            lambda: Problem(Interval(0, 1), "u", lambda u: u.xx.value == 1.0, [Dirichlet("u")]),
            r"a comparison, .*not ==",
        ),
        (
            lambda: Problem(Interval(0, 1), "u", lambda u: u.xx + u.x == 1, [Dirichlet("u")]),
            r"the equation returned a comparison, .* u\.xx \+ u\.yy == 1 is written u\.xx \+ u\.yy - 1",
        ),
    ],
)  # fmt: skip
def test_what_is_of_another_kind_is_refused(mistake, sentence):
    with pytest.raises(ValueError, match=sentence):
        mistake()
