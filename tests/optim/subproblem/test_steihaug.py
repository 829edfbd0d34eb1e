"""Truncated conjugate gradients: consistent, within half of the optimum, to their tolerance."""

import pytest

from sapts_pinn.optim.subproblem.steihaug import steihaug
from subproblems import RADII, best_reduction, cases, check_consistent, in_halves, model


@cases
@pytest.mark.parametrize("radius", RADII)
def test_iterative_steps_are_consistent(kind: str, n: int, radius: float) -> None:
    B, g = model(kind, n)
    mv = lambda v: B @ v
    for step in (
        steihaug(g, mv, radius),
        steihaug(g, mv, radius, in_halves, tolerance=1e-12, max_iterations=3),
    ):
        check_consistent(step, B, g, radius)


def test_steihaug_halves_the_optimal_reduction_at_worst() -> None:
    """Yuan's theorem (2000) for a convex model, taken to convergence."""
    for seed in range(5):
        B, g = model("definite", 30, seed)
        for radius in (0.1, 1.0, 3.0):
            step = steihaug(g, lambda v, B=B: B @ v, radius, tolerance=1e-12)
            assert step.predicted >= best_reduction(B, g, radius) / 2


def test_steihaug_stops_at_its_tolerance() -> None:
    B, g = model("definite", 30)
    for tolerance in (0.5, 1e-2, 1e-6):
        step = steihaug(g, lambda v: B @ v, 1e6, tolerance=tolerance)
        assert float((B @ step.s + g).norm()) <= tolerance * float(g.norm()) * (1 + 1e-8)
