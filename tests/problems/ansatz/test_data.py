"""Values that conditions prescribe, less the known parts of the unknowns."""

from math import pi

import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Dirichlet, Initial, Problem
from sapts_pinn.problems.ansatz.data import NUDGE, RATE, PrescribedData

BAR = Interval(0, 1) * Time(0, 2)
STEP = lambda x: (x > 0).double()  # jumps in the corner x = 0


def given(**options) -> tuple[PrescribedData, Problem]:
    conditions = [
        Dirichlet("u", lambda t, c: c + 0 * t, on="x=0"),
        Dirichlet("u", 1.0, on="x=1"),
        Initial("u", lambda x: torch.sin(pi * x), velocity=lambda x: x),
    ]
    equation = lambda u: u.tt - u.xx
    problem = Problem(BAR, "u", equation, conditions, [Coefficient("c", 0.5)], **options)
    return PrescribedData(problem), problem


def test_values_rates_and_coefficients(recwarn):
    data, problem = given()
    x = torch.tensor([[0.3, 0.0], [0.7, 1.0]], dtype=torch.float64)
    moving, fixed, start = problem.conditions
    assert [data.is_fixed(c) for c in problem.conditions] == [False, True, True]
    assert data.of(moving)(x).tolist() == [0.5, 0.5] and data.of(fixed)(x).tolist() == [1, 1]
    assert torch.allclose(data.of(start)(x), torch.sin(pi * x[:, 0]))
    assert torch.equal(data.of(start, RATE)(x), x[:, 0])
    product = data.rate(lambda p: p[:, 0] * p[:, 1] ** 2)
    assert torch.allclose(product(x), 2 * x[:, 0] * x[:, 1])


def test_the_known_part_is_subtracted_and_its_limit_taken_along_a_face(recwarn):
    data, problem = given(particular={"u": lambda x, t: STEP(x) * (1 + 3 * t)})
    start = problem.conditions[2]
    x = torch.tensor([[0.5, 0.0]], dtype=torch.float64)
    sine, one = torch.sin(pi * x[:, 0]), torch.ones(1, dtype=torch.float64)
    assert torch.allclose(data.of(start)(x), sine - 1)
    assert torch.allclose(data.of(start, known_part=False)(x), sine)
    assert torch.allclose(data.of(start, RATE)(x), x[:, 0] - 3)
    corner = torch.zeros(1, 2, dtype=torch.float64)
    assert data.part("u")(corner).tolist() == [0] and data.part("u", axis=0)(corner).tolist() == [0]
    along = data.part("u", axis=1)(corner)
    assert torch.allclose(along, one, atol=10 * NUDGE), "its limit from inside the face t = 0"


def test_a_spline_takes_the_place_of_data(recwarn):
    data, problem = given()
    start = problem.conditions[2]
    data.replaced[id(start), 0] = lambda points: 7 + 0 * points[:, 0]
    assert data.of(start)(torch.zeros(2, 2, dtype=torch.float64)).tolist() == [7, 7]
