"""Self-scaled Broyden over ranks that divide the rows of H, against the same in one process."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from draws import randn
from sapts_pinn.errors import InputError
from sapts_pinn.networks.build import build_network
from sapts_pinn.networks.model import Model
from sapts_pinn.objectives.base import ResidualEvaluation
from sapts_pinn.objectives.least_squares import LeastSquares
from sapts_pinn.optim.curvature import SSBroyden, ssbroyden
from sapts_pinn.optim.curvature.low_rank_update import FULL
from sapts_pinn.optim.sapts.stages import ShardedProducts
from sapts_pinn.parallel.communicator import Communicator, SingleProcess
from sapts_pinn.problems import build
from thread_ranks import on_ranks

STEPS = 30
N = 41  # which neither 2 nor 4 divides
KINDS = ("whole", "shards")  # the vectors that a model is given


class Here:
    """A rank's model and what its caller has of vectors: the whole, or shards as long as 1 : 2 : 3 : ..."""

    def __init__(self, ranks: Communicator, kind: str, n: int = N) -> None:
        self.ranks, self.n = ranks, n
        ends = [n * k * (k + 1) // (ranks.size * (ranks.size + 1)) for k in range(ranks.size + 1)]
        self.cut = slice(0, n)
        if kind == "shards":
            self.cut = slice(ends[ranks.rank], ends[ranks.rank + 1])
        self.kind = kind
        self.model = self.fresh()

    def fresh(self) -> SSBroyden:
        if self.kind == "shards":
            return SSBroyden.sharded(ShardedProducts(self.ranks))
        return SSBroyden.divided_among(self.ranks) if self.ranks.size > 1 else SSBroyden()

    def own(self, v: Tensor) -> Tensor:
        return v[self.cut].clone()

    def whole(self, v: Tensor) -> Tensor:
        return torch.cat(self.ranks.gather_objects(v)) if self.kind == "shards" else v

    @property
    def held(self) -> slice:
        """The rows of H that it should hold."""
        size, rank = self.ranks.size, self.ranks.rank
        return (
            self.cut if self.kind == "shards" else slice(rank * self.n // size, (rank + 1) * self.n // size)
        )


def convex(n: int) -> Callable[[Tensor], Tensor]:
    """Gradient of a convex function that is no quadratic."""
    A = randn(n, n, seed=3)
    A = A @ A.T / n + 0.1 * torch.eye(n, dtype=torch.float64)
    return lambda x: A @ x + torch.tanh(x) ** 3


def take_steps(here: Here, steps: int = STEPS, start: int = 0, x: Tensor | None = None) -> list[Any]:
    """Steps, rejected ones and foreign pairs among them; whole vectors, and numbers."""
    model, gradient, found = here.model, convex(here.n), []
    x = randn(here.n, seed=1) if x is None else x
    for k in range(start, start + steps):
        g = gradient(x)
        step = model.solve(here.own(g), 0.5)
        if k % 4 == 3:  # rejected: the same point with another radius
            step = model.solve(here.own(g), 0.125)
        s = here.whole(step.s)
        assert model.update(step.s, here.own(gradient(x + s) - g))
        if k % 5 == 4:
            pairs = []
            for i in range(3):
                z, d = randn(here.n, seed=100 + 3 * k + i), randn(here.n, seed=500 + 3 * k + i)
                y = gradient(z + d) - gradient(z) if i else -d  # the first has no curvature
                pairs.append((here.own(d), here.own(y), None if i == 1 else float(d.norm())))
            assert model.learn_all(pairs) == 2
        x = x + s
        found.append((s, step.predicted, step.length, step.on_boundary, model.square(here.own(g))))
    return [*found, x]


def same(found: list[Any], expected: list[Any], tolerance: float = 1e-12) -> None:
    for mine, its in zip(found[:-1], expected[:-1], strict=True):
        assert float((mine[0] - its[0]).norm()) <= tolerance * float(its[0].norm())
        assert mine[1:] == pytest.approx(its[1:], rel=10 * tolerance)
    assert float((found[-1] - expected[-1]).norm()) <= tolerance * float(expected[-1].norm())


def near(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> bool:
    return a.shape == b.shape and float((a - b).norm()) <= tolerance * max(float(b.norm()), 1e-300)


@pytest.mark.parametrize("n", [N, 300])  # of 300 parameters on the compiled product is used
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 4])
def test_ranks_take_the_steps_of_one_process(size: int, kind: str, n: int) -> None:
    alone = Here(SingleProcess(), "whole", n)
    alone.model = SSBroyden()
    expected = take_steps(alone)
    assert 2 * STEPS + 4 * (STEPS // 5) > FULL  # corrections were folded

    def work(ranks: Communicator) -> Any:
        here = Here(ranks, kind, n)
        return take_steps(here), here.model.H, here.held, here.model._matrix.base.shape

    H, held = alone.model.H, []
    for found, rows, its, shape in on_ranks(size, work):
        same(found, expected)
        assert shape == (its.stop - its.start, n) and near(rows, H[its])
        held += [*range(n)[its]]
    assert held == [*range(n)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_gathers_n_numbers_at_most_twice(kind: str) -> None:
    """Where vectors are shards it also sums two numbers, to know again the gradient that it has derived."""

    def work(ranks: Communicator) -> list[tuple[int, int]]:
        here, gradient, spent, x = Here(ranks, kind), convex(N), [], randn(N, seed=1)
        for accepted in (True, True, False, True):
            before, g = replace(ranks.traffic), gradient(x)
            step = here.model.solve(here.own(g), 0.5)
            if accepted:
                s = here.whole(step.s)
                here.model.update(step.s, here.own(gradient(x + s) - g))
                x = x + s
            now = ranks.traffic
            spent.append((now.collectives - before.collectives, now.bytes - before.bytes))
        return spent

    # Each sends its rows of a product, and its shard of a vector, as long as the longest of all ranks.
    row, two = 8 * (N - N // 3 if kind == "shards" else N - N // 2), 16
    taken, refused = ((3, 2 * row + two), (1, two)) if kind == "shards" else ((1, row), (0, 0))
    first = (4, 4 * row) if kind == "shards" else (2, 2 * row)  # which also multiplies the gradient
    assert on_ranks(2, work) == [[first, taken, refused, taken]] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [2, 3])
def test_symmetrised_it_is_that_of_one_process(size: int, kind: str) -> None:
    def work(ranks: Communicator) -> Tensor:
        here = Here(ranks, kind)
        take_steps(here, 5)
        here.model.H = randn(N, N, seed=9)[here.held].clone()
        here.model.symmetrise()
        assert here.model.H is not None
        return here.model.H

    whole = randn(N, N, seed=9)
    assert torch.equal(torch.cat(on_ranks(size, work)), 0.5 * (whole + whole.T))


@pytest.mark.parametrize("kind", KINDS)
def test_the_product_with_the_inverse_solves(kind: str) -> None:
    def work(ranks: Communicator) -> Tensor:
        here, v = Here(ranks, kind), randn(N, seed=4)
        assert torch.equal(here.whole(here.model.mv(here.own(v))), v)  # of the identity
        take_steps(here, 6)
        newton = here.model.solve(here.own(v), math.inf).s
        return here.whole(here.model.mv(newton)) + v

    for left in on_ranks(2, work):
        assert float(left.norm()) < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_a_branch_corrects_the_rows_that_it_shares_for_itself(kind: str) -> None:
    def work(ranks: Communicator) -> tuple[Any, Any, bool]:
        here = Here(ranks, kind)
        *_, x = take_steps(here, 6)
        before = here.model.H.clone()
        branched, copied = Here(ranks, kind), Here(ranks, kind)
        branched.model = here.model.branch()
        copied.model.load_state_dict(here.model.state_dict())
        steps = take_steps(branched, 8, 6, x), take_steps(copied, 8, 6, x)
        return *steps, torch.equal(here.model.H, before) and not torch.equal(copied.model.H, before)

    for branched, copied, kept in on_ranks(2, work):
        same(branched, copied, 1e-9)
        assert kept


# -- rebuilds ------------------------------------------------------------------------------------------------


def evaluation() -> ResidualEvaluation:
    generator = torch.Generator().manual_seed(0)
    network = build_network((5,), 1, 1, generator, torch.float64)
    model = Model(build("poisson-1d"), network)
    return LeastSquares(
        model, {t.name: t.sites(40, generator, "uniform") for t in model.problem.terms}
    ).evaluate()


def rebuilt(ranks: Communicator, look: ResidualEvaluation) -> tuple[Tensor, float, slice]:
    here = Here(ranks, "whole", look.size)
    g = look.gradient()
    step = here.model.solve(g, 1.0)
    here.model.update(step.s, 2.0 * step.s)
    here.model.prepare(look)
    assert here.model.reset() and here.model.H is not None
    return here.model.H, here.model.scale, here.held


@pytest.mark.parametrize("size", [2, 3])
def test_rebuilt_it_has_rows_of_the_damped_gauss_newton_inverse(size: int) -> None:
    expected, *_ = rebuilt(SingleProcess(), evaluation())
    looks = [evaluation() for _ in range(size)]
    for rows, _, held in on_ranks(size, lambda ranks: rebuilt(ranks, looks[ranks.rank])):
        assert near(rows, expected[held]) and rows.untyped_storage().nbytes() == rows.nbytes


def test_where_one_rank_cannot_form_its_jacobian_all_begin_with_a_multiple_of_the_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = [evaluation(), evaluation()]
    n = looks[0].size
    identity = torch.eye(n, dtype=torch.float64)
    for limit, formed in ((looks[0].rows * n + 1, True), (looks[0].rows * n, False)):
        monkeypatch.setattr(ssbroyden, "DENSE", limit)
        monkeypatch.setattr(type(looks[0]), "gram", lambda self: 3.0 * identity)
        for rows, scale, held in on_ranks(2, lambda ranks: rebuilt(ranks, looks[ranks.rank])):
            assert torch.equal(rows, scale * identity[held]) != formed


def test_a_rank_with_more_residuals_decides_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [evaluation(), evaluation()]
    n, rows = looks[0].size, looks[0].rows
    monkeypatch.setattr(ssbroyden, "DENSE", (rows + 1) * n)
    for more in (0, 1):

        def work(ranks: Communicator, more: int = more) -> Any:
            here = Here(ranks, "whole", n)
            return here.model._rows.agree(here.model._formable(rows + more * ranks.rank, n))

        assert on_ranks(2, work) == [not more, not more]


# -- states --------------------------------------------------------------------------------------------------


def saved(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


def run_to(size: int, kind: str, steps: int) -> list[tuple[dict[str, Any], Tensor]]:
    def work(ranks: Communicator) -> tuple[dict[str, Any], Tensor]:
        here = Here(ranks, kind)
        *_, x = take_steps(here, steps)
        return saved(here.model.state_dict()), x

    return on_ranks(size, work)


@pytest.mark.parametrize("steps", [0, 1, 9])
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 4), (3, 2)])
def test_the_state_of_rank_0_goes_on_over_any_number_of_ranks(before: int, after: int, steps: int) -> None:
    state, x = run_to(before, "whole", steps)[0]

    def work(ranks: Communicator) -> Any:
        here = Here(ranks, "whole")
        here.model.load_state_dict(state)
        return take_steps(here, 10, steps, x)

    (expected,) = on_ranks(1, lambda ranks: take_steps(Here(ranks, "whole"), steps + 10))
    for found in on_ranks(after, work):
        same(found, expected[steps:])


@pytest.mark.parametrize("kind", KINDS)
def test_on_as_many_ranks_each_goes_on_from_its_own_state_bit_for_bit(kind: str) -> None:
    states = run_to(2, kind, 7)

    def work(ranks: Communicator) -> tuple[list[Any], list[Any]]:
        whole, again = Here(ranks, kind), Here(ranks, kind)
        *_, x = take_steps(whole, 7)
        state, _ = states[ranks.rank]
        again.model.load_state_dict(state)
        return take_steps(whole, 10, 7, x), take_steps(again, 10, 7, x)

    for found, expected in on_ranks(2, work):
        same(found, expected, 0.0)


def test_states_that_lack_rows_are_refused() -> None:
    (_, _), (second, _) = run_to(2, "whole", 3)
    with pytest.raises(
        InputError, match=r"rows 20 to 41 .* of 41 .* and not rows 0 to 41; load the state of"
    ):
        SSBroyden().load_state_dict(second)
    shards = [state for state, _ in run_to(2, "shards", 3)]
    with pytest.raises(InputError, match="the ranks' states together are not all; load it on as many ranks"):
        Here(SingleProcess(), "shards").model.load_state_dict(shards[1])
    with pytest.raises(InputError, match="rows 13 to 41 of a matrix of 41 that ranks have divided, and not"):
        on_ranks(2, lambda ranks: Here(ranks, "shards").model.load_state_dict(shards[1 - ranks.rank]))
