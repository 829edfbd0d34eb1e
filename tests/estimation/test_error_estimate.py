"""The error estimate: near the true error of wrong solutions, and not fooled by what the equation cannot see.

Wrong solutions are made directly: a module that gives the function stands in place of the network.
"""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn

from sapts_pinn.derivatives.taylor import Channels
from sapts_pinn.estimation.error_estimate import CHEAP, ErrorEstimate, estimate_error
from sapts_pinn.estimation.random_features import Features, inputs_of, solve_on_check, triangle
from sapts_pinn.geometry import Interval, Time
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.networks.time_windows import WindowedModel, window
from sapts_pinn.problems import Dirichlet, Initial, Observations, Problem, zoo
from sapts_pinn.problems.scales import Scales
from sapts_pinn.results.solution import Solution
from sapts_pinn.solving.run import solve

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
X, Y, T = Interval(0, 1, name="x"), Interval(0, 1, name="y"), Time(0, 1)
PI = math.pi


class Given(nn.Module):
    """Functions of the coordinates scaled to [-1, 1], in place of a network."""

    def __init__(self, *functions: Callable[..., Tensor]) -> None:
        super().__init__()
        self.functions = functions
        self.unused = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, xi: Tensor) -> Tensor:
        return torch.stack([f(*xi.unbind(-1)) + 0 * xi[..., 0] for f in self.functions], -1)


def given(problem: Problem, *functions: Callable[..., Tensor]) -> Model:
    """The model that is g + l times the functions, in the user's units."""
    rows = {term.name: (1.0,) * term.rows for term in (problem.equation_term, *problem.condition_terms)}
    problem.__dict__["natural"] = Scales(dict.fromkeys(problem.unknown_names, 1.0), rows)
    problem.__dict__.pop("terms", None)
    return Model(problem, Given(*functions))


def estimated(problem: Problem, *functions: Callable[..., Tensor]) -> ErrorEstimate:
    return estimate_error(given(problem, *functions), (CHEAP,))[0]


def soft(domain, equation, *conditions, unknowns="u"):  # type: ignore[no-untyped-def]
    return Problem(domain, unknowns, equation, conditions, symmetry=False)


def zero_on(on, unknown="u"):  # type: ignore[no-untyped-def]
    return Dirichlet(unknown, 0.0, on=on, hard=False)


def unit(xi: Tensor) -> Tensor:
    return (xi + 1) / 2


def hat(x: Tensor) -> Tensor:
    return torch.where(x < 0.3, x / 0.3, (1 - x) / 0.7)


# -- wrong by a known amount ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-9, 1e-5, 0.1])
def test_the_error_of_a_smooth_solution_is_found(size: float) -> None:
    def source(u, x, y):  # type: ignore[no-untyped-def]
        return u.xx + u.yy + 2 * PI**2 * torch.sin(PI * x) * torch.sin(PI * y)

    def wrong(x: Tensor, y: Tensor) -> Tensor:
        right = torch.cos(PI / 2 * x) * torch.cos(PI / 2 * y)
        return right + size * torch.sin(PI * x) * torch.cos(PI / 2 * y)  # of the same norm, odd in x

    found = estimated(soft(X * Y, source, zero_on(("x", "y"))), wrong)
    assert found.reliable
    assert found.relative == pytest.approx(size / math.sqrt(1 + size**2), rel=0.1)
    assert found.l2["u"] == pytest.approx(0.5 * size, rel=0.15)
    assert found.max["u"] == pytest.approx(size, rel=0.2)


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


def test_conditions_are_checked_as_they_were_given() -> None:
    problem = soft(X, lambda u: u.xx, Dirichlet("u", 1.0, on="x=1", hard=False), zero_on("x=0"))
    found = estimated(problem, lambda x: 1.1 * unit(x))  # satisfies the equation, misses u(1) = 1 by 0.1
    assert found.relative == pytest.approx(0.1, rel=0.1)


# -- what the equation does not see at points -------------------------------------------------------------


def test_a_frozen_hat_is_seen() -> None:
    start = Initial("u", lambda x: hat(x), hard=False)
    problem = soft(X * Time(0, 0.5), lambda u: u.t - u.xx, zero_on("x"), start)
    found = estimated(problem, lambda x, t: hat(unit(x)))
    assert not found.reliable
    assert "u.xx in the equation does not see" in found.words and "x=0.3" in found.words
    assert found.relative > 0.3


def test_a_frozen_string_is_seen() -> None:
    start = Initial("u", lambda x: hat(x), 0.0, hard=False)
    found = estimated(soft(X * T, lambda u: u.tt - u.xx, zero_on("x"), start), lambda x, t: hat(unit(x)))
    assert not found.reliable and found.relative > 0.3


def test_a_frozen_step_is_seen() -> None:
    start = Initial("u", lambda x: (x < 0.2).to(x), hard=False)
    inflow = Dirichlet("u", 1.0, on="x=0", hard=False)
    problem = soft(X * T, lambda u: u.t + u.x, inflow, start)
    found = estimated(problem, lambda x, t: (unit(x) < 0.2).to(x))
    assert not found.reliable and "u jumps by 1 at x=0.2" in found.words
    assert found.relative > 0.3


def test_a_hat_carried_into_the_square_is_seen() -> None:
    wall = Dirichlet("u", lambda x: hat(x), on="y=0", hard=False)
    problem = soft(X * Y, lambda u: u.xx + u.yy, zero_on(("x", "y=1")), wall)
    found = estimated(problem, lambda x, y: hat(unit(x)) * (1 - unit(y)))
    assert not found.reliable and found.relative > 0.3


def test_derivatives_that_autograd_does_not_know_are_seen() -> None:
    r = Interval(0, 1, name="r")

    def start(r: Tensor) -> Tensor:
        return torch.special.bessel_j0(2.404825557695773 * r.detach())

    conditions = (zero_on("r=1"), Initial("u", start, hard=False))
    problem = soft(r * Time(0, 0.2), lambda u, r: u.t - u.rr - u.r / r, *conditions)
    found = estimated(problem, lambda r, t: start(unit(r)))
    assert not found.reliable and found.relative > 0.3


# -- units ------------------------------------------------------------------------------------------------


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


# -- no answer --------------------------------------------------------------------------------------------


def test_a_missing_condition_is_said() -> None:
    found = estimated(soft(X, lambda u: u.xx + 1, zero_on("x=0")), lambda x: 0.01 * (1 + x))
    assert not found.reliable and "do not determine the solution" in found.words


def test_a_solution_that_is_zero_is_said() -> None:
    line = Interval(-3, 3, name="x")
    found = estimated(soft(line, lambda p, x: p.xx + p + x * p.x, unknowns="p"), lambda x: 1e-7 * x**0)
    assert not found.reliable and "do not determine the solution" in found.words


def test_another_equation_is_seen() -> None:
    found = estimated(soft(X, lambda u: u.xx + 5, zero_on("x")), lambda x: 0.33 * (1 - x**2))
    assert found.relative == pytest.approx(1 - 0.33 / 0.625, rel=0.05)


def test_an_unknown_field_that_was_forced_symmetric_is_seen() -> None:
    x = torch.linspace(0.05, 0.95, 30, dtype=torch.float64)
    data = Observations("u", {"x": x}, x * (1 - x**2))
    problem = soft(X, lambda u, f: u.xx + f, zero_on("x"), data, unknowns=("u", "f"))
    found = estimated(problem, lambda x: 0.375 * (1 - x**2), lambda x: 3 + 0 * x)
    assert not found.reliable or found.relative > 0.3


def test_a_source_that_is_too_small_to_be_resolved_gives_no_low_figure() -> None:
    def source(u, x, y):  # type: ignore[no-untyped-def]
        inside = ((x - 0.23).abs() < 0.05).to(x) * ((y - 0.31).abs() < 0.05).to(x)
        return u.xx + u.yy + 100 * inside

    found = estimated(soft(X * Y, source, zero_on(("x", "y"))), lambda x, y: 0 * x)
    assert found.relative > 0.3


def test_a_jump_between_windows_is_an_error_from_there_on() -> None:
    """Heat whose second window starts a tenth too high, and satisfies everything but the continuity."""
    start = Initial("u", lambda x: torch.sin(PI * x), hard=False)
    problem = soft(X * Time(0, 0.1), lambda u: u.t - u.xx, zero_on("x"), start)

    def heat(x: Tensor, t: Tensor) -> Tensor:
        return torch.sin(PI * unit(x)) * torch.exp(-(PI**2) * t)

    first = given(window(problem, 2, 0, None), lambda x, t: heat(x, 0.05 * unit(t)))
    second = given(window(problem, 2, 1, first), lambda x, t: 1.1 * heat(x, 0.05 + 0.05 * unit(t)))
    found = estimate_error(WindowedModel(problem, [first, second], [0.05]), (CHEAP,))[0]
    a = math.exp(-(PI**2) * 0.1)  # integrals of exp(-2 pi^2 t) over the windows
    assert found.reliable
    assert found.relative == pytest.approx(0.1 * math.sqrt((a - a * a) / (1 - a * a)), rel=0.2)


def test_small_waves_of_a_residual_do_not_hide_the_error() -> None:
    """Features see a smooth solution far better than the rough residual of a network."""

    def source(u, x):  # type: ignore[no-untyped-def]
        return u.xx + PI**2 * torch.sin(PI * x)

    def wrong(x: Tensor) -> Tensor:
        rough = torch.cos(300 * x) * torch.cos(PI / 2 * x)
        return torch.cos(PI / 2 * x) * (1 + 1e-4) + 1e-7 * rough

    found = estimated(soft(X, source, zero_on("x")), wrong)
    assert found.reliable and found.relative == pytest.approx(1e-4, rel=0.3)


# -- in solutions -----------------------------------------------------------------------------------------


def test_a_run_reports_its_estimate(tmp_path) -> None:  # type: ignore[no-untyped-def]
    solution = solve(
        zoo.build("poisson-2d"), budget="40 iterations", points=200, network=(16, 16), out=tmp_path / "run"
    )
    true = solution.result["relative_l2_error"]
    assert true / 3 < solution.error_estimate.relative < 10 * true
    assert "error estimate" in str(solution)
    again = Solution.load(tmp_path / "run")
    assert again.error_estimate == solution.error_estimate
    x, y = torch.rand(2, 50, generator=Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.sin(PI * x) * torch.sin(PI * y)
    off = exact - solution.predict({"x": x, "y": y})
    assert (off - again.error_field({"x": x, "y": y})).norm() < 0.5 * off.norm()


def test_a_failing_estimate_does_not_lose_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("sapts_pinn.results.solution.estimate_error", fails)
    solution = solve(zoo.build("poisson-1d"), budget="3 iterations", points=50)
    assert solution.result["error_estimate"] is None
    assert any("out of luck" in remark for remark in solution.result["remarks"])


def test_an_estimate_is_the_same_again() -> None:
    problem = zoo.build("heat")
    model = Model(problem, network_of(problem, (8,), Generator().manual_seed(0), torch.float64))
    first, second = (estimate_error(model, (CHEAP,))[0] for _ in range(2))
    assert first.relative == second.relative and first.l2 == second.l2


# -- random features --------------------------------------------------------------------------------------


def test_features_have_right_derivatives() -> None:
    features = Features.draw(7, (3.0, 5.0), "sin", Generator().manual_seed(1))
    points = torch.rand(5, 2, generator=Generator().manual_seed(2), dtype=torch.float64)
    columns = [lambda p: 2 * p[:, 0] - 1, lambda p: p[:, 0] * p[:, 1]]
    channels = Channels([(0, 1)])
    h, position = 1e-4, channels.position[(0, 1)]

    def at(dx: float, dy: float) -> Tensor:
        moved = points + torch.tensor([dx, dy], dtype=torch.float64)
        return features.bundle(inputs_of(columns, moved, Channels([()])), Channels([()]))[0]

    found = features.bundle(inputs_of(columns, points, channels), channels)[position]
    difference = (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h)
    assert torch.allclose(found, difference, atol=1e-4)


def test_the_rank_is_chosen_on_other_rows() -> None:
    generator = Generator().manual_seed(3)
    a, check = (torch.randn(60, 40, generator=generator, dtype=torch.float64) for _ in range(2))
    for m in (a, check):
        m[:, 20:] = m[:, :20]  # half of the columns say the same again
    x = torch.randn(40, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(60, 1, generator=generator, dtype=torch.float64)
    target = torch.cat([a @ x, noise], 1)
    fit = solve_on_check(triangle([torch.cat([a, target], 1)]), 40, check, torch.cat([check @ x, -noise], 1))
    assert int(fit.ranks[0]) == 20 and float(fit.unexplained[0]) < 1e-12
    assert float(fit.unexplained[1]) > 0.9  # noise explains nothing elsewhere
    blocks = triangle([torch.cat([a, target], 1)[:25], torch.cat([a, target], 1)[25:]])
    assert torch.allclose(blocks.T @ blocks, torch.cat([a, target], 1).T @ torch.cat([a, target], 1))
