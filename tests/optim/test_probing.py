"""The trust region's model and radius: when a model is given up, and which of the probed radii is taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from closures import closure_of
from sapts_pinn.objectives.closure import ClosureObjective
from sapts_pinn.optim import TrustRegion
from sapts_pinn.optim.curvature import Identity, Step
from sapts_pinn.optim.trust_region import PATIENCE


class Watched(Identity):
    """The first-order model, which remembers what it is asked for; `replaced` is what `reset` returns."""

    def __init__(self, replaced: bool) -> None:
        super().__init__()
        self.replaced, self.resets = replaced, 0

    def reset(self) -> bool:
        self.resets += 1
        return self.replaced

    def solve_many(self, g: Tensor, radii: Tensor) -> list[Step]:
        return [self.solve(g, float(radius)) for radius in radii]


@pytest.mark.parametrize("replaced", [True, False])
def test_after_so_many_rejections_in_a_row_the_model_is_given_up(replaced: bool) -> None:
    """The radius begins anew where another model takes its place; an accepted step ends the count."""
    x, down = nn.Parameter(torch.ones(1, dtype=torch.float64)), False

    def closure() -> float:
        x.grad = torch.ones_like(x)
        return float(x.detach()) if down or float(x.detach()) == 1.0 else 2.0

    model = Watched(replaced)
    optimizer = TrustRegion([x], model)
    objective = ClosureObjective(closure, [x])
    for k in range(1, 2 * PATIENCE + 1):
        before = optimizer.radius
        optimizer.step(objective)
        assert not optimizer.info.accepted and model.resets == k // PATIENCE
        assert optimizer.radius == 1.0 if replaced and k % PATIENCE == 0 else optimizer.radius < before
        optimizer.radius = max(optimizer.radius, 1e-9)  # what is promised stays above rounding
    optimizer.step(objective)
    down = True
    optimizer.step(objective)
    assert optimizer.info.accepted and optimizer.rejections == 0 and model.resets == 2


@pytest.mark.parametrize(
    ("radius", "target", "accepted"),
    [(0.1, 0.5, True), (1.0, 0.5, True), (1.0, 0.75, True), (8.0, 0.5, False)],
)
def test_probing_takes_the_longest_step_whose_ratio_reaches_the_target(
    radius: float, target: float, accepted: bool
) -> None:
    """For f = x^2 / 2 at 1 the model promises r for a step of r, and f falls by r - r^2 / 2."""
    x = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = TrustRegion([x], Watched(False), radius, target_ratio=target)
    radii = optimizer.rule.candidates(radius, x).tolist()
    good = [r for r in radii if 1 - r / 2 >= target] or radii[:1]
    objective = ClosureObjective(closure_of(lambda x: 0.5 * (x**2).sum(), x), [x])
    optimizer.step(objective)
    assert optimizer.info.length == good[-1] and optimizer.info.accepted == accepted
    assert float(x.detach()) == (1 - good[-1] if accepted else 1.0)
    tried = len(good) + (good[-1] != radii[-1]) if accepted else 1  # up to the first that fails
    assert objective.counters.functions == 1 + tried + 1


def test_probing_ends_with_a_step_that_no_radius_limits() -> None:
    """All larger radii would give the same step, here even the least of them."""
    x = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))

    class Newton(Watched):
        def solve(self, g: Tensor, radius: float) -> Step:
            return Step(-g, 0.5 * float(g @ g), False, float(g.norm()))

    optimizer = TrustRegion([x], Newton(False), 50.0, target_ratio=0.1)
    objective = ClosureObjective(closure_of(lambda x: 0.5 * (x**2).sum(), x), [x])
    optimizer.step(objective)
    assert float(x.detach()) == 0.0 and optimizer.info.rho == 1.0 and optimizer.radius == 3.0
    assert objective.counters.functions == 3  # the start, one probe, the step
