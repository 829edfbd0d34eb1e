"""The linear problem for the error of a model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sapts_pinn.derivatives.taylor import Channels
from sapts_pinn.estimation.error_equation import Effort, Estimator
from sapts_pinn.estimation.error_estimate import CHEAP, estimate_error
from wrong_solutions import PI, X, given, soft, zero_on

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")


def test_the_error_field_corrects_a_nonlinear_solution() -> None:
    def equation(u, x):  # type: ignore[no-untyped-def]
        return u.xx - u * u + torch.sin(PI * x) ** 2 + PI**2 * torch.sin(PI * x)

    def wrong(x: Tensor) -> Tensor:
        return torch.cos(PI / 2 * x) * (1 + 1e-3 * torch.sin(2 * x))

    found, field = estimate_error(given(soft(X, equation, zero_on("x")), wrong), (CHEAP,))
    x = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    true = torch.sin(PI * x[:, 0]) - wrong(2 * x[:, 0] - 1)
    assert found.reliable
    assert (field(x)[:, 0] - true).abs().max() < 0.02 * true.abs().max()


EFFORT = Effort(features=60, points=200, search=0, tries=0)


def linear(u, x):  # type: ignore[no-untyped-def]
    return u.xx + PI**2 * torch.sin(PI * x)


def wrong_by(share: float) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cos(PI / 2 * x) * (1 + share * torch.sin(2 * x))


def test_a_linear_equation_has_nothing_beyond_first_order() -> None:
    plain = Estimator(given(soft(X, linear, zero_on("x")), wrong_by(0.1)), EFFORT, seed=1)
    found = plain.solve("tanh")
    assert found.widths == (6.0,) and found.best.unexplained < 1e-6
    assert plain.curvature(found.best) < 1e-6 and found.left < 1e-6
    x = plain.test[:, 0]
    true = torch.sin(PI * x) - wrong_by(0.1)(2 * x - 1)
    assert float((found.best.values[:, 0] - true).abs().max()) < 1e-6
    assert float((found.own.values[:, 0] - true).abs().max()) < 1e-6, "a solution of its own says the same"
    bent = lambda u, x: u.xx - 5 * u * u + 5 * torch.sin(PI * x) ** 2 + PI**2 * torch.sin(PI * x)
    curved = Estimator(given(soft(X, bent, zero_on("x")), wrong_by(0.1)), EFFORT, seed=1)
    assert curved.curvature(curved.solve("tanh").best) > 1e-3


def test_the_field_has_the_derivatives_of_its_values() -> None:
    plain = Estimator(given(soft(X, linear, zero_on("x")), wrong_by(0.1)), EFFORT, seed=1)
    field = plain.solve("sin").direct.field
    x, h = torch.tensor([[0.3], [0.6]], dtype=torch.float64), 1e-4
    channels = Channels([(0, 0)])
    found = field.derivatives(x, channels)[0, channels.position[0, 0]]
    differences = (field(x + h) - 2 * field(x) + field(x - h))[:, 0] / h**2
    torch.testing.assert_close(found, differences, rtol=1e-4, atol=1e-4)


def test_a_function_that_nothing_notices_is_found() -> None:
    held = Estimator(given(soft(X, linear, zero_on("x")), wrong_by(0.1)), EFFORT, seed=1)
    free = Estimator(given(soft(X, linear, zero_on("x=0")), wrong_by(0.1)), EFFORT, seed=1)
    assert held.freedom() < 100 and free.freedom() > 1e4


def test_widths_are_found_where_few_features_explain_nothing_of_the_error() -> None:
    """The error is too fine for them; the solution itself, which they are sought by then, is not."""
    waves = lambda u, x: u.xx + (8 * PI) ** 2 * torch.sin(8 * PI * x)
    fine = lambda z: torch.sin(4 * PI * z) + 1e-6 * torch.sin(128 * PI * z)
    model = given(soft(X, waves, zero_on("x")), fine)
    estimator = Estimator(model, Effort(features=60, points=200, search=30, tries=12), seed=1)
    few = estimator.solve("sin")
    assert few.direct.unexplained > 0.9 and few.own.unexplained < 0.1
    true = 1e-6 * torch.sin(128 * PI * (2 * estimator.test[:, 0] - 1))
    found = few.own.values[:, 0]
    assert float((found + true).norm()) < 0.1 * float(true.norm())
