"""Errors in the tangent space of a network: found where random features see nothing of them."""

import copy

import pytest
import torch

from sapts_pinn import Solution, solve
from sapts_pinn.derivatives.taylor import Channels
from sapts_pinn.estimation.error_equation import Estimator
from sapts_pinn.estimation.error_estimate import CHEAP
from sapts_pinn.estimation.linearised import fields_of
from sapts_pinn.estimation.tangent import TangentField, tangent_error
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.problems.zoo import build

SEED = 7_031


@pytest.fixture(scope="module")
def front() -> Solution:
    """A travelling front after a short training."""
    return solve(build("reaction"), budget="60 iterations", points=512, network=(16, 16, 16))


def test_the_error_of_a_front_is_found_where_features_see_little_of_it(front: Solution) -> None:
    true = front.result["relative_l2_error"]
    estimator = Estimator(front.model, CHEAP, SEED)
    field = tangent_error(estimator.model, estimator.generator, 3.0)
    assert field is not None
    features, found = estimator.solve("tanh").direct, estimator.explained(field)
    size = estimator.u.square().mean().sqrt()
    assert found is not None and found.unexplained < 0.1 and features.unexplained > 0.5
    assert 0.5 < float(found.values.square().mean().sqrt() / size) / true < 2
    assert front.error_estimate.unexplained < 0.1
    assert 0.5 < front.error_estimate.relative / true < 5


def test_a_small_change_of_the_parameters_is_found_again(front: Solution) -> None:
    model = front.model
    worse = copy.deepcopy(model)
    theta = gather(list(worse.parameters()))
    draw = torch.randn(len(theta), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    scatter_(list(worse.parameters()), theta + 0.02 * draw)
    points = front.problem.domain.interior(500, torch.Generator().manual_seed(2), "sobol")
    fields = [tangent_error(m, torch.Generator().manual_seed(SEED), 3.0) for m in (model, worse)]
    assert fields[0] is not None and fields[1] is not None
    with torch.no_grad():
        moved, changed = worse(points) - model(points), fields[0](points) - fields[1](points)
    assert float((changed - moved).norm() / moved.norm()) < 0.3


def test_the_field_and_its_derivatives_are_those_of_the_network(front: Solution) -> None:
    model = front.model
    theta = gather(list(model.parameters()))
    step = torch.randn(len(theta), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    points = front.problem.domain.interior(50, torch.Generator().manual_seed(4), "uniform")
    channels = Channels([(), (0,), (1,), (0, 0)])
    found = TangentField(model, step).derivatives(points, channels)
    each = []
    for sign in (1, -1):  # another step of the quotient
        other = copy.deepcopy(model)
        scatter_(list(other.parameters()), theta + sign * 1e-3 * step)
        each.append(fields_of(other, points, channels))
    expected = (each[0] - each[1]) / 2e-3
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_a_large_network_is_left_out_unless_there_is_time() -> None:
    solution = solve(build("poisson-1d"), budget="1 iterations", points=64, network=(50, 50))
    generator = torch.Generator().manual_seed(SEED)
    assert tangent_error(solution.model, generator, 1.0) is None
    assert tangent_error(solution.model, generator, 1e3) is not None
