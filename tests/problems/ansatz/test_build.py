"""The ansatz of a problem: what cannot be built in though it has to be."""

import pytest

from sapts_pinn.geometry import Ball, Box, Polygon
from sapts_pinn.problems import Dirichlet, Neumann, Problem, Robin

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")

SQUARE = Box((0, 0), (1, 1))


L_SHAPE = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])


laplace = lambda u: u.xx + u.yy


@pytest.mark.parametrize(
    ("domain", "condition", "what"),
    [
        (L_SHAPE, Dirichlet("u", 0.0, hard=True), "u on 6 faces"),
        (SQUARE, Neumann("u", 1.0, hard=True), "normal derivative of u on x=0, x=1, y=0, y=1"),
        (SQUARE, Robin("u", 1.0, on="x", hard=True), "Robin condition of u on x=0, x=1"),
        (Ball((0, 0), 1), Dirichlet("u", lambda x: x, hard=True), "u on sphere"),
    ],
)
def test_hard_without_a_construction(domain, condition, what):
    with pytest.raises(
        ValueError, match=f"^{what}: hard=True, but there is no exact construction for it on .*; leave"
    ):
        Problem(domain, "u", laplace, [condition])
