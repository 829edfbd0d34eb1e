"""Passes of a block recorded and replayed: as CUDA graphs on a GPU, and by a stand-in here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sapts_pinn import Coefficient, Dirichlet, Problem
from sapts_pinn.geometry import Interval
from sapts_pinn.networks.build import network_of
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives import least_squares, replay
from sapts_pinn.objectives.flat import gather, scatter_
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.objectives.replay import CHECK, WARM, Recorder, agree

pytestmark = pytest.mark.filterwarnings("ignore::sapts_pinn.problems.wellposed.findings.IllPosed")
FACTOR = [1.0]  # of the equation, which a callback might change


def equation(u: Any, k: Tensor) -> Any:
    return FACTOR[0] * u.xx + k * u + 1


def reads_values(u: Any, k: Tensor) -> Any:
    return u.xx + (k * u if float(u.value.detach().max()) > -1e9 else 0.0) + 1


def objective(
    written: Callable[..., Any] = equation, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> LeastSquares:
    random = torch.Generator().manual_seed(0)
    problem = Problem(Interval(0, 1), "u", written, [Dirichlet("u", 0.0)], [Coefficient("k", init=0.5)])
    network = network_of(problem, (6, 6), random, dtype, "tanh").to(device)
    sites = {term.name: term.sites(40, random, "sobol") for term in problem.terms}
    return LeastSquares(Model(problem, network), sites, use_kernel=False)


class Again:
    """Stands in for a recording: evaluates with the factor that the equation had when it was recorded."""

    made_so_far = 0

    def __init__(self, forward: Any, reverse: Any, theta: Tensor) -> None:
        Again.made_so_far += 1
        self.made, self._forward, self._reverse = forward(theta), forward, reverse
        self._factor, self._replays = FACTOR[0], 0

    def residual(self, theta: Tensor) -> Tensor:
        now, FACTOR[0] = FACTOR[0], self._factor
        self.made, FACTOR[0] = self._forward(theta), now
        self._replays += 1
        return self.made.residual.detach().clone()

    def vjp(self, cotangent: Tensor) -> Tensor:
        return self._reverse(self.made, cotangent)

    due = replay.Recording.due


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record on the processor, by the stand-in."""
    monkeypatch.setattr(replay, "recordable", lambda theta: True)
    monkeypatch.setattr(replay, "Recording", Again)
    Again.made_so_far = 0


GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cpu":
        request.getfixturevalue("here")
    return str(request.param)


def parametrized(function: Any) -> Any:
    return pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)], indirect=True)(
        function
    )


def recorded(of: LeastSquares) -> bool:
    return all(block._recorder.recording is not None for block in of.blocks)


def seen(of: LeastSquares, theta: Tensor) -> dict[str, Tensor]:
    """All that is asked of an evaluation, in an order in which some of it comes from a replay."""
    scatter_(of.parameters, theta)
    found = of.evaluate()
    v = torch.linspace(-1, 1, found.size, dtype=theta.dtype).to(theta)
    return {
        "value": torch.tensor(found.value), "gradient": found.gradient(), "residual": found.residual(),
        "jvp": found.jvp(v), "jacobian": found.jacobian(), "vjp": found.vjp(found.residual()),
    }  # fmt: skip


def warmed(of: LeastSquares) -> LeastSquares:
    for _ in range(WARM + 1):
        of.evaluate()
    return of


@parametrized
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_replay_is_an_evaluation(device: str, dtype: torch.dtype) -> None:
    fresh, other = (objective(device=device, dtype=dtype) for _ in range(2))
    theta = gather(fresh.parameters)
    warmed(other)
    assert recorded(other) and not recorded(fresh)
    for step in (0.0, 0.1, 0.2):
        wanted, found = seen(fresh, theta + step), seen(other, theta + step)
        for name, value in wanted.items():
            torch.testing.assert_close(found[name], value, msg=lambda text, name=name: f"{name}: {text}")
        fresh = objective(device=device, dtype=dtype)  # which never comes to a recording


@parametrized
def test_an_evaluation_is_asked_after_a_later_one(device: str) -> None:
    other = warmed(objective(device=device))
    theta = gather(other.parameters)
    first = other.evaluate()
    wanted = {"gradient": warmed(objective(device=device)).evaluate().gradient()}
    scatter_(other.parameters, theta + 0.3)
    later = other.evaluate()
    torch.testing.assert_close(first.gradient(), wanted["gradient"])
    torch.testing.assert_close(later.vjp(later.residual()), later.gradient())
    torch.testing.assert_close(later.jacobian().T @ later.residual(), later.gradient())


@parametrized
def test_an_equation_that_has_changed_is_noticed(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "FACTOR", [1.0])
    fresh, other = objective(device=device), warmed(objective(device=device))
    before = other.evaluate().value
    FACTOR[0] = 3.0
    values = [other.evaluate().value for _ in range(CHECK)]
    now = fresh.evaluate().value
    assert values[0] == pytest.approx(before) and values[-1] == pytest.approx(now) != pytest.approx(before)
    assert not recorded(other)  # and never again
    warmed(other)
    assert not recorded(other)


@GPU
def test_what_cannot_be_recorded_is_evaluated_as_ever() -> None:
    wanted = objective(reads_values).evaluate()
    other = warmed(objective(reads_values, "cuda"))
    found = other.evaluate()
    assert not recorded(other) and found.value == pytest.approx(wanted.value)
    torch.testing.assert_close(found.gradient().cpu(), wanted.gradient())
    assert recorded(warmed(objective(device="cuda")))  # another one is none the worse for it


@GPU
def test_a_recording_goes_with_its_objective() -> None:
    warmed(objective(device="cuda"))
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        warmed(objective(device="cuda"))
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_a_stream_of_blocks_is_not_recorded(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "TAPE_LIMIT", 0)
    assert not recorded(warmed(objective())) and Again.made_so_far == 0


def test_on_the_processor_nothing_is_recorded() -> None:
    assert not recorded(warmed(objective()))


def test_recorder(here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    theta = torch.zeros(3)

    def attempts(recorder: Recorder, forward: Any, times: int) -> list[bool]:
        return [recorder.attend(forward, None, theta) is not None for _ in range(times)]

    recorder = Recorder()
    assert attempts(recorder, lambda theta: None, WARM + 2) == [False] * WARM + [True] * 2
    recorder.forget()
    assert attempts(recorder, lambda theta: None, WARM + 1) == [False] * WARM + [True]
    recorder.forget(for_good=True)
    assert not any(attempts(recorder, lambda theta: None, WARM + 1))

    def failing(theta: Tensor) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    other = Recorder()
    assert not any(attempts(other, failing, WARM + 1))
    assert not any(attempts(other, lambda theta: None, 2 * WARM))


def test_agreement_is_that_of_the_precision() -> None:
    x = torch.ones(4, dtype=torch.float32)
    assert agree(x + 1e-5, x) and not agree(x + 1e-2, x)
    assert not agree(x * math.nan, x) and not agree(x.double() + 1e-6, x.double())
