"""Lengths over which sources vary, against the distance of points."""

import re

import pytest
import torch

from sapts_pinn.geometry import Box, Interval
from sapts_pinn.problems import Dirichlet, Problem
from sapts_pinn.problems.wellposed.features import features


def test_resolution_grows_with_the_points():
    def problem(width, points):
        return Problem(
            Box((0, 0), (1, 1)),
            "u",
            lambda u, x, y: u.xx + u.yy + torch.exp(-(((x - 0.3) / width) ** 2)),
            [Dirichlet("u", 0.0)],
            options={"points": points},
        )

    assert problem(0.1, 1024).check().ok
    assert not problem(0.003, 1024).check().ok
    assert problem(0.003, 1 << 20).check().ok


def test_the_length_of_a_feature_is_its_step_over_its_slope():
    """tanh((x - 0.4) / w) goes from -1 to 1 with a slope of 1 / w: over a length of 2 w."""
    problem = Problem(
        Interval(0, 1),
        "u",
        lambda u, x: u.xx + torch.tanh((x - 0.4) / 4e-3),
        [Dirichlet("u", 0.0)],
        options={"points": 128},
    )
    (finding,) = features(problem)
    assert (finding.severity, finding.topic) == ("note", "resolution"), "half a point or more in it"
    told = re.search(
        r"over a length of ([0-9.]+) in x, near x=0.4, where 128 points stand 0.0078 apart", finding.sentence
    )
    assert told and float(told[1]) == pytest.approx(0.008, rel=0.03)
    assert finding.sentence.endswith("points=256 or more would see it")
