"""Models and problems that an audit looks at."""

from dataclasses import replace

import torch

from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Initial, Problem

SMALL = {"network": (8, 8), "points": 512, "condition_points": 64, "budget": "100 iterations"}


STRIP = Interval(0, 1) * Time(0, 1)


def with_ansatz(problem, **changes):
    """The problem with parts of its ansatz exchanged, whatever the builder thinks of them."""
    problem.__dict__["ansatz"] = replace(problem.ansatz, **changes)
    problem.__dict__.pop("terms", None)
    return problem


def frozen(value, domain=STRIP, equation=lambda u: u.t - u.xx):
    """A problem whose start is built in, differentiable or not: u = value(x) + t N."""
    start = Initial("u", lambda x: torch.zeros_like(x))
    problem = Problem(domain, "u", equation, [start], symmetry=False)
    problem = with_ansatz(problem, extension={"u": lambda p: value(p[:, 0])}, factor={"u": lambda p: p[:, 1]})
    object.__setattr__(problem, "conditions", (replace(start, value=value),))
    for name in ("condition_terms", "terms"):
        problem.__dict__.pop(name, None)
    problem.__dict__["ansatz"] = replace(problem.ansatz, exact=problem.conditions)
    return problem


def untrained(problem, points=512):
    """A model whose network gives zero, and points."""
    generator = torch.Generator().manual_seed(0)
    network = network_of(problem, (8, 8), generator, torch.float64)
    for parameter in [*network.parameters()][-2:]:
        torch.nn.init.zeros_(parameter)
    sites = {t.name: t.sites(points, generator, "uniform") for t in problem.terms}
    return Model(problem, network), sites


def topics(found):
    return [f.topic for f in found.objections]
