"""Integrals that the solution found is too rough for."""

import torch
from torch import Generator

from sapts_pinn.audit import audit
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Integral, Problem


def test_a_rough_solution_is_told():
    def rough(x):
        return torch.sin(300 * x)

    def problem(nodes):
        return Problem(
            Interval(0, 1),
            "u",
            lambda u, I, x: u - rough(x) - I,
            integrals=[Integral("I", lambda u: 1000 * u, over="x", nodes=nodes)],
        )

    made = problem(16)
    network = network_of(made, (200,), Generator().manual_seed(1), torch.float64, "sin")
    with torch.no_grad():  # a wave that 16 nodes do not resolve
        network[0].weight.fill_(150.0)
        network[0].bias.fill_(1.0)
        network[2].weight.fill_(1 / 200)
        network[2].bias.zero_()
    model = Model(made, network)
    sites = {t.name: t.sites(64, Generator().manual_seed(4), "sobol") for t in made.terms}
    found = audit(model, sites)
    assert found.figures["quadrature"] > 1e-3


def test_equations_without_integrals_have_no_figure():
    plain = Problem(Interval(0, 1), "u", lambda u, x: u - x)
    model = Model(plain, network_of(plain, (5,), Generator().manual_seed(1), torch.float64))
    sites = {t.name: t.sites(64, Generator().manual_seed(4), "sobol") for t in plain.terms}
    assert "quadrature" not in audit(model, sites).figures
