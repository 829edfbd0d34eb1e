"""The local solve: what its record says, and what ends it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sapts_pinn.objectives.flat import scatter_
from sapts_pinn.optim.base import SubdomainStats
from sapts_pinn.optim.curvature import CURVATURES, Identity, SSBroyden, Step
from sapts_pinn.optim.sapts.local_solve import local_solve
from sapts_pinn.optim.sapts.subdomain import LocalEvaluation, Subdomain
from sapts_pinn.optim.trust_region import ROUNDING
from sapts_runs import pinn, sapts
from subdomains import RULE, centred, cut, make, pipeline


def test_a_sweep_is_cut_short_at_its_deadline() -> None:
    """A run of so many seconds does not wait for the steps that a sweep might still take."""
    counts = []
    for deadline in (math.inf, 0.0):
        objective = pinn()
        # The radius of the sweep does not end it.
        optimizer = sapts(objective, "data", parts=3, visits=0, adaptive=False, local_steps=5, radius=1e3)
        optimizer.set_progress(0.0, deadline)
        optimizer.step(objective)
        counts.append([part["steps"] for part in optimizer.info["parts"]])
    assert counts == [[5, 5, 5], [0, 0, 0]]


# -- the local solve -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("decomposition", ["data", "parameters", "stages"])
def test_a_local_solve_is_what_its_record_says(decomposition: str, curvature: str) -> None:
    if curvature == "gauss-newton" and decomposition == "stages":
        pytest.skip("stages have no residuals")
    objective = pipeline("burgers") if decomposition == "stages" else make("burgers")
    division = cut(objective, decomposition, "layers" if decomposition == "parameters" else "interleaved")
    theta, _, _ = centred(division)
    for part in division.own:
        start = part.evaluate(theta)
        z, end, record, pairs = local_solve(part, theta, start, CURVATURES[curvature](), 0.5, 6, RULE)
        assert 0 < record.accepted <= record.steps <= 6 and record.accepted == len(pairs)
        assert record.number == part.number
        again = part.evaluate(z)
        assert again.value == end.value and torch.equal(again.gradient(), end.gradient())
        assert record.gain == pytest.approx(start.value - end.value) and record.gain > 0
        if part.indices is not None:
            frozen = torch.ones(len(theta), dtype=torch.bool).index_fill(0, part.indices, False)
            assert torch.equal(z[frozen], theta[frozen])
        at, look = theta, start
        for s, y, length in pairs:  # secant pairs from point to point
            after = part.evaluate(at + s)
            assert torch.equal(y, after.full_gradient() - look.full_gradient())
            assert length > 0 and after.value < look.value
            at, look = at + s, after
        assert torch.equal(at, z)
        assert record.length == pytest.approx(sum(length for *_, length in pairs))
        scatter_(objective.parameters, theta)


class Cliff(Subdomain):
    """|z|^2 / 2, but not a number where it is shorter than 1, or its gradient there."""

    number = 7

    def __init__(self, of: str) -> None:
        self.of, self.looks = of, 0

    def centre(self, *_: object) -> None:
        pass

    def evaluate(self, z: Tensor) -> LocalEvaluation:
        self.looks += 1
        look = CliffLook()
        inside = float(z.norm()) < 1
        look.value = math.nan if inside and self.of == "value" else 0.5 * float(z @ z)
        look.known = z * math.nan if inside and self.of == "gradient" else z
        return look


class CliffLook(LocalEvaluation):
    whole = True

    def gradient(self) -> Tensor:
        return self.known

    def full_gradient(self) -> Tensor:
        return self.known


@pytest.mark.parametrize("curvature", ["identity", "lbfgs", "lsr1", "ssbroyden"])
@pytest.mark.parametrize("of", ["value", "gradient"])
def test_a_look_that_is_not_finite_is_a_rejection(of: str, curvature: str) -> None:
    part, z = Cliff(of), torch.tensor([3.0, 0.0], dtype=torch.float64)
    z, end, record, pairs = local_solve(part, z, part.evaluate(z), CURVATURES[curvature](), 2.5, 20, RULE)
    assert record.steps == part.looks - 1 == 20 > record.accepted > 0
    assert 1 <= float(z.norm()) < 1.2 and end.value == 0.5 * float(z @ z)
    assert all(torch.isfinite(y).all() for _, y, _ in pairs) and 0 < record.radius < 2.5


def test_a_local_solve_ends_where_nothing_is_left_to_gain() -> None:
    part, z = Cliff("nothing"), torch.tensor([3.0, 1.0], dtype=torch.float64)
    z, end, record, _ = local_solve(part, z, part.evaluate(z), SSBroyden(), 100.0, 50, RULE)
    assert record.steps < 10 and end.value < 1e-30 and record.gain == pytest.approx(5.0)
    still = local_solve(part, z * 0, part.evaluate(z * 0), SSBroyden(), 1.0, 5, RULE)
    assert still[2] == SubdomainStats(7, 0.0, 1.0) and still[3] == [] and torch.equal(still[0], z * 0)


class Promising(Identity):
    """A short step against the gradient, for which some reduction is promised."""

    def __init__(self, predicted: float) -> None:
        super().__init__()
        self.predicted = predicted

    def solve(self, g: Tensor, radius: float) -> Step:
        return Step(-1e-3 * g, self.predicted, True, 1e-3)


@pytest.mark.parametrize(("factor", "steps"), [(0.99, 0), (1.01, 1)])
def test_a_promise_within_rounding_of_the_value_is_not_tried(factor: float, steps: int) -> None:
    part, z = Cliff("nothing"), torch.tensor([2.0, 2.0], dtype=torch.float64)
    noise = ROUNDING * torch.finfo(torch.float64).eps * 4.0  # F_d is 4
    _, _, record, pairs = local_solve(part, z, part.evaluate(z), Promising(factor * noise), 1.0, 1, RULE)
    assert record.steps == record.accepted == len(pairs) == steps and (record.gain > 0) == bool(steps)


class Taught(Identity):
    """The first-order model, which remembers what it is taught."""

    def __init__(self, from_rejected: bool) -> None:
        super().__init__()
        self.learns_from_rejected, self.pairs = from_rejected, list[tuple[Tensor, Tensor]]()

    def update(self, s: Tensor, y: Tensor) -> bool:
        self.pairs.append((s, y))
        return True


@pytest.mark.parametrize("from_rejected", [False, True])
def test_the_model_is_taught_every_step_that_is_taken_and_rejected_ones_if_it_wants(
    from_rejected: bool,
) -> None:
    """Of |z|^2 / 2, whose gradient is z, so that y is s; the second step of 2.5 goes too far."""
    part, z, model = Cliff("nothing"), torch.tensor([3.0, 0.0], dtype=torch.float64), Taught(from_rejected)
    _, _, record, pairs = local_solve(part, z, part.evaluate(z), model, 2.5, 3, RULE)
    assert record.steps == 3 > record.accepted > 0
    assert len(model.pairs) == (3 if from_rejected else record.accepted)
    assert all(torch.equal(s, y) for s, y in model.pairs)
    assert all(torch.equal(s, a) for (s, _), (a, *_) in zip(model.pairs, pairs, strict=False))
