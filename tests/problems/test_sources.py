"""Sources at points and on lines: known parts against exact solutions, strength, refusals."""

import numpy as np
import pytest
import torch
from scipy.special import k0

from sapts_pinn import Coefficient, Dirichlet, Initial, LineSource, PointSource, Problem, solve
from sapts_pinn.geometry import Box, Time
from sapts_pinn.problems.fields import derivatives

SQUARE = Box((0, 0), (1, 1))
AT = (0.3, 0.4)
ONE = (PointSource(AT),)


def problem(equation=lambda u: u.xx + u.yy, sources=ONE, domain=SQUARE, value=0.0, more=(), **rest):
    return Problem(domain, "u", equation, [Dirichlet("u", value), *more], sources=sources, **rest)


def error(found, exact, names=("x", "y"), count=500):
    p = np.random.default_rng(0).random((count, len(names)))
    p = p[np.hypot(p[:, 0] - AT[0], p[:, 1] - AT[1]) > 0.05]
    known = exact(*p.T)
    return np.linalg.norm(found.predict(dict(zip(names, p.T, strict=True))) - known) / np.linalg.norm(known)


def quick(made, budget="150 evaluations"):
    return solve(made, method="tr", network=(12, 12), budget=budget, points=512)


@pytest.mark.parametrize("sign", [1, -1])
def test_different_diffusion_along_x_and_y_and_either_sign_of_the_equation(sign):
    def exact(x, y, log=np.log):
        return -3 * log((x - 0.3) ** 2 / 2 + (y - 0.4) ** 2 / 0.5) / (4 * np.pi)

    made = problem(
        lambda u: sign * (2 * u.xx + 0.5 * u.yy),
        [PointSource(AT, 3.0)],
        value=lambda x, y: exact(x, y, torch.log),
    )
    assert "source      3 at x=0.3, y=0.4: built in" in str(made) and not made.findings
    found = quick(made)
    assert error(found, exact) < 1e-3
    assert found.result["audit"]["passed"]


def test_two_sources_add_up():
    both = [PointSource(AT), PointSource((0.7, 0.7), -1.0)]
    at = torch.tensor([[0.5, 0.5], [0.2, 0.8]], dtype=torch.float64)
    alone = sum(problem(sources=[source]).singular[0].function(at) for source in both)
    made = problem(sources=both)
    torch.testing.assert_close(sum(part.function(at) for part in made.singular), alone)
    edge = torch.tensor([[0.0, 0.3], [0.7, 1.0]], dtype=torch.float64)
    assert made.ansatz.extension["u"](edge).abs().max() < 1e-14  # the condition means their sum


def test_what_a_reaction_makes_of_the_source_is_left_to_inputs_of_the_network():
    def exact(x, y):
        return k0(3 * np.hypot(x - 0.3, y - 0.4)) / (2 * np.pi)

    def value(x, y):
        return torch.from_numpy(exact(x.detach().numpy(), y.detach().numpy()))

    made = problem(lambda u: u.xx + u.yy - 9 * u, value=value)
    assert "r^2 log r about the source" in str(made)
    assert error(quick(made, "300 evaluations"), exact) < 1e-2


def test_from_rest_in_time():
    made = problem(lambda u: u.t - 0.1 * (u.xx + u.yy), domain=SQUARE * Time(0, 1), more=[Initial("u", 0.0)])
    part = made.singular[0].function
    at = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 1e-4], [0.31, 0.4, 1.0]], dtype=torch.float64)
    values = part(at)
    assert values[0] == 0 and values[1] < 1e-100 and values[2] > 1


def test_a_line_in_space_by_the_coordinates_across_it():
    cube = Box((0, 0, 0), (1, 1, 1))
    made = problem(lambda u: u.xx + u.yy + u.zz, [PointSource({"x": 0.3, "y": 0.4})], cube)
    at = torch.tensor([[0.5, 0.5, 0.1], [0.5, 0.5, 0.9]], dtype=torch.float64)
    values = made.singular[0].function(at)
    assert values[0] == values[1] == pytest.approx(-np.log(0.05) / (4 * np.pi))


def test_a_segment():
    made = problem(sources=[LineSource((0.3, 0.4), (0.6, 0.4), 2.0)])
    assert "2 for each length from (0.3, 0.4) to (0.6, 0.4)" in str(made)
    stretched = problem(lambda u: 4 * u.xx + u.yy, [LineSource((0.3, 0.4), (0.6, 0.4), 2.0)])
    circle = torch.linspace(0, 2 * torch.pi, 2001, dtype=torch.float64)[1:]
    at = torch.stack([0.45 + 0.4 * circle.cos(), 0.4 + 0.3 * circle.sin()], 1)
    normal = torch.stack([0.3 * circle.cos(), 0.4 * circle.sin()], 1)  # times the length of an element
    for found, k in ((made, 1.0), (stretched, 4.0)):
        x, y = derivatives(found.singular[0].function, at, [(0,), (1,)])
        out = -(k * x * normal[:, 0] + y * normal[:, 1]).mean() * 2 * torch.pi
        assert float(out) == pytest.approx(2.0 * 0.3, rel=1e-9)  # strength times length


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PointSource(AT, float("nan")), r"strength must be a finite number, not nan"),
        (lambda: PointSource(("a", 1)), r"at must be finite coordinates such as \(0\.3, 0\.4\)"),
        (lambda: LineSource((0, 0), (0, 0)), r"needs two different ends"),
        (lambda: problem(sources=[PointSource((0.3,))]), r"does not fit the coordinates x, y"),
        (lambda: problem(sources=[PointSource((0.3, 0.4, 0.5))]), r"does not fit the coordinates x, y"),
        (lambda: problem(sources=[PointSource((1.3, 0.4))]), r"does not lie inside"),
        (lambda: problem(lambda u: u.xx - u.yy), r"are those of no diffusion"),
        (
            lambda: problem(lambda u: u.xxxx + u.yyyy),
            r"no fundamental solution is known for derivatives of h",
        ),
        (lambda: problem(lambda u: (1 + u**2) * (u.xx + u.yy)), r"u\.xx is no constant there"),
        (
            lambda: problem(lambda u, k: k * (u.xx + u.yy), coefficients=[Coefficient("k")]),
            r"u\.xx is no constant there",
        ),
        (lambda: problem(lambda u: u.xx + u.yy + u.x**2 + u.y**2), r"as large as its second derivatives"),
        (
            lambda: Problem(
                SQUARE, ("u", "v"), lambda u, v: (u.xx + u.yy, v.xx + v.yy), sources=[PointSource(AT)]
            ),
            r"for one equation of one unknown of either sign only",
        ),
        (
            lambda: problem(
                lambda u: u.t - u.xx - u.yy, [LineSource((0.2, 0.2), (0.3, 0.3))], SQUARE * Time(0, 1)
            ),
            r"is no plane without time",
        ),
        (
            lambda: solve(
                problem(lambda u: u.t - u.xx - u.yy, domain=SQUARE * Time(0, 1), more=[Initial("u", 0.0)]),
                windows=2,
                budget="1 iteration",
            ),
            r"windows would start every source anew",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(ValueError, match=message):
        make()
