"""Where functions branch: every break is found, however narrow what lies between."""

import pytest
import torch

from sapts_pinn.problems.functions.branches import break_points, explore

TABLE = torch.linspace(0, 1, 5, dtype=torch.float64)
LINES = {
    "smooth": (lambda x: torch.sin(3 * x), []),
    "comparison": (lambda x: torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7), [0.3]),
    "narrow window": (lambda x: ((x - 0.3).abs() < 1e-6).double(), [0.3 - 1e-6, 0.3, 0.3 + 1e-6]),
    "squared": (lambda x: torch.where((x - 0.7) ** 2 < 1e-8, 1.0, 0.0), [0.6999, 0.7001]),
    "hat": (lambda x: 1 - abs(2 * x - 1), [0.5]),
    "clamp": (lambda x: x.clamp(0.2, 0.6), [0.2, 0.6]),
    "relu": (lambda x: torch.nn.functional.relu(x - 0.4), [0.4]),
    "maximum": (lambda x: torch.maximum(x, 1 - x), [0.5]),
    "floor": (lambda x: torch.floor(4 * x), [0, 0.25, 0.5, 0.75, 1]),
    "remainder": (lambda x: (4 * x) % 1.0, [0, 0.25, 0.5, 0.75, 1]),
    "table": (lambda x: TABLE[torch.bucketize(x, TABLE[1:-1])], [0.25, 0.5, 0.75]),
    "whole numbers": (lambda x: (3 * x).long().double(), [0, 1 / 3, 2 / 3, 1]),
}


def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("name", LINES)
def test_on_a_line(name):
    function, expected = LINES[name]
    lower, upper = torch.zeros(1).double(), torch.ones(1).double()
    found = break_points(lambda p: function(p[:, 0]), lower, upper, generator())
    places = sorted({round(float(x), 9) for x in found[:, 0]})
    assert found.shape[1:] == (1,) and places == pytest.approx(expected, abs=1e-9)


SUPPORTS = {
    "steps": lambda x, y: (torch.floor(500 * x) == 217) & (torch.floor(300 * y) == 102),
    "square": lambda x, y: ((x - 0.3).abs() < 1e-3) & ((y - 0.4).abs() < 1e-3),
    "four comparisons": lambda x, y: (x > 0.8) & (x < 0.801) & (y > 0.1) & (y < 0.1001),
    "disc": lambda x, y: (x - 0.9) ** 2 + (y - 0.2) ** 2 < 1e-6,
    "slanted": lambda x, y: ((x + y - 0.7).abs() < 1e-3) & ((x - 2 * y + 0.5).abs() < 1e-3),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_points_inside_small_supports(name):
    function = lambda p: SUPPORTS[name](p[:, 0], p[:, 1]).double()
    box = torch.tensor([-2.0, 0]).double(), torch.tensor([1.0, 1]).double()
    _, cells = explore(function, *box, generator())
    assert function(cells).max() == 1


def test_a_burst_in_space_and_time():
    function = lambda p: ((p - torch.tensor([0.3, 0.4, 0.77])).abs() < 1e-3).all(1).double()
    apart = lambda p: (
        function(p) * 0
        + (((p[:, 0] - 0.3) ** 2 + (p[:, 1] - 0.4) ** 2 < 1e-5) & ((p[:, 2] - 0.77).abs() < 1e-3))
    )
    _, cells = explore(apart, torch.zeros(3).double(), torch.ones(3).double(), generator())
    assert apart(cells).max() == 1


def test_tops_of_narrow_peaks():
    peak = lambda p: torch.exp(-((p[:, 0] - 0.3) ** 2 + (p[:, 1] - 0.4) ** 2) / 2e-8)
    box = torch.zeros(2).double(), torch.ones(2).double()
    assert len(explore(peak, *box, generator())[1]) == 0  # it does not branch
    assert peak(explore(peak, *box, generator(), steep=True)[1]).max() > 0.3
