"""The rule of the radius: its guarantees, that nothing else changes one, and the search for the first."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sapts_pinn.optim
from sapts_pinn.optim import SAPTS, MiniBatchSAPTS, RadiusRule, Sweep, TrustRegion
from sapts_pinn.optim.curvature import Step
from sapts_pinn.optim.radius import COARSE, LEAST, MOST
from sapts_pinn.supervised import Supervised

Value = Callable[[float], float]


def searched(value: Value, start: float) -> tuple[float, list[float]]:
    """The radius found and those tried, none of them twice."""
    tried: list[float] = []

    def told(radius: float) -> float:
        assert radius not in tried and radius > 0
        tried.append(radius)
        return value(radius)

    found = RadiusRule().first(told, start)
    values = [v if math.isfinite(v := value(r)) else math.inf for r in tried]
    assert tried[0] == start and found in tried and values[tried.index(found)] == min(values)
    return found, tried


def away(decades: float) -> int:
    """Steps of the coarse search over a distance."""
    return math.ceil(decades / math.log10(COARSE))


@given(
    st.floats(-6, 3),
    st.floats(-6, 6),
    st.floats(0.2, 3.0),
    st.sampled_from(
        [lambda d: abs(d), lambda d: d * d, lambda d: math.expm1(d) - d, lambda d: -1 / (1 + d * d)]
    ),
)
def test_one_valley_from_anywhere(best: float, distance: float, width: float, shape: Value) -> None:
    found, tried = searched(lambda r: shape((math.log10(r) - best) / width), 10.0 ** (best + distance))
    assert abs(math.log2(found) - best * math.log2(10)) <= 1 + 1e-9  # within a factor of 2
    assert len(tried) <= away(abs(distance)) + 10


@given(st.floats(-6, 2), st.floats(-4, 6), st.sampled_from([math.inf, math.nan]))
def test_large_radii_fail(edge: float, distance: float, failure: float) -> None:
    """Where the loss falls up to the radius from which it is no number."""
    found, tried = searched(
        lambda r: failure if math.log10(r) > edge else -math.log10(r), 10.0 ** (edge + distance)
    )
    assert edge - math.log10(2) - 1e-9 <= math.log10(found) <= edge
    assert len(tried) <= away(abs(distance)) + 10


@pytest.mark.parametrize("start", [1e-3, 4e-3])
def test_the_deeper_of_two_valleys(start: float) -> None:
    """One at the start, a deeper one two steps away, a hill between them."""

    def value(radius: float) -> float:
        distance = math.log(radius / start, COARSE)
        return min(abs(distance), abs(distance - 2) - 0.5)

    assert value(start * COARSE) > value(start) > value(start * COARSE**2)
    assert searched(value, start)[0] == start * COARSE**2


def test_the_second_best_is_refined_as_well() -> None:
    """Its neighbour is the best of all, for which the loss has no other sign."""
    values = {1.0: 1.0, 4.0: 3.0, 0.25: 2.9, 16.0: 1.1, 32.0: 0.0}
    assert searched(lambda r: values.get(r, 5.0), 1.0)[0] == 32.0


@pytest.mark.parametrize("failure", [math.inf, math.nan])
@pytest.mark.parametrize("start", [1e-3, 1e5, 1e-15])
def test_all_fail(failure: float, start: float) -> None:
    found, tried = searched(lambda r: failure, start)
    assert found == start and len(tried) <= away(math.log10(MOST / LEAST)) + 10
    assert min(tried) < max(2 * LEAST, start) and max(tried) < COARSE**2 * max(MOST, start)


@pytest.mark.parametrize("start", [1e-15, 1e9])
def test_a_start_out_of_bounds(start: float) -> None:
    found, _ = searched(lambda r: abs(math.log2(r)), start)
    assert 0.5 <= found <= 2.0


def test_of_equals_the_first() -> None:
    assert searched(lambda r: 1.0, 1e-3)[0] == 1e-3


# -- what the other methods guarantee ------------------------------------------------------------------------

positive = st.floats(1e-9, 1e9)
ratios = st.floats(-20, 20) | st.just(-math.inf)


def step_of(length: float, on_boundary: bool) -> Step:
    return Step(torch.zeros(1), 1.0, on_boundary, length)


@given(positive, positive, ratios, st.booleans(), st.booleans())
def test_after_a_step(radius: float, length: float, rho: float, on_boundary: bool, accepted: bool) -> None:
    rule = RadiusRule()
    found = rule.next(radius, rho, step_of(length, on_boundary), accepted)
    if not accepted or rho < rule.shrink:
        assert found < length
        assert found == rule.next(radius, min(rho, 0.2), step_of(length, on_boundary), False)
    elif rho > rule.grow and on_boundary:
        assert found >= max(radius, length)
    else:
        assert found == radius
    bounded = RadiusRule(min_radius=0.5, max_radius=0.6)
    assert 0.5 <= bounded.next(radius, rho, step_of(length, on_boundary), accepted) <= 0.6


@given(positive)
def test_after_resets_failures_and_recoveries(radius: float) -> None:
    rule = RadiusRule()
    assert rule.after_reset(radius) == max(radius, 1.0)
    assert 0 < rule.after_failed_sweep(radius) < radius
    assert 0 < rule.after_rejected_sweep(radius, False) < rule.after_rejected_sweep(radius, True) < radius
    assert radius < rule.recovered(radius, 2 * radius) and rule.recovered(radius, radius) == radius
    assert rule.annealed(radius, -1.0) == rule.annealed(radius, 0.0) == radius
    assert rule.annealed(radius, 0.75) == pytest.approx(0.25 * radius)
    assert rule.annealed(radius, 1.0) == rule.annealed(radius, 2.0) == 0


def test_candidates_lie_around_the_radius() -> None:
    radii = RadiusRule().candidates(2.0, torch.zeros(1, dtype=torch.float64)).tolist()
    assert radii == sorted(radii) and radii[0] == pytest.approx(2 / 3) and radii[-1] == pytest.approx(6)
    assert RadiusRule().probed(step_of(0.3, True)) == 0.3 and RadiusRule().probed(step_of(0.0, False)) > 0


@given(st.lists(positive, min_size=1, max_size=5))
def test_pooled_radii(radii: list[float]) -> None:
    found = RadiusRule().pooled(radii)
    assert found == pytest.approx(math.prod(r ** (1 / len(radii)) for r in radii))
    assert RadiusRule().pooled([*radii, 0.0]) > 0


def test_the_reach_of_sweeps() -> None:
    rule = RadiusRule()
    assert (
        rule.next_reach(math.inf, 0.1, 8.0) == 4.0 and rule.next_reach(math.inf, -math.inf, 0.0) == math.inf
    )
    assert rule.next_reach(4.0, 0.9, 3.0) == 8.0 and rule.next_reach(4.0, 0.9, 1.0) == 4.0
    assert rule.next_reach(4.0, 0.5, 4.0) == 4.0
    assert rule.within_reach(1.0, math.inf, 100.0) == 1.0 and rule.within_reach(1.0, 4.0, 3.5) == 0.5
    assert rule.within_reach(1.0, 4.0, 4.0) == 0.0
    assert rule.cut(1.0, 4.0) == 0.25 and rule.cut(4.0, 1.0) == rule.cut(1.0, 0.0) == 1.0


# -- nothing else changes a radius ---------------------------------------------------------------------------

RADII = {"radius", "radii", "reach", "most", "bound"}
SOLVERS = ("subproblem", "curvature", "moments.py")  # they make a step of a given radius


def of_a_radius(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id in RADII) or (
        isinstance(node, ast.Attribute) and node.attr in RADII
    )


def changes(tree: ast.AST) -> Iterator[ast.AST]:
    """Arithmetic on a radius: operators, and functions of numbers."""
    for node in ast.walk(tree):
        operands: list[ast.AST] = []
        if isinstance(node, ast.BinOp):
            operands = [node.left, node.right]
        elif isinstance(node, ast.AugAssign):
            operands = [node.target]
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in ("max", "min", "exp", "log", "sqrt", "pow", "clamp", "mul", "logspace"):
                operands = list(node.args)
        if any(of_a_radius(operand) for operand in operands):
            yield node


@pytest.mark.parametrize(
    "text", ["self.radius *= 0.5", "x = max(radius, 1.0)", "y = (i, 2 * part.radius)", "z = f(reach - way)"]
)
def test_the_search_for_arithmetic_finds_it(text: str) -> None:
    assert [*changes(ast.parse(text))]


def test_there_is_no_arithmetic_on_a_radius_outside_the_rule() -> None:
    root = Path(sapts_pinn.optim.__file__).parent
    files = [path for path in root.rglob("*.py") if not set(path.relative_to(root).parts) & set(SOLVERS)]
    assert len(files) > 15
    for path in files:
        found = [ast.unparse(node) for node in changes(ast.parse(path.read_text()))]
        assert path.name == "radius.py" or not found, (path, found)


@dataclass(frozen=True)
class Constant(RadiusRule):
    """Every radius is 0.01, whatever happens."""

    def next(self, radius: float, rho: float, step: Step, accepted: bool) -> float:
        return 0.01

    def after_reset(self, radius: float) -> float:
        return 0.01

    def pooled(self, radii: object) -> float:
        return 0.01

    def after_failed_sweep(self, radius: float) -> float:
        return 0.01

    def annealed(self, radius: float, used: float) -> float:
        return 0.01

    def recovered(self, radius: float, upper: float) -> float:
        return 0.01

    def after_rejected_sweep(self, radius: float, finite: bool) -> float:
        return 0.01

    def first(self, loss_of: Callable[[float], float], start: float, before: float = -math.inf) -> float:
        loss_of(0.01)
        return 0.01


@pytest.mark.parametrize("name", ["trust region", "sweeps", "mini-batches"])
def test_another_rule_can_be_given(name: str) -> None:
    x = torch.nn.Parameter(torch.tensor([3.0, -2.0], dtype=torch.float64))
    if name == "mini-batches":
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = torch.nn.Linear(2, 2).double()
        inputs = torch.randn(64, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        objective = Supervised(network, inputs, (inputs[:, 0] > 0).long())
        optimizer: TrustRegion | MiniBatchSAPTS = MiniBatchSAPTS(
            network.parameters(), batch=8, steps=2, rule=Constant()
        )
        steps = [optimizer.step(objective) for _ in range(5)]
    else:

        def closure() -> torch.Tensor:
            x.grad = None
            loss = (x**4).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        sweep = Sweep("layers", adaptive=False, local_steps=3, global_steps=1, visits=0)
        optimizer = (
            TrustRegion([x], rule=Constant())
            if name == "trust region"
            else SAPTS([x], "parameters", 1, sweep=sweep, rule=Constant())
        )
        steps = [optimizer.step(closure) for _ in range(5)]
    assert float(steps[-1]) < float(steps[0]) and optimizer.radius == optimizer.info.radius == 0.01


@pytest.mark.parametrize(("before", "expected"), [(2.0, 1.0), (1.6, 4.0), (-math.inf, 4.0)])
def test_of_radii_nearly_as_good_the_smallest_is_the_first(before: float, expected: float) -> None:
    """A radius counts as good that lacks less than three hundredths of the largest reduction."""
    values = {16.0: 1.5, 8.0: 1.4, 4.0: 1.0, 2.0: 1.5, 1.0: 1.0 + 0.025, 0.5: 1.2, 0.25: 1.3}
    assert RadiusRule().first(lambda r: values.get(r, 5.0), 1.0, before) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"shrink_factor": 0.0},
        {"shrink_factor": 1.0},
        {"grow_factor": 1.0},
        {"min_radius": -0.1},
        {"min_radius": 0.5, "max_radius": 0.5},
    ],
)
def test_factors_and_bounds_out_of_range_are_one_sentence(options: dict[str, float]) -> None:
    with pytest.raises(
        ValueError, match=r"^0 < shrink_factor < 1 < grow_factor and 0 <= min_radius < max_ra"
    ):
        RadiusRule(**options)
    RadiusRule(shrink_factor=0.01, grow_factor=1.01, min_radius=0.0, max_radius=0.01)
