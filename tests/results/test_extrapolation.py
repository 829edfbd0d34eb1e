"""Outside the domain a solution says nothing, unless it is asked to."""

import warnings
from math import pi

import numpy as np
import pytest
import torch

from sapts_pinn import solve
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Ball, Box, Interval, Mesh, Time
from sapts_pinn.geometry.mesh.mesh import example_mesh
from sapts_pinn.problems import Dirichlet, Initial, Problem
from sapts_pinn.results.extrapolation import outside


@pytest.fixture(scope="module")
def solution():
    problem = Problem(
        Interval(0, 2) * Time(0, 1e-3),
        "u",
        lambda u, x: u.t - u.xx - torch.sin(x),
        [Dirichlet("u", 0.0), Initial("u", lambda x: torch.sin(pi * x / 2))],
    )
    return solve(problem, budget="2 iterations", network=(4,), points=64)


X = np.array([-0.5, 0.0, 1.0, 2.0, 2.1])
INSIDE = np.array([False, True, True, True, False])
CALLS = {
    "predict": lambda s, p, **more: s.predict(p, **more),
    "derivative": lambda s, p, **more: s.derivative(p, "x", **more),
    "evaluate": lambda s, p, **more: s.evaluate(lambda u: u.x, p, **more),
    "residual": lambda s, p, **more: s.residual(p, **more),
}


@pytest.mark.parametrize("name", CALLS)
def test_nan_with_a_warning_or_what_the_network_says(solution, name):
    points = {"x": X, "t": 5e-4}
    with pytest.warns(
        UserWarning, match=r"2 of 5 points are outside .* the first at x=-0.5, t=0.0005"
    ) as record:
        found = CALLS[name](solution, points)
    assert len(record) == 1 and record[0].filename == __file__
    np.testing.assert_array_equal(np.isfinite(found), INSIDE)
    everywhere = CALLS[name](solution, points, extrapolate=True)
    assert np.isfinite(everywhere).all()
    np.testing.assert_array_equal(everywhere[INSIDE], found[INSIDE])


def test_each_coordinate_by_its_own_extent(solution):
    with pytest.warns(UserWarning, match="1 of 1 points are outside"):
        assert np.isnan(solution.predict({"x": 1.0, "t": 1.001e-3}))
    rounded = {"x": np.array([-1e-12, 2 + 1e-12]), "t": 1e-3 * (1 + 1e-12)}
    assert np.isfinite(solution.predict(rounded)).all()  # no warning either


def test_errors_count_inside_only(solution):
    values = solution.predict({"x": X, "t": 5e-4}, extrapolate=True)
    with pytest.warns(UserWarning, match="outside"):
        assert solution.error({"x": X, "t": 5e-4}, values + ~INSIDE) == 0.0


@pytest.mark.parametrize(
    "domain",
    [Ball((0, 0), 1), Box((0, 0), (1, 1)) - Ball((0.5, 0.5), 0.2), Mesh(example_mesh("plate-with-holes"))],
)
def test_points_of_a_domain_are_inside(domain):
    generator = torch.Generator().manual_seed(0)
    points = torch.cat([domain.interior(64, generator), domain.boundary(64, generator).points])
    assert not outside(domain, points).any()
    shifted = points + 1.1 * (domain.bounds[1] - domain.bounds[0])
    assert outside(domain, shifted).all()
    hole = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    assert bool(outside(domain, hole)) is bool(domain.distance(hole) > 0)


def test_pictures_and_files_are_quiet(solution, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        solution.plot(tmp_path / "solution.png")
        solution.export(tmp_path / "solution.vtu")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (
            lambda s: s.predict(torch.zeros(3, 1)),
            r"must be \[..., 2\] with the coordinates x, t .* not \[3, 1\]",
        ),
        (lambda s: s.predict({"y": 0.5}), "exactly the coordinates x, t, not y"),
        (lambda s: s.derivative({"x": 0.5, "t": 0.0}, "q"), "coordinates x, t, such as 'xx', not by 'q'"),
        (lambda s: s.derivative("x", {"x": 0.5}), "points must be real numbers, not 'x'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_a_sentence(solution, ask, says):
    with pytest.raises(InputError, match=says):
        ask(solution)
