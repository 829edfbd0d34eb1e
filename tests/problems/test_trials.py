"""Trial functions, and terms at their sites with them."""

import pytest
import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Problem, Sites, Unknown
from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.trials import EACH, WAVES, Place, Trials, thinned
from sapts_pinn.problems.wellposed.findings import IllPosed

COUNT = EACH * len(WAVES)


@pytest.fixture
def problem() -> Problem:
    conditions = [Dirichlet("u", 0.0), Initial("u", lambda x: torch.sin(torch.pi * x))]
    equation = lambda u, x: u.t - u * u.xx - x
    return Problem(Interval(0, 1) * Time(0, 1), "u", equation, conditions, symmetry=False)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_trial_functions_vanish_where_the_unknown_is_fixed(problem):
    trials = Trials(problem.ansatz, ("x", "t"), generator())
    ends = torch.tensor([[0.0, 0.3], [1.0, 0.7], [0.4, 0.0]], dtype=torch.float64)
    (values,) = trials.of("u", ends, [()])
    assert values.shape == (3, COUNT) and float(values.abs().max()) < 1e-12
    inside = torch.tensor([[0.3, 0.4]], dtype=torch.float64)
    value, slope = trials.of("u", inside, [(), (0,)])
    h = 1e-6
    ahead, behind = (trials.of("u", inside + torch.tensor([[s, 0]]), [()])[0] for s in (h, -h))
    assert torch.allclose(slope, (ahead - behind) / (2 * h), atol=1e-6) and value.abs().max() > 0
    assert Trials(problem.ansatz, ("x", "t"), None).of("u", inside, [()])[0].shape == (1, 0)


def test_a_look_gives_residuals_and_their_derivatives(problem):
    points = problem.domain.interior(20, generator())
    trials = Trials(problem.ansatz, ("x", "t"), generator())
    place = Place(problem.equation_term, Sites(points), torch.ones(20), problem.ansatz, trials)
    weights = {"u": torch.randn(COUNT, generator=generator(), dtype=torch.float64) / COUNT}
    rows, D = place.look(weights, {})
    start = derivatives(problem.ansatz.extension["u"], points, [(), (1,), (0, 0)])
    waves = trials.of("u", points, [(), (1,), (0, 0)])
    u, u_t, u_xx = (g + wave @ weights["u"] for g, wave in zip(start, waves, strict=True))
    assert torch.allclose(rows[0], u_t - u * u_xx - points[:, 0])
    assert torch.allclose(D["u", ()][0], -u_xx) and torch.allclose(D["u", (0, 0)][0], -u)
    assert torch.allclose(D["u", (1,)][0], torch.ones(20, dtype=torch.float64))
    block = place.block(D, "u")[0]
    assert torch.allclose(block, waves[1] - u_xx[:, None] * waves[0] - u[:, None] * waves[2])


def test_a_positive_unknown_starts_from_its_initial_value():
    field = Unknown("k", positive=True, init=0.3)
    with pytest.warns(IllPosed):
        problem = Problem(Interval(0, 1), field, lambda k, x: k.x - x)
    points = problem.domain.interior(5, generator())
    trials = Trials(problem.ansatz, ("x",), generator())
    place = Place(problem.equation_term, Sites(points), torch.ones(5), problem.ansatz, trials)
    assert torch.allclose(place.start["k", ()], torch.full((5,), 0.3, dtype=torch.float64))
    assert torch.allclose(place.waves["k", ()], 0.3 * trials.of("k", points, [()])[0])


def test_sizes_are_weighted_by_density(problem):
    points = problem.domain.interior(2, generator())
    trials = Trials(problem.ansatz, ("x", "t"), None)
    place = Place(
        problem.equation_term, Sites(points), torch.tensor([0.5, 1.5]).double(), problem.ansatz, trials
    )
    assert place.rms(torch.tensor([2.0, 4.0]).double()) == pytest.approx(13**0.5)


def test_places_of_a_narrow_source_stand_for_fewer():
    narrow = lambda u, x: u.xx + torch.exp(-(((x - 0.5) / 1e-3) ** 2))
    for equation, even in ((lambda u, x: u.xx + torch.cos(3 * x), True), (narrow, False)):
        problem = Problem(Interval(0, 1), "u", equation, [Dirichlet("u", 0.0)], symmetry=False)
        term = problem.uniform_equation_term
        many = term.sites(4000, generator(), "sobol")
        sites, density = thinned(term, many, 200, problem.ansatz, ("x",), {}, generator())
        assert len(sites.points) == 200 and float(density.mean()) == pytest.approx(1, abs=0.35)
        close = ((sites.points[:, 0] - 0.5).abs() < 2e-3).double().mean()
        assert (density == 1).all() if even else close > 0.2
