"""Data of a problem that autograd cannot differentiate."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d

from sapts_pinn.geometry import Box, Interval, Time
from sapts_pinn.problems import Dirichlet, Interface, Problem
from sapts_pinn.problems.fields import derivatives
from sapts_pinn.problems.functions.given import Slice, unsmooth
from sapts_pinn.problems.functions.smoothness import Break
from sapts_pinn.problems.zoo import ZOO, build
from written_data import heat, opaque

pytestmark = pytest.mark.filterwarnings("ignore:contradictory conditions")

NODES = np.linspace(0, 1, 21)


X = Interval(0, 1)


def test_opaque_data():
    smooth = heat(opaque(lambda x: np.sin(np.pi * x)))
    assert smooth.conditions[1] in smooth.ansatz.exact and "a spline through it" in str(smooth)
    points = torch.tensor([[0.3, 0.0], [0.7, 0.5]], dtype=torch.float64)
    (xx,) = derivatives(smooth.ansatz.extension["u"], points, [(0, 0)])
    right = -(math.pi**2) * torch.sin(math.pi * points[:, 0])
    assert torch.allclose(xx, right, rtol=1e-5)
    table = heat(opaque(lambda x: np.interp(x, NODES, np.sin(np.pi * NODES))))
    assert table.conditions[1] not in table.ansatz.exact
    with pytest.raises(ValueError, match="hard=True, but PyTorch cannot differentiate it"):
        heat(opaque(lambda x: np.interp(x, NODES, np.sin(np.pi * NODES))), hard=True)
    with pytest.raises(ValueError, match="hard=True, but its slope in x grows without bound at x=0"):
        heat(lambda x: torch.sqrt(x) * (1 - x), hard=True)
    with pytest.raises(ValueError, match="particular part of u: PyTorch cannot differentiate"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u")], particular={"u": opaque(np.sin)})
    at = Interface(at=opaque(lambda x: x - 0.5), flux=lambda u: u.x)
    with pytest.raises(ValueError, match="Interface: at= : PyTorch cannot differentiate"):
        Problem(X, "u", lambda u: u.xx, [Dirichlet("u"), at])


# Where the data do have a kink: temperatures given on both sides of a contact, a start that is not periodic.
MEANT = {"conjugate": "jumps at", "allen-cahn": "not smooth at"}


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_raises_no_alarm(name):
    problem = build(name)
    text = " ".join(problem.ansatz.messages)
    for alarm in ("jumps at", "grows without bound", "cannot differentiate", "not smooth at"):
        assert (alarm in text) == (alarm == MEANT.get(name))
    kinked = name == "allen-cahn"
    assert bool(problem.singular) == (bool(problem.sources) or kinked) and problem._small_supports is None


def test_a_table_is_not_asked_beyond_the_domain():
    table = interp1d(np.linspace(0, 1, 5), [0.0, 1.0, 0.0, 2.0, 0.0])  # raises outside of [0, 1]
    problem = heat(lambda x: torch.as_tensor(table(x.detach().numpy())), until=0.1)
    assert "initial value of u: PyTorch cannot differentiate it" in str(problem)
    assert problem.conditions[1] not in problem.ansatz.exact


PLATE = Box((0, -1), (2, 1)) * Time(0, 3)


def test_a_slice_is_lifted_into_the_domain():
    part = Slice(PLATE, axes=(1,), pinned=((0, 2.0),), inset=0.1)
    y = torch.tensor([[-0.5], [0.25]], dtype=torch.float64)
    assert part.lifted(y).tolist() == [[2, -0.5, 1.5], [2, 0.25, 1.5]], "t in the middle"
    assert part.restricted(lambda p: p.sum(1))(y).tolist() == [3, 3.75]
    box = part.box({"y": 2})
    assert (box.lower.tolist(), box.upper.tolist(), list(box.orders)) == ([-0.8], [0.8], [2])


def test_breaks_are_told_by_place_three_at_most():
    part = Slice(PLATE, axes=(1,), pinned=())
    kinks = lambda p: (p[:, 1] + 0.5).abs() + (p[:, 1] - 0.25).abs()
    assert "y=-0.5" in unsmooth(kinks, part, {"y": 1}) and "y=0.25" in unsmooth(kinks, part, {"y": 1})
    assert unsmooth(lambda p: p[:, 1] ** 3, part, {"y": 2}) == ""
    found = part.where([Break(0, 0, torch.tensor([v]).double()) for v in (0.1, 0.2, 0.2, 0.3, 0.4)])
    assert found == "y=0.1, y=0.2, y=0.3 and elsewhere"
