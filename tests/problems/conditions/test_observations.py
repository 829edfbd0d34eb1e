"""Measured values: their summary, their sites and their misfit."""

import pytest
import torch
from torch import Generator

from sapts_pinn import Observations
from sapts_pinn.errors import InputError
from sapts_pinn.geometry import Interval
from sapts_pinn.problems.conditions.base import Demand
from sapts_pinn.problems.fields import Field

ROD = Interval(0, 1)
POINTS, VALUES = {"x": [0.1, 0.2]}, [3.0, 4.0]


def misfit(observations, u):
    sites = observations.sites(ROD, 5, Generator(), "uniform")
    field = Field("u", ("x",), lambda index: torch.tensor(u, dtype=torch.float64))
    return observations.residual({"u": field}, sites, ROD, {})[0].tolist()


def test_a_summary_of_the_data():
    plain = Observations("u", POINTS, VALUES).measurements()
    assert (plain.count, plain.unknown, plain.noise, plain.information) == (2, "u", None, 0.0)
    noisy = Observations(lambda u: u.x, POINTS, VALUES, noise=[0.5, 0.5]).measurements()
    assert noisy.unknown is None and noisy.noise == pytest.approx(0.5)
    assert noisy.information == pytest.approx(8.0)
    assert noisy.relative_noise == pytest.approx(0.5 / 12.5**0.5)


def test_data_are_requirements_inside_and_leave_mirrors_alone():
    observations = Observations("u", POINTS, VALUES)
    assert observations.requirements_inside(ROD) == 2 and not observations.mapped_by_reflections
    assert isinstance(observations.demands(1)[0], Demand) and observations.faces(ROD) == ()


def test_misfits_count_by_their_noise():
    assert misfit(Observations("u", POINTS, VALUES), [3.5, 4.0]) == [0.5, 0.0]
    given = Observations("u", POINTS, VALUES, noise=[0.1, 0.3])
    sigma = given.measurements().noise
    assert misfit(given, [3.1, 4.3]) == pytest.approx([sigma, sigma])
    with pytest.raises(InputError, match="is outside"):
        Observations("u", {"x": [2.0]}, [1.0]).sites(ROD, 1, Generator(), "uniform")
