"""Solutions of every kind that what is done with a solution tells apart, untrained."""

from math import pi

import torch
from torch import Generator

from sapts_pinn import Dirichlet, Initial, Observations, Periodic, Problem, Solution, Unknown
from sapts_pinn.geometry import Ball, Interval, Polygon, Time
from sapts_pinn.networks.build import network_maker, network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.time_windows import WindowedModel, edges, joined

STRIP = Interval(0, 1) * Time(0, 1)
SINE = lambda x: torch.sin(pi * x)
WAVE = lambda u: u.tt - u.xx


def heat() -> Problem:
    """Symmetric about the middle and both ends; large values in small units."""
    conditions = [Dirichlet("u", 0.0), Initial("u", lambda x: 3e4 * torch.sin(pi * x / 1e-3))]
    return Problem(Interval(0, 1e-3) * Time(0, 1), "u", lambda u: u.t - 1e-7 * u.xx, conditions, name="heat")


def string() -> Problem:
    """A wave that an initial velocity starts, beside moving ends: the ansatz has a derivative in it."""
    conditions = [
        Dirichlet("u", lambda x, t: x * t**2 + t),
        Initial("u", 0.0, velocity=lambda x: 1 + torch.sin(2 * pi * x)),
    ]
    return Problem(STRIP, "u", WAVE, conditions, name="string")


def plucked() -> Problem:
    """A wave with a kink, which is a known part of the solution."""
    start = Initial("u", lambda x: 0.5 - (x - 0.5).abs(), velocity=SINE)
    return Problem(STRIP, "u", WAVE, [Dirichlet("u", 0.0), start], name="plucked")


def exchange() -> Problem:
    """Two unknowns, periodic."""
    conditions = [Periodic("x"), Initial("u", lambda x: torch.sin(2 * pi * x)), Initial("v", 0.0)]
    return Problem(STRIP, ("u", "v"), lambda u, v: (u.t - v.x, v.t - u.x), conditions, name="exchange")


def conductor() -> Problem:
    """A positive unknown, with data."""
    unknowns = ("u", Unknown("k", positive=True, init=2.0))
    data = Observations("u", {"x": [0.2, 0.5, 0.7]}, [0.1, 0.12, 0.1])
    equation = lambda u, k: k * u.xx + 1
    return Problem(Interval(0, 1), unknowns, equation, [Dirichlet("u", 0.0), data], name="conductor")


def corner() -> Problem:
    """A singular function of a corner among the inputs."""
    shape = Polygon([(-1, -1), (1, -1), (1, 0), (0, 0), (0, 1), (-1, 1)])
    return Problem(shape, "u", lambda u: u.xx + u.yy + 1, [Dirichlet("u", 0.0)], name="corner")


def ring() -> Problem:
    """A hole with a value of its own."""
    domain = Ball((0, 0), 1) - Ball((0, 0), 0.4, tag="hole")
    conditions = [Dirichlet("u", 0.0, on="sphere"), Dirichlet("u", 2.0, on="hole")]
    return Problem(domain, "u", lambda u: u.xx + u.yy + 1, conditions, name="ring")


def model_of(problem: Problem, dtype: torch.dtype = torch.float64) -> Model:
    assert problem.natural  # the scales, which training asks for first
    network = network_of(problem, (6, 6), Generator().manual_seed(2), dtype)
    return Model(problem, network, network_maker((6, 6), dtype))


def freed() -> Model:
    model = model_of(Problem(STRIP, "u", WAVE, [Dirichlet("u", 0.0), Initial("u", 0.0, velocity=SINE)]))
    model.free()
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.1)
    return model


def windowed() -> WindowedModel:
    problem = Problem(STRIP, "u", WAVE, [Dirichlet("u", 0.0), Initial("u", SINE, velocity=0.0)])
    return joined(problem, edges(problem, 3), model_of)


MODELS = {
    "symmetric": lambda: model_of(heat()),
    "velocity": lambda: model_of(string()),
    "kink": lambda: model_of(plucked()),
    "system": lambda: model_of(exchange()),
    "positive": lambda: model_of(conductor()),
    "corner": lambda: model_of(corner()),
    "hole": lambda: model_of(ring()),
    "freed": freed,
    "windows": windowed,
    "single precision": lambda: model_of(heat(), torch.float32),
}


def solution(name: str) -> Solution:
    """A solution whose model nobody has trained."""
    model = MODELS[name]()
    result = {"problem": model.problem.name, "method": "tr", "iterations": 0, "relative_l2_error": None}
    return Solution(model.problem, model, {"method": "tr"}, [], result)


def points_of(model: Model | WindowedModel, count: int, seed: int = 1) -> torch.Tensor:
    return model.problem.domain.interior(count, Generator().manual_seed(seed))
