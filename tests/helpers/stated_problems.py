"""Equations and domains of problems that are well posed, or not."""

import math

import pytest
import torch

from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import Dirichlet, Initial, Observations, Problem
from sapts_pinn.problems.wellposed.findings import IllPosed

X, T, SQUARE = Interval(0, 1), Time(0, 1), Box((0, 0), (1, 1))


BAR, RADIUS = X * T, Interval(0, 1, "r") * T


SPHERE = Box((0, 0), (math.pi, 2 * math.pi), ("th", "ph"))


PIN = Observations("p", {"x": 0.0, "y": 0.0}, 0.0)


def bump(**velocity):
    return Initial("u", lambda x: torch.sin(math.pi * x), **velocity)


def heat(u, x):
    return u.t - u.xx - x


def flow(u, v, p):
    return (
        u * u.x + v * u.y + p.x - 0.01 * (u.xx + u.yy),
        u * v.x + v * v.y + p.y - 0.01 * (v.xx + v.yy),
        u.x + v.y,
    )


def unsteady(u, v, p):
    along, across, mass = flow(u, v, p)
    return u.t + along, v.t + across, mass


def elastic(u, v):
    return 3 * u.xx + u.yy + 2 * v.xy, 3 * v.yy + v.xx + 2 * u.xy + 1


def traction(u, v, n_x, n_y, x):
    shear = u.y + v.x
    return (3 * u.x + v.y) * n_x + shear * n_y, shear * n_x + (3 * v.y + u.x) * n_y - x + 0.5


def plate(u):
    return u.xxxx + 2 * u.xxyy + u.yyyy - 1


def beltrami(u, th, ph):
    sine = torch.sin(th)
    return u.thth + u.th * torch.cos(th) / sine + u.phph / sine**2 + torch.cos(th)


def poisson_nernst_planck(c, f):
    return c.t - c.xx - (c * f.xx + c.x * f.x), f.xx + c


DRIVEN = [Dirichlet("u", lambda y: y), Dirichlet("v", 0.0)]


def check_told(domain, unknowns, equation, conditions, sentence):
    """What is wrong is told in a warning that points here, and stands in the printed problem."""
    with pytest.warns(IllPosed, match=sentence) as record:
        problem = Problem(domain, unknowns, equation, conditions)
    assert all(w.filename == __file__ for w in record)
    for told in record:
        assert str(told.message) in str(problem)
