"""The size that the equation asks for, and solutions that are nothing."""

import pytest
import torch

from audited_models import SMALL, STRIP, topics, untrained, with_ansatz
from sapts_pinn import solve
from sapts_pinn.audit import audit
from sapts_pinn.geometry import Box, Interval
from sapts_pinn.problems import Dirichlet, Initial, Problem
from sapts_pinn.problems.zoo import build

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


@pytest.mark.parametrize("length", [600.0, 6e6])
def test_a_missing_scale_is_not_called_capacity(length):
    problem = Problem(Interval(0, length), "M", lambda M: M.xx + 1, [Dirichlet("M", 0.0)], symmetry=False)
    factor = problem.ansatz.factor["M"]
    size = float(factor(torch.tensor([[length / 3]], dtype=torch.float64)).abs())
    plain = with_ansatz(
        problem, factor={"M": lambda p: factor(p) / size}
    )  # N of order one gives u of order one
    found = audit(*untrained(plain))
    assert topics(found) == ["scale"] and "asks for M of the order of" in found.objections[0].words
    assert found.objections[0].figures["ratio"] > 1e4


def test_a_tiny_solution_lacks_its_scale():
    problem = Problem(
        Interval(0, 1), "u", lambda u, x: u.xx + 1e-9 * torch.exp(x), [Dirichlet("u", 0.0)], symmetry=False
    )
    factor = problem.ansatz.factor["u"]
    size = float(factor(torch.tensor([[1 / 3]], dtype=torch.float64)).abs())
    found = audit(*untrained(with_ansatz(problem, factor={"u": lambda p: factor(p) / size})))
    assert topics(found) == ["scale"] and found.objections[0].figures["ratio"] < 1e-7


def test_waves_are_no_missing_scale():
    """Their source is large, and so are the derivatives."""
    assert "scale" not in topics(audit(*untrained(build("helmholtz-6-6"))))


def test_zero_is_told_where_it_solves_everything():
    fokker_planck = Problem(
        Interval(-2, 2), "p", lambda p, x: (x**3 - x) * p.x + (3 * x**2 - 1) * p + 0.25 * p.xx,
        [Dirichlet("p", 0.0)],
    )  # fmt: skip
    solution = solve(fokker_planck, **SMALL)
    assert [f["topic"] for f in solution.result["audit"]["objections"]] == ["trivial"]
    assert "p = 0 satisfies the equation and every condition" in str(solution)
    assert solution.result["diagnosis"]["limit"] == "trivial"


def test_a_source_that_uniform_points_miss_is_no_reason_to_call_the_solution_trivial():
    def window(x, y):
        return 1.0 * (((x - 0.31).abs() < 1e-4) & ((y - 0.44).abs() < 1e-4))

    def problem(source):
        return Problem(
            Box((0, 0), (1, 1)), "u", lambda u, x, y: u.xx + u.yy + source(x, y), [Dirichlet("u", 0.0)]
        )

    def found(source):
        model, sites = untrained(problem(source))
        torch.nn.init.constant_([*model.network.parameters()][-1], 1e-3)  # nearly zero
        return topics(audit(model, sites))

    assert "trivial" not in found(window) and "trivial" in found(lambda x, y: 0 * x)


def test_a_constant_is_a_solution_like_any_other():
    problem = Problem(STRIP, "u", lambda u: u.t - u.xx, [Dirichlet("u", 1.0), Initial("u", 1.0)])
    assert audit(*untrained(problem)).passed
