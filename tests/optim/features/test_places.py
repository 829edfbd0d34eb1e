"""Points and units of a search."""

import pytest
import torch
from torch import nn

from draws import rng
from sapts_pinn.errors import InputError
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.features.places import CHECKED, OVER, Places
from sapts_pinn.optim.features.search import Trial
from sapts_pinn.problems import build


def places_of(name: str = "convection", network: object = (20,), points: int = 500) -> Places:
    problem = build(name)
    model = Model(problem, network_of(problem, network, rng(0), torch.float64, "sin"))
    return Places(LeastSquares(model, {t.name: t.sites(points, rng(1), "sobol") for t in problem.terms}), 7)


def test_inputs_of_one_coordinate_share_a_width() -> None:
    places = places_of()  # cosine and sine of x, and t
    assert places.groups == [[0, 1], [2]]
    units = places.units(Trial(2000, (1.0, 30.0)))
    spread = units.weights.std(0)
    assert torch.allclose(spread, torch.tensor([1.0, 1.0, 30.0]).double() / 3**0.5, rtol=0.1)
    assert torch.equal(units.shifts, places.units(Trial(2000, (2.0, 4.0))).shifts)


def test_points_are_those_of_the_loss_and_as_many_as_columns_need() -> None:
    places = places_of()
    few = places.points(20)
    assert few.sample.terms[0].n == OVER * 21 and few.check.terms[0].n == CHECKED * 21
    known = {tuple(p) for p in places.whole.sites["equation"].points.tolist()}
    assert all(tuple(p) in known for p in few.sample.terms[0].sites.points.tolist())
    assert not any(tuple(p) in known for p in few.check.terms[0].sites.points.tolist())
    assert places.points(20) is few and places.points(400).sample.terms[0].n == 500, "there are no more"
    assert places.columns(400) == 401 and few.size > 0


def test_work_is_counted_in_gradients() -> None:
    places = places_of()
    places.points(400)
    places.count_work()
    assert places.whole.counters.gradients == 4.0


@pytest.mark.parametrize("network", [(20, 20), lambda i, o: nn.Linear(i, o)])
def test_other_networks_are_refused(network) -> None:
    with pytest.raises(InputError, match=r"^features needs a network with one hidden layer: give network=\("):
        places_of(network=network)
