"""A solution that passes its obstacle, and one that touches it where it should."""

import pytest
import torch
from torch import Generator

from sapts_pinn import Dirichlet, Obstacle, Problem
from sapts_pinn.audit import audit
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model


def audited(below, outer):
    """The audit of u = outer (1 - x^2) under a ceiling."""
    made = Problem(
        Interval(-1, 1),
        "u",
        lambda u: -u.xx - 8,
        [Dirichlet("u", 0.0)],
        obstacles=[Obstacle("u", below=below)],
        symmetry=False,
    )
    model = Model(made, network_of(made, (3,), Generator().manual_seed(1), torch.float64))
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.zero_()
        last = [p for p in model.network.parameters()][-1]
        last.fill_(1.0)
        half = model(torch.tensor([[0.0]], dtype=torch.float64))
        last.fill_(outer / float(half))
    sites = {t.name: t.sites(64, Generator().manual_seed(4), "sobol") for t in made.terms}
    return audit(model, sites)


def test_passing_the_obstacle_is_told():
    """u = 4 (1 - x^2) has an rms of 4 sqrt(8/15) and passes 1 by 3 in the middle."""
    found = audited(1.0, 4.0)
    assert found.figures["passed"] == pytest.approx(3 / (4 * (8 / 15) ** 0.5), rel=0.05)
    assert any("passes its obstacle by" in f.words for f in found.objections)


def test_an_obstacle_far_away_is_not_touched():
    found = audited(50.0, 4.0)
    assert found.passed and found.figures["passed"] == 0 and found.figures["contact"] == 0


def test_problems_without_have_no_figure():
    plain = Problem(Interval(0, 1), "u", lambda u, x: u - x)
    model = Model(plain, network_of(plain, (5,), Generator().manual_seed(1), torch.float64))
    sites = {t.name: t.sites(64, Generator().manual_seed(4), "sobol") for t in plain.terms}
    assert "contact" not in audit(model, sites).figures
