"""A problem linearised at a trained model, in any units."""

import math

import pytest
import torch
from torch import Generator

from sapts_pinn.estimation.linearised import Sample, Scales, draw, scales_of
from sapts_pinn.estimation.random_features import Features
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.model import Model
from sapts_pinn.problems import Dirichlet
from wrong_solutions import X, estimated, given, soft, unit, zero_on

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


@pytest.mark.parametrize("length", [6e-6, 6.0, 600.0, 6e6])
def test_an_unscaled_beam_is_seen(length: float) -> None:
    problem = soft(Interval(0, length, name="x"), lambda M: M.xx + 1, zero_on("x", "M"), unknowns="M")
    exact = length**2 / 8
    found = estimated(problem, lambda x: (exact + 0.3 * exact * x) * (1 - x**2))
    assert found.reliable  # |x (1 - x^2)| / |1 - x^2| = 1 / sqrt(7)
    assert found.relative == pytest.approx(0.3 / math.sqrt(7), rel=0.05)
    small = estimated(problem, lambda x: 1e-3 * exact * (1 - x**2))
    assert small.relative > 0.9


def test_a_load_that_vanishes_beside_the_stiffness_is_seen() -> None:
    bar = Interval(0, 0.1, name="x")
    problem = soft(bar, lambda u, x: 210e9 * u.xx + 7.85e4 * x / 0.1, zero_on("x"))
    size = 7.85e4 / 210e9 * 0.1**2
    even = estimated(problem, lambda x: size * (1 - x**2) / 16)  # the mean load: even about the middle
    t = torch.linspace(0, 1, 10_001, dtype=torch.float64)
    right, wrong = (t - t**3) / 6, t * (1 - t) / 4
    assert even.relative == pytest.approx(float((right - wrong).norm() / right.norm()), rel=0.1)


def quadratic(u, x):  # type: ignore[no-untyped-def]
    return u.xx - u * u.x + x


def sampled() -> tuple[Model, Sample]:
    """u = x + x^2 / 10 in u_xx - u u_x + x, with a wall that is exact and one that is not."""
    right = Dirichlet("u", 1.0, on="x=1", hard=False)
    model = given(soft(X, quadratic, zero_on("x=0"), right), lambda x: unit(x) + unit(x) ** 2 / 10)
    columns = [lambda points: 2 * points[:, 0] - 1]
    return model, draw(model, columns, 50, 4, Generator().manual_seed(0))


def test_slopes_are_those_of_the_equation_at_the_model() -> None:
    _, sample = sampled()
    rows = sample.rows[0]
    x, at = rows.sites.points[:, 0], rows.channels.position
    u, u_x = x + x**2 / 10, 1 + x / 5
    torch.testing.assert_close(rows.values[0], 0.2 - u * u_x + x)
    for index, slope in (((), -u_x), ((0,), -u), ((0, 0), torch.ones_like(x))):
        torch.testing.assert_close(rows.slopes[0, 0, at[index]], slope)
    left, right = sample.rows[1:]
    assert left.values.abs().max() < 1e-15 and torch.allclose(right.values, torch.tensor(0.1).double())
    assert float(rows.share.mean()) == pytest.approx(1)


def test_the_matrix_is_the_linear_part_of_every_feature() -> None:
    _, sample = sampled()
    features = [Features.draw(6, (3.0,), "tanh", Generator().manual_seed(1))]
    ones = Scales([torch.ones(1, dtype=torch.float64)] * 3, torch.ones(1, dtype=torch.float64))
    a = sample.matrix(features, ones)
    coefficients = torch.randn(features[0].count, generator=Generator().manual_seed(2), dtype=torch.float64)
    applied = []
    for rows, inputs in zip(sample.rows, sample.inputs, strict=True):
        fields = (features[0].bundle(inputs, rows.channels) @ coefficients)[None]
        applied.append(rows.linear(fields))
    torch.testing.assert_close(a @ coefficients, sample.target(applied, ones))


def test_what_is_beyond_first_order_is_the_quadratic_part() -> None:
    model, sample = sampled()
    rows = sample.rows[0]
    moved = torch.randn(rows.fields.shape, generator=Generator().manual_seed(3), dtype=torch.float64)
    at = rows.channels.position
    expected = -moved[0, at[()]] * moved[0, at[0,]]
    found = rows.beyond(model, moved, torch.zeros(0, dtype=torch.float64))
    torch.testing.assert_close(found[0], expected)


def test_scales_make_every_row_of_size_one() -> None:
    _, sample = sampled()
    features = [Features.draw(40, (3.0,), "tanh", Generator().manual_seed(1))]
    found = scales_of(sample, features)
    for rows, inputs, scale, weight in zip(sample.rows, sample.inputs, found.rows, (1, 10, 10), strict=True):
        (block,) = sample.blocks(rows, inputs, features)[0]
        size = float((rows.share[:, None] * block.square()).mean().sqrt())
        assert size * float(scale[0]) * float(found.columns[0]) == pytest.approx(weight)
