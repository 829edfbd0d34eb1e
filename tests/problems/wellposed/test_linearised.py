"""The linearisation of a term about random states."""

import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Dirichlet, Initial, Interface, Neumann, Problem, Sites
from sapts_pinn.problems.wellposed.linearised import linearise, states, values, zero


def test_slopes_are_the_derivatives_with_respect_to_the_channels():
    conditions = [
        Dirichlet("u", 0.0),
        Initial("u", lambda x: torch.sin(torch.pi * x)),
        Neumann("u", 1.0, on="x=0"),
    ]
    equation = lambda u, x, c: u.t + u * u.x - c * u.xx + x
    problem = Problem(Interval(0, 1) * Time(0, 1), "u", equation, conditions, [Coefficient("c", 0.25)])
    sites = Sites(problem.domain.interior(30, torch.Generator().manual_seed(0)))
    for state in states():
        found = linearise(problem, problem.equation_term, sites, state)
        u, u_x, u_t, u_xx = (state(("u", index), 30) for index in ((), (0,), (1,), (0, 0)))
        slopes = dict(zip(found.channels, found.slopes[0], strict=True))
        one = torch.ones(30, dtype=torch.float64)
        for index, right in (((1,), one), ((), u_x), ((0,), u), ((0, 0), -0.25 * one)):
            torch.testing.assert_close(slopes["u", index], right)
        torch.testing.assert_close(found.rows[0], u_t + u * u_x - 0.25 * u_xx + sites.points[:, 0])
        torch.testing.assert_close(values(problem, problem.equation_term, sites, state), found.rows)
    at_zero = values(problem, problem.equation_term, sites, zero)
    torch.testing.assert_close(at_zero[0], sites.points[:, 0])


def test_states_are_of_either_sign_and_the_same_each_time():
    drawn = [state(("u", (0,)), 100) for state in states()]
    assert (drawn[0] > 0).all() and (drawn[1] < 0).all()
    assert all((d > 0).any() and (d < 0).any() for d in drawn[2:])
    again = [state(("u", (0,)), 100) for state in states()]
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert not torch.equal(drawn[0], states()[0](("u", (1,)), 100))


def test_both_sides_of_an_interface_have_slopes_and_numbers_are_finite_at_both():
    k = lambda x: torch.where(x < 0.5, 2.0, 3.0)
    at = Interface(at=lambda x: x - 0.5, flux=lambda u, x: k(x) * u.x)
    problem = Problem(Interval(0, 1), "u", lambda u, x: k(x) * u.xx + 1, [Dirichlet("u", 0.0), at])
    term = problem.condition_terms[1]
    sites = term.sites(4, torch.Generator().manual_seed(0), "uniform")
    found = linearise(problem, term, sites, states()[0])
    assert sites.fold == 2 and found.slopes.shape[2] == 2 * found.rows.shape[1]
    assert found.finite.shape == (found.rows.shape[1],) and found.finite.all()
    slopes = found.slopes[:, found.channels.index(("u", (0,)))].abs()
    assert sorted({round(float(v), 9) for v in slopes[slopes > 0]}) == [2, 3]
