"""Conditions of a problem in DeepXDE's terms: errors, derivatives, parts, new points."""

from __future__ import annotations

from typing import Any

import deepxde as dde
import numpy as np
import pytest
import torch
from torch import Tensor

from sapts_pinn.deepxde.conditions import TermCondition, fields_of
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.problems import Coefficient, Dirichlet, Neumann, Observations, Periodic, Problem

PLACES = {"x": np.linspace(-0.8, 0.8, 5), "t": np.linspace(0.1, 0.9, 5)}


def problem() -> Problem:
    return Problem(
        Interval(-1, 1) * Time(0, 1),
        "u",
        lambda u, k: u.t - k * u.xx,
        [
            Neumann("u", 0.5, on="x=1"),
            Dirichlet("u", lambda t: t, on="x=-1", hard=False, weight=4.0),
            Periodic("x", hard=False),
            Observations("u", PLACES, np.arange(5.0), noise=0.1),
        ],
        coefficients=[Coefficient("k", 2.0)],
    )


def condition(kind: str) -> TermCondition:
    whole = problem()
    (term,) = (t for t in whole.condition_terms if kind in t.name)
    return TermCondition(whole, term, 8, lambda: {"k": torch.tensor(2.0)})


def known(x: Tensor) -> Tensor:
    """A function in place of the network, [N, 1]."""
    return (torch.sin(2 * x[:, :1]) * (1 + x[:, 1:] ** 2)).sum(1, keepdim=True)


def errors(of: TermCondition, before: int = 3) -> tuple[Tensor, Tensor]:
    """The errors, and the points: rows in the middle of DeepXDE's array."""
    dde.gradients.clear()
    points = of.sites.points
    inputs = torch.cat([torch.zeros(before, 2).double(), points, torch.ones(2, 2).double()]).requires_grad_()
    outputs = known(inputs)
    return of.error(inputs.detach().numpy(), inputs, outputs, before, before + len(points)).detach(), points


@pytest.mark.parametrize(
    ("kind", "exact", "weight"),
    [
        ("normal derivative", lambda x, t: 2 * np.cos(2 * x) * (1 + t**2) - 0.5, 10.0),
        ("x=-1", lambda x, t: np.sin(2 * x) * (1 + t**2) - t, 4.0),
        ("observations", lambda x, t: np.sin(2 * x) * (1 + t**2) - np.arange(5.0), None),
    ],
)
def test_errors_are_the_weighted_residuals_in_natural_units(
    kind: str, exact: Any, weight: float | None
) -> None:
    of = condition(kind)
    found, points = errors(of)
    x, t = points.numpy().T
    scale = np.sqrt(of.term.weight if weight is None else weight) / float(of.term.row_units)
    assert found.shape == (len(points), 1)
    assert found[:, 0].numpy() == pytest.approx(scale * exact(x, t), rel=1e-12, abs=1e-12)


def test_paired_points_have_one_error_each() -> None:
    of = condition("periodic")
    found, points = errors(of)
    assert of.sites.fold == 2 and len(found) == len(points) // 2
    first, second = known(points).chunk(2)
    jump = np.sqrt(of.term.weight) * (first - second) / float(of.term.row_units[0])
    assert torch.allclose(found[:, :1].abs(), jump.abs(), rtol=1e-12) and bool((jump.abs() > 1e-3).any())


@pytest.mark.parametrize("kind", ["normal derivative", "x=-1", "observations"])
def test_some_of_the_points_have_their_own_errors(kind: str) -> None:
    """Values and normals that belong to the points go along."""
    of = condition(kind)
    whole, points = errors(of)
    rows = np.array([4, 1])
    part = of.restricted(rows)
    found, own = errors(part)
    assert torch.equal(own, points[rows]) and torch.allclose(found, whole[rows], rtol=1e-14)
    assert torch.equal(of.sites.points, points), "the condition itself stays whole"


def test_new_points_are_drawn_when_asked_for_by_the_seed_of_deepxde() -> None:
    of = condition("x=-1")
    drawn = []
    for seed in (1, 1, 2):
        dde.config.set_random_seed(seed)
        drawn.append(of.collocation_points(np.zeros((3, 2))))
        assert np.array_equal(of.sites.points.numpy(), drawn[-1])
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[1], drawn[2])
    assert all((points[:, 0] == -1).all() for points in drawn)


@pytest.mark.parametrize("index", [(), (0,), (1,), (0, 0), (0, 1), (0, 0, 1), (1, 1, 1)])
def test_fields_have_derivatives_of_every_order(index: tuple[int, ...]) -> None:
    dde.gradients.clear()
    x = torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = torch.exp(x[:, :1] - 2 * x[:, 1:])
    field = fields_of(problem(), x, y, slice(1, 5))["u"]
    found = field.d(*("xt"[i] for i in index)).value
    exact = (-2.0) ** index.count(1) * y[1:5, 0]
    assert torch.allclose(found, exact, rtol=1e-12)
